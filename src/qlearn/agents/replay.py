"""Replay: the last transitions of a seed, in a ring on the device that is written in place.

Steps are stored one by one in time order, the environments of a seed side by side: place ``row · E + environment``.
So the step that follows another in the same environment lies E places on, and n-step outcomes are made when they are
sampled.

What a learner writes at the same place for all seeds of a lane must not depend on the seed in JAX's eyes: a write at a
place per seed becomes a scatter.  `together` says so of a count of steps.  No branch may carry the ring, either: it
would be copied at every step.  Tests look for such copies in the compiled program.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from qlearn.agents.learner import Spec, Transition
from qlearn.agents.observed import packed, unpacked
from qlearn.environments.parts import Part
from qlearn.rules.n_step import n_step

Array = jax.Array
MOST = 2**30
"""Places that 32-bit indices reach."""

_PACKED = 64  # numbers of a float32 observation up to which it lies in one row with all else
_SURE = "promise_in_bounds"  # places are made here; a check would cost a comparison for every number


class Replay(NamedTuple):
    """The arrays of a ring; N places in front.

    ``rows`` holds reward, action, terminated, truncated, and where observations are small float32 arrays these and the
    next ones too, so that a sample is one gather.  Others lie apart, in their own dtype.
    """

    rows: Array  # (N, 4) or (N, 4 + 2 size) float32
    observation: Array | None  # (N, *shape)
    next_observation: Array | None  # (N, *shape)


class Batch(NamedTuple):
    """Sampled outcomes of one or more steps; the batch is in front.

    ``reward``, ``terminated`` and ``discount`` are what ``one_step`` takes in the place of a step's own.
    """

    observation: Any  # an array, or a dict of arrays
    action: Array  # int32
    reward: Array  # float32, Σ γⁱ R over the steps that count
    next_observation: Any  # where the last of them arrived
    terminated: Array  # bool
    discount: Array  # float32, γᵏ


@custom_vmap
def together(steps: Array) -> Array:
    """A number that all seeds of a lane share, such as their steps so far.

    Over a lane the result has no axis of seeds, so that branches on it are branches and writes at it are in place.
    Where a seed was stopped and lags behind, the others are right.
    """
    return steps


@together.def_vmap
def _together(axis_size: int, in_batched: list[bool], steps: Array) -> tuple[Array, bool]:
    return (jnp.max(steps, axis=0) if in_batched[0] else steps), False


@dataclasses.dataclass(frozen=True)
class Ring:
    """The layout of a seed's replay: how many places, and of what.

    Args:
        places: N, transitions kept; a multiple of what is written at once.
        num_environments: E.
        shape: of one observation; () for the number of a state.
        dtype: of observations.
    """

    places: int
    num_environments: int
    shape: tuple[int, ...]
    dtype: str
    parts: tuple[Part, ...] = ()  # of observations that are dicts of arrays, which are kept as rows of bytes

    @classmethod
    def of(cls, spec: Spec, places: int, num_environments: int) -> Ring:
        """The ring for an environment of these sizes."""
        if spec.observation_shape is None:
            return cls(places, num_environments, (), "int32")
        return cls(places, num_environments, tuple(spec.observation_shape), str(spec.observation_dtype), spec.parts)

    @property
    def packed(self) -> bool:
        """Whether observations lie in ``rows``."""
        return self.dtype == "float32" and self._size <= _PACKED

    @property
    def _size(self) -> int:
        return math.prod(self.shape)

    @property
    def num_bytes(self) -> int:
        """What one seed's replay takes."""
        shapes = jax.eval_shape(self.empty)
        return sum(math.prod(x.shape) * x.dtype.itemsize for x in jax.tree.leaves(shapes))

    def empty(self) -> Replay:
        """Zeros."""
        if self.packed:
            return Replay(jnp.zeros((self.places, 4 + 2 * self._size), jnp.float32), None, None)
        rows = jnp.zeros((self.places, 4), jnp.float32)
        seen = (self.places, *self.shape)
        return Replay(rows, jnp.zeros(seen, self.dtype), jnp.zeros(seen, self.dtype))

    def write(self, replay: Replay, trajectory: Transition, before: Array) -> Replay:
        """The ring with a trajectory (period, E) in the place of the oldest steps, in place.

        Args:
            replay: of a seed.
            trajectory: of the same seed.
            before: steps stored before it, uint32, from `together`.
        """
        count = trajectory.reward.size
        head = (before % jnp.uint32(self.places)).astype(jnp.int32)

        def column(values: Array) -> Array:
            return values.astype(jnp.float32).reshape(count, 1)

        parts = [column(x) for x in (trajectory.reward, trajectory.action, trajectory.terminated, trajectory.truncated)]
        both = (packed(self.parts, x) for x in (trajectory.observation, trajectory.next_observation))
        seen = [x.astype(self.dtype) for x in both]
        if self.packed:
            parts += [x.reshape(count, self._size) for x in seen]
        rows = put(replay.rows, jnp.concatenate(parts, axis=1), head)
        if replay.observation is None or replay.next_observation is None:
            return Replay(rows, None, None)
        one, two = (x.reshape(count, *self.shape) for x in seen)
        return Replay(rows, put(replay.observation, one, head), put(replay.next_observation, two, head))

    def draw(self, noise: Any, slot: int | Array, count: int, steps: Array, n: int = 1) -> Array:
        """Places of steps that have n − 1 others after them, each equally likely to 1 in 2³² / N; (count,) int32.

        Args:
            noise: of this update.
            slot: the first of the ``(count + 1) // 2`` slots to be used.
            count: how many.
            steps: stored so far, uint32, from `together`.
            n: steps of an outcome; the newest n − 1 steps have to wait until those after them are there.
        """
        slots = jnp.asarray(slot, jnp.uint32) + jnp.arange((count + 1) // 2, dtype=jnp.uint32)
        words = jnp.concatenate(noise.pair(slots))[:count]
        whole, waiting = jnp.uint32(self.places), jnp.uint32((n - 1) * self.num_environments)
        held = jnp.minimum(steps, whole)
        choices = jnp.maximum(held, waiting + 1) - waiting  # at least 1: before learning starts nothing is made of it
        oldest = jnp.where(steps > whole, steps % whole, jnp.uint32(0))
        return self._wrap((oldest + jax.lax.rem(words, jnp.broadcast_to(choices, words.shape))).astype(jnp.int32))

    def _wrap(self, place: Array) -> Array:
        return jnp.where(place >= self.places, place - self.places, place)

    def take(self, replay: Replay, places: Array, n: int, discount: float | Array) -> Batch:
        """The outcomes of the n steps that begin at some places, (batch,) int32, from `draw`."""
        first = replay.rows.at[places].get(mode=_SURE)
        later = [self._wrap(places + i * self.num_environments) for i in range(1, n)]
        outcome = n_step(path_of([first] + [replay.rows.at[p].get(mode=_SURE) for p in later]), discount)
        last = self._wrap(places + (outcome.num_steps - 1) * self.num_environments)
        action = first[:, 1].astype(jnp.int32)
        if replay.observation is None or replay.next_observation is None:
            final = first if n == 1 else replay.rows.at[last].get(mode=_SURE)
            shape = (places.shape[0], *self.shape)
            middle = 4 + self._size
            seen, arrived = first[:, 4:middle].reshape(shape), final[:, middle:].reshape(shape)
        else:
            seen = replay.observation.at[places].get(mode=_SURE)
            arrived = replay.next_observation.at[last].get(mode=_SURE)
        seen, arrived = unpacked(self.parts, seen), unpacked(self.parts, arrived)
        return Batch(seen, action, outcome.reward, arrived, outcome.terminated, outcome.discount)


class _Path(NamedTuple):
    reward: Array
    terminated: Array
    truncated: Array


def put(array: Array, new: Array, place: Array) -> Array:
    """An array with some rows written at a place, which must not depend on the seed."""
    return jax.lax.dynamic_update_slice(array, new, (place,) + (jnp.int32(0),) * (array.ndim - 1))


def path_of(rows: list[Array]) -> _Path:
    """The steps behind each other, (n, batch), of rows that begin with reward, action, terminated and truncated."""
    reward, _, terminated, truncated = (jnp.stack([r[:, i] for r in rows]) for i in range(4))
    return _Path(reward, terminated > 0.5, truncated > 0.5)
