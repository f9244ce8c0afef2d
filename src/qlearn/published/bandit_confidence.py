"""Sutton and Barto, figure 2.4: upper confidence bounds against ε-greedy choices.

Exercise 2.8 asks for the spike at the eleventh pull.  Every arm has been pulled once, so that all bounds rise alike
and the arm that paid most is next.  It paid √2 · 1.5388 on average (the largest of ten numbers of variance 2), of which
half is its mean: 1.0881.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import QLearning
from qlearn.published.bandit_parts import BEST, drawn, late, pull, sample_averages
from qlearn.published.claim import Progress, Reproduced, Reproduction, measured, statement
from qlearn.rules import UpperConfidence, per_visit

_UCB, _EPSILON = "UCB, c 2", "ε 0.1"


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Pull with both."""
    bold = QLearning(learning_rate=per_visit(), discount=0.0, exploration=UpperConfidence(2.0))
    data = pull({_UCB: bold, _EPSILON: QLearning(**sample_averages(0.1))}, seeds, progress)
    rewards = data[f"{_UCB}, reward"]
    mean, end = rewards.mean(axis=0), [late(data, f"{name}, reward").mean() for name in (_UCB, _EPSILON)]
    told = "UCB is better than ε-greedy except in the first pulls, when it tries arms one after the other"
    other = data[f"{_EPSILON}, reward"][:, :10].mean()
    seen = f"pulls 1 to 10: {mean[:10].mean():.2f} against {other:.2f}; at the end {end[0]:.2f} against {end[1]:.2f}"
    claims = (
        measured(
            "UCB, reward of pulls 901 to 1,000",
            1.5,
            late(data, f"{_UCB}, reward"),
            "figure 2.4, roughly",
            tolerance=0.04,
        ),
        statement("order", told, seen, bool(end[0] > end[1] and mean[:10].mean() < other), "section 2.7"),
        measured("UCB, reward of pull 11", BEST / np.sqrt(2), rewards[:, 10], "exact"),
        statement(
            "spike (exercise 2.8)",
            "the reward of pull 11 is above those of pulls 10 and 12",
            " → ".join(f"{value:.2f}" for value in mean[9:12]),
            bool(mean[10] > max(mean[9], mean[11])),
            "figure 2.4",
        ),
    )
    return Reproduced(claims, data)


def draw(result: Reproduced) -> Figure:
    """Average reward."""
    return drawn(result.data, "Ten-armed test bed: upper confidence bounds", shares=False)


REPRODUCTION = Reproduction("sb-2.4", 1000, run, draw)
