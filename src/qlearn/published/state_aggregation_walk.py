"""Sutton and Barto, figure 9.1: gradient Monte Carlo with state aggregation on the walk on 1,000 states.

Ten groups of 100 states, α = 2 · 10⁻⁵, 100,000 episodes, values that start at 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import LinearPrediction, StateAggregation
from qlearn.published.claim import Progress, Reproduced, Reproduction, exact, measured, statement
from qlearn.published.drawing import curves
from qlearn.published.long_walk import START, error_of, known_of, least_squares, long_walk
from qlearn.training import train

_GROUPS = 10


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Learn the values, and hold them against the best that ten groups can say, which is known exactly."""
    walk = long_walk()
    known = known_of(walk)
    agent = LinearPrediction(StateAggregation(_GROUPS), learning_rate=2e-5, n=None)
    runs = train(agent, walk, episodes=100_000, seeds=seeds, progress=progress)
    found = runs.q_table[:, :, 0].astype(np.float64)
    best = np.repeat(least_squares(known, _GROUPS), 100)
    least = float(error_of(best, known, weighted=True))
    stairs = found[:, ::100].mean(axis=0)
    unweighted = float(known.values[:100].mean())
    claims = (
        exact(
            "share of steps made in state 500",
            0.0137,
            float(known.visits[START]),
            "figure 9.1, right axis (printed)",
            tolerance=5e-5,
        ),
        exact(
            "share of steps made in the states beside it",
            0.0017,
            float(known.visits[START + 1]),
            "figure 9.1, right axis (printed)",
            tolerance=5e-5,
        ),
        statement(
            "state 100 against state 1",
            "visited more than three times as often",
            f"{known.visits[99] / known.visits[0]:.2f} times, exactly",
            bool(known.visits[99] > 3 * known.visits[0]),
            "section 9.3",
        ),
        measured(
            "error of the values, weighted by visits",
            least,
            error_of(found, known, weighted=True),
            "the least squares of ten groups, exact: where gradient Monte Carlo converges",
            tolerance=0.002,
        ),
        statement(
            "the leftmost group",
            "higher than the mean of its states' true values, as the right ones of them are visited more often",
            f"{stairs[0]:.3f} against {unweighted:.3f}",
            bool(stairs[0] > unweighted + 0.01),
            "section 9.3",
        ),
    )
    return Reproduced(claims, {"gradient Monte Carlo": found, "true values": known.values, "least squares": best})


def draw(result: Reproduced) -> Figure:
    """Values over states: the true ones, what was learnt, and the best that the groups can say."""
    return curves(
        np.arange(1, 1001),
        result.data,
        title="1,000-state random walk: gradient Monte Carlo, 10 groups",
        across="state",
        along="value",
        limits=(-1.0, 1.0),
    )


REPRODUCTION = Reproduction("sb-9.1", 6, run, draw)
