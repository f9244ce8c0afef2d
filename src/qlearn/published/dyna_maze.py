"""Sutton and Barto, example 8.1 and figure 8.2: planning steps shorten learning in the Dyna maze.

Conditions: α = 0.1, ε = 0.1, discount 0.95, values start at 0; 0, 5 and 50 planning steps.  The first episode is a walk
at random, whose expected length is exact; the other averages are an independent simulation's, of some hundred runs.

What planning draws hardly matters: another independent simulation, of 20,000 runs and more, came to 23.33 ± 0.06 steps
in episode 5 (5 planning steps) and 17.62 ± 0.02 in episode 3 (50) with a state first and then an action, as the book
has it, and to 22.96 ± 0.06 and 17.52 ± 0.02 with pairs of both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import DynaQ
from qlearn.environments import FiniteMDP
from qlearn.environments.problems import dyna_maze
from qlearn.published.claim import Claim, Progress, Reproduced, Reproduction, exact, measured, statement
from qlearn.published.drawing import curves
from qlearn.rules import EpsilonGreedy
from qlearn.training import train_many

_EPISODES = 50
_SIMULATED = "an independent simulation"
_RUNS = 1000  # that the independent simulation is taken to have had, for its own error
_EXPECTED = {0: (25, 25.8), 5: (5, 22.4), 50: (3, 17.5)}


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train Dyna-Q with 0, 5 and 50 planning steps for 50 episodes."""
    maze = dyna_maze()
    agents = {n: DynaQ(planning_steps=n, exploration=EpsilonGreedy(0.1)) for n in _EXPECTED}
    found = train_many(list(agents.values()), maze, episodes=_EPISODES, seeds=seeds, progress=progress)
    data = {f"{n} planning steps": runs.lengths.astype(np.float32) for n, runs in zip(agents, found, strict=True)}
    claims: list[Claim] = [measured("steps of the first episode", 868.725, data["0 planning steps"][:, 0], "exact")]
    for n, (episode, expected) in _EXPECTED.items():
        values = data[f"{n} planning steps"][:, episode - 1]
        error = 2 * float(values.std()) / np.sqrt(_RUNS)
        what = f"steps of episode {episode}, {n} planning steps"
        claims.append(measured(what, expected, values, _SIMULATED, tolerance=error))
    floor = least_steps(maze, 0.1)
    claims.append(exact("least steps that exploring with ε 0.1 leaves", 15.81, floor, "exact", tolerance=0.005))
    reached = [int(np.argmax(values.mean(axis=0) < floor + 3)) + 1 for values in data.values()]
    told = "about 25 episodes without planning, about 5 with 5 steps, about 3 with 50"
    seen = f"within 3 steps of the optimum from episodes {reached[0]}, {reached[1]} and {reached[2]} on"
    fine = 20 <= reached[0] <= 40 and 4 <= reached[1] <= 8 and 2 <= reached[2] <= 4
    claims.append(statement("episodes to reach (near) the optimum", told, seen, fine, "example 8.1, text"))
    return Reproduced(tuple(claims), data)


def least_steps(maze: FiniteMDP, epsilon: float) -> float:
    """Return the expected length of an episode of the best policy among those that explore with ``epsilon``.

    >>> round(least_steps(dyna_maze(), 0.1), 2)
    15.81
    """
    goes, shape, steps = maze.transition_matrix(), (maze.num_states, maze.num_actions), np.zeros(maze.num_states)
    for _ in range(2000):
        each = 1.0 + (goes @ steps).reshape(shape)
        steps = (1 - epsilon) * each.min(axis=1) + epsilon * each.mean(axis=1)
    return float(maze.initial @ steps)


def draw(result: Reproduced) -> Figure:
    """Steps of each episode from the second on, as the book draws them."""
    lines = {name: values[:, 1:] for name, values in result.data.items()}
    title = "Dyna maze: α 0.1, ε 0.1, discount 0.95"
    x = np.arange(2, _EPISODES + 1)
    return curves(x, lines, title=title, across="episode", along="steps of the episode", limits=(0, 800))


REPRODUCTION = Reproduction("sb-8.2", 250, run, draw)
