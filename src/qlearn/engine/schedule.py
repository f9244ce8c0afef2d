"""All lanes of all jobs over all cores: two programs called from two threads overlap."""

from __future__ import annotations

import dataclasses
import functools
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

import numpy as np

from qlearn.agents.learner import Agent
from qlearn.engine.device_loop import Standing
from qlearn.engine.frozen import Frozen
from qlearn.engine.host_kept import KeptHostRun
from qlearn.engine.host_loop import HostRun
from qlearn.engine.lane_run import History, LaneRun, Numbers, Unit
from qlearn.engine.outcome import Outcome, TablePart, VectorPart, joined
from qlearn.engine.vector_host_kept import KeptVectorHostRun
from qlearn.engine.vector_host_run import VectorHostRun
from qlearn.engine.vector_run import VectorRun, lane_width
from qlearn.engine.worlds import on_device, spec_of
from qlearn.environments.host import HostEnvironment


@dataclasses.dataclass(frozen=True)
class Job:
    """One agent on one environment, over some seeds, to the last of some positions.

    Args:
        agent: the description.
        environment: a FiniteMDP, a HostEnvironment or a JaxEnvironment.
        seeds: (n,) uint32 values.
        positions: rising numbers of episodes or steps; the tables are read at each, the run ends at the last.
        unit: what the positions count.
        width: seeds in one program, of agents with a network; None for what the number of seeds makes usual.
    """

    agent: Agent
    environment: Any
    seeds: Numbers
    positions: tuple[int, ...]
    unit: Unit
    width: int | None = None


Part = TablePart | VectorPart
Tell = Callable[[int, int, float], None]


class Keeper(Protocol):
    """Keeps what lanes are made of, so that they can go on in another process; called from any thread."""

    def load(self, lane: int) -> Frozen | None:
        """What was kept of a lane; None where there is nothing."""

    def due(self, lane: int) -> bool:
        """Whether a lane shall be kept now."""

    def save(self, lane: int, arrays: Frozen) -> None:
        """Keep a lane."""

    def further(self, lane: int) -> bool:
        """Whether the budget is another one than that of what was loaded of a lane."""

    @property
    def once(self) -> bool:
        """Whether a lane that is stopped right after it was kept need not be kept again."""

    @property
    def exact(self) -> bool:
        """Whether a lane whose environments cannot be brought back is to be refused, with a ValueError."""


class Watcher(Protocol):
    """Looks at the episodes of a lane as they end; called from any thread."""

    def begin(self, seeds: Numbers, history: History) -> None:
        """A lane begins or goes on, with the episodes that ended before."""

    def look(self, seeds: Numbers, history: History, *, now: bool) -> None:
        """More may have ended; ``now``: before they are kept, or at the end."""


def run(
    jobs: Sequence[Job],
    stop: threading.Event,
    tell: Tell,
    keeper: Keeper | None = None,
    watcher: Watcher | None = None,
) -> list[Outcome]:
    """Run all jobs on all cores.

    Args:
        jobs: what to run.
        stop: set it, and every lane ends at its next chunk.
        tell: called from any thread with (job's number, episodes or steps made since the last call, over all seeds, the
            mean return of the episodes that ended last, or NaN).
        keeper: keeps every lane now and then, and where it stops.
        watcher: is shown every lane's episodes, between two calls of its program.

    Returns:
        One outcome a job, in their order.
    """
    parts = [(i, job, seeds) for i, job in enumerate(jobs) for seeds in _lanes(job)]
    workers = max(1, min(len(parts), cores()))
    with ThreadPoolExecutor(workers, thread_name_prefix="qlearn") as pool:
        futures = [
            pool.submit(_run_lane, i, job, stop.is_set, tell, _Side(seeds, lane, keeper, watcher))
            for lane, (i, job, seeds) in enumerate(parts)
        ]
        try:
            _wait(futures)
        except BaseException:
            stop.set()
            raise
        done = [future.result() for future in futures]
    return [
        joined(job, [part for part, (j, _, _) in zip(done, parts, strict=True) if j == i]) for i, job in enumerate(jobs)
    ]


def _wait(futures: Sequence[Future[Part]]) -> None:
    # In slices, so that a signal's handler runs on the main thread in between.
    while wait(futures, timeout=0.1, return_when=FIRST_EXCEPTION).not_done:
        for future in futures:
            if future.done():
                future.result()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _lanes(job: Job) -> list[Numbers]:
    """The job's seeds, cut into lanes; a host environment takes all its seeds as one batch."""
    if isinstance(job.environment, HostEnvironment):
        return [job.seeds]
    width = job.agent.learner(spec_of(job.environment)).lane
    return [job.seeds[i : i + width] for i in range(0, job.seeds.size, width)]


@dataclasses.dataclass
class _Side:
    """What goes on beside a lane: keeping and watching."""

    seeds: Numbers
    lane: int
    keeper: Keeper | None
    watcher: Watcher | None
    kept: Any = None  # the stamp of what was kept last, of lanes on the device

    def load(self) -> Frozen | None:
        return None if self.keeper is None else self.keeper.load(self.lane)

    @property
    def further(self) -> bool:
        return self.keeper is not None and self.keeper.further(self.lane)

    def refuse_inexact(self, begun_again: Numbers) -> None:
        if self.keeper is not None and self.keeper.exact and begun_again.any():
            raise ValueError("its environments cannot be brought back to where they were")

    def begin(self, lane: Any) -> None:
        if self.watcher is not None:
            self.watcher.begin(self.seeds, lane.history)

    def between(self, lane: Any) -> None:
        """Called between two calls of a lane's program."""
        due = self.keeper is not None and self.keeper.due(self.lane)
        if self.watcher is not None:
            self.watcher.look(self.seeds, lane.history, now=due)
        if due and self.keeper is not None:
            self.keeper.save(self.lane, lane.freeze())
            self.kept = getattr(lane, "stamp", None)

    def end(self, lane: Any, *, complete: bool) -> None:
        if self.watcher is not None:
            self.watcher.look(self.seeds, lane.history, now=True)
        same = self.kept is not None and self.kept is getattr(lane, "stamp", None)
        if self.keeper is not None and (complete or not same or not self.keeper.once):
            self.keeper.save(self.lane, lane.freeze())


def _run_lane(number: int, job: Job, stop: Callable[[], bool], tell: Tell, side: _Side) -> Part:
    learner = job.agent.learner(spec_of(job.environment))
    if learner.num_environments is None:
        return _run_tables(job, stop, lambda made: tell(number, made, float("nan")), side)
    seeds = side.seeds
    some: VectorRun | VectorHostRun
    if isinstance(job.environment, HostEnvironment):
        kind = VectorHostRun if side.keeper is None else KeptVectorHostRun
        some = kind(job.agent, job.environment, seeds, job.unit, job.positions, job.width)
    else:
        world = on_device(job.environment)
        width = job.width or lane_width(learner, job.seeds.size)
        some = VectorRun(job.agent, world, seeds, job.unit, job.positions, width)
    if (found := side.load()) is not None:
        assert isinstance(some, VectorRun | KeptVectorHostRun)
        some.thaw(found, stop, further=side.further)
        if isinstance(some, VectorHostRun):
            side.refuse_inexact(some.begun_again)
    side.begin(some)
    complete = some.run(stop, lambda made: tell(number, made, some.recent), functools.partial(side.between, some))
    side.end(some, complete=complete)
    again = some.begun_again if isinstance(some, VectorHostRun) else None
    return VectorPart(some.history, some.finish(), seeds.size, again)


def _run_tables(job: Job, stop: Callable[[], bool], tell: Callable[[int], None], side: _Side) -> TablePart:
    seeds = side.seeds
    if stop() and side.keeper is None:
        shape = (seeds.size, job.environment.num_states, job.environment.num_actions)
        none = np.zeros(seeds.size, np.uint32)
        idle = Standing(np.zeros(shape, np.float32), np.zeros(shape, np.int32), none, none, {})
        return TablePart(History(), idle, [], seeds.size, complete=False)
    lane: LaneRun | HostRun
    if isinstance(job.environment, HostEnvironment):
        lane = (HostRun if side.keeper is None else KeptHostRun)(job.agent, job.environment, seeds, job.unit)
    else:
        lane = LaneRun(job.agent, on_device(job.environment), seeds, job.unit)
    if (found := side.load()) is not None:
        assert isinstance(lane, LaneRun | KeptHostRun)
        lane.thaw(found, stop, further=side.further)
        if isinstance(lane, HostRun):
            side.refuse_inexact(lane.begun_again)
    side.begin(lane)
    complete, between = True, functools.partial(side.between, lane)
    for position in job.positions[len(lane.tables) :]:
        complete = lane.run_to(position, stop, tell, between)
        if not complete:
            break
        lane.tables.append(lane.standing())
    side.end(lane, complete=complete)
    again = lane.begun_again if isinstance(lane, HostRun) else None
    return TablePart(lane.history, lane.standing(running=not complete), lane.tables, seeds.size, complete, again)
