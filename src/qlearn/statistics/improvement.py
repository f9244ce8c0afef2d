"""How probable it is that a run of one method beats a run of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlearn.statistics.intervals import Interval, as_runs
from qlearn.statistics.shares import wilson_interval

TIE = 1e-9
"""Relative: values closer than this are a tie, so that rounding decides nothing."""


@dataclass(frozen=True)
class Improvement:
    """P(X > Y) + ½ P(X = Y); the interval is None for one run."""

    probability: float
    interval: Interval | None

    def turned(self) -> Improvement:
        """Return the probability that the second beats the first."""
        bounds = None if self.interval is None else Interval(1 - self.interval.high, 1 - self.interval.low)
        return Improvement(1 - self.probability, bounds)


def probability_of_improvement(
    first: ArrayLike, second: ArrayLike, *, paired: bool = False, level: float = 0.95
) -> Improvement:
    """Return the probability that a run of the first beats an independent run of the second, ties counting ½.

    p̂ = mean over all i, j of [xᵢ > yⱼ] + ½ [xᵢ = yⱼ].  With the placements aᵢ = mean_j and bⱼ = mean_i of these
    terms, var(p̂) = s_a²/n + s_b²/m, and 2 cov(a, b)/n (mostly negative) where the runs are paired by common random
    numbers.  The interval is Wilson's with the effective number of runs p̂(1 − p̂)/var(p̂), at least min(n, m); so it
    keeps its width where one method always wins.

    Args:
        first: (n,) one finite number for each run, larger being better.
        second: (m,) likewise.
        paired: whether run i of both met the same random numbers (then n = m).
        level: nominal coverage in (0, 1).

    Returns:
        An `Improvement`.

    Raises:
        ValueError: values that are not finite, or pairs of unequal length.

    Source: R. Agarwal et al., *Deep reinforcement learning at the edge of the statistical precipice* (2021); variance:
    E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson (1988).

    >>> probability_of_improvement([2.0, 3.0], [1.0, 2.0]).probability
    0.875
    """
    return improvement_across([(first, second)], paired=paired, level=level)


def improvement_across(
    tasks: Sequence[tuple[ArrayLike, ArrayLike]], *, paired: bool = False, level: float = 0.95
) -> Improvement:
    """Return the probability of improvement averaged over tasks, which needs no common scale.

    p̂ = mean over tasks of the task's p̂, and var(p̂) = Σ var(p̂_k) / K², as the runs of different tasks are independent;
    the interval is made as in `probability_of_improvement`.

    Args:
        tasks: for each task the runs of the first and of the second; every task counts the same.
        paired: as in `probability_of_improvement`.
        level: nominal coverage in (0, 1).

    Raises:
        ValueError: no tasks, values that are not finite, or pairs of unequal length.

    Source: Agarwal et al. (2021).

    >>> improvement_across([([2.0, 3.0], [1.0, 2.0]), ([1.0, 1.0], [1.0, 1.0])]).probability
    0.6875
    """
    if not tasks:
        raise ValueError("There is no task; expected at least one with the runs of both. Pass [(first, second), …].")
    moments = [_moments(as_runs(first), as_runs(second), paired) for first, second in tasks]
    probability = float(np.mean([one[0] for one in moments]))
    if any(one[1] is None for one in moments):
        return Improvement(probability, None)
    variance = sum(one[1] or 0.0 for one in moments) / len(moments) ** 2
    smallest = float(sum(one[2] for one in moments))
    spread = probability * (1 - probability)
    size = smallest if variance <= 0 or spread <= 0 else max(smallest, spread / variance)
    return Improvement(probability, wilson_interval(probability * size, size, level))


def _moments(x: NDArray[np.float64], y: NDArray[np.float64], paired: bool) -> tuple[float, float | None, int]:
    """Return a task's p̂, its variance (None for one run) and the smaller number of runs."""
    if paired and len(x) != len(y):
        raise ValueError(f"{len(x)} runs against {len(y)}; pairs need equal numbers. Pass paired=False.")
    x, y = _tied_equal(x, y)
    a, b = _placements(x, y), 1 - _placements(y, x)
    probability, smaller = float(a.mean()), min(len(x), len(y))
    if smaller < 2:
        return probability, None, smaller
    variance = float(a.var(ddof=1) / len(x) + b.var(ddof=1) / len(y))
    if paired:
        # b falls where y rises: runs that rise together make this negative and the interval narrower.
        variance += 2 * float(np.cov(a, b)[0, 1]) / len(x)
    return probability, variance, smaller


def _tied_equal(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give each cluster of values that differ by rounding alone one rank."""
    both = np.concatenate([x, y])
    order = np.argsort(both, kind="stable")
    rises = np.diff(both[order]) > TIE * np.maximum(1.0, np.abs(both[order][1:]))
    rank = np.empty(len(both))
    rank[order] = np.concatenate([[0.0], np.cumsum(rises)])
    return rank[: len(x)], rank[len(x) :]


def _placements(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each x, the share of y that it beats, ties ½; in n log m."""
    y = np.sort(y)
    placed: NDArray[np.float64] = (np.searchsorted(y, x, "left") + np.searchsorted(y, x, "right")) / (2.0 * len(y))
    return placed
