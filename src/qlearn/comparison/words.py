"""Numbers as a reader wants them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from qlearn.statistics import Interval

NONE = "–"


def number(value: float | None, more: int = 0) -> str:
    """Return a number with four digits or five and ``more``, without exponents where it is of ordinary size.

    >>> number(3663.6928), number(3663.6928, 1), number(-13.0), number(0.74419), number(None)
    ('3663.7', '3663.69', '−13', '0.7442', '–')
    """
    if value is None or not math.isfinite(value):
        return NONE
    size = abs(value)
    if size and (size >= 1e7 or size < 1e-4):
        return f"{value:.3g}".replace("-", "−")
    places = 1 if size >= 100 else 2 if size >= 10 else 3 if size >= 1 else 4
    text = f"{value:.{places + more}f}"
    if float(text) == round(value) and abs(value - round(value)) < 1e-9:
        text = f"{value:.0f}"
    return text.replace("-", "−")


def percent(share: float | None) -> str:
    """Return a share in per cent.

    >>> percent(0.129), percent(0.0005), percent(1.0), percent(None)
    ('12.9%', '0.05%', '100%', '–')
    """
    if share is None or not math.isfinite(share):
        return NONE
    value = 100 * share
    text = f"{value:.2f}" if 0 < abs(value) < 1 else f"{value:.1f}"
    return text.removesuffix(".0").replace("-", "−") + "%"


def interval(bounds: Interval | None, shown: Callable[[float], str] = number) -> str:
    """Return an interval in words.

    >>> interval(Interval(1.0, 2.5))
    '1 to 2.500'
    """
    return NONE if bounds is None else f"{shown(bounds.low)} to {shown(bounds.high)}"


def probability(p_value: float | None) -> str:
    """Return a p-value with its sign of relation.

    >>> probability(0.04321), probability(1e-9), probability(1.0)
    ('= 0.043', '< 0.0001', '= 1')
    """
    if p_value is None:
        return NONE
    return "< 0.0001" if p_value < 1e-4 else f"= {p_value:.2g}"


def listed(parts: Sequence[str], between: str = ", ") -> str:
    """Return parts as a list in words.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    if len(parts) < 2:
        return "".join(parts)
    return f"{between.join(parts[:-1])} and {parts[-1]}"
