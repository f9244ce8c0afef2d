r"""Replay of stacked frames: every frame is kept once, stacks are put together when they are sampled.

An observation of shape (k, …) shows the last k frames, the newest last; the one after it shares k − 1 of them.  So only
the newest frame of each step is kept, and a sampled step finds the others behind it, as far back as its episode goes.
Before that lies what the environment itself showed there: zeros, as in ALE's vector environment, or the first frame
again, as in Gymnasium's ``FrameStackObservation``.  The last frame of an episode that the clock ended belongs to no
step; such frames lie apart.

For N steps in E environments this takes N + k E frames, those of truncated episodes, and 28 bytes a step.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Spec, Transition
from qlearn.agents.replay import Batch, Ring, path_of, put
from qlearn.errors import InputError
from qlearn.rules.n_step import n_step

Array = jax.Array
_SURE = "promise_in_bounds"
_RARE = 16  # steps of an episode at least, on average, where no time limit is known


class FramedReplay(NamedTuple):
    """The arrays of a ring of N steps in E environments."""

    rows: Array  # (N, 4) float32: reward, action, terminated, truncated
    links: Array  # (N, 3) int32: place of the newest frame; how the stack goes on behind it; number of the final frame
    frames: Array  # (N + k E or some more, *frame)
    finals: Array  # (M, *frame): where truncated episodes arrived, a ring of its own
    behind: Array  # (E,) int32: steps of the running episode so far, at most k − 1
    truncations: Array  # () int32: final frames kept so far


@dataclasses.dataclass(frozen=True)
class FrameRing(Ring):
    """The layout of such a replay; it draws and gives what a `Ring` of whole stacks would, from a k-th of the bytes.

    Args:
        places: N.
        num_environments: E.
        shape: (k, …) of one observation.
        dtype: of observations.
        written: steps that are written at once; they divide N.
        finals: M, how many truncated episodes of the last N steps find their last frame.  Where more episodes than
            these were cut, the older of them end in the frame before it.
    """

    written: int = 1
    finals: int = 1

    @classmethod
    def stacked(cls, spec: Spec, places: int, num_environments: int, written: int) -> FrameRing:
        """The ring for an environment of these sizes; ``written`` steps are stored at once."""
        limit = _RARE if spec.time_limit is None else spec.time_limit
        assert spec.observation_shape is not None
        shape, dtype = tuple(spec.observation_shape), str(spec.observation_dtype)
        kept = places // limit + 2 * num_environments
        return cls(places, num_environments, shape, dtype, written=written, finals=kept)

    @property
    def _room(self) -> int:
        """Places of frames: a multiple of what is written at once, so that a write never runs over the end."""
        needed = self.places + self.shape[0] * self.num_environments
        return -(-needed // self.written) * self.written

    def empty(self) -> Any:
        """Zeros."""
        frame, none = self.shape[1:], jnp.int32(0)
        return FramedReplay(
            jnp.zeros((self.places, 4), jnp.float32),
            jnp.zeros((self.places, 3), jnp.int32),
            jnp.zeros((self._room, *frame), self.dtype),
            jnp.zeros((self.finals, *frame), self.dtype),
            jnp.zeros(self.num_environments, jnp.int32),
            none,
        )

    def write(self, replay: Any, trajectory: Transition, before: Array) -> Any:
        """The ring with a trajectory (period, E) in the place of the oldest steps, in place; see `Ring.write`."""
        count, depth = trajectory.reward.size, self.shape[0]
        head, first = (before % jnp.uint32(n) for n in (self.places, self._room))
        place, first = head.astype(jnp.int32), first.astype(jnp.int32)
        seen, arrived = trajectory.observation, trajectory.next_observation
        cut = (trajectory.truncated & ~trajectory.terminated).reshape(count)
        numbers = replay.truncations + jnp.cumsum(cut.astype(jnp.int32)) - 1
        behind, after = self._behind(replay.behind, trajectory.ended)
        blank = jnp.all((seen[:, :, 0] == 0).reshape(count, -1), axis=1)  # before the first frame lie zeros
        links = [
            first + jnp.arange(count, dtype=jnp.int32),
            behind.reshape(count) + depth * blank.astype(jnp.int32),
            jnp.where(cut, numbers, -1),
        ]
        flags = (trajectory.reward, trajectory.action, trajectory.terminated, trajectory.truncated)
        columns = [x.astype(jnp.float32).reshape(count, 1) for x in flags]
        last = [x[:, :, -1].reshape(count, *self.shape[1:]) for x in (seen, arrived)]
        frames = put(put(replay.frames, last[0], first), last[1][-self.num_environments :], self._frame(first + count))
        slots = jnp.where(cut, numbers % self.finals, self.finals)  # one beyond the end is dropped
        return FramedReplay(
            put(replay.rows, jnp.concatenate(columns, axis=1), place),
            put(replay.links, jnp.stack(links, axis=1), place),
            frames,
            replay.finals.at[slots].set(last[1], mode="drop"),
            after,
            replay.truncations + jnp.sum(cut.astype(jnp.int32)),
        )

    def _behind(self, before: Array, ended: Array) -> tuple[Array, Array]:
        """How many steps of its episode lie behind each step, (period, E), and behind the next one, (E,)."""

        def one(behind: Array, ended: Array) -> tuple[Array, Array]:
            return jnp.where(ended, 0, jnp.minimum(behind + 1, self.shape[0] - 1)), behind

        after, behind = jax.lax.scan(one, before, ended)
        return behind, after

    def _frame(self, place: Array) -> Array:
        """A place of a frame, from one that may lie beyond either end."""
        return jnp.where(place >= self._room, place - self._room, jnp.where(place < 0, place + self._room, place))

    def take(self, replay: Any, places: Array, n: int, discount: float | Array) -> Batch:
        """The outcomes of the n steps that begin at some places; see `Ring.take`."""
        first = replay.rows.at[places].get(mode=_SURE)
        later = [self._wrap(places + i * self.num_environments) for i in range(1, n)]
        outcome = n_step(path_of([first] + [replay.rows.at[p].get(mode=_SURE) for p in later]), discount)
        last = self._wrap(places + (outcome.num_steps - 1) * self.num_environments)
        seen = self._stack(replay, places)
        before = seen if n == 1 else self._stack(replay, last)
        arrived = jnp.concatenate([before[:, 1:], self._next(replay, last, before[:, -1])[:, None]], axis=1)
        action = first[:, 1].astype(jnp.int32)
        return Batch(seen, action, outcome.reward, arrived, outcome.terminated, outcome.discount)

    def _stack(self, replay: FramedReplay, places: Array) -> Array:
        """The observations at some places, (batch, *shape)."""
        links, depth = replay.links.at[places].get(mode=_SURE), self.shape[0]
        behind, blank = links[:, 1] % depth, links[:, 1] >= depth
        back = jnp.arange(depth - 1, -1, -1, dtype=jnp.int32)[None, :]
        found = self._frame(links[:, :1] - jnp.minimum(back, behind[:, None]) * self.num_environments)
        stack = replay.frames.at[found].get(mode=_SURE)
        void = (back > behind[:, None]) & blank[:, None]
        return jnp.where(void.reshape(*void.shape, *[1] * (stack.ndim - 2)), jnp.zeros((), stack.dtype), stack)

    def _next(self, replay: FramedReplay, places: Array, newest: Array) -> Array:
        """The frame that each step arrived at, (batch, *frame)."""
        links = replay.links.at[places].get(mode=_SURE)
        number = links[:, 2]
        follows = replay.frames.at[self._frame(links[:, 0] + self.num_environments)].get(mode=_SURE)
        final = replay.finals.at[jnp.maximum(number, 0) % self.finals].get(mode=_SURE)
        cut, lost = number >= 0, number < replay.truncations - self.finals
        shape = (-1, *[1] * (newest.ndim - 1))
        end = jnp.where(lost.reshape(shape), newest, final)
        return jnp.where(cut.reshape(shape), end, follows)


def check_frames(agent: Any, spec: Spec) -> None:
    """Refuse an environment whose observations are no stacks of so many frames.

    Raises:
        InputError: naming the axis.
    """
    frames = agent.frames
    if frames == 1:
        return
    if spec.parts:
        raise InputError(
            f"DQN: frames={frames} is for observations that are one stack of frames; this environment's are several "
            "arrays, or come with action masks. Pass frames=1."
        )
    shape = spec.observation_shape
    if shape is None or len(shape) < 2 or shape[0] != frames:
        seen = "are states' numbers" if shape is None else f"have the shape {shape}"
        raise InputError(
            f"DQN: frames={frames}, and this environment's observations {seen}; expected ({frames}, …), the newest "
            f"frame last, as gymnasium.wrappers.FrameStackObservation(env, {frames}) gives them. Pass frames=1, or "
            "stack so many."
        )


def ring_of(agent: Any, spec: Spec) -> Ring:
    """The replay of an agent: whole observations, or each frame once."""
    if agent.frames == 1:
        return Ring.of(spec, agent.replay, agent.num_environments)
    return FrameRing.stacked(spec, agent.replay, agent.num_environments, agent.train_every)
