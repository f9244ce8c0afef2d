"""Transitions of the host loop that wait for an update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from qlearn.agents.learner import Spec
from qlearn.engine.frozen import Frozen, copied_into, packed

Numbers = np.ndarray[Any, Any]


class Trajectories:
    """Transitions that wait for an update: (size, time, E), each environment at its own pace.

    An environment that is ahead of its siblings, as after a step that was only a reset, keeps its surplus for the next
    update.  Most of the time all are equally far: then a step is one row, and nothing is looked up.

    Args:
        num_seeds: n, the seeds that learn.
        size: n or more: rows of the arrays; those beyond n stay 0.
        period: steps of an update.
        spec: the sizes of the environment.
        count: E, the environments of a seed.
    """

    def __init__(self, num_seeds: int, size: int, period: int, spec: Spec, count: int) -> None:
        shape, dtype = spec.observation_shape or (), np.dtype(spec.observation_dtype)
        seen = ((*shape,), np.int32 if spec.observation_shape is None else dtype)
        kinds = (seen, ((), np.int32), ((), np.float32), seen, ((), bool), ((), bool))
        self._n, self._period = num_seeds, period
        self._columns = [np.zeros((size, period + 1, count, *s), d) for s, d in kinds]
        self._level: int | None = 0  # how many wait of every environment; None where they are not equally many
        self._waiting = np.zeros((num_seeds, count), np.int64)  # the same, where they are not

    def add(self, columns: tuple[Numbers, ...], valid: Numbers | None = None) -> None:
        """One more step of the environments that are marked.

        Args:
            columns: (n, E, …) of a ``Transition`` without ``valid``.
            valid: (n, E) bool, which of them count; None where all do.
        """
        if self._level is None or valid is not None:
            return self._add_some(columns, np.nonzero(np.ones(self._waiting.shape, bool) if valid is None else valid))
        for column, values in zip(self._columns, columns, strict=True):
            column[: self._n, self._level] = values
        self._level += 1
        return None

    def full(self) -> Numbers:
        """Which seeds can learn, (n,) bool."""
        if self._level is None:
            return np.asarray((self._waiting >= self._period).all(axis=1))
        return np.full(self._n, self._level >= self._period)

    @property
    def ready(self) -> bool:
        """Whether some seed may be able to learn."""
        return self._level is None or self._level >= self._period

    def take(self, marked: Numbers) -> tuple[Numbers, ...]:
        """The oldest ``period`` steps of every row, which the seeds that are marked forget; marked: (n,) bool."""
        taken = tuple(column[:, : self._period].copy() for column in self._columns)
        if self._level == self._period and marked.all():
            self._level = 0
        else:
            self._forget(np.flatnonzero(marked))
        return taken

    def cut(self, lost: Numbers) -> None:
        """Mark the newest step of some environments, (n, E) bool, as truncated: their episodes cannot be gone on with.

        Where none waits, as where a seed has arrived before, there is nothing to mark.
        """
        held = self._waiting if self._level is None else np.full(self._waiting.shape, self._level)
        seeds, environments = np.nonzero(lost & (held > 0))
        terminated, truncated = self._columns[4:6]
        newest = seeds, held[seeds, environments] - 1, environments
        truncated[newest] = ~terminated[newest]

    def freeze(self) -> Frozen:
        """Everything, as arrays by name."""
        level = -1 if self._level is None else self._level
        return packed("waiting", self._columns) | {"waiting": self._waiting.copy(), "waiting.level": np.array(level)}

    def thaw(self, arrays: Mapping[str, Numbers]) -> None:
        """What ``freeze`` kept.

        Raises:
            ValueError: where it does not fit.
        """
        held = arrays.get("waiting.1", self._columns[1]).shape[1]  # more than at first where some were far ahead
        like = jax.tree.map(lambda x: np.zeros((x.shape[0], held, *x.shape[2:]), x.dtype), self._columns)
        for i, column in enumerate(jax.tree.leaves(like)):
            copied_into(column, f"waiting.{i}", arrays)
        copied_into(self._waiting, "waiting", arrays)
        level = int(arrays["waiting.level"])
        self._columns, self._level = like, None if level < 0 else level

    def _add_some(self, columns: tuple[Numbers, ...], where: tuple[Numbers, ...]) -> None:
        self._come_apart()
        place = self._waiting[where]
        if place.size and place.max() >= self._columns[0].shape[1]:
            self._columns = [np.concatenate([c, np.zeros_like(c)], axis=1) for c in self._columns]
        for column, values in zip(self._columns, columns, strict=True):
            column[where[0], place, where[1]] = values[where]
        self._waiting[where] += 1

    def _come_apart(self) -> None:
        if self._level is not None:
            self._waiting[:], self._level = self._level, None

    def _forget(self, marked: Numbers) -> None:
        self._come_apart()
        if (self._waiting[marked] > self._period).any():
            for column in self._columns:
                rest = column[marked, self._period :].copy()
                column[marked, : rest.shape[1]] = rest
        self._waiting[marked] -= self._period
        if (self._waiting == self._waiting[0, 0]).all():
            self._level = int(self._waiting[0, 0])
