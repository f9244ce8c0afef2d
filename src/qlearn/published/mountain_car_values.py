"""Sutton and Barto, figure 10.1: the cost to go, −max q, while semi-gradient Sarsa learns mountain car.

α is 0.5/8.  The book draws one run: at step 428, when no episode had been completed yet, and after episodes 12, 104,
1,000 and 9,000.  The text says what it shows: what was visited looks worse than what was not, so that the car explores
although ε is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.published.claim import Progress, Reproduced, Reproduction, measured, statement
from qlearn.published.mountain_car_parts import HIGH, LOW, Numbers, car, sarsa
from qlearn.reports.style import new_figure, style
from qlearn.training import train

_EPISODES = (12, 104, 1000, 9000)
_STEP = 428
_GRID = 41
_VALLEY = np.array([[-0.5, 0.0]], np.float32)
_TEXT = "section 10.1, on figure 10.1"


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train to each of the book's moments, and look at the values on a grid."""
    agent, world = sarsa(0.5), car()
    runs: dict[str, Any] = {f"step {_STEP}": train(agent, world, steps=_STEP, seeds=seeds, progress=progress)}
    for episodes in _EPISODES:
        runs[f"episode {episodes}"] = train(agent, world, episodes=episodes, seeds=seeds, progress=progress)
    costs = {name: _costs(one, seeds) for name, one in runs.items()}
    early, late = runs[f"step {_STEP}"], runs[f"episode {_EPISODES[-1]}"]
    unfinished = early.num_episodes == 0
    begun = _cost_in_valley(early, seeds)
    untouched = np.array([cost.min() for cost in costs[f"step {_STEP}"]])
    told = _cost_in_valley(late, seeds)
    took = late.lengths[:, -1000:].mean(axis=1)
    claims = (
        statement(
            f"step {_STEP}",
            "not even one episode had been completed",
            f"so in {unfinished.sum()} of {unfinished.size} runs",
            bool(unfinished.mean() > 0.5),
            _TEXT,
        ),
        statement(
            "what was visited, in the valley",
            "looks worse than what was not, whose cost to go is 0",
            f"{begun.mean():.0f} steps (fewest of a run {begun.min():.0f}) against {np.abs(untouched).max():.0f}",
            bool(begun.min() > 1 and np.abs(untouched).max() == 0.0),
            _TEXT,
        ),
        measured(
            "cost to go in the valley after 9,000 episodes, over the steps of the last 1,000 episodes",
            1.0,
            told / took,
            "what a cost to go is, in steps",
            tolerance=0.1,
        ),
    )
    data = {name: cost[0] for name, cost in costs.items()} | {"steps": late.lengths.astype(np.float64)}
    return Reproduced(claims, data)


def _axes() -> tuple[Numbers, Numbers]:
    return tuple(np.linspace(a, b, _GRID) for a, b in zip(LOW, HIGH, strict=True))  # type: ignore[return-value]


def _costs(runs: Any, seeds: Sequence[int]) -> list[Numbers]:
    """−max q of every run over position (down) and velocity (across)."""
    points = np.stack(np.meshgrid(*_axes(), indexing="ij"), axis=-1).reshape(-1, 2).astype(np.float32)
    return [-runs.q_function(seed)(points).max(axis=1).reshape(_GRID, _GRID).astype(np.float64) for seed in seeds]


def _cost_in_valley(runs: Any, seeds: Sequence[int]) -> Numbers:
    return np.array([-runs.q_function(seed)(_VALLEY).max() for seed in seeds], np.float64)


def draw(result: Reproduced) -> Figure:
    """The cost to go of the first seed as surfaces over position and velocity."""
    position, velocity = np.meshgrid(*_axes(), indexing="ij")
    with style():
        figure = new_figure(9.6, 6.2)
        for i, (name, cost) in enumerate((k, v) for k, v in result.data.items() if k != "steps"):
            axes: Any = figure.add_subplot(2, 3, i + 1, projection="3d")
            axes.plot_surface(position, velocity, cost, cmap="viridis", rstride=1, cstride=1, linewidth=0.1)
            axes.set(title=name, xlabel="position", ylabel="velocity", zlabel="cost to go")
            axes.set_zlim(0, max(float(cost.max()), 1.0))
        figure.suptitle("Mountain car: −max q(s, a), one run")
    return figure


REPRODUCTION = Reproduction("sb-10.1", 16, run, draw)
