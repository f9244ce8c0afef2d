"""The host loop of learners with a network, kept: frozen between a step and its update, and taken up again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from qlearn.engine.frozen import Frozen, copied_into
from qlearn.engine.lane_run import History, Numbers
from qlearn.engine.tape import Tape
from qlearn.engine.vector_host_run import VectorHostRun
from qlearn.environments.vector_host import Stepped, VectorHost

_KEPT = ("now", "largest", "gained", "diverged")


class KeptVectorHostRun(VectorHostRun):
    """A run that can be frozen.

    Copies whose episodes have seeds of their own are recorded from the beginning of these.  A vector form of its own
    draws what happens in its episodes as it goes on, so that it is recorded from the beginning of the run: that takes
    two bytes a step, and taking it up again as long as the environment alone took to come there.

    What is frozen stands between a step and its update.  The last transition of every copy still waits then, where it
    can be marked as truncated if its episode cannot be gone on with.

    Args:
        given: as for `VectorHostRun`.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        size = self._gained.size
        self._tape = Tape(size, self.spec.num_actions, self._host.group)
        self._tape.begin(np.ones(size, bool), np.zeros(size, np.int64), self._host.observations)
        self._moved = False  # a step was made, and its update was not
        self._last: Frozen | None = None

    def freeze(self) -> Frozen:
        """All that it takes to go on, as arrays by name; where it is complete, as it was before its last update."""
        if self._last is not None:
            return self._last
        kept = {name: getattr(self, f"_{name}").copy() for name in _KEPT} | {"begun_again": self.begun_again.copy()}
        kept |= {"moved": np.array(self._moved)} | self._waiting.freeze() | self._tape.freeze()
        return kept | self._programs.frozen("state", self._state) | self.history.freeze() | self.marks.freeze()

    def thaw(self, arrays: Mapping[str, Numbers], stop: Callable[[], bool], *, further: bool = False) -> None:
        """Go on from what ``freeze`` kept; environments that cannot be restored begin their episodes again.

        Args:
            arrays: what was kept.
            stop: where it is set, environments are left as they are; ``freeze`` then gives the same arrays.
            further: to positions of other numbers of steps than then.

        Raises:
            ValueError: where the arrays do not fit this run.
        """
        try:
            self._fill(arrays, further)
            self._tape.thaw(arrays)
            found = None if stop() else self._tape.restore(_Copies(self._host), stop)
            lost = np.zeros(self._step.shape, bool) if found is None else found.reshape(self._step.shape)
            self._waiting.cut(lost & (self._step > 0))
            if arrays["moved"]:
                self._settle()
            if lost.any():
                self._begin_again(lost)
            self._last = dict(arrays)
        except BaseException:
            self._host.close()
            raise

    def _fill(self, arrays: Mapping[str, Numbers], further: bool) -> None:
        for name in _KEPT:
            copied_into(getattr(self, f"_{name}"), name, arrays)
        copied_into(self.begun_again, "begun_again", arrays)
        self._state = self._programs.thawed("state", self._state, arrays)
        self.history = History.thaw(arrays)
        self._waiting.thaw(arrays)
        if not further:
            self.marks.thaw(arrays, self._programs.read(self._state))
        elif self._diverged.any():
            self.marks.keep(self._programs.read(self._state), self._positions(), self._diverged, self._clocks())
        self._look_ahead()

    def _begin_again(self, lost: Numbers) -> None:
        """Begin the episodes again that could not be gone on with, (n, E) bool."""
        numbers, marked = self._episode.reshape(-1).astype(np.int64), lost.reshape(-1)
        self._host.begin_again(marked, numbers)
        self._tape.begin(marked, numbers, self._host.observations)
        self._gained[lost], self._step[lost] = 0.0, 0
        self.begun_again += lost.sum(axis=1)

    def _after_step(self, actions: Numbers, live: Numbers, stepped: Stepped) -> None:
        over = stepped.terminated | stepped.truncated
        self._tape.add(actions, live)
        self._tape.answered(stepped.observation, stepped.reward, over, live)
        if self._tape.by_episode and over.any():
            self._tape.begin(over, self._episode.reshape(-1).astype(np.int64), self._host.observations)
        self._moved, self._last = True, None
        if self._learns() and bool((self._positions() >= self.marks.positions[-1])[self._running].all()):
            self._last = self.freeze()

    def _settle(self) -> None:
        super()._settle()
        self._moved = False


class _Copies:
    """The copies of an environment as a tape plays on them."""

    def __init__(self, host: VectorHost) -> None:
        self._host = host

    @property
    def observations(self) -> Any:
        return jax.tree.map(np.asarray, self._host.observations)

    def begin_again(self, marked: Numbers, numbers: Numbers) -> None:
        self._host.begin_again(marked, numbers)

    def play(self, actions: Numbers, live: Numbers) -> tuple[Any, Numbers, Numbers]:
        stepped = self._host.step(actions, live)
        return stepped.observation, stepped.reward, stepped.terminated | stepped.truncated
