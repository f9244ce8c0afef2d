"""Sutton and Barto, example 6.7 and figure 6.5: Q-learning takes a maximum of luck for luck's maximum.

Conditions: α = 0.1, ε = 0.1, discount 1, ten arms in B (the book leaves their number open), means over many runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import DoubleQLearning, QLearning
from qlearn.environments.problems import maximisation_bias
from qlearn.published.claim import Claim, Progress, Reproduced, Reproduction, measured, statement
from qlearn.published.drawing import curves
from qlearn.rules import EpsilonGreedy
from qlearn.training import train_many

_SIMULATED = "an independent simulation"
_EXPECTED = {
    "Q-learning": {1: 0.50, 20: 0.94, 100: 0.46, 300: 0.117},
    "Double Q-learning": {10: 0.452, 50: 0.138, 300: 0.069},
}
_DIGITS = 0.01  # to which the simulation is told, and half a window of episodes


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train both for 300 episodes; the share that goes left from A, which makes an episode of two steps."""
    settings: dict[str, Any] = {"learning_rate": 0.1, "discount": 1.0, "exploration": EpsilonGreedy(0.1)}
    agents: dict[str, Any] = {"Q-learning": QLearning(**settings), "Double Q-learning": DoubleQLearning(**settings)}
    found = train_many(list(agents.values()), maximisation_bias(), episodes=300, seeds=seeds, progress=progress)
    data = {name: (runs.lengths == 2).astype(np.float32) for name, runs in zip(agents, found, strict=True)}
    claims: list[Claim] = []
    for name, points in _EXPECTED.items():
        for episode, expected in points.items():
            what = f"share of left in episode {episode}, {name}"
            claims.append(measured(what, expected, data[name][:, episode - 1], _SIMULATED, tolerance=_DIGITS))
    late = data["Q-learning"][:, 200:].mean(axis=1)
    told = "Q-learning goes left far more often than the 5% of ε-greedy choice, Double Q-learning hardly more"
    both = [data[name][:, :100].mean() for name in agents]
    seen = f"over 100 episodes {both[0]:.0%} against {both[1]:.0%}; Q-learning in episodes 201 to 300 {late.mean():.0%}"
    fine = both[0] > 2 * both[1] and late.mean() > 0.05
    claims.append(statement("order", told, seen, bool(fine), "example 6.7, text"))
    return Reproduced(tuple(claims), data)


def draw(result: Reproduced) -> Figure:
    """Share of left in each episode."""
    lines = {name: 100.0 * values for name, values in result.data.items()}
    lines["optimal"] = np.full(300, 5.0)
    title = "Maximisation bias: α 0.1, ε 0.1, discount 1"
    return curves(np.arange(1, 301), lines, title=title, across="episode", along="left from A, %", limits=(0, 100))


REPRODUCTION = Reproduction("sb-6.5", 3000, run, draw)
