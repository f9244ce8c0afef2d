"""Van Hasselt (2010), section 4.2: a 3 × 3 grid with noisy rewards on which Q-learning fails.

Conditions: discount 0.95, ε = 1/√n(s), learning rates 1/n(s, a) and 1/n(s, a)^0.8 (for Double Q-learning n counts the
updates of the table that learns), 10,000 steps; means over 10,000 experiments there.  The paper prints two numbers: the
optimal average reward per step, 0.2, and the optimal value of the start, about 0.36; all else is curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import DoubleQLearning, QLearning
from qlearn.environments.problems import van_hasselt_grid
from qlearn.planning import average_reward, solve
from qlearn.published.claim import Claim, Progress, Reproduced, Reproduction, exact, statement
from qlearn.published.drawing import curve
from qlearn.reports.style import new_figure, style
from qlearn.rules import EpsilonGreedy, per_visit
from qlearn.training import train_many

_STEPS, _POINTS = 10_000, 40
_PAPER = "section 4.2, printed"


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train both agents with both rates; average reward per step, and the largest value of the start, along the way."""
    problem = van_hasselt_grid()
    start = int(problem.initial.argmax())
    agents: dict[str, Any] = {}
    for power, rate in ((1.0, "1/n"), (0.8, "1/n^0.8")):
        settings: dict[str, Any] = {
            "learning_rate": per_visit(power=power),
            "discount": 0.95,
            "exploration": EpsilonGreedy(per_visit(power=0.5)),
        }
        agents[f"Q-learning, {rate}"] = QLearning(**settings)
        agents[f"Double Q-learning, {rate}"] = DoubleQLearning(**settings)
    found = train_many(list(agents.values()), problem, steps=_STEPS, seeds=seeds, snapshots=_POINTS, progress=progress)
    data = {}
    for name, runs in zip(agents, found, strict=True):
        assert runs.snapshots is not None
        earned = (np.diff(runs.snapshots.visits, axis=1) * problem.expected_reward).sum(axis=(2, 3))
        data[f"{name}, reward"] = earned / (_STEPS / _POINTS)
        data[f"{name}, value"] = runs.snapshots.q_tables[:, 1:, start].max(axis=2)
    return Reproduced(tuple(_claims(data, start)), data)


def _claims(data: dict[str, Any], start: int) -> list[Claim]:
    problem = van_hasselt_grid()
    best = solve(problem, discount=0.95).v[start]
    claims = [
        exact("optimal average reward per step", 0.2, average_reward(problem), _PAPER, tolerance=1e-9),
        exact("optimal value of the start", 0.36, float(best), _PAPER, tolerance=0.005),
    ]
    for rate in ("1/n", "1/n^0.8"):
        plain, double = f"Q-learning, {rate}", f"Double Q-learning, {rate}"
        rewards = [data[f"{name}, reward"][:, -_POINTS // 4 :].mean() for name in (plain, double)]
        values = [data[f"{name}, value"][:, -1].mean() for name in (plain, double)]
        told = "Double Q-learning earns much more per step than Q-learning"
        seen = f"last quarter: {rewards[1]:.3f} against {rewards[0]:.3f}"
        claims.append(
            statement(f"reward, {rate}", told, seen, bool(rewards[1] > rewards[0] + 0.1), "figure 3, upper row")
        )
        told = "Q-learning overestimates the start, Double Q-learning underestimates it and is nearer"
        seen = f"after {_STEPS:,} steps: {values[0]:.2f} and {values[1]:.2f} (optimal {best:.2f})"
        fine = values[1] < best < values[0] and abs(values[1] - best) < abs(values[0] - best)
        claims.append(statement(f"value, {rate}", told, seen, bool(fine), "figure 3, lower row"))
    return claims


def draw(result: Reproduced) -> Figure:
    """Average reward per step above, the largest value of the start below."""
    names = [key.removesuffix(", reward") for key in result.data if key.endswith(", reward")]
    x = (np.arange(_POINTS) + 1) * (_STEPS / _POINTS)
    with style():
        figure = new_figure(7.2, 7.4)
        for place, (kind, along) in enumerate((("reward", "reward per step"), ("value", "largest value of the start"))):
            axes = figure.add_subplot(2, 1, place + 1)
            for number, name in enumerate(names):
                curve(axes, number, name, x, result.data[f"{name}, {kind}"])
            axes.axhline(0.2 if kind == "reward" else 0.362656, color="black", linewidth=0.8, label="optimal")
            axes.set(ylabel=along, title="" if place else "3 × 3 grid: discount 0.95, ε 1/√n(s)")
        axes.set_xlabel("steps")
        axes.legend()
    return figure


REPRODUCTION = Reproduction("hasselt-2010", 300, run, draw)
