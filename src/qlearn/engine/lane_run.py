"""A lane of seeds on its way: called in chunks, interruptible between them, its records kept on the host."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Agent, Spec
from qlearn.engine.device_loop import Axes, Lane, Records, Standing, by_update, reader, runner, starter
from qlearn.engine.episode_loop import by_episode
from qlearn.engine.frozen import Frozen, packed, unpacked
from qlearn.engine.step import Carry
from qlearn.engine.worlds import World, plain

Unit = Literal["episode", "step"]
Numbers = np.ndarray[Any, Any]

_STEPS = 2**20  # of one call, over all seeds: sizes the records, 8 MB
_LONGEST = 2**16  # steps of one call, for each seed
_EPISODES = 256  # of one call, for each seed of agents that learn once an episode
_CHUNK_SECONDS = 0.2  # between two chances to show progress or to stop


@dataclasses.dataclass
class History:
    """Episodes as they ended: which seed of the lane, what return, how many steps."""

    seed: list[Numbers] = dataclasses.field(default_factory=list)
    episode_return: list[Numbers] = dataclasses.field(default_factory=list)
    length: list[Numbers] = dataclasses.field(default_factory=list)

    def add(self, seed: Numbers, episode_return: Numbers, length: Numbers) -> None:
        """More episodes, in the order in which they ended."""
        self.seed.append(seed)
        self.episode_return.append(episode_return)
        self.length.append(length)

    def freeze(self) -> Frozen:
        """Everything, as three arrays."""
        return {
            "history.seed": np.concatenate([np.zeros(0, np.int64), *self.seed]),
            "history.return": np.concatenate([np.zeros(0), *self.episode_return]),
            "history.length": np.concatenate([np.zeros(0, np.int64), *self.length]),
        }

    @classmethod
    def thaw(cls, arrays: Mapping[str, Numbers]) -> History:
        """What ``freeze`` kept."""
        return cls([arrays["history.seed"]], [arrays["history.return"]], [arrays["history.length"]])

    def tables(self, num_seeds: int, most: int | None) -> tuple[Numbers, Numbers, Numbers]:
        """Returns (seeds, episodes; NaN beyond), lengths (0 beyond) and counts (seeds,), the first ``most`` of each."""
        seed = np.concatenate([np.zeros(0, np.int64), *self.seed])
        order = np.argsort(seed, kind="stable")
        seed = seed[order]
        counts = np.bincount(seed, minlength=num_seeds)[:num_seeds]
        place = np.arange(seed.size) - np.repeat(np.cumsum(counts) - counts, counts)
        width = int(counts.max(initial=0)) if most is None else min(most, int(counts.max(initial=0)))
        fits = place < width
        returns = np.full((num_seeds, width), np.nan)
        lengths = np.zeros((num_seeds, width), np.int64)
        values = np.concatenate([np.zeros(0), *self.episode_return])[order]
        steps = np.concatenate([np.zeros(0, np.int64), *self.length])[order]
        returns[seed[fits], place[fits]] = values[fits]
        lengths[seed[fits], place[fits]] = steps[fits]
        return returns, lengths, np.minimum(counts, width)


class LaneRun:
    """One lane of one agent on one finite model.

    Args:
        agent: the description.
        model: the arrays of the environment.
        seeds: (n,) the seeds, at most the lane's width; the rest of the lane is filled up and ignored.
        unit: what positions count.
    """

    def __init__(self, agent: Agent, model: World, seeds: Numbers, unit: Unit) -> None:
        self.agent, self.model, self.seeds = agent, model, seeds
        self.learner = agent.learner(Spec.of(model))
        self.history = History()
        self.tables: list[Standing] = []  # that were read at the positions reached
        self._by_steps = unit == "step"
        self._fused = self.learner.fused and plain(model)
        self._recorded = np.zeros(seeds.size, np.int64)
        self._per_episode = self.learner.period == "episode"
        width = self.learner.lane
        period = 1 if self._per_episode else int(self.learner.period)
        self._rows = _EPISODES if self._per_episode else max(1, min(_STEPS // width, _LONGEST) // period)
        self._limit = 1  # grows from call to call
        self._chunk: float | None = None  # seconds that a call shall take at most, known after the first
        words = np.resize(seeds, width).astype(np.uint32)
        self._words = jnp.asarray(words[0] if width == 1 else words)
        carry = starter()(agent, model, self._words)
        padding = np.arange(width) >= seeds.size
        self._lane = Lane(carry, jax.tree.map(jnp.copy, carry), jnp.asarray(padding[0] if width == 1 else padding))
        self._padding = self._lane.done.copy()

    def run_to(
        self,
        position: int,
        stop: Callable[[], bool],
        tell: Callable[[int], None],
        between: Callable[[], None] = lambda: None,
    ) -> bool:
        """Run every seed to a position (episodes or steps since the start); False where ``stop`` came first.

        ``tell`` is given the episodes (or steps) made since it was called last, summed over the seeds; ``between`` is
        called between two calls of the program, when the lane may be frozen.
        """
        now = self._begun()
        there = (now.clock.total if self._by_steps else now.clock.episode) >= jnp.uint32(position)
        self._lane = Lane(now, jax.tree.map(jnp.copy, now), self._padding | there)
        if self._chunk is None:
            self._chunk = max(_CHUNK_SECONDS, 5 * self._cost_of_a_call(position))
        while not bool(self._lane.done.all()):
            if stop():
                return False
            began = time.perf_counter()
            made = self._call(position, self._limit)
            took = time.perf_counter() - began
            tell(made)
            between()
            if took < self._chunk / 8:
                self._limit = min(self._rows, self._limit * 8)
            elif took > self._chunk:
                self._limit = max(1, self._limit // 2)
        return True

    def _begun(self) -> Carry:
        """Every seed where it stands: those that have arrived as they were then, others on their way."""
        if bool(self._lane.done.all()):
            return self._lane.arrived
        there = self._lane.done & ~self._padding
        if not bool(there.any()):
            return self._lane.running
        return Axes(self.learner, self.model).choose(there, self._lane.arrived, self._lane.running)

    @property
    def stamp(self) -> Any:
        """What is another object after every call of the program."""
        return self._lane

    def freeze(self) -> Frozen:
        """All that it takes to go on, as arrays by name."""
        kept = {"recorded": self._recorded, "reached": np.array(len(self.tables))}
        kept |= packed("lane", self._lane) | self.history.freeze()
        for i, standing in enumerate(self.tables):
            kept |= packed(f"table{i}", standing)
        return kept

    def thaw(self, arrays: Mapping[str, Numbers], stop: Callable[[], bool], *, further: bool = False) -> None:
        """Go on from what ``freeze`` kept; ``further``: to positions of other numbers of episodes or steps than then.

        Raises:
            ValueError: where the arrays do not fit this run.
        """
        del stop  # nothing has to be brought back to where it was
        self._lane = unpacked("lane", self._lane, arrays)
        self.history, self._recorded = History.thaw(arrays), arrays["recorded"].astype(np.int64)
        like = jax.tree.map(jnp.asarray, self.standing())
        for i in range(0 if further else int(arrays["reached"])):
            self.tables.append(jax.tree.map(np.asarray, unpacked(f"table{i}", like, arrays)))

    def _cost_of_a_call(self, position: int) -> float:
        """Seconds that a call takes without any update; large tables are copied in and out."""
        self._call(position, 0)  # compiles
        began = time.perf_counter()
        self._call(position, 0)
        return time.perf_counter() - began

    def _program(self) -> Any:
        return runner(by_episode if self._per_episode else by_update, self._rows, self._by_steps, self._fused)

    def _call(self, position: int, limit: int) -> int:
        """One call of the program, of ``limit`` updates at most; how many episodes (or steps) it brought."""
        arguments = (self.agent, self.model, self._words, self._lane, jnp.uint32(position), jnp.uint32(limit))
        try:
            self._lane, records = self._program()(*arguments)
        except jax.errors.JaxRuntimeError:
            if not self._fused:
                raise
            warnings.warn(
                f"XLA cannot make one function of {self.agent.label}'s loop; it runs slower, with the same numbers. "
                "A learner with matrix products, sorting or linear algebra says so: Learner(…, fused=False).",
                RuntimeWarning,
                stacklevel=2,
            )
            self._fused = False
            self._lane, records = self._program()(*arguments)
        period = 1 if self._per_episode else int(self.learner.period)
        made = self._record(records, int(records.updates) * period, position)
        return int(records.updates) * period * self.seeds.size if self._by_steps and not self._per_episode else made

    def _record(self, records: Records, rows: int, position: int) -> int:
        """Keep what ended in the first ``rows`` rows; the episodes (or their steps) that were new."""
        length = np.asarray(records.row.length).reshape(records.row.length.shape[0], -1)[:rows]
        hit, seed = np.divmod(np.flatnonzero(length.reshape(-1) != 0), length.shape[1])
        hit, seed = hit[seed < self.seeds.size], seed[seed < self.seeds.size]
        order = np.argsort(seed, kind="stable")
        hit, seed = hit[order], seed[order]
        counts = np.bincount(seed, minlength=self.seeds.size)
        number = self._recorded[seed] + np.arange(seed.size) - np.repeat(np.cumsum(counts) - counts, counts)
        if not self._by_steps:  # a seed that has arrived goes on idly; what it does then was or will be made in earnest
            hit, seed = hit[number < position], seed[number < position]
        self._recorded += np.bincount(seed, minlength=self.seeds.size)
        steps = length[hit, seed].astype(np.int64)
        value = np.asarray(records.row.episode_return).reshape(-1, length.shape[1])[hit, seed].astype(np.float64)
        self.history.add(seed, value, steps)
        return int(steps.sum()) if self._by_steps else int(seed.size)

    def standing(self, *, running: bool = False) -> Standing:
        """What the seeds know where they last arrived, or where they are now; NumPy arrays, padding left out."""
        carry = self._lane.running if running else self._lane.arrived
        whole = reader()(self.agent, self.model, carry)
        known: Standing = jax.tree.map(lambda x: np.asarray(x)[: self.seeds.size], whole)
        return known
