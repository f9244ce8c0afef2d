"""The host loop of tables, kept: frozen between a step and its update, and taken up again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.engine.frozen import Frozen, copied_into, packed, unpacked
from qlearn.engine.host_loop import HostRun
from qlearn.engine.lane_run import History, Numbers
from qlearn.engine.tape import Tape

_KEPT = ("clock", "gained", "seen", "live", "ended")
_COLUMNS = (
    *((np.int32, "observation"), (np.int32, "action"), (np.float64, "reward"), (np.int32, "arrived")),
    *((bool, "terminated"), (bool, "truncated"), (bool, "valid")),
)


class KeptHostRun(HostRun):
    """A run that can be frozen.

    What is frozen stands between a step and its update.  The last transition of every seed still waits then, where it
    can be marked as truncated if its episode cannot be gone on with.  An agent that learns once an episode has learnt
    nothing of such an episode, and makes it again from its beginning.

    Args:
        given: as for `HostRun`.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        n = self.seeds.size
        self._tape = Tape(n, self.spec.num_actions)
        self._tape.begin(np.ones(n, bool), np.zeros(n, np.int64), self._seen[:n])
        self._live, self._ended = np.zeros(self._seen.size, bool), np.zeros(self._seen.size, bool)
        self._moved = False  # a step was made, and its update was not
        self._position = 0
        self._last: Frozen | None = None

    def run_to(self, position: int, *given: Any, **named: Any) -> bool:
        """As any run."""
        self._position = position
        return super().run_to(position, *given, **named)

    def freeze(self) -> Frozen:
        """All that it takes to go on, as arrays by name; where no step is lacking, as it was before its last update."""
        if self._last is not None:
            return self._last
        kept = {name: np.array(getattr(self, f"_{name}")) for name in _KEPT} | {"begun_again": self.begun_again.copy()}
        kept |= {"moved": np.array(self._moved), "reached": np.array(len(self.tables))} | self._tape.freeze()
        steps = [step for steps in self._memory for step in steps]
        kept["memory"] = np.array([len(steps) for steps in self._memory], np.int64)
        for i, (dtype, name) in enumerate(_COLUMNS):
            kept[f"memory.{name}"] = np.array([step[i] for step in steps], dtype)
        for i, standing in enumerate(self.tables):
            kept |= packed(f"table{i}", standing)
        kept |= packed("state", self._state) | packed("visits", self._visits)
        kept |= {} if self.legal is None else {"legal": self.legal.copy()}
        return kept | self.history.freeze()

    def thaw(self, arrays: Mapping[str, Numbers], stop: Callable[[], bool], *, further: bool = False) -> None:
        """Go on from what ``freeze`` kept.

        Args:
            arrays: what was kept.
            stop: where it is set, environments are left as they are.
            further: to positions of other numbers of episodes or steps than then.

        Raises:
            ValueError: where the arrays do not fit this run.
        """
        like = jax.tree.map(jnp.asarray, self.standing())
        for i in range(0 if further else int(arrays["reached"])):
            self.tables.append(jax.tree.map(np.asarray, unpacked(f"table{i}", like, arrays)))
        self._fill(arrays)
        self._tape.thaw(arrays)
        found = None if stop() else self._tape.restore(_Seeds(self), stop)
        lost = np.zeros(self.seeds.size, bool) if found is None else found & ~self._ended[: found.size]
        self._cut_off(lost)
        if arrays["moved"]:
            self._settle(self._live, self._ended)
        self._begin_again(lost)
        self._last = dict(arrays)

    def _fill(self, arrays: Mapping[str, Numbers]) -> None:
        for name in _KEPT:
            copied_into(getattr(self, f"_{name}"), name, arrays)
        copied_into(self.begun_again, "begun_again", arrays)
        if self.legal is not None:
            copied_into(self.legal, "legal", arrays)
            self._legal_here = None
        self._visits = unpacked("visits", self._visits, arrays)
        self._state, self.history = unpacked("state", self._state, arrays), History.thaw(arrays)
        columns = [arrays[f"memory.{name}"].tolist() for _, name in _COLUMNS]
        steps, lengths = list(zip(*columns, strict=True)), arrays["memory"]
        if lengths.shape != self.seeds.shape or lengths.sum() != len(steps):
            raise ValueError(f"memory is of {len(lengths)} seeds and {len(steps)} steps")
        ends = np.cumsum(lengths)
        self._memory = [steps[end - length : end] for end, length in zip(ends, lengths, strict=True)]

    def _cut_off(self, lost: Numbers) -> None:
        """Mark the last steps of episodes that cannot be gone on with, (n,) bool, as truncated; or forget them all."""
        for i in np.flatnonzero(lost):
            if self.learner.period == "episode":
                self._memory[i] = []
                self._clock[2, i] -= self._clock[1, i]
            elif self._memory[i]:
                self._memory[i][-1] = (*self._memory[i][-1][:5], True, True)

    def _begin_again(self, lost: Numbers) -> None:
        for i in np.flatnonzero(lost):
            self._clock[1, i], self._gained[i] = 0, 0.0
            self._reset(int(i))
        self._tape.begin(lost, self._clock[0, : lost.size].astype(np.int64), self._seen[: lost.size])
        self.begun_again += lost

    def _after_step(self, action: Numbers, live: Numbers, reward: Numbers, ended: Numbers) -> None:
        n = self.seeds.size
        self._tape.add(action[:n], live[:n])
        self._tape.answered(self._seen[:n], reward[:n], ended[:n], live[:n])
        self._tape.begin(ended[:n], self._clock[0, :n] + np.int64(1), self._seen[:n])  # nothing is left to be played
        self._live, self._ended, self._moved, self._last = live, ended, True, None
        made = self._made()[:n] + (ended[:n] if self._unit == "episode" else 0)
        finished = ended[:n] | (self._clock[1, :n] == 0) | (self.learner.period != "episode")
        if ((made >= self._position) & finished).all():
            self._last = self.freeze()

    def _settle(self, live: Numbers, ended: Numbers) -> None:
        super()._settle(live, ended)
        n = self.seeds.size
        self._tape.begin(ended[:n], self._clock[0, :n].astype(np.int64), self._seen[:n])
        self._moved = False


class _Seeds:
    """The environments of a run as a tape plays on them."""

    def __init__(self, run: HostRun) -> None:
        self._run, self.observations = run, np.zeros(run.seeds.size, np.int32)

    def begin_again(self, marked: Numbers, numbers: Numbers) -> None:
        for i in np.flatnonzero(marked):
            self.observations[i] = self._run._first(int(i), int(numbers[i]))

    def play(self, actions: Numbers, live: Numbers) -> tuple[Any, Numbers, Numbers]:
        reward, over = np.zeros(live.size), np.zeros(live.size, bool)
        for i in np.flatnonzero(live):
            self.observations[i], reward[i], terminated, truncated = self._run._ask(int(i), int(actions[i]))
            over[i] = terminated or truncated
        return self.observations, reward, over
