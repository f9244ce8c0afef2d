"""Osband et al. 2019: exploration in the deep sea takes time exponential in its size, or does not.

Conditions: n × n seas with random meanings of the two actions (one draw for each size), moving right
costs 0.01 in all, the treasure pays 1.  What is counted are episodes until the treasure is found first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import QLearning, RMax
from qlearn.environments.problems import deep_sea
from qlearn.published.claim import Claim, Progress, Reproduced, Reproduction, exact, measured, statement
from qlearn.published.drawing import curves
from qlearn.rules import EpsilonGreedy
from qlearn.training import train, train_many

_SIZES = (4, 7, 10)
_EPISODES, _SOON = 1_500, 200
_Q: dict[str, Any] = {  # one kind of agent, so that one program serves the three
    "at random": QLearning(learning_rate=1.0, discount=1.0, exploration=EpsilonGreedy(1.0)),
    "Q-learning, ε 0.1": QLearning(learning_rate=0.5, discount=1.0, exploration=EpsilonGreedy(0.1)),
    "Q-learning, optimistic start": QLearning(
        learning_rate=1.0, discount=1.0, exploration=EpsilonGreedy(0.0), initial_value=1.0
    ),
}
_PLANNER = RMax(reward_max=1.0, known_after=1, discount=0.99)
_SOURCE = "Osband et al. 2019, sections 1 and 4"


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train four ways of exploring on four sizes."""
    first: dict[str, list[Any]] = {name: [] for name in (*_Q, "R-max")}
    share: dict[Any, Any] = {}
    for n in _SIZES:
        sea = deep_sea(n, seed=n)
        runs = train_many(list(_Q.values()), sea, episodes=_EPISODES, seeds=seeds, progress=progress)
        # R-max plans anew whenever it learns something, and all its runs are alike but for ties.
        runs.append(train(_PLANNER, sea, episodes=_SOON, seeds=seeds[:4], progress=progress))
        for name, one in zip(first, runs, strict=True):
            found = one.returns > 0.5
            share[name, n] = found.mean(axis=1)
            first[name].append(np.where(found.any(axis=1), 1.0 + found.argmax(axis=1), np.inf))
    data = {name: np.stack(values, axis=1) for name, values in first.items()}
    return Reproduced(tuple(_claims(data, share)), data)


def _claims(data: dict[str, Any], share: dict[Any, Any]) -> list[Claim]:
    dithering, optimistic, planning = (data[name] for name in list(data)[1:])
    largest = _SIZES[-1]
    lost = float(np.isinf(dithering[:, -1]).mean())
    within = 2 * largest**2
    found = {"optimism": optimistic, "R-max": planning}
    soon = {name: int(values[:, -1].max()) for name, values in found.items() if np.isfinite(values).all()}
    told = ", ".join(f"{name} after at most {episodes} episodes" for name, episodes in soon.items())
    return [
        measured("share of episodes at random, n = 7", 2.0**-7, share["at random", 7], "2⁻ⁿ, exact", tolerance=1e-4),
        statement(
            f"ε-greedy Q-learning, n = {largest}",
            "needs about 2ⁿ episodes or more",
            f"{lost:.0%} of runs found nothing in {_EPISODES:,}",
            lost > 0.5,
            _SOURCE,
        ),
        statement(
            f"deep exploration, n = {largest}",
            f"a time polynomial in n: here within 2 n² = {within} episodes",
            told or "not always found",
            len(soon) == 2 and max(soon.values()) <= within,
            _SOURCE,
        ),
        exact("return of the best policy", 0.99, _best(), "1 − 0.01", tolerance=1e-9),
    ]


def _best() -> float:
    from qlearn.planning import solve

    return solve(deep_sea(_SIZES[-1]), discount=1.0).value


def draw(result: Reproduced) -> Figure:
    """Median episode in which the treasure was found first; what was not found by then lies above the picture."""
    lines = {}
    for name, values in result.data.items():
        median = np.median(values, axis=0)
        lines[name if np.isfinite(median[-1]) else f"{name} (most runs never)"] = np.where(
            np.isfinite(median), median, np.nan
        )
    lines["2ⁿ ln 2: the exact median at random"] = np.array([2.0**n * np.log(2) for n in _SIZES])
    title = f"Deep sea: first found within {_EPISODES:,} episodes"
    figure = curves(np.array(_SIZES), lines, title=title, across="n", along="episodes (median)")
    figure.axes[0].set_yscale("log")
    return figure


REPRODUCTION = Reproduction("osband-deepsea", 56, run, draw)
