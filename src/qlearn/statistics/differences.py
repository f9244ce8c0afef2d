"""Differences between the means of two methods, paired by seed or not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from qlearn.statistics.intervals import Interval, as_runs

POWER = 0.8
"""The chance with which a difference called detectable would have been found."""


@dataclass(frozen=True)
class Difference:
    """The mean of the first minus the mean of the second.

    Args:
        difference: in the values' unit.
        interval: its confidence interval; None where none exists (fewer than two runs).
        p_value: two-sided, of no difference; None where none exists.
        detectable: the smallest true difference that this experiment would have found with probability 0.8; None
            where no test exists.
        correlation: between the two methods over seeds (paired only); None where either does not vary.
        n: pairs, or the smaller number of runs.
        level: nominal coverage of the interval.
        method: ``"paired"`` or ``"welch"``.
        error: the standard error of the difference; None where none exists.
        freedom: degrees of freedom of Student's t for it; None where none exists.
    """

    difference: float
    interval: Interval | None
    p_value: float | None
    detectable: float | None
    correlation: float | None
    n: int
    level: float
    method: Literal["paired", "welch"]
    error: float | None = None
    freedom: float | None = None

    def at_level(self, level: float) -> Interval | None:
        """Return the interval of another nominal coverage; None where none exists."""
        if self.interval is None or self.error is None or self.freedom is None:
            return self.interval
        half = float(stats.t.ppf((1 + level) / 2, self.freedom)) * self.error
        return Interval(self.difference - half, self.difference + half)


def paired_difference(
    first: ArrayLike, second: ArrayLike, level: float = 0.95, test_level: float | None = None
) -> Difference:
    """Return the difference of two methods that met the same random numbers, pair by pair.

    With dᵢ = xᵢ − yᵢ: d̄ ± t · s_d / √n (Student's t, n − 1 degrees of freedom), and Student's test of d̄ = 0.  As
    var(d̄) = (s_x² + s_y² − 2 ρ s_x s_y) / n, common random numbers pay where the correlation ρ is positive.  If all
    dᵢ are equal and not 0, the p-value is the sign-flip test's, 2 / 2ⁿ.

    Args:
        first: (n,) one finite number for each seed.
        second: (n,) the same seeds in the same order.
        level: nominal coverage in (0, 1).
        test_level: the level at which ``detectable`` is meant; 1 − level where None.  Give a smaller one where
            several differences are tested.

    Returns:
        A `Difference`; without interval and test for one pair.

    Raises:
        ValueError: lengths that differ, or values that are not finite.

    Source: Student (1908); P. Glasserman and D. D. Yao, *Some guidelines and guarantees for common random numbers*
    (1992).

    >>> found = paired_difference([3.0, 5.0, 7.0], [1.0, 2.0, 6.0])
    >>> found.difference, round(found.correlation, 3)
    (2.0, 0.945)
    """
    x, y = as_runs(first), as_runs(second)
    if len(x) != len(y):
        raise ValueError(
            f"{len(x)} runs against {len(y)}; pairs need the same seeds in the same order. Use welch_difference."
        )
    d, n = x - y, len(x)
    mean = float(d.mean())
    if n < 2:
        return Difference(mean, None, None, None, None, n, level, "paired")
    varies = np.ptp(x) > 0 and np.ptp(y) > 0
    correlation = float(np.corrcoef(x, y)[0, 1]) if varies else None
    if np.ptp(d) <= 1e-12 * np.abs(np.concatenate([x, y])).max(initial=0.0):
        p_value = 1.0 if mean == 0 else float(np.exp2(1.0 - n))
        return Difference(mean, Interval(mean, mean), p_value, 0.0, correlation, n, level, "paired")
    error = float(d.std(ddof=1) / np.sqrt(n))
    return _by_t(mean, error, n - 1.0, (n, level, test_level, correlation, "paired"))


def welch_difference(
    first: ArrayLike, second: ArrayLike, level: float = 0.95, test_level: float | None = None
) -> Difference:
    """Return the difference of two methods run independently, with unequal variances.

    x̄ − ȳ ± t √(s_x²/n + s_y²/m), with the degrees of freedom of Welch and Satterthwaite.

    Args:
        first: (n,) one finite number for each run.
        second: (m,) likewise.
        level: nominal coverage in (0, 1).
        test_level: as in `paired_difference`.

    Returns:
        A `Difference`; without interval and test where either has one run.  Where neither varies, the p-value is the
        permutation test's.

    Source: B. L. Welch, *The generalization of "Student's" problem* (1947).

    >>> round(welch_difference([1.0, 2.0, 3.0], [2.0, 3.0, 7.0]).p_value, 3)
    0.321
    """
    x, y = as_runs(first), as_runs(second)
    mean, n = float(x.mean() - y.mean()), min(len(x), len(y))
    if n < 2:
        return Difference(mean, None, None, None, None, n, level, "welch")
    a, b = float(x.var(ddof=1)) / len(x), float(y.var(ddof=1)) / len(y)
    if a + b == 0:  # of all ways to deal these runs to two methods, two are so far apart
        p_value = 1.0 if mean == 0 else 2.0 / math.comb(len(x) + len(y), len(x))
        return Difference(mean, Interval(mean, mean), p_value, 0.0, None, n, level, "welch")
    freedom = (a + b) ** 2 / (a**2 / (len(x) - 1) + b**2 / (len(y) - 1))
    return _by_t(mean, float(np.sqrt(a + b)), freedom, (n, level, test_level, None, "welch"))


def _by_t(
    mean: float,
    error: float,
    freedom: float,
    about: tuple[int, float, float | None, float | None, Literal["paired", "welch"]],
) -> Difference:
    n, level, test_level, correlation, method = about
    half = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    p_value = float(2 * stats.t.sf(abs(mean) / error, freedom))
    tested = 1 - level if test_level is None else test_level
    detectable = float(stats.t.ppf(1 - tested / 2, freedom) + stats.t.ppf(POWER, freedom)) * error
    bounds = Interval(mean - half, mean + half)
    return Difference(mean, bounds, p_value, detectable, correlation, n, level, method, error, freedom)
