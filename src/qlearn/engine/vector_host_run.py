"""The host loop of learners with a network: Gymnasium's vector API, all seeds one batch, one compiled call a step.

The learner's functions are the device loop's own, and so are the random numbers of the agent.  What an environment
draws is its own business; every episode starts with a seed that depends on (seed, environment, episode) alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from qlearn.agents.learner import Agent, Transition
from qlearn.engine import noise
from qlearn.engine.lane_run import History, Numbers, Unit
from qlearn.engine.marks import Marks
from qlearn.engine.vector_host_programs import HostPrograms
from qlearn.engine.vector_host_waiting import Trajectories
from qlearn.engine.vector_run import lane_width
from qlearn.engine.vector_step import FAR, horizon
from qlearn.engine.worlds import spec_of
from qlearn.environments import faults
from qlearn.environments.host import HostEnvironment
from qlearn.environments.vector_host import Stepped, VectorHost
from qlearn.errors import InputError

_REWARD = Transition._fields.index("reward")
_TELL_SECONDS = 0.05  # between two words about progress: saying it at every step costs more than the step's sums


def episode_seed_of(seed: int, environment: int, episode: int) -> int:
    """What an environment is reset with: a 32-bit number; environment 0 meets what a single one would.

    >>> episode_seed_of(0, 0, 0) != episode_seed_of(0, 1, 0)
    True
    """
    words = [noise.ENVIRONMENT, seed, episode] + ([environment] if environment else [])
    return int(np.random.SeedSequence(words).generate_state(1)[0])


class VectorHostRun:
    """All seeds of one agent with a network on an environment that is ordinary Python.

    Args:
        agent: the description.
        environment: what to make and how to read its observations.
        seeds: (n,) the seeds; a single instance serves one.
        unit: what positions count, over all environments of a seed.
        positions: where what is known is kept, rising; the run ends at the last.
        width: seeds in one program; None for what their number makes usual.

    Raises:
        InputError: where one instance was given for several seeds or environments.
    """

    def __init__(
        self,
        agent: Agent,
        environment: HostEnvironment,
        seeds: Numbers,
        unit: Unit,
        positions: tuple[int, ...],
        width: int | None = None,
    ) -> None:
        self.agent, self.seeds = agent, seeds
        self.spec = spec_of(environment)
        learner = agent.learner(self.spec)
        self._count = int(learner.num_environments or 1)
        if environment.single and seeds.size * self._count > 1:
            raise InputError(
                f"{environment.name} is one instance, which serves one seed with one environment; {seeds.size} seeds "
                f"with {self._count} were asked for. Pass a function that makes a new one: `lambda: MyEnv()`."
            )
        self.history, self.marks = History(), Marks(seeds.size, positions)
        self._by_steps, width = unit == "step", width or lane_width(learner, seeds.size)
        n, size = seeds.size, width * math.ceil(seeds.size / width)
        self._programs = HostPrograms(agent, self.spec, width, np.resize(seeds, size).astype(np.uint32))
        self._state = self._programs.begin()
        self._waiting = Trajectories(n, size, int(learner.period), self.spec, self._count)
        # All clocks of a seed lie in one row, as the programs take them; seeds that fill up a lane stay at 0.
        self._now = np.zeros((size, 2 * self._count + 1), np.uint32)
        self._mine, count = self._now[:n], self._count
        self._episode, self._step = self._mine[:, :count], self._mine[:, count : 2 * count]
        self._total, self._largest = self._mine[:, -1], np.zeros(n)
        self._tick = np.array([0] * count + [1] * count + [count], np.uint32)  # of a step that all make
        self._gained = np.zeros((n, self._count))
        self._diverged = np.zeros(n, np.int64)
        self._look_ahead()
        self._horizon = float(horizon(environment.time_limit, agent.discount))
        self.recent = math.nan
        self._may_last = unit == "episode" and environment.time_limit is None
        self._host = VectorHost(environment, seeds, self._count, episode_seed_of)
        self.begun_again = np.zeros(n, np.int64)  # episodes that could not be gone on with in another process

    def run(
        self, stop: Callable[[], bool], tell: Callable[[int], None], between: Callable[[], None] = lambda: None
    ) -> bool:
        """Run every seed to the last position; False where ``stop`` came first.

        ``tell`` is given the episodes (or steps) made since it was called last, summed over the seeds; ``between`` is
        called between a step and its update, when the run may be frozen.
        """
        made, told = 0, time.perf_counter()
        try:
            while np.count_nonzero(self._live) and not stop():
                made += self._move()
                between()
                if stop():
                    return False
                self._settle()
                if time.perf_counter() - told > _TELL_SECONDS:
                    tell(made)
                    made, told = 0, time.perf_counter()
            return not self._live.any()
        finally:
            tell(made)
            self._host.close()

    def finish(self) -> Marks:
        """What was kept; seeds that did not arrive stand as they are now."""
        if not self.marks.complete:
            self.marks.close(self._programs.read(self._state), self._clocks())
        return self.marks

    def _move(self) -> int:
        """One step of every seed that lacks steps; how many steps (episodes) it made."""
        n, seen = self.seeds.size, self._seen()
        actions, self._state = self._programs.act(self._state, seen, self._now.copy())
        live = self._live & ~np.repeat(self._waiting.full(), self._count) if self._waiting.ready else self._live
        stepped = self._host.step(actions[:n].reshape(-1), live)
        if self._may_last and self._step.max() >= faults.LONGEST:
            raise self._host.endless(int(self._step.argmax()))
        made = self._take_in(seen[:n], actions[:n], stepped)
        self._after_step(actions[:n].reshape(-1), live, stepped)
        return made

    def _after_step(self, actions: Numbers, live: Numbers, stepped: Stepped) -> None:
        """For runs that are kept."""

    def _settle(self) -> None:
        """The update that follows a step, and what is read after it.

        All seeds learn at once: a seed whose trajectory is full waits, where others made a step that was only a reset.
        What the seeds of a lane share, as the place at which their replays are written, is then the same for all.
        """
        if self._learns():
            self._learn_of(self._running)
            self._read_those_that_arrived(self._running)

    def _learns(self) -> bool:
        return self._waiting.ready and bool(self._waiting.full()[self._running].all())

    def _seen(self) -> Numbers:
        """What to act on, (size, E, …); seeds that fill up a lane see what others do."""
        seen = np.asarray(self._host.observations)
        if self.spec.observation_shape is None:
            seen = seen.astype(np.int32)
        shape = (len(self._now), self._count, *seen.shape[1:])
        return seen.reshape(shape) if seen.shape[0] == shape[0] * shape[1] else np.resize(seen, shape)

    def _take_in(self, seen: Numbers, actions: Numbers, stepped: Stepped) -> int:
        """Remember what happened, and count it; where no step was made there is neither a reward nor an end."""
        shape = actions.shape
        valid = np.asarray(stepped.valid).reshape(shape)
        reward = np.asarray(stepped.reward, np.float64).reshape(shape)
        terminated, truncated = np.asarray(stepped.terminated), np.asarray(stepped.truncated)
        over = (terminated | truncated).reshape(shape)
        arrived = np.asarray(stepped.observation).reshape(seen.shape)
        columns = (seen, actions, reward, arrived, terminated.reshape(shape), truncated.reshape(shape))
        made = int(np.count_nonzero(valid))
        self._waiting.add(columns, None if made == valid.size else valid)
        if made == valid.size:
            self._mine += self._tick
        else:
            self._step += valid
            self._total += valid.sum(axis=1, dtype=np.uint32)
        self._gained += reward
        ended = int(np.count_nonzero(over))
        if ended:
            self._end(over)
        return made if self._by_steps else ended

    def _end(self, over: Numbers) -> None:
        """Keep the episodes that are over, (n, E) bool, and begin the next ones."""
        seed = np.nonzero(over)[0]
        values = self._gained[over]
        self.history.add(seed, values, self._step[over].astype(np.int64))
        self.recent = float(values.mean()) if math.isnan(self.recent) else 0.9 * self.recent + 0.1 * values.mean()
        self._gained[over], self._step[over] = 0.0, 0
        self._episode += over

    def _learn_of(self, marked: Numbers) -> None:
        """Let the marked seeds learn, and watch their values."""
        taken, now = self._waiting.take(marked), self._now.copy()
        largest = np.abs(taken[_REWARD][: marked.size]).max(axis=(1, 2))
        np.maximum(self._largest, largest, out=self._largest, where=marked)
        if marked.all():  # what fills the lane up may learn anything
            self._state, magnitude = self._programs.learn(self._state, taken, now)
        else:
            some = np.ones(len(now), bool)
            some[: marked.size] = marked
            self._state, magnitude = self._programs.learn_marked(self._state, taken, now, some)
        bound = FAR * self._horizon * np.maximum(self._largest, 1.0)
        new = (self._diverged == 0) & ~(magnitude[: marked.size] <= bound)
        self._diverged[new] = self._total[new]

    def _read_those_that_arrived(self, marked: Numbers) -> None:
        """Positions are read after an update, as on the device."""
        now = np.where(marked, self._positions(), 0)
        if ((now >= self._goals) | (self._diverged > 0))[self._running].any():
            self.marks.keep(self._programs.read(self._state), now, self._diverged, self._clocks())
            self._look_ahead()

    def _look_ahead(self) -> None:
        """Which seeds and copies are on their way, and where to."""
        self._running, self._goals = self.marks.running, self.marks.goals
        self._live = np.repeat(self._running, self._count)

    def _positions(self) -> Numbers:
        made = self._total if self._by_steps else self._episode.sum(axis=1)
        return made.astype(np.int64)

    def _clocks(self) -> tuple[Numbers, Numbers]:
        return self._episode.sum(axis=1).astype(np.int64), self._total.astype(np.int64)
