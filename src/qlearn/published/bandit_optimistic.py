"""Sutton and Barto, figure 2.3: optimistic first values against ε-greedy choices, α = 0.1.

Exercise 2.6 asks for the spike early on.  The first ten pulls try every arm once; the eleventh goes to the arm that
paid best, which is the best one with a probability that can be computed: with means m from N(0, 1) and one reward x
of each, P = 10 ∫∫ φ(m) φ(x − m) P(m' < m, x' < x)⁹ dm dx.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from scipy import integrate, stats

from qlearn.agents import QLearning
from qlearn.published.bandit_parts import drawn, late, pull
from qlearn.published.claim import Progress, Reproduced, Reproduction, exact, measured, statement
from qlearn.rules import EpsilonGreedy, Greedy

_FIGURE = "figure 2.3, roughly"
_NAMES = ("optimistic, greedy", "realistic, ε 0.1")


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Pull with Q₁ = 5 greedily and with Q₁ = 0 and ε 0.1; then look at the first eleven pulls one by one."""
    optimistic = QLearning(learning_rate=0.1, discount=0.0, exploration=Greedy(), initial_value=5.0)
    realistic = QLearning(learning_rate=0.1, discount=0.0, exploration=EpsilonGreedy(0.1))
    data = pull(dict(zip(_NAMES, (optimistic, realistic), strict=True)), seeds, progress)
    early = pull({"first": optimistic}, seeds, progress, pulls=11, block=1)["first, best"]
    first, end = (
        [data[f"{name}, best"][:, :1].mean() for name in _NAMES],
        [late(data, f"{name}, best").mean() for name in _NAMES],
    )
    told = "the optimistic method does worse at first, and better in the end"
    seen = f"pulls 1 to 40: {first[0]:.0%} against {first[1]:.0%}; at the end {end[0]:.0%} against {end[1]:.0%}"
    claims = (
        measured("optimistic, best arm at the end", 0.85, late(data, f"{_NAMES[0]}, best"), _FIGURE, tolerance=0.04),
        measured("realistic, best arm at the end", 0.78, late(data, f"{_NAMES[1]}, best"), _FIGURE, tolerance=0.04),
        statement("order", told, seen, bool(first[0] < first[1] and end[0] > end[1]), "section 2.6"),
        exact(
            "optimistic, best arm in pulls 1 to 10 together",
            1.0,
            float(early[:, :10].sum(axis=1).mean()),
            "exact but for the rare reward above 5, after which an arm is pulled again",
            tolerance=0.01,
        ),
        measured("optimistic, best arm at pull 11 (the spike)", spike(), early[:, 10], "exact, exercise 2.6"),
    )
    return Reproduced(claims, data | {"first pulls": early})


def spike(arms: int = 10) -> float:
    """Return the probability that the arm with the largest reward, one of each, is the one with the largest mean.

    >>> round(spike(1), 3)
    1.0
    """
    m, x = np.linspace(-6, 6, 601), np.linspace(-8, 8, 801)
    density = stats.norm.pdf(m)[:, None]
    lower = density * stats.norm.cdf(x - m[:, None])
    below = (np.cumsum(lower, axis=0) - 0.5 * lower) * (m[1] - m[0])  # by trapezia
    inner = integrate.simpson(density * stats.norm.pdf(x - m[:, None]) * below ** (arms - 1), x=m, axis=0)
    return float(arms * integrate.simpson(inner, x=x))


def draw(result: Reproduced) -> Figure:
    """Share of the best arm."""
    return drawn(result.data, "Ten-armed test bed: optimistic first values, α 0.1", rewards=False)


REPRODUCTION = Reproduction("sb-2.3", 1000, run, draw)
