"""Sutton and Barto, example 6.6 and the section on Expected Sarsa: walking beside a cliff.

Conditions: discount 1, α = 0.5, ε = 0.1, values start at 0, 500 episodes.  The book draws sums of rewards during
episodes, smoothed, and prints no number; the numbers here are simulations of others and exact values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import ExpectedSarsa, QLearning, Sarsa
from qlearn.environments import make
from qlearn.published.claim import Claim, Progress, Reproduced, Reproduction, measured, statement
from qlearn.published.drawing import curves
from qlearn.rules import EpsilonGreedy
from qlearn.training import train_many

_SIMULATED = "an independent simulation, episodes 101 to 500, standard deviation of a run {}"
_EXPECTED = {"Q-learning": (-49.7, 3.5), "Sarsa": (-27.7, 3.8), "Expected Sarsa": (-21.0, 1.0)}
_RUNS = 100  # that the independent simulation is taken to have had, for its own error


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train the three agents; the mean return of episodes 101 to 500, and which is best online."""
    settings: dict[str, Any] = {"learning_rate": 0.5, "discount": 1.0, "exploration": EpsilonGreedy(0.1)}
    agents: dict[str, Any] = {"Q-learning": QLearning(**settings), "Sarsa": Sarsa(**settings)}
    agents["Expected Sarsa"] = ExpectedSarsa(**settings)
    found = train_many(list(agents.values()), make("CliffWalking-v1"), episodes=500, seeds=seeds, progress=progress)
    data = {name: runs.returns for name, runs in zip(agents, found, strict=True)}
    claims: list[Claim] = []
    for name, (expected, deviation) in _EXPECTED.items():
        late = data[name][:, 100:].mean(axis=1)
        tolerance = 2 * deviation / np.sqrt(_RUNS)
        what = f"return of episodes 101 to 500, {name}"
        claims.append(measured(what, expected, late, _SIMULATED.format(deviation), tolerance=tolerance))
    means = {name: float(values[:, 100:].mean()) for name, values in data.items()}
    order = sorted(means, key=lambda name: -means[name])
    fine = order == ["Expected Sarsa", "Sarsa", "Q-learning"]
    told = "Sarsa earns more online than Q-learning, Expected Sarsa more than both"
    claims.append(statement("order online", told, " > ".join(order), fine, "example 6.6 and figure 6.3"))
    return Reproduced(tuple(claims), data)


def draw(result: Reproduced) -> Figure:
    """Sum of rewards during an episode, averaged over seeds and over ten episodes."""
    lines = {name: values.reshape(len(values), -1, 10).mean(axis=2) for name, values in result.data.items()}
    x = np.arange(5, 500, 10)
    title = "Cliff walking: α 0.5, ε 0.1, discount 1"
    return curves(x, lines, title=title, across="episode", along="sum of rewards during episode", limits=(-100, -15))


REPRODUCTION = Reproduction("sb-6.4", 400, run, draw)
