"""Counted observations in the place of arrays: an environment on the device, seen through a grid.

The range of every number of an observation is cut into bins; the bin of all of them is the state's number, and what
lies outside a range belongs to its nearest bin.  The environment itself goes on as it was: only what is seen of it is
coarse, so that it is no longer Markov.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.environments.jax_environment import JaxEnvironment, device_environment
from qlearn.environments.listing import DISCRETISED
from qlearn.environments.naming import parse, written
from qlearn.errors import InputError

Array = jax.Array
_MOST = 2**24
RANGES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "CartPole-v1": ((-2.4, -3.0, -0.21, -3.0), (2.4, 3.0, 0.21, 3.0)),
    "MountainCar-v0": ((-1.2, -0.07), (0.6, 0.07)),
    "Acrobot-v1": (
        (-1.0, -1.0, -1.0, -1.0, -4 * math.pi, -9 * math.pi),
        (1.0, 1.0, 1.0, 1.0, 4 * math.pi, 9 * math.pi),
    ),
    "PuddleWorld-v0": ((0.0, 0.0), (1.0, 1.0)),
}
"""Where observations lie; speeds without a bound have one that good play does not leave."""


@device_environment
class Discretised(JaxEnvironment):
    """An environment on the device whose observations are counted; :func:`discretised` makes it.

    Args:
        environment: what observes arrays.
        bins: how many along each number.
        low: where the ranges begin.
        high: where they end.
        time_limit: steps after which an episode is truncated.
    """

    identity: ClassVar[str] = "Discretised"
    observation_shape: ClassVar[tuple[int, ...] | None] = None
    observation_dtype: ClassVar[str] = "int32"

    environment: Any = dataclasses.field(metadata={"leaf": True})
    bins: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    time_limit: int | None = None

    @property
    def name(self) -> str:
        """What `make` takes to make it again: the environment's own id, its settings, and the grid."""
        identity, settings = parse(self.environment.name)
        grid: dict[str, Any] = {"bins": self.bins}
        if (self.low, self.high) != RANGES.get(identity):
            grid |= {"low": self.low, "high": self.high}
        return written(DISCRETISED + identity, {**settings, **grid})

    @property
    def reason(self) -> str:
        """Why there is no model."""
        return "its states are bins of what is observed, which do not tell what follows"

    @property
    def num_actions(self) -> int:
        """Of the environment."""
        return int(self.environment.num_actions)

    @property
    def num_states(self) -> int:
        """The product of the bins."""
        return math.prod(self.bins)

    def reset(self, noise: Any) -> Any:
        """The environment's own."""
        return self.environment.reset(noise)

    def observe(self, state: Any) -> Array:
        """The number of the bin that the observation falls into, int32; the last number of it changes fastest."""
        numbers, place = self.environment.observe(state).astype(jnp.float32).reshape(-1), jnp.int32(0)
        for j, (count, a, b) in enumerate(zip(self.bins, self.low, self.high, strict=True)):
            share = (numbers[j] - a) * (count / (b - a))
            share = jnp.minimum(jnp.where(share > 0.0, share, 0.0), count - 1.0)  # what is no number counts as low
            place = place * count + share.astype(jnp.int32)
        return place

    def step(self, state: Any, action: Array, noise: Any, total: Array) -> tuple[Any, Array, Array]:
        """The environment's own."""
        return self.environment.step(state, action, noise, total)


def discretised(
    environment: Any,
    bins: int | Sequence[int],
    *,
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
) -> Discretised:
    """Return an environment on the device whose observations are counted, so that table agents can learn on it.

    Args:
        environment: what `make` takes; its observations are arrays, and it runs on the device.
        bins: how many bins along each number of an observation, or one count for all.
        low: where the ranges begin; None for those of CartPole-v1, MountainCar-v0, Acrobot-v1 and PuddleWorld-v0.
        high: where they end.

    Returns:
        The environment, with the product of the bins as ``num_states``.

    Raises:
        InputError: where it does not run on the device, observes no arrays, or bins or ranges do not fit.

    >>> discretised("MountainCar-v0", bins=20).num_states
    400
    """
    from qlearn.environments.making import make

    inner = make(environment)
    if not isinstance(inner, JaxEnvironment) or inner.observation_shape is None:
        raise InputError(
            f"{inner.name} is no environment on the device that observes arrays; expected one such as CartPole-v1. "
            "Wrap others with gymnasium.wrappers.DiscretizeObservation, and pass a function that makes them."
        )
    size = math.prod(inner.observation_shape)
    usual = RANGES.get(inner.identity)
    if (low is None or high is None) and usual is None:
        raise InputError(
            f"The ranges of the observations of {inner.name} are not known; expected low and high, {size} numbers "
            "each. Pass them: low=(…), high=(…)."
        )
    a = _numbers("low", usual[0] if low is None and usual else low, size)
    b = _numbers("high", usual[1] if high is None and usual else high, size)
    if not all(x < y for x, y in zip(a, b, strict=True)):
        raise InputError(f"low={a} is not below high={b} everywhere. Pass ranges that rise.")
    return Discretised(environment=inner, bins=_counts(bins, size), low=a, high=b, time_limit=inner.time_limit)


def from_id(identity: str, arguments: dict[str, Any]) -> Discretised:
    """Return what ``discretised:ID(bins=…)`` names; arguments that are not the grid's are the environment's.

    Raises:
        InputError: as `discretised` and `make` do; and where there are no bins.
    """
    from qlearn.environments.making import make

    given = dict(arguments)
    grid = {name: given.pop(name) for name in ("low", "high") if name in given}
    if "bins" not in given:
        raise InputError(f"{identity} needs bins; expected how many along each number. Write {identity}(bins=10).")
    bins = given.pop("bins")
    return discretised(make(identity.removeprefix(DISCRETISED), **given), bins, **grid)


def _numbers(name: str, values: Any, size: int) -> tuple[float, ...]:
    numbers = np.asarray(values, np.float64).reshape(-1)
    if numbers.size != size or not np.isfinite(numbers).all():
        raise InputError(f"{name}={values!r}; expected {size} finite numbers, one for each of an observation.")
    return tuple(float(x) for x in numbers)


def _counts(bins: Any, size: int) -> tuple[int, ...]:
    given = tuple(bins) if isinstance(bins, Sequence) and not isinstance(bins, str) else (bins,) * size
    fine = all(isinstance(x, int) and not isinstance(x, bool) and x > 0 for x in given)
    if len(given) != size or not fine or math.prod(given) > _MOST:
        raise InputError(
            f"bins={bins!r}; expected a whole number of at least 1, or {size} of them, with a product of at most "
            f"{_MOST:,}. Pass bins=10."
        )
    return given
