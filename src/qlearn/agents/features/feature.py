"""What features are: numbers made of an observation, whose weighted sum is a value.

A description of features (``TileCoding(…)``) is bound to an environment's sizes, which gives :class:`Basis`: pure
functions of one observation.  Features are either *sparse*, where k of d are 1 and all others 0, so that only their
places are handed on, or *dense*, where all d are numbers.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Spec
from qlearn.errors import InputError

Array = jax.Array
MOST = 2**26
"""Features of one seed, at most: 256 MB of float32 for each action."""


class Encoded(NamedTuple):
    """The features of one observation: places of those that are 1, or the values of all."""

    places: Array | None  # (k,) int32, each of the k from a range of its own; None where features are dense
    values: Array | None  # (d,) float32; None where they are sparse


@dataclasses.dataclass(frozen=True)
class Basis:
    """Features of one environment.

    Args:
        size: d, how many there are.
        active: k, how many of them are 1 at once; None where features are dense.
        encode: ``(observation) -> Encoded``, of one observation: a scalar int32 where states are numbers.
        constant: ``(value) -> (d,)``: weights with which every observation has that value; None where none have.
        rates: (d,) how large each weight's step is beside the others'; None where all are 1 / k (sparse) or 1 (dense).
    """

    size: int
    active: int | None
    encode: Callable[[Array], Encoded]
    constant: Callable[[Array], Array] | None
    rates: Array | None = None


@runtime_checkable
class Features(Protocol):
    """A description of features."""

    def bind(self, spec: Spec) -> Basis:
        """The features of an environment of these sizes; raises InputError where they do not fit it."""


def dimensions(owner: Any, spec: Spec) -> int:
    """How many numbers an observation has; the number of a state counts as one."""
    return 1 if spec.observation_shape is None else math.prod(spec.observation_shape)


def flat(observation: Array) -> Array:
    """An observation as a row of float32."""
    return observation.astype(jnp.float32).reshape(-1)


def check_box(owner: Any) -> None:
    """Make ``low`` and ``high`` tuples of equally many finite numbers, the first below the second.

    Raises:
        InputError: naming the field and what is expected.
    """
    kind = type(owner).__name__
    for name in ("low", "high"):
        object.__setattr__(owner, name, as_numbers(owner, name))
    if len(owner.low) != len(owner.high) or not all(a < b for a, b in zip(owner.low, owner.high, strict=True)):
        raise InputError(
            f"{kind}: low={owner.low} and high={owner.high} are no ranges; expected equally many numbers, each of low "
            "below that of high. Pass the range of every number of an observation."
        )


def as_numbers(owner: Any, name: str) -> tuple[float, ...]:
    """A field as a tuple of finite numbers; one number stands for a tuple of one.  Raises InputError."""
    value = getattr(owner, name)
    try:
        given = value.tolist() if hasattr(value, "tolist") else value
        numbers = tuple(float(x) for x in (given if isinstance(given, (tuple, list)) else (given,)))
    except (TypeError, ValueError):
        numbers = ()
    if not numbers or not all(map(math.isfinite, numbers)):
        raise InputError(
            f"{type(owner).__name__}: {name}={value!r}; expected finite numbers, one for each number of an "
            f"observation. Pass {name}=(0.0, …)."
        )
    return numbers


def as_counts(owner: Any, name: str, length: int, low: int = 1) -> tuple[int, ...]:
    """A field as whole numbers of at least ``low``, one for each dimension; one number stands for all.

    Raises:
        InputError: naming the field and what is expected.
    """
    value = getattr(owner, name)
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,) * length
    if len(given) != length or any(isinstance(x, bool) or not isinstance(x, int) or x < low for x in given):
        raise InputError(
            f"{type(owner).__name__}: {name}={value!r}; expected a whole number of at least {low}, or {length} of "
            f"them, one for each range. Pass {name}={max(low, 8)}."
        )
    return given


def check_fits(owner: Any, spec: Spec, length: int) -> None:
    """Refuse an environment whose observations have another number of dimensions; raises InputError."""
    found = dimensions(owner, spec)
    if found != length:
        raise InputError(
            f"{type(owner).__name__} has the ranges of {length} numbers, and this environment's observations have "
            f"{found}. Pass low and high with {found} numbers."
        )


def check_size(owner: Any, size: int, cure: str) -> None:
    """Refuse more features than a machine's memory is for; raises InputError."""
    if size > MOST:
        raise InputError(f"{type(owner).__name__} would make {size:,} features; expected at most {MOST:,}. {cure}.")
