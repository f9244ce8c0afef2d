"""Sutton and Barto, figure 4.3: value iteration on the gambler's problem.

Conditions: discount 1, heads with 0.4, sweeps in which every state is updated at once from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.environments.problems import gambler
from qlearn.planning import solve
from qlearn.published.claim import Progress, Reproduced, Reproduction, exact, statement
from qlearn.reports.style import look, new_figure, style


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Sweep, solve, and find all optimal stakes."""
    game = gambler(0.4)
    transition, v = game.transition_matrix(), np.zeros(101)
    data: dict[str, Any] = {}
    for sweep in range(1, 33):
        q = game.expected_reward + (transition @ v).reshape(101, 50)
        v = np.where(game.terminal_states, 0.0, np.where(game.legal, q, -np.inf).max(axis=1))
        if sweep in (1, 2, 3, 32):
            data[f"sweep {sweep}"] = v[1:100]
    truth = solve(game, discount=1.0)
    tied = truth.optimal_actions.copy()
    tied[game.terminal_states] = False
    data["optimal"], data["stakes"] = truth.v[1:100], tied[1:100]
    smallest = 1 + tied.argmax(axis=1)
    claims = [
        exact("chance of winning with a capital of 50", 0.4, float(truth.v[50]), "one toss decides"),
        exact("the same with 25", 0.16, float(truth.v[25]), "two tosses"),
        exact("the same with 75", 0.64, float(truth.v[75]), "0.4 + 0.6 · 0.4"),
        exact("stakes that are optimal with 50: how many", 1, int(tied[50].sum()), "figure 4.3, text of exercise 4.8"),
        exact("that stake", 50, int(smallest[50]), "figure 4.3"),
        exact("smallest optimal stake with 51", 1, int(smallest[51]), "figure 4.3"),
        exact("smallest optimal stake with 25", 25, int(smallest[25]), "figure 4.3"),
        exact("smallest optimal stake with 75", 25, int(smallest[75]), "figure 4.3"),
    ]
    several = int((tied[1:100].sum(axis=1) > 1).sum())
    told = "there is a whole family of optimal policies"
    claims.append(statement("ties", told, f"several optimal stakes in {several} of 99 states", several > 0, "text"))
    off = float(np.abs(data["sweep 32"] - data["optimal"]).max())
    claims.append(statement("32 sweeps", "are enough for the figure", f"off by {off:.1e}", off < 0.01, "figure 4.3"))
    return Reproduced(tuple(claims), data)


def draw(result: Reproduced) -> Figure:
    """Value estimates of the sweeps, and all optimal stakes, of which the book shows the smallest."""
    capital = np.arange(1, 100)
    with style():
        figure = new_figure(7.2, 6.8)
        upper, lower = figure.subplots(2, 1)
        for i, name in enumerate(key for key in result.data if key.startswith("sweep")):
            upper.plot(capital, result.data[name], color=look(i).colour, linestyle=look(i).line, label=name)
        upper.set(title="Gambler's problem, heads with 0.4", ylabel="chance of winning")
        upper.legend()
        states, stakes = np.nonzero(result.data["stakes"])
        lower.plot(states + 1, stakes + 1, ".", color="#9A9A9A", markersize=3, label="every optimal stake")
        first = result.data["stakes"].argmax(axis=1) + 1
        lower.step(capital, first, where="mid", color=look(0).colour, label="the smallest (the book's picture)")
        lower.set(xlabel="capital", ylabel="stake")
        lower.legend()
    return figure


REPRODUCTION = Reproduction("sb-4.3", 0, run, draw)
