"""How many runs are needed, and what a number of runs can find, from a pilot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from qlearn.statistics.differences import POWER
from qlearn.statistics.intervals import as_runs

MOST_RUNS = 1_000_000


@dataclass(frozen=True)
class Pilot:
    """The spread of a difference as a few runs show it.

    Args:
        sd: of one run's (or pair's) difference: √(s_x² + s_y²), or the sd of the paired differences.
        freedom: degrees of freedom that a test of n runs has, divided by n − 1.
        known: degrees of freedom behind ``sd``.
        paired: whether runs are paired by common random numbers.
    """

    sd: float
    freedom: float
    known: float
    paired: bool

    def upper_sd(self, assurance: float) -> float:
        """Return the bound that the true sd is below with so much confidence, on normal data."""
        return self.sd * float(np.sqrt(self.known / stats.chi2.ppf(1 - assurance, self.known)))


def pilot(first: ArrayLike, second: ArrayLike, *, paired: bool = False) -> Pilot:
    """Return what a few runs of two methods say about the spread of their difference.

    Args:
        first: (n,) at least two finite numbers.
        second: (m,) likewise.
        paired: whether run i of both met the same random numbers (then n = m).

    Raises:
        ValueError: fewer than two runs, or pairs of unequal length.

    >>> pilot([1.0, 3.0, 5.0], [1.0, 2.0, 3.0], paired=True).sd
    1.0
    """
    x, y = as_runs(first), as_runs(second)
    if min(len(x), len(y)) < 2 or (paired and len(x) != len(y)):
        raise ValueError(f"{len(x)} and {len(y)} runs; expected at least two each, and as many where paired.")
    if paired:
        return Pilot(float((x - y).std(ddof=1)), 1.0, len(x) - 1.0, True)
    a, b = float(x.var(ddof=1)), float(y.var(ddof=1))
    if a + b == 0:
        return Pilot(0.0, 2.0, len(x) + len(y) - 2.0, False)
    known = (a + b) ** 2 / (a**2 / (len(x) - 1) + b**2 / (len(y) - 1))
    return Pilot(float(np.sqrt(a + b)), (a + b) ** 2 / (a**2 + b**2), known, False)


def power_of(difference: float, sd: float, runs: float, *, level: float = 0.05, freedom: float = 1.0) -> float:
    """Return the chance that a two-sided t test at this level finds a true difference.

    P(|t′| > t_{1 − level/2}), t′ being noncentral with δ = difference · √runs / sd and freedom · (runs − 1) degrees.

    Args:
        difference: true difference of the means.
        sd: of one run's difference, as in `Pilot`.
        runs: of each method, or pairs; above 1.
        level: of the test, in (0, 1).
        freedom: as in `Pilot`.

    Source: W. S. Gosset's t under an alternative: J. Neyman and B. Tokarska (1936); SciPy's ``nct``.

    >>> round(power_of(1.0, 1.0, 10), 3)
    0.803
    """
    if sd <= 0:
        return 1.0 if difference else level
    degrees = freedom * (runs - 1)
    shift = abs(difference) * np.sqrt(runs) / sd
    limit = stats.t.ppf(1 - level / 2, degrees)
    above, below = stats.nct.sf(limit, degrees, shift), stats.nct.cdf(-limit, degrees, shift)
    if not np.isfinite(above):  # SciPy's sum gives up far out, where nothing is missing from 1
        above = stats.norm.sf(limit - shift)
    return float(above + np.nan_to_num(below))  # the other tail is nothing where it cannot be summed


def detectable_difference(
    found: Pilot, runs: int, *, level: float = 0.05, power: float = POWER, assurance: float | None = None
) -> float:
    """Return the smallest true difference that so many runs find with the given chance.

    Args:
        found: the spread, from `pilot`.
        runs: of each method, or pairs; at least 2.
        level: of the two-sided t test; divide it by the number of comparisons.
        power: the chance, in (level, 1).
        assurance: if given, the spread's upper bound of this confidence is used: a pilot of few runs may understate it.

    >>> round(detectable_difference(Pilot(1.0, 1.0, 9.0, True), 10), 3)
    0.996
    """
    if runs < 2:
        raise ValueError(f"runs is {runs!r}; a test needs at least two.")
    sd = found.sd if assurance is None else found.upper_sd(assurance)
    if sd == 0:
        return 0.0

    def missing(shift: float) -> float:
        return power_of(shift, 1.0, runs, level=level, freedom=found.freedom) - power

    top = 1.0
    while missing(top) < 0:
        top *= 2
    return sd * float(optimize.brentq(missing, 0.0, top))


def runs_needed(
    found: Pilot, difference: float, *, level: float = 0.05, power: float = POWER, assurance: float | None = None
) -> int:
    """Return how many runs of each method (or pairs) find a difference with the given chance.

    Args:
        found: the spread, from `pilot`.
        difference: the smallest that matters, in the values' unit, not 0.
        level: of the two-sided t test; divide it by the number of comparisons.
        power: the chance, in (level, 1).
        assurance: as in `detectable_difference`; M. Kieser and G. Wassmer (1996) use 0.8.

    Raises:
        ValueError: a difference of 0, or one that a million runs would not find.

    Source: C. Colas, O. Sigaud and P.-Y. Oudeyer, *How many random seeds?* (2018).

    >>> runs_needed(Pilot(1.0, 1.0, 9.0, True), 1.0), runs_needed(Pilot(1.0, 1.0, 9.0, True), 1.0, assurance=0.8)
    (10, 16)
    """
    if not abs(difference) > 0:
        raise ValueError(f"difference is {difference!r}; expected the smallest that matters, not 0.")
    sd = found.sd if assurance is None else found.upper_sd(assurance)

    def enough(runs: int) -> bool:
        return power_of(difference, sd, runs, level=level, freedom=found.freedom) >= power

    high = 2
    while not enough(high):
        high *= 2
        if high > MOST_RUNS:
            raise ValueError(f"{MOST_RUNS:,} runs would not find a difference of {difference:g} at an sd of {sd:g}.")
    low = max(2, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high
