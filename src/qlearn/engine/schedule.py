"""All lanes of all jobs over all cores: two programs called from two threads overlap."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from qlearn.agents.learner import Agent, Spec
from qlearn.engine.device_loop import Standing
from qlearn.engine.host_loop import HostRun
from qlearn.engine.lane_run import History, LaneRun, Numbers, Unit
from qlearn.environments.device import on_device
from qlearn.environments.finite_mdp import FiniteMDP


@dataclasses.dataclass(frozen=True)
class Job:
    """One agent on one environment, over some seeds, to the last of some positions.

    Args:
        agent: the description.
        environment: a FiniteMDP or a HostEnvironment.
        seeds: (n,) uint32 values.
        positions: rising numbers of episodes or steps; the tables are read at each, the run ends at the last.
        unit: what the positions count.
    """

    agent: Agent
    environment: Any
    seeds: Numbers
    positions: tuple[int, ...]
    unit: Unit


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a job brought, every array with the seed axis first."""

    returns: Numbers  # (n, E) float64, NaN beyond a seed's episodes
    lengths: Numbers  # (n, E) int64
    num_episodes: Numbers  # (n,) int64
    num_steps: Numbers  # (n,) int64
    q_table: Numbers  # (n, S, A) float32
    visits: Numbers  # (n, S, A) int64
    snapshots: Numbers  # (n, k, S, A) float32, at all positions that every seed has reached
    complete: Numbers  # (n,) bool: reached the last position


@dataclasses.dataclass(frozen=True)
class _Part:
    """What one lane brought."""

    history: History
    standing: Standing
    tables: list[Numbers]
    size: int
    complete: bool


def run(jobs: Sequence[Job], stop: threading.Event, tell: Callable[[int, int], None]) -> list[Outcome]:
    """Run all jobs on all cores.

    Args:
        jobs: what to run.
        stop: set it, and every lane ends at its next chunk.
        tell: called from any thread with (job's number, episodes or steps made since the last call, over all seeds).

    Returns:
        One outcome a job, in their order.
    """
    parts = [(i, job, seeds) for i, job in enumerate(jobs) for seeds in _lanes(job)]
    workers = max(1, min(len(parts), _cores()))
    with ThreadPoolExecutor(workers, thread_name_prefix="qlearn") as pool:
        futures = [pool.submit(_run_lane, job, seeds, stop.is_set, _teller(tell, i)) for i, job, seeds in parts]
        try:
            _wait(futures)
        except BaseException:
            stop.set()
            raise
        done = [future.result() for future in futures]
    outcomes = []
    for i, job in enumerate(jobs):
        mine = [part for part, (j, _, _) in zip(done, parts, strict=True) if j == i]
        outcomes.append(_join(job, mine))
    return outcomes


def _wait(futures: Sequence[Future[_Part]]) -> None:
    # In slices, so that a signal's handler runs on the main thread in between.
    while wait(futures, timeout=0.1, return_when=FIRST_EXCEPTION).not_done:
        for future in futures:
            if future.done():
                future.result()


def _teller(tell: Callable[[int, int], None], job: int) -> Callable[[int], None]:
    return lambda made: tell(job, made)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _lanes(job: Job) -> list[Numbers]:
    """The job's seeds, cut into lanes; a host environment takes all its seeds as one batch."""
    if not isinstance(job.environment, FiniteMDP):
        return [job.seeds]
    width = job.agent.learner(Spec(job.environment.num_states, job.environment.num_actions)).lane
    return [job.seeds[i : i + width] for i in range(0, job.seeds.size, width)]


def _run_lane(job: Job, seeds: Numbers, stop: Callable[[], bool], tell: Callable[[int], None]) -> _Part:
    if stop():
        shape = (seeds.size, job.environment.num_states, job.environment.num_actions)
        none = np.zeros(seeds.size, np.uint32)
        idle = Standing(np.zeros(shape, np.float32), np.zeros(shape, np.int32), none, none)
        return _Part(History(), idle, [], seeds.size, complete=False)
    lane: LaneRun | HostRun
    if isinstance(job.environment, FiniteMDP):
        lane = LaneRun(job.agent, on_device(job.environment), seeds, job.unit)
    else:
        lane = HostRun(job.agent, job.environment, seeds, job.unit)
    tables: list[Numbers] = []
    for position in job.positions:
        if not lane.run_to(position, stop, tell):
            return _Part(lane.history, lane.standing(running=True), tables, seeds.size, complete=False)
        tables.append(lane.standing().q_table)
    return _Part(lane.history, lane.standing(), tables, seeds.size, complete=True)


def _join(job: Job, parts: Sequence[_Part]) -> Outcome:
    """The lanes of a job, one after the other."""
    most = job.positions[-1] if job.unit == "episode" else None
    rows = [part.history.tables(part.size, most) for part in parts]
    width = max(returns.shape[1] for returns, _, _ in rows)
    reached = min(len(part.tables) for part in parts)
    shape = parts[0].standing.q_table.shape[1:]

    def widened(table: Numbers, fill: float) -> Numbers:
        return np.pad(table, ((0, 0), (0, width - table.shape[1])), constant_values=fill)

    def standing(name: str) -> Numbers:
        return np.concatenate([np.asarray(getattr(part.standing, name)) for part in parts])

    return Outcome(
        returns=np.concatenate([widened(returns, np.nan) for returns, _, _ in rows]),
        lengths=np.concatenate([widened(lengths, 0) for _, lengths, _ in rows]),
        num_episodes=np.concatenate([counts for _, _, counts in rows]).astype(np.int64),
        num_steps=standing("steps").astype(np.int64),
        q_table=standing("q_table"),
        visits=standing("visits").astype(np.int64),
        snapshots=np.concatenate(
            [np.array(part.tables[:reached], np.float32).reshape(reached, part.size, *shape) for part in parts],
            axis=1,
        ).swapaxes(0, 1),
        complete=np.concatenate([np.full(part.size, part.complete) for part in parts]),
    )
