"""Performance profiles: the share of runs above every score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from qlearn.statistics.intervals import as_runs


@dataclass(frozen=True, eq=False)
class Profile:
    """The share of runs above each threshold, every task counting the same.

    Args:
        thresholds: (t,) scores, rising.
        share: (t,) in [0, 1], falling.
        low: (t,) lower end of the band.
        high: (t,) upper end.
        level: nominal coverage of the band at each threshold by itself.
    """

    thresholds: NDArray[np.float64]
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    level: float


def performance_profile(tasks: Sequence[ArrayLike], thresholds: ArrayLike, *, level: float = 0.95) -> Profile:
    """Return the performance profile of one method with a band.

    F̂(τ) = mean over tasks of the share p̂_k(τ) of the task's runs whose score is above τ.  As var F̂ = Σ p_k (1 − p_k) /
    n_k / K² is known, the band is Wilson's with the effective number of runs F̂ (1 − F̂) / var F̂, at least that of all
    runs together: it keeps its width where all runs are above τ or none is, as a bootstrap would not.

    Args:
        tasks: for each task (n_k,) comparable scores, one a run.
        thresholds: (t,) finite scores, in any order.
        level: nominal coverage in (0, 1) at each threshold.

    Returns:
        A `Profile`.

    Source: R. Agarwal et al., *Deep reinforcement learning at the edge of the statistical precipice* (2021); E. D.
    Dolan and J. J. Moré, *Benchmarking optimization software with performance profiles* (2002).  Differences: Wilson's
    band in place of a bootstrap's.

    >>> found = performance_profile([[0.2, 0.8], [0.5, 0.9]], [0.0, 0.6, 1.0])
    >>> found.share.tolist()
    [1.0, 0.5, 0.0]
    """
    runs = [as_runs(task) for task in tasks]
    if not runs:
        raise ValueError("There is no task; expected at least one with its runs. Pass [[…], […]].")
    tau = np.sort(as_runs(thresholds))
    above = np.array([1 - np.searchsorted(np.sort(x), tau, "right") / len(x) for x in runs])
    sizes = np.array([len(x) for x in runs])[:, None]
    share = above.mean(axis=0)
    variance = (above * (1 - above) / sizes).sum(axis=0) / len(runs) ** 2
    spread = share * (1 - share)
    # Tasks that count the same though their runs do not: the effective number of runs where p_k are all alike.
    fewest = len(runs) ** 2 / float((1 / sizes).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(variance > 0, np.maximum(fewest, spread / variance), fewest)
    z2 = float(stats.norm.ppf((1 + level) / 2)) ** 2
    middle, half = share + z2 / (2 * size), np.sqrt(z2 * (spread / size + z2 / (4 * size**2)))
    low, high = (middle - half) / (1 + z2 / size), (middle + half) / (1 + z2 / size)
    return Profile(tau, share, np.clip(low, 0.0, share), np.clip(high, share, 1.0), level)
