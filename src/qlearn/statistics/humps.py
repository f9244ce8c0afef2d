"""Results that fall into two camps, for which a mean speaks badly."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from qlearn.statistics.intervals import as_runs

EXPLAINED = 0.9
SMALLEST_CAMP = 0.1


def two_humped(values: ArrayLike) -> bool:
    """Return whether runs fall into two camps: a flag that says "look at the runs", not a test.

    The best split of the sorted values in two leaves less than 10% of the variance, and each camp has at least 10% of
    the runs.  Of normal data such a split explains 64%, of uniform data 75%.  Below ten runs nothing is flagged.

    Args:
        values: (n,) finite numbers.

    >>> two_humped([0.0] * 10 + [1.0] * 5), two_humped(range(20))
    (True, False)
    """
    x = np.sort(as_runs(values))
    n, total = len(x), float(np.var(x))
    if n < 10 or total == 0:
        return False
    sizes = np.arange(1, n)
    left = np.cumsum(x)[:-1] / sizes
    right = (x.sum() - np.cumsum(x)[:-1]) / (n - sizes)
    between = sizes * (n - sizes) / n**2 * (left - right) ** 2
    allowed = (sizes >= SMALLEST_CAMP * n) & (n - sizes >= SMALLEST_CAMP * n)
    return bool(between[allowed].max(initial=0.0) >= EXPLAINED * total)
