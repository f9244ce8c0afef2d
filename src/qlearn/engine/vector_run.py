"""A lane of seeds with networks on its way: called in chunks, interruptible between them, read where it is asked to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Agent, Learner, Spec
from qlearn.engine.frozen import Frozen, packed, unpacked
from qlearn.engine.lane_run import History, Numbers, Unit
from qlearn.engine.marks import Marks
from qlearn.engine.vector_loop import NEVER, VectorRecords, position_of, vector_reader, vector_runner, vector_starter
from qlearn.engine.worlds import plain
from qlearn.errors import EnvironmentFault

_STEPS = 2**20  # of one call, over all seeds and environments: sizes the records, 8 MB
_CHUNK_SECONDS = 0.2  # between two chances to show progress or to stop


def lane_width(learner: Learner, num_seeds: int) -> int:
    """How many seeds one program carries: the learner's lane, or one where there is one seed only."""
    return 1 if num_seeds == 1 else learner.lane


class VectorRun:
    """One lane of one agent with a network, on an environment on the device.

    Args:
        agent: the description.
        world: the environment's arrays and functions, a JAX tree.
        seeds: (n,) the seeds, at most ``width``; the rest of the lane is filled up and ignored.
        unit: what positions count, over all environments of a seed.
        positions: where what is known is kept, rising; the run ends at the last.
        width: of the lane.
    """

    def __init__(
        self, agent: Agent, world: Any, seeds: Numbers, unit: Unit, positions: tuple[int, ...], width: int
    ) -> None:
        self.agent, self.world, self.seeds = agent, world, seeds
        self.learner = agent.learner(Spec.of(world))
        self.history = History()
        self.marks = Marks(seeds.size, positions)
        self._by_steps = unit == "step"
        stride = int(self.learner.period) * int(self.learner.num_environments or 1)
        self._stride = stride
        self._rows = max(1, _STEPS // (width * stride))
        self._limit = 1  # grows from call to call
        words = np.resize(seeds, width).astype(np.uint32)
        self._alone, self._fused = width == 1, self.learner.fused and plain(world)
        self._words = jnp.asarray(words[0] if self._alone else words)
        self._carry = vector_starter()(agent, world, self._words)
        self.recent = float("nan")  # mean return of the episodes that ended last

    def run(
        self, stop: Callable[[], bool], tell: Callable[[int], None], between: Callable[[], None] = lambda: None
    ) -> bool:
        """Run every seed to the last position; False where ``stop`` came first.

        ``tell`` is given the episodes (or steps) made since it was called last, summed over the seeds; ``between`` is
        called between two calls of the program, when the run may be frozen.
        """
        while not self.marks.complete:
            if stop():
                return False
            began = time.perf_counter()
            tell(self._call())
            between()
            took = time.perf_counter() - began
            if took < _CHUNK_SECONDS / 8:
                self._limit = min(self._rows, self._limit * 8)
            elif took > _CHUNK_SECONDS:
                self._limit = max(1, self._limit // 2)
        return True

    def _call(self) -> int:
        """One call of the program; how many episodes (or steps) it brought."""
        n = self.seeds.size
        before, began = self._positions(), int(self._clock()[1][0])
        goal = np.full(np.shape(self._words) or (1,), NEVER, np.uint32)
        goal[:n] = self.marks.goals
        given = jnp.asarray(goal[0] if self._alone else goal)
        arguments = (self.agent, self.world, self._words, self._carry, given, jnp.uint32(self._limit))
        try:
            self._carry, records = vector_runner(self._rows, self._by_steps, self._fused)(*arguments)
        except jax.errors.JaxRuntimeError:
            if not self._fused:
                raise
            self._fused = False  # a layer that needs more than arithmetic: the same numbers but for rounding, slower
            self._carry, records = vector_runner(self._rows, self._by_steps, False)(*arguments)
        self._look_for_stuck()
        diverged = np.atleast_1d(np.asarray(self._carry.diverged))[:n]
        self._record(records, began, diverged)
        now = self._positions()
        if self.marks.wanting(now, diverged).any():
            self.marks.keep(self._known(), now, diverged, self._clock())
        last = self.marks.positions[-1]
        return int((np.minimum(now, last) - np.minimum(before, last)).sum())

    def _look_for_stuck(self) -> None:
        """Raise an EnvironmentFault where a seed met a state in which nothing can be done."""
        if self._carry.stuck is None:
            return
        found, episode, step = (np.atleast_1d(np.asarray(x))[: self.seeds.size] for x in self._carry.stuck)
        for i in np.flatnonzero(found)[:1]:
            raise EnvironmentFault(
                f"{self.world.name} (seed {self.seeds[i]}, episode {episode[i]}, step {step[i]}) reached a state "
                "without a legal action; expected at least one in every state that is not terminal. Mend its mask, or "
                "end the episode there."
            )

    @property
    def stamp(self) -> Any:
        """What is another object after every call of the program."""
        return self._carry

    def freeze(self) -> Frozen:
        """All that it takes to go on, as arrays by name."""
        total = {"total": self._clock()[1]}
        return packed("carry", self._carry) | self.history.freeze() | self.marks.freeze() | total

    def thaw(self, arrays: Mapping[str, Numbers], stop: Callable[[], bool], *, further: bool = False) -> None:
        """Go on from what ``freeze`` kept; ``further``: to positions of other numbers of steps than then.

        Raises:
            ValueError: where the arrays do not fit this run.
        """
        del stop  # nothing has to be brought back to where it was
        self._carry = unpacked("carry", self._carry, arrays)
        self.history = History.thaw(arrays)
        if not further:
            self.marks.thaw(arrays, self._known())

    def _positions(self) -> Numbers:
        return np.atleast_1d(np.asarray(position_of(self._carry, self._by_steps)))[: self.seeds.size].astype(np.int64)

    def _clock(self) -> tuple[Numbers, Numbers]:
        """Completed episodes and steps of every seed."""
        n = self.seeds.size
        episodes = np.asarray(position_of(self._carry, False)).reshape(-1)[:n]
        return episodes.astype(np.int64), np.asarray(self._carry.clock.total).reshape(-1)[:n].astype(np.int64)

    def _known(self) -> Any:
        return jax.tree.map(np.asarray, vector_reader()(self.agent, self.world, self._carry))

    def finish(self) -> Marks:
        """What was kept; seeds that did not arrive stand as they are now."""
        if not self.marks.complete:
            self.marks.close(self._known(), self._clock())
        return self.marks

    def _record(self, records: VectorRecords, began: int, diverged: Numbers) -> None:
        """Keep the episodes that ended, in the order in which they did, of seeds that were still on their way.

        ``began`` is how many steps every seed had made before this call: what a seed did after it diverged is left out.
        """
        made, n = int(records.updates), self.seeds.size
        if made == 0:
            return
        shape = (made, *np.shape(self._words), self._stride)
        length = np.asarray(records.row.length)[:made].reshape(shape).reshape(made, -1, self._stride)
        value = np.asarray(records.row.episode_return)[:made].reshape(length.shape)
        update, lane, place = np.nonzero(length)
        order = np.lexsort((place, update, lane))
        update, lane, place = update[order], lane[order], place[order]
        seed = np.minimum(lane, n - 1)
        sound = (diverged[seed] == 0) | (began + (update + 1) * self._stride <= diverged[seed])
        kept = (lane < n) & self.marks.running[seed] & sound
        update, lane, place = update[kept], lane[kept], place[kept]
        values = value[update, lane, place].astype(np.float64)
        self.history.add(lane, values, length[update, lane, place].astype(np.int64))
        if values.size:
            self.recent = float(values[-100:].mean())
