"""What environments that are ordinary Python were asked to do, so that another process can bring them there again.

Nobody can read the state of such an environment.  But every episode begins with a seed of its own, and what happens in
it depends on that and on the actions: so a fresh environment is reset with the same seed, the recorded actions are
played again, and a digest of all that it answers is held against the one that was taken then.  Where they differ, the
environment has random numbers that nobody seeds, or a memory beyond its episodes, and cannot be restored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import jax
import numpy as np

from qlearn.engine.frozen import Frozen
from qlearn.errors import EnvironmentFault

Numbers = np.ndarray[Any, Any]

_MOST = 2**26  # bytes of a tape
_FIRST = 256  # rows that there is room for at first
_ODD = np.uint64(0x9E3779B97F4A7C15)


class Playable(Protocol):
    """Environments side by side, which can be begun and stepped; some form a group that only moves together."""

    @property
    def observations(self) -> Any:
        """What to act on now: a tree of arrays, a row for each environment."""

    def begin_again(self, marked: Numbers, numbers: Numbers) -> None:
        """Begin the episodes with these numbers in the environments that are marked."""

    def play(self, actions: Numbers, live: Numbers) -> tuple[Any, Numbers, Numbers]:
        """A step of those that are live: observations, rewards, and whether the episode is over."""


class Tape:
    """Actions since the beginning of every environment's episode, and digests of what came back.

    A step costs some microseconds for all environments together, and a byte or two for each; the bytes of episodes
    that are over are used again.  A tape takes 64 MB at most: an environment whose episode is longer than fits is
    not recorded until its next one begins.

    Args:
        size: how many environments.
        num_actions: that each has.
        group: how many environments, side by side, move together and go on by themselves when an episode ends, so that
            they are recorded from the beginning of the run; None where each is begun for every episode.
    """

    def __init__(self, size: int, num_actions: int, group: int | None = None) -> None:
        self.size, self.by_episode, self.group = size, group is None, group or 1
        self._dtype = np.min_scalar_type(max(num_actions - 1, 1))
        self._most = max(_FIRST, _MOST // (size * (self._dtype.itemsize + 1)))
        self._actions, self._live = np.zeros((_FIRST, size), self._dtype), np.zeros((_FIRST, size), bool)
        self._rows = 0
        self._start = np.zeros(size, np.int64)
        self._number = np.zeros(size, np.int64)
        self._digest = np.zeros(size, np.uint64)
        self._lost = np.zeros(size, bool)

    def begin(self, marked: Numbers, numbers: Numbers, observations: Any) -> None:
        """Episodes begin.

        Args:
            marked: (size,) bool, where.
            numbers: (size,) what ``begin_again`` would be given.
            observations: a tree of (size, …), where they begin.
        """
        if not marked.any():
            return
        self._start[marked], self._lost[marked] = self._rows, False
        self._number[marked] = numbers[marked]
        self._digest[marked] = _digest(observations, self.size)[marked]

    def add(self, actions: Numbers, live: Numbers) -> None:
        """A step is going to be made: (size,) whole numbers from 0, (size,) bool."""
        if self._rows == len(self._actions):
            self._make_room()
        self._actions[self._rows], self._live[self._rows] = actions, live
        self._rows += 1

    def answered(self, observations: Any, reward: Numbers, over: Numbers, live: Numbers) -> None:
        """What came of that step, a row for each environment."""
        after = self._digest + _digest(observations, self.size)
        after *= _ODD
        after += np.asarray(reward, np.float64).view(np.uint64)
        after *= _ODD
        after += over
        self._digest = after if live.all() else np.where(self._together(live), after, self._digest)

    def restore(self, world: Playable, stop: Any = lambda: False) -> Numbers | None:
        """Bring environments to where this tape ends.

        Args:
            world: fresh environments.
            stop: whether to give up.

        Returns:
            (size,) bool: which are not where they were; None where ``stop`` came first.
        """
        whole = np.ones(self.size, bool)
        world.begin_again(whole, self._number)
        seen = Tape(self.size, 1, self.group)
        seen.begin(whole, self._number, world.observations)
        failed = self._lost.copy()
        try:
            for actions, live in self._again():
                if stop():
                    return None
                observations, reward, over = world.play(actions, live)
                seen.answered(observations, reward, over, live)
                if self.by_episode:  # one that ends now did not end then
                    failed |= over & live
        except EnvironmentFault:  # what it did then cannot be done now
            return whole
        return self._together(failed | (seen._digest != self._digest))

    def freeze(self) -> Frozen:
        """Everything, as arrays by name."""
        first = int(self._start[~self._lost].min(initial=self._rows))
        return {
            "tape.actions": self._actions[first : self._rows].copy(),
            "tape.live": self._live[first : self._rows].copy(),
            "tape.start": np.maximum(self._start - first, 0),
            "tape.number": self._number.copy(),
            "tape.digest": self._digest.copy(),
            "tape.lost": self._lost.copy(),
        }

    def thaw(self, arrays: Mapping[str, Numbers]) -> None:
        """What ``freeze`` kept.

        Raises:
            ValueError: where it does not fit.
        """
        actions, live = arrays["tape.actions"], arrays["tape.live"]
        if actions.shape[1:] != (self.size,) or actions.dtype != self._dtype or live.shape != actions.shape:
            raise ValueError(f"the tape is {actions.dtype} {actions.shape}, of {self.size} environments")
        room = max(_FIRST, 2 * len(actions))
        self._actions, self._live = np.zeros((room, self.size), self._dtype), np.zeros((room, self.size), bool)
        self._rows = len(actions)
        self._actions[: self._rows], self._live[: self._rows] = actions, live
        for name in ("start", "number", "digest", "lost"):
            getattr(self, f"_{name}")[:] = arrays[f"tape.{name}"]

    def _again(self) -> Iterator[tuple[Numbers, Numbers]]:
        """Rows to be played: the first of each group's episode together, then the second of each, and so on."""
        rows = []
        for i in range(0, self.size, self.group):
            mine = np.arange(self._start[i], self._rows)
            moved = self._live[self._start[i] : self._rows, i : i + self.group].any(axis=1)
            rows.append(mine[moved & ~self._lost[i]])
        for k in range(max(map(len, rows))):
            actions, live = np.zeros(self.size, np.int64), np.zeros(self.size, bool)
            for i, places in zip(range(0, self.size, self.group), rows, strict=True):
                if k < len(places):
                    group = slice(i, i + self.group)
                    actions[group], live[group] = self._actions[places[k], group], self._live[places[k], group]
            yield actions, live

    def _together(self, marked: Numbers) -> Numbers:
        """Marks of every group of which one is marked."""
        return np.repeat(marked.reshape(-1, self.group).any(axis=1), self.group)

    def _make_room(self) -> None:
        """Forget what no episode needs; where all is needed, take more, or give up the longest episodes."""
        first = int(self._start[~self._lost].min(initial=self._rows))
        if self._rows - first > self._most // 2:
            self._lost |= self._together(self._rows - self._start > self._most // 2)
            first = int(self._start[~self._lost].min(initial=self._rows))
        held = self._rows - first
        room = max(_FIRST, 2 * held)
        self._actions, self._live = (
            np.concatenate([x[first : self._rows], np.zeros((room - held, self.size), x.dtype)])
            for x in (self._actions, self._live)
        )
        self._start = np.maximum(self._start - first, 0)
        self._rows = held


def _digest(tree: Any, size: int) -> Numbers:
    """A number for each row of a tree of arrays, (size,) uint64: sums of its words times odd numbers, modulo 2⁶⁴."""
    total = np.zeros(size, np.uint64)
    for leaf in [tree] if isinstance(tree, np.ndarray) else jax.tree.leaves(tree):
        rows = np.ascontiguousarray(leaf).reshape(size, -1)
        words = rows.view(np.uint32) if rows.strides[0] % 4 == 0 else rows.view(np.uint8)
        total *= _ODD
        total += words @ _weights(words.shape[1])
    return total


_WEIGHTS = np.zeros(0, np.uint64)


def _weights(count: int) -> Numbers:
    global _WEIGHTS  # noqa: PLW0603 (a table that only grows; any thread may make it anew)
    found = _WEIGHTS
    if found.size < count:
        found = np.random.default_rng(0).integers(0, 2**63, count, np.uint64) * np.uint64(2) + np.uint64(1)
        _WEIGHTS = found
    return found[:count]
