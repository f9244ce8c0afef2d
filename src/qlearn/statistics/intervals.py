"""The mean of a few runs with its interval, and quartiles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Method = Literal["t", "bca"]


class Interval(NamedTuple):
    """A confidence interval; ``low`` ≤ ``high``."""

    low: float
    high: float


@dataclass(frozen=True)
class Mean:
    """A mean and what is known of it.

    Args:
        mean: the arithmetic mean.
        interval: its confidence interval; None where none exists (fewer than two runs).
        sd: the sample standard deviation, with n − 1; None for one run.
        n: how many runs.
        level: the interval's nominal coverage.
        method: how the interval was made, ``"t"`` or ``"bca"``.
    """

    mean: float
    interval: Interval | None
    sd: float | None
    n: int
    level: float = 0.95
    method: Method = "t"

    @property
    def standard_error(self) -> float | None:
        """sd / √n; None for one run."""
        return None if self.sd is None else self.sd / math.sqrt(self.n)


def mean_interval(values: ArrayLike, level: float = 0.95, method: Method = "t") -> Mean:
    """Return the mean of independent runs with a confidence interval.

    ``"t"``: mean ± t · s / √n, t being Student's (1 + level)/2 quantile with n − 1 degrees of freedom; exact on
    normal data at any n ≥ 2, and on other data better than the percentile bootstrap where runs are few.
    ``"bca"``: the bias-corrected and accelerated bootstrap with 9,999 resamples from a fixed seed; of second order,
    so it follows skewed data, but wants ten runs or more.

    Args:
        values: (n,) one finite number for each run, n ≥ 1.
        level: nominal coverage in (0, 1).
        method: ``"t"`` or ``"bca"``; where all values are equal both give an interval without width.

    Returns:
        A `Mean`; its interval is None for one run.

    Raises:
        ValueError: no values, values that are not finite, or a level outside (0, 1).

    Source: Student (1908); B. Efron, *Better bootstrap confidence intervals* (1987).

    >>> mean_interval([1.0, 2.0, 3.0]).interval
    Interval(low=-0.484..., high=4.484...)
    >>> mean_interval([5.0]).interval is None
    True
    """
    x = as_runs(values)
    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}; it is a coverage in (0, 1). Pass 0.95.")
    mean, n = float(x.mean()), len(x)
    if n < 2:
        return Mean(mean, None, None, n, level, method)
    sd = float(x.std(ddof=1))
    if np.ptp(x) == 0:  # summing has rounded the mean; the value itself is at hand
        return Mean(float(x[0]), Interval(float(x[0]), float(x[0])), 0.0, n, level, method)
    if method == "bca":
        found = stats.bootstrap(
            (x,), np.mean, confidence_level=level, method="BCa", rng=np.random.default_rng(0)
        ).confidence_interval
        return Mean(mean, Interval(float(found.low), float(found.high)), sd, n, level, method)
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * sd / math.sqrt(n)
    return Mean(mean, Interval(mean - half, mean + half), sd, n, level, method)


def quartiles(values: ArrayLike) -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile, interpolated linearly between order statistics.

    Args:
        values: (n,) finite numbers, n ≥ 1.

    Source: definition 7 of R. J. Hyndman and Y. Fan, *Sample quantiles in statistical packages* (1996), NumPy's own.

    >>> quartiles([1, 2, 3, 4, 5])
    (2.0, 3.0, 4.0)
    """
    low, middle, high = np.quantile(as_runs(values), [0.25, 0.5, 0.75])
    return float(low), float(middle), float(high)


def as_runs(values: ArrayLike) -> NDArray[np.float64]:
    """Return the runs as a float64 vector, or raise a ValueError that names what is wrong.

    >>> as_runs([1, 2])
    array([1., 2.])
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or len(x) == 0:
        raise ValueError(
            f"values have shape {x.shape}; expected a vector with one number for each run, at least one. "
            "Average within each run first."
        )
    if not np.isfinite(x).all():
        run = int(np.flatnonzero(~np.isfinite(x))[0])
        raise ValueError(
            f"run {run} is {x[run]}; every run must count with a finite number. Give a failed run the value that it "
            "earns, not NaN."
        )
    return x
