"""Equal to within a margin: what "no difference found" does not say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from qlearn.statistics.differences import paired_difference, welch_difference
from qlearn.statistics.intervals import Interval


@dataclass(frozen=True)
class Equivalence:
    """Whether two means differ by less than the margin.

    Args:
        difference: mean of the first minus mean of the second.
        margin: in the values' unit, above 0.
        interval: the 1 − 2 · level interval of the difference; the means are equivalent where it lies within ± margin.
        p_value: of a difference as large as the margin or larger; None where no test exists.
        equivalent: whether the p-value is below the level.
        level: the test's.
    """

    difference: float
    margin: float
    interval: Interval | None
    p_value: float | None
    equivalent: bool
    level: float


def equivalence(
    first: ArrayLike, second: ArrayLike, margin: float, *, paired: bool = False, level: float = 0.05
) -> Equivalence:
    """Test whether two means differ by less than a margin that was chosen beforehand.

    Two one-sided t tests: p is the larger of the p-values of "difference ≤ −margin" and "difference ≥ margin".  The
    chance of a false claim of equivalence is at most ``level``.

    Args:
        first: (n,) one finite number for each run.
        second: (m,) likewise.
        margin: the largest difference that does not matter, in the values' unit, above 0.
        paired: whether run i of both met the same random numbers.
        level: the chance of a false claim, in (0, ½).

    Raises:
        ValueError: a margin that is not above 0, or a level outside (0, ½).

    Source: D. J. Schuirmann, *A comparison of the two one-sided tests procedure and the power approach* (1987).

    >>> equivalence([1.0, 1.1, 0.9, 1.0], [1.0, 1.0, 1.1, 0.9], margin=0.5).equivalent
    True
    """
    if not (margin > 0 and np.isfinite(margin)):
        raise ValueError(f"margin is {margin!r}; it is the largest difference that does not matter, above 0.")
    if not 0 < level < 0.5:
        raise ValueError(f"level is {level!r}; it is the chance of a false claim, in (0, ½). Pass 0.05.")
    compared = paired_difference if paired else welch_difference
    found = compared(first, second, level=1 - 2 * level)
    if found.interval is None:
        return Equivalence(found.difference, margin, None, None, False, level)
    if found.error == 0 or found.error is None or found.freedom is None:  # no run differs from another
        p_value = 0.0 if abs(found.difference) < margin else 1.0
    else:
        p_value = float(stats.t.sf((margin - abs(found.difference)) / found.error, found.freedom))
    return Equivalence(found.difference, margin, found.interval, p_value, p_value < level, level)
