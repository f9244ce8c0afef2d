"""Several tasks at once: the interquartile mean, and the bootstrap that resamples runs within each task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlearn.statistics.intervals import Interval, as_runs

RESAMPLES = 10_000
BLOCK = 250_000
"""Numbers resampled at a time: a block stays in the processor's cache."""

Aggregate = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From (resamples, runs of all tasks) to (resamples,)."""


@dataclass(frozen=True)
class Estimate:
    """A number over all tasks with its bootstrap interval; the interval is None where a task has one run."""

    value: float
    interval: Interval | None
    level: float = 0.95


def interquartile_mean(values: ArrayLike) -> float:
    """Return the mean of the middle half: a quarter of the values, rounded down, is left out at either end.

    Less moved by outliers than the mean, and by fewer runs than the median.

    Args:
        values: (n,) finite numbers of all runs and tasks.

    Source: R. Agarwal et al., *Deep reinforcement learning at the edge of the statistical precipice* (2021); SciPy's
    ``trim_mean(values, 0.25)``.

    >>> interquartile_mean([0, 1, 2, 3, 4, 5, 6, 100])
    3.5
    """
    return float(middle_half(as_runs(values)[None])[0])


def middle_half(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the interquartile mean of each row of (k, n).

    >>> middle_half(np.array([[4.0, 0.0, 1.0, 2.0]])).tolist()
    [1.5]
    """
    n = rows.shape[1]
    cut = n // 4
    if cut == 0:
        return np.asarray(rows.mean(axis=1))
    parted = np.partition(rows, (cut, n - cut - 1), axis=1)
    return np.asarray(parted[:, cut : n - cut].mean(axis=1))


def aggregate_interval(
    tasks: Sequence[ArrayLike],
    aggregate: Aggregate = middle_half,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Return an aggregate of the runs on all tasks with a stratified bootstrap interval.

    Runs are drawn anew, with replacement, within each task; the interval holds the middle ``level`` of the aggregates
    (percentile).  A resample of n runs scatters by (n − 1)/n too little, so deviations from the task's mean are
    stretched by √(n/(n − 1)) for the interval's width, which matters where runs are few.

    Args:
        tasks: for each task (n_k,) comparable scores, one a run, such as normalised ones; n_k may differ.
        aggregate: what is made of all runs of all tasks; the interquartile mean unless given.
        level: nominal coverage in (0, 1).
        resamples: how many.
        seed: of the resampling; the same seed gives the same interval.

    Returns:
        An `Estimate`.

    Source: Agarwal et al. (2021); stretching: T. Hesterberg, *What teachers should know about the bootstrap* (2015).
    Differences: the stretching is not in Agarwal et al.

    >>> aggregate_interval([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]).value
    4.5
    """
    runs = [as_runs(task) for task in tasks]
    if not runs:
        raise ValueError("There is no task; expected at least one with its runs. Pass [[…], […]].")
    value = float(aggregate(np.concatenate(runs)[None])[0])
    if min(len(x) for x in runs) < 2:
        return Estimate(value, None, level)
    drawn = np.concatenate(resampled_aggregates(runs, aggregate, resamples, seed))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, Interval(float(low), float(high)), level)


def resampled_aggregates(
    runs: Sequence[NDArray[np.float64]], aggregate: Aggregate, resamples: int, seed: int
) -> list[NDArray[np.float64]]:
    """Return the aggregates of so many resamples, block by block."""
    random = np.random.default_rng(seed)
    stretched = [x.mean() + (x - x.mean()) * np.sqrt(len(x) / (len(x) - 1)) for x in runs]
    width = sum(len(x) for x in runs)
    block = max(1, min(resamples, BLOCK // width))
    found, left = [], resamples
    while left > 0:
        rows = min(block, left)
        parts = [np.take(x, random.integers(0, len(x), (rows, len(x)), dtype=np.int32)) for x in stretched]
        found.append(aggregate(np.concatenate(parts, axis=1)))
        left -= rows
    return found
