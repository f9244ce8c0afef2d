"""A share of runs, with its interval."""

from __future__ import annotations

import math

from scipy import stats

from qlearn.statistics.intervals import Interval


def wilson_interval(successes: float, n: float, level: float = 0.95) -> Interval:
    """Return Wilson's score interval of a share p̂ = successes / n.

    (p̂ + z²/2n ± z √(p̂(1 − p̂)/n + z²/4n²)) / (1 + z²/n), z being the normal (1 + level)/2 quantile.  Unlike
    p̂ ± z·se it stays within [0, 1] and keeps its width at shares of 0 and 1.

    Args:
        successes: how many, 0 to n; half a success (a tie) is allowed.
        n: of how many, above 0; an effective number need not be whole.
        level: nominal coverage in (0, 1).

    Raises:
        ValueError: counts out of range.

    Source: E. B. Wilson (1927); L. D. Brown, T. T. Cai and A. DasGupta, *Interval estimation for a binomial
    proportion* (2001).

    >>> [round(bound, 4) for bound in wilson_interval(0, 10)]
    [0.0, 0.2775]
    """
    if not (n > 0 and 0 <= successes <= n):
        raise ValueError(f"{successes!r} successes of {n!r}; expected 0 to n of n > 0. Count runs, not per cent.")
    share, z2 = successes / n, float(stats.norm.ppf((1 + level) / 2)) ** 2
    middle = share + z2 / (2 * n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n)))
    low = 0.0 if share == 0 else (middle - half) / (1 + z2 / n)
    high = 1.0 if share == 1 else (middle + half) / (1 + z2 / n)
    return Interval(max(0.0, low), min(1.0, high))
