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
from qlearn.engine.host_loop import HostRun
from qlearn.engine.lane_run import History, LaneRun, Numbers, Unit
from qlearn.engine.outcome import Outcome, TablePart, VectorPart, joined
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

    @property
    def further(self) -> bool:
        """Whether the budget is another one than that of what was kept."""


def run(jobs: Sequence[Job], stop: threading.Event, tell: Tell, keeper: Keeper | None = None) -> list[Outcome]:
    """Run all jobs on all cores.

    Args:
        jobs: what to run.
        stop: set it, and every lane ends at its next chunk.
        tell: called from any thread with (job's number, episodes or steps made since the last call, over all seeds, the
            mean return of the episodes that ended last, or NaN).
        keeper: keeps every lane now and then, and where it stops; only for environments on the device.

    Returns:
        One outcome a job, in their order.
    """
    parts = [(i, job, seeds) for i, job in enumerate(jobs) for seeds in _lanes(job)]
    workers = max(1, min(len(parts), _cores()))
    with ThreadPoolExecutor(workers, thread_name_prefix="qlearn") as pool:
        futures = [
            pool.submit(_run_lane, i, job, seeds, stop.is_set, tell, None if keeper is None else _Kept(keeper, lane))
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


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _lanes(job: Job) -> list[Numbers]:
    """The job's seeds, cut into lanes; a host environment takes all its seeds as one batch."""
    if isinstance(job.environment, HostEnvironment):
        return [job.seeds]
    width = job.agent.learner(spec_of(job.environment)).lane
    return [job.seeds[i : i + width] for i in range(0, job.seeds.size, width)]


@dataclasses.dataclass(frozen=True)
class _Kept:
    """The keeper of one lane."""

    keeper: Keeper
    lane: int

    def load(self) -> Frozen | None:
        return self.keeper.load(self.lane)

    def now_and_then(self, freeze: Callable[[], Frozen]) -> None:
        if self.keeper.due(self.lane):
            self.keeper.save(self.lane, freeze())


def _run_lane(number: int, job: Job, seeds: Numbers, stop: Callable[[], bool], tell: Tell, kept: _Kept | None) -> Part:
    learner = job.agent.learner(spec_of(job.environment))
    if learner.num_environments is None:
        return _run_tables(job, seeds, stop, lambda made: tell(number, made, float("nan")), kept)
    some: VectorRun | VectorHostRun
    if isinstance(job.environment, HostEnvironment):
        some = VectorHostRun(job.agent, job.environment, seeds, job.unit, job.positions, job.width)
    else:
        world = on_device(job.environment)
        width = job.width or lane_width(learner, job.seeds.size)
        some = VectorRun(job.agent, world, seeds, job.unit, job.positions, width)
    if kept is None or isinstance(some, VectorHostRun):
        some.run(stop, lambda made: tell(number, made, some.recent))
        return VectorPart(some.history, some.finish(), seeds.size)
    if (found := kept.load()) is not None:
        some.thaw(found, further=kept.keeper.further)
    some.run(stop, lambda made: tell(number, made, some.recent), lambda: kept.now_and_then(some.freeze))
    kept.keeper.save(kept.lane, some.freeze())
    return VectorPart(some.history, some.finish(), seeds.size)


def _run_tables(
    job: Job, seeds: Numbers, stop: Callable[[], bool], tell: Callable[[int], None], kept: _Kept | None
) -> TablePart:
    if stop() and kept is None:
        shape = (seeds.size, job.environment.num_states, job.environment.num_actions)
        none = np.zeros(seeds.size, np.uint32)
        idle = Standing(np.zeros(shape, np.float32), np.zeros(shape, np.int32), none, none, {})
        return TablePart(History(), idle, [], seeds.size, complete=False)
    lane: LaneRun | HostRun
    if isinstance(job.environment, HostEnvironment):
        lane = HostRun(job.agent, job.environment, seeds, job.unit)
    else:
        lane = LaneRun(job.agent, on_device(job.environment), seeds, job.unit)
    tables: list[Standing] = []
    run_to: Callable[..., bool] = lane.run_to
    if kept is not None and isinstance(lane, LaneRun):
        tables = _thawed(lane, kept)
        freeze = functools.partial(lane.freeze, tables)
        run_to = functools.partial(lane.run_to, between=functools.partial(kept.now_and_then, freeze))
    complete = True
    for position in job.positions[len(tables) :]:
        complete = run_to(position, stop, tell)
        if not complete:
            break
        tables.append(lane.standing())
    if kept is not None and isinstance(lane, LaneRun):
        kept.keeper.save(kept.lane, lane.freeze(tables))
    return TablePart(lane.history, lane.standing(running=not complete), tables, seeds.size, complete)


def _thawed(lane: LaneRun, kept: _Kept) -> list[Standing]:
    """The tables that were read before, of a lane that goes on from there."""
    found = kept.load()
    return [] if found is None else lane.thaw(found, keep_tables=not kept.keeper.further)
