"""What a source states, what was found, and whether they agree."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.statistics import mean_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Numbers = np.ndarray[Any, Any]
Progress = Callable[[float, str], None] | bool | None


@dataclasses.dataclass(frozen=True)
class Claim:
    """One thing that a source states.

    Args:
        what: what is measured, with its unit.
        expected: the source's number, or its statement in words.
        source: where it stands, and how it was read (printed, read off a figure, exact).
        found: our number, or what was seen in words.
        agrees: whether both are compatible.
        interval: of our number, 95%; None where it is exact or in words.
        tolerance: how far the source's number may be off: a figure is read to a pixel, a table is rounded.
        why: what is known of the reason where they do not agree; a remark where they do.
    """

    what: str
    expected: float | str
    source: str
    found: float | str
    agrees: bool
    interval: tuple[float, float] | None = None
    tolerance: float = 0.0
    why: str = ""

    @property
    def verdict(self) -> str:
        """``agrees``, ``explained`` or ``differs``."""
        return "agrees" if self.agrees else "explained" if self.why else "differs"


def measured(
    what: str, expected: float, values: Numbers, source: str, *, tolerance: float = 0.0, why: str = ""
) -> Claim:
    """A mean over independent seeds held against a number.

    Args:
        what: what is measured, with its unit.
        expected: the source's number.
        values: (n,) one number for each seed, n at least 2.
        source: where the number stands.
        tolerance: how far the source's number may be off.
        why: the reason, where they are known to differ.

    Returns:
        A claim that agrees where the 95% interval of the mean, widened by ``tolerance``, holds the number.

    >>> measured("return", 3.0, np.array([2.0, 3.0, 4.0, 3.2]), "a book").agrees
    True
    """
    values = np.asarray(values, np.float64)
    low, high = mean_interval(values).interval or (float("nan"), float("nan"))
    agrees = bool(low - tolerance <= expected <= high + tolerance)
    return Claim(what, float(expected), source, float(values.mean()), agrees, (low, high), tolerance, why)


def exact(what: str, expected: float, found: float, source: str, *, tolerance: float = 0.0, why: str = "") -> Claim:
    """A number without chance held against a number; ``tolerance`` says how the source rounds.

    >>> exact("value", 3.3, 3.309, "a table with one digit", tolerance=0.05).agrees
    True
    """
    agrees = bool(abs(found - expected) <= tolerance + 1e-9 * abs(expected))
    return Claim(what, float(expected), source, float(found), agrees, None, tolerance, why)


def statement(what: str, expected: str, found: str, agrees: bool, source: str, *, why: str = "") -> Claim:
    """Something said in words, such as which method is the best, held against what was seen."""
    return Claim(what, expected, source, found, bool(agrees), None, 0.0, why)


@dataclasses.dataclass(frozen=True, eq=False)
class Reproduced:
    """What came of a reproduction.

    Args:
        claims: what the source states and what was found.
        data: the arrays that the figure shows, by name.
    """

    claims: tuple[Claim, ...]
    data: Mapping[str, Numbers]


@dataclasses.dataclass(frozen=True)
class Reproduction:
    """A published result as a program.

    Args:
        name: what a user types, for example ``sb-6.4``; ``PUBLISHED`` has its title and source.
        seeds: how many independent runs it has unless told otherwise; 0 where nothing is random.
        run: ``(seeds, progress) -> Reproduced``; ``seeds`` is the sequence of seeds.
        draw: ``(Reproduced) -> Figure``, as the source draws it, with intervals over seeds.
    """

    name: str
    seeds: int
    run: Callable[[Sequence[int], Progress], Reproduced]
    draw: Callable[[Reproduced], Figure]
