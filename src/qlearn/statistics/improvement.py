"""How probable it is that a run of one method beats a run of another."""

from __future__ import annotations

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
    x, y = as_runs(first), as_runs(second)
    if paired and len(x) != len(y):
        raise ValueError(f"{len(x)} runs against {len(y)}; pairs need equal numbers. Pass paired=False.")
    x, y = _tied_equal(x, y)
    a, b = _placements(x, y), 1 - _placements(y, x)
    probability, smaller = float(a.mean()), min(len(x), len(y))
    if smaller < 2:
        return Improvement(probability, None)
    variance = float(a.var(ddof=1) / len(x) + b.var(ddof=1) / len(y))
    if paired:
        # b falls where y rises: runs that rise together make this negative and the interval narrower.
        variance += 2 * float(np.cov(a, b)[0, 1]) / len(x)
    spread = probability * (1 - probability)
    size = float(smaller) if variance <= 0 or spread <= 0 else max(float(smaller), spread / variance)
    return Improvement(probability, wilson_interval(probability * size, size, level))


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
