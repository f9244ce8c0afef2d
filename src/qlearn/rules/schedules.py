"""Schedules: a number that changes with the episode, the step, or the visits of a state and action.

Anything that takes a rate takes a schedule.  ``clock`` has ``episode`` and ``total`` (steps of this run), both from 0;
``visits`` counts the visits of the state and action in question, this one included.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Literal, Protocol

import jax
import jax.numpy as jnp

from qlearn.errors import InputError
from qlearn.rules.description import choice, description, number

Array = jax.Array
Per = Literal["episode", "step"]


class HasTime(Protocol):
    """What a schedule asks of a clock."""

    @property
    def episode(self) -> Array:
        """Episodes completed by this run."""

    @property
    def total(self) -> Array:
        """Steps made by this run."""


class Schedule(Protocol):
    """A number as a function of time or of visits."""

    @property
    def counts_visits(self) -> bool:
        """Whether ``visits`` must be given."""

    def value(self, clock: HasTime, visits: Array | None = None) -> Array:
        """The number now, a float32."""


@description
class Constant:
    """Always the same number; a plain number does the same."""

    start: float

    counts_visits = False

    def __post_init__(self) -> None:
        number(self, "start", 0.0)

    def value(self, clock: HasTime, visits: Array | None = None) -> Array:
        """The number."""
        return jnp.asarray(self.start, jnp.float32)

    def __str__(self) -> str:
        return f"{self.start:g}"


@description
class Linear:
    """From ``start`` to ``end`` in equal steps over the first ``over`` episodes (or steps), then ``end``."""

    start: float
    end: float
    over: float
    per: Per = "episode"

    counts_visits = False

    def __post_init__(self) -> None:
        number(self, "start", 0.0)
        number(self, "end", 0.0)
        number(self, "over", 0.0, open_low=True)
        choice(self, "per", ("episode", "step"))

    def value(self, clock: HasTime, visits: Array | None = None) -> Array:
        """start + (end − start) · min(1, time / over)."""
        share = jnp.minimum(1.0, _time(clock, self.per) / self.over)
        return jnp.asarray(self.start + (self.end - self.start) * share, jnp.float32)

    def __str__(self) -> str:
        return f"linear({self.start:g}, {self.end:g}, over={self.over:g}, per={self.per!r})"


@description
class Exponential:
    """``start`` times ``decay`` for every episode (or step) that has passed, never below ``end``."""

    start: float
    decay: float
    end: float = 0.0
    per: Per = "episode"
    # In float32 a decay near 1 would lose what tells it from 1; its logarithm does not.
    log_decay: float = dataclasses.field(init=False, repr=False, compare=False)

    counts_visits = False

    def __post_init__(self) -> None:
        number(self, "start", 0.0)
        number(self, "decay", 0.0, 1.0, open_low=True)
        object.__setattr__(self, "log_decay", math.log(self.decay))
        number(self, "end", 0.0)
        choice(self, "per", ("episode", "step"))

    def value(self, clock: HasTime, visits: Array | None = None) -> Array:
        """max(end, start · decayᵗ)."""
        factor = jnp.exp(_time(clock, self.per) * self.log_decay)
        return jnp.maximum(jnp.asarray(self.end, jnp.float32), self.start * factor)

    def __str__(self) -> str:
        end = f", end={self.end:g}" if self.end else ""
        return f"exponential({self.start:g}, decay={self.decay:g}{end}, per={self.per!r})"


@description
class PerVisit:
    """scale / (offset + n)^power at the n-th visit of a state and action (n from 1).

    With power in (½, 1] every Q value converges (Robbins and Monro).  float32 keeps the step sizes meaningful up to
    about 10⁷ visits.
    """

    scale: float = 1.0
    power: float = 1.0
    offset: float = 0.0

    counts_visits = True

    def __post_init__(self) -> None:
        number(self, "scale", 0.0, open_low=True)
        number(self, "power", 0.0, 1.0)
        number(self, "offset", 0.0)

    def value(self, clock: HasTime, visits: Array | None = None) -> Array:
        """scale / (offset + visits)^power."""
        assert visits is not None, "a per-visit schedule needs the counts"
        base = self.offset + jnp.maximum(visits, 1).astype(jnp.float32)
        return jnp.asarray(self.scale * base ** (-jnp.asarray(self.power, jnp.float32)), jnp.float32)

    def __str__(self) -> str:
        return f"per_visit(scale={self.scale:g}, power={self.power:g}, offset={self.offset:g})"


def _time(clock: HasTime, per: Per) -> Array:
    return (clock.episode if per == "episode" else clock.total).astype(jnp.float32)


def constant(value: float) -> Constant:
    """Always ``value`` (≥ 0).

    >>> print(constant(0.1))
    0.1
    """
    return Constant(start=value)


def linear(start: float, end: float, *, over: float, per: Per = "episode") -> Linear:
    """From ``start`` to ``end`` (both ≥ 0) over the first ``over`` (> 0) episodes or steps.

    >>> print(linear(1.0, 0.05, over=1000, per="step"))
    linear(1, 0.05, over=1000, per='step')
    """
    return Linear(start=start, end=end, over=over, per=per)


def exponential(start: float, *, decay: float, end: float = 0.0, per: Per = "episode") -> Exponential:
    """``start`` (≥ 0) in the first episode, times ``decay`` (in (0, 1]) in each that follows, never below ``end``.

    >>> print(exponential(0.5, decay=0.999))
    exponential(0.5, decay=0.999, per='episode')
    """
    return Exponential(start=start, decay=decay, end=end, per=per)


def per_visit(*, scale: float = 1.0, power: float = 1.0, offset: float = 0.0) -> PerVisit:
    """scale / (offset + n)^power at the n-th visit; the default 1/n averages all samples.

    >>> print(per_visit(power=0.8))
    per_visit(scale=1, power=0.8, offset=0)
    """
    return PerVisit(scale=scale, power=power, offset=offset)


def as_schedule(owner: object, name: str, *, high: float | None = None) -> None:
    """Turn a plain number in a field into a Constant, refusing what is out of range.

    Args:
        owner: the description whose field it is.
        name: the field.
        high: the largest value that makes sense (1 for a probability).

    Raises:
        InputError: naming the class, the field and the range.
    """
    value: Any = getattr(owner, name)
    if hasattr(value, "counts_visits") and hasattr(value, "value"):  # explorations count visits too
        top = max(getattr(value, "start", 0.0), getattr(value, "end", 0.0))
    else:
        number(owner, name, 0.0, float("inf") if high is None else high)
        value = Constant(start=getattr(owner, name))
        top = value.start
        object.__setattr__(owner, name, value)
    if high is not None and top > high:
        raise InputError(
            f"{type(owner).__name__}: {name} reaches {top:g}; expected at most {high:g} at all times. "
            f"Start the schedule at {high:g} or below."
        )
