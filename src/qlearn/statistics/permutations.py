"""Tests that deal the runs anew: of use where runs are far from normal."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from qlearn.statistics.intervals import as_runs

RESAMPLES = 9_999
BATCH = 500


def permutation_test(
    first: ArrayLike, second: ArrayLike, *, paired: bool = False, resamples: int = RESAMPLES, seed: int = 0
) -> float:
    """Return the two-sided p-value of equal means, from dealing the runs to the two methods anew.

    Unpaired: all runs are dealt at random, and |x̄ − ȳ| / √(s_x²/n + s_y²/m) is compared with that of the deal at hand.
    That is exact where both methods have the same distribution, and holds with many runs where only the means are
    equal.  Paired: the two runs of a pair change places or not, which is exact where differences are symmetric.  All
    deals are made where there are no more than ``resamples``; else random ones, p = (1 + as far apart) / (1 + deals).

    Args:
        first: (n,) one finite number for each run.
        second: (m,) likewise.
        paired: whether run i of both met the same random numbers (then n = m).
        resamples: how many deals at most.
        seed: of the dealing; the same seed gives the same p-value.

    Returns:
        p in (0, 1]; 1 for one run each.

    Raises:
        ValueError: values that are not finite, or pairs of unequal length.

    Source: R. A. Fisher, *The design of experiments* (1935); the scaled difference: A. Janssen, *Studentized
    permutation tests for non-i.i.d. hypotheses* (1997).  SciPy's ``permutation_test`` deals.

    >>> permutation_test([1.0, 2.0, 3.0, 4.0], [11.0, 12.0, 13.0, 14.0])
    0.0285714...
    """
    x, y = as_runs(first), as_runs(second)
    if paired and len(x) != len(y):
        raise ValueError(f"{len(x)} runs against {len(y)}; pairs need equal numbers. Pass paired=False.")
    if min(len(x), len(y)) < 2:
        return 1.0
    found = stats.permutation_test(
        (x, y),
        _paired_distance if paired else _distance,
        permutation_type="samples" if paired else "independent",
        vectorized=True,
        n_resamples=resamples,
        batch=BATCH,
        alternative="greater",
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def _distance(x: NDArray[np.float64], y: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    apart = np.abs(x.mean(axis=axis) - y.mean(axis=axis))
    error = np.sqrt(x.var(axis=axis, ddof=1) / x.shape[axis] + y.var(axis=axis, ddof=1) / y.shape[axis])
    return scaled(apart, error)


def _paired_distance(x: NDArray[np.float64], y: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    d = x - y
    return scaled(np.abs(d.mean(axis=axis)), d.std(axis=axis, ddof=1) / np.sqrt(d.shape[axis]))


def scaled(apart: NDArray[np.float64], error: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return distances in standard errors; far beyond all others where the error vanishes and the distance does not.

    >>> scaled(np.array([1.0, 1.0, 0.0]), np.array([0.5, 0.0, 0.0])).tolist()
    [2.0, 1e+300, 0.0]
    """
    tiny = error <= 1e-12 * np.maximum(apart, 1e-300)
    safe = np.where(tiny, 1.0, error)
    return np.where(tiny, np.where(apart > 0, 1e300, 0.0), apart / safe)
