"""What figures 8.4 and 8.5 of Sutton and Barto share: Dyna-Q and Dyna-Q+ in a maze that changes.

The book leaves α, the planning steps and κ unsaid.  Here they are those of a well-known reproduction of the book: α = 1
(nothing is random), 10 planning steps and κ = 10⁻⁴ where the way is blocked, 50 and κ = 10⁻³ where a shortcut opens;
ε = 0.1, discount 0.95.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import DynaQ, DynaQPlus
from qlearn.published.claim import Numbers, Progress
from qlearn.published.drawing import curves
from qlearn.rules import EpsilonGreedy
from qlearn.training import train_many

POINTS = 60


def earned(
    maze: Any, steps: int, planning_steps: int, bonus: float, seeds: Sequence[int], progress: Progress
) -> dict[str, Numbers]:
    """Return the cumulative reward of both agents at ``POINTS`` steps, (n, POINTS) each; every episode pays 1."""
    settings: dict[str, Any] = {
        "planning_steps": planning_steps,
        "learning_rate": 1.0,
        "discount": 0.95,
        "exploration": EpsilonGreedy(0.1),
    }
    agents: dict[str, Any] = {"Dyna-Q": DynaQ(**settings), "Dyna-Q+": DynaQPlus(bonus=bonus, **settings)}
    found = train_many(list(agents.values()), maze, steps=steps, seeds=seeds, progress=progress)
    x = marks(steps)
    data = {}
    for name, runs in zip(agents, found, strict=True):
        ends = np.where(runs.lengths > 0, np.cumsum(runs.lengths, axis=1), steps + 1)
        data[name] = (ends[:, :, None] <= x).sum(axis=1).astype(np.float64)
    return data


def marks(steps: int) -> Numbers:
    """Return the steps at which rewards are summed up."""
    return np.round((np.arange(POINTS) + 1) * steps / POINTS).astype(np.int64)


def at(data: Mapping[str, Numbers], name: str, step: int, steps: int) -> Numbers:
    """Return an agent's cumulative reward at a step, (n,)."""
    return data[name][:, int(np.argmin(np.abs(marks(steps) - step)))]


def drawn(data: Mapping[str, Numbers], steps: int, change: int, title: str) -> Figure:
    """Return the cumulative reward over steps, with a line where the maze changes."""
    figure = curves(marks(steps), data, title=title, across="steps", along="cumulative reward")
    figure.axes[0].axvline(change, color="black", linewidth=0.8, linestyle=":")
    return figure
