"""Where a run is read: what every seed knew when it reached each position, or when it diverged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.engine.frozen import Frozen, packed, unpacked

Numbers = np.ndarray[Any, Any]
_NEVER = 0xFFFFFFFF
_KEPT = ("episodes", "steps", "diverged", "arrived")


class Marks:
    """What ``num_seeds`` seeds knew at each of some positions.

    A seed that diverges is read at once, stands for all later positions as it was then, and counts as arrived: it is
    kept, not dropped.

    Args:
        num_seeds: n.
        positions: rising, at least one.
    """

    def __init__(self, num_seeds: int, positions: tuple[int, ...]) -> None:
        self.positions = positions
        self.known: list[list[Any]] = [[None] * num_seeds for _ in positions]
        self.episodes = np.zeros(num_seeds, np.int64)
        self.steps = np.zeros(num_seeds, np.int64)
        self.diverged = np.zeros(num_seeds, np.int64)
        self.arrived = np.zeros(num_seeds, bool)  # at the last position, by itself
        self._next = np.zeros(num_seeds, np.int64)

    @property
    def running(self) -> Numbers:
        """Which seeds are still on their way, (n,) bool."""
        return self._next < len(self.positions)

    @property
    def complete(self) -> bool:
        """Whether every seed has been read everywhere."""
        return not bool(self.running.any())

    @property
    def goals(self) -> Numbers:
        """The next position of every seed, (n,) uint32; 2³² − 1 where none is left."""
        later = np.array([*self.positions, _NEVER], np.int64)
        return later[self._next].astype(np.uint32)

    @property
    def reached(self) -> int:
        """How many positions every seed has been read at."""
        return int(self._next.min())

    def wanting(self, now: Numbers, diverged: Numbers) -> Numbers:
        """Which seeds are to be read: they stand at their goal, or have just diverged."""
        return self.running & ((now >= self.goals) | (diverged > 0))

    def keep(self, known: Any, now: Numbers, diverged: Numbers, clock: tuple[Numbers, Numbers]) -> None:
        """Read the seeds that want it.

        Args:
            known: a tree of arrays with the seed axis first.
            now: (n,) where they stand.
            diverged: (n,) the steps at which they diverged, 0 where they did not.
            clock: (n,) episodes and (n,) steps.
        """
        for i in np.flatnonzero(self.wanting(now, diverged)):
            mine = _of_seed(known, int(i))
            failed = diverged[i] > 0
            while self._next[i] < len(self.positions) and (failed or now[i] >= self.positions[self._next[i]]):
                self.known[self._next[i]][i] = mine
                self._next[i] += 1
            if self._next[i] == len(self.positions):
                self.episodes[i], self.steps[i] = clock[0][i], diverged[i] if failed else clock[1][i]
                self.diverged[i] = diverged[i]
                self.arrived[i] = not failed

    def close(self, known: Any, clock: tuple[Numbers, Numbers]) -> None:
        """Take seeds that did not arrive as they stand; the last position then holds them."""
        for i in np.flatnonzero(self.running):
            self.known[-1][i] = _of_seed(known, int(i))
            self.episodes[i], self.steps[i] = clock[0][i], clock[1][i]

    def freeze(self) -> Frozen:
        """Everything, as arrays by name."""
        kept = {f"marks.{name}": getattr(self, name).copy() for name in _KEPT} | {"marks.next": self._next.copy()}
        for k in range(len(self.positions)):
            rows = [self.known[k][i] for i in np.flatnonzero(self._next > k)]
            if rows:
                kept |= packed(f"known{k}", jax.tree.map(lambda *xs: np.stack(xs), *rows))
        return kept

    def thaw(self, arrays: Mapping[str, Numbers], like: Any) -> None:
        """What ``freeze`` kept, for the same positions; ``like`` is a tree of what all seeds know.

        Raises:
            ValueError: where the arrays do not fit.
        """
        for name in _KEPT:
            getattr(self, name)[:] = arrays[f"marks.{name}"]
        self._next[:] = arrays["marks.next"]
        for k in range(len(self.positions)):
            seeds = np.flatnonzero(self._next > k)
            if seeds.size:
                shapes = jax.tree.map(lambda x, n=seeds.size: jnp.asarray(np.asarray(x)[:1].repeat(n, axis=0)), like)
                rows = jax.tree.map(np.asarray, unpacked(f"known{k}", shapes, arrays))
                for place, i in enumerate(seeds):
                    self.known[k][i] = _of_seed(rows, place)

    def at(self, place: int) -> Any:
        """What all seeds knew at a position (its number): a tree of arrays with the seed axis first."""
        return jax.tree.map(lambda *rows: np.stack(rows), *self.known[place])


def _of_seed(known: Any, i: int) -> Any:
    return jax.tree.map(lambda x: np.array(x[i]), known)
