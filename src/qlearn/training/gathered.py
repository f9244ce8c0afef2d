"""What training brought, as runs."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from qlearn.engine.outcome import Outcome
from qlearn.engine.schedule import Job
from qlearn.engine.tables import first_knowledge, first_tables
from qlearn.engine.vector_loop import Known
from qlearn.engine.vector_run import lane_width
from qlearn.engine.worlds import spec_of
from qlearn.environments import FiniteMDP, HostEnvironment, make
from qlearn.errors import InputError
from qlearn.training.memory import state_bytes
from qlearn.training.names import written_agent
from qlearn.training.runs import Runs
from qlearn.training.snapshots import Snapshots

Numbers = np.ndarray[Any, Any]


def runs_of(job: Job, outcome: Outcome, snapshots: int, budget: int, took: float) -> Runs:
    """The runs of a job; took: seconds."""
    kept = _snapshots(job, outcome) if snapshots else None
    return Runs(
        agent=job.agent,
        environment=job.environment,
        seeds=job.seeds.astype(np.int64),
        returns=outcome.returns,
        lengths=outcome.lengths,
        num_episodes=outcome.num_episodes,
        num_steps=outcome.num_steps,
        table=outcome.q_table,
        counts=outcome.visits,
        diverged=_diverged(outcome),
        diverged_at=outcome.diverged,
        knowledge=outcome.knowledge,
        extras=outcome.extras,
        snapshots=kept,
        settings=settings_of(job, budget) | _begun_again(job, outcome),
        versions=versions(),
        wall_time=took,
        complete=bool(outcome.complete.all()),
    )


def _snapshots(job: Job, outcome: Outcome) -> Snapshots:
    """What was known at every mark; the first is before the first step."""
    if outcome.knowledge is None:
        assert outcome.snapshots is not None
        assert outcome.counted is not None
        start = first_tables(job.agent, job.environment, job.seeds)[:, None]
        visits = np.concatenate([np.zeros(start.shape, np.int32), outcome.counted], axis=1)
        positions = np.array([0, *job.positions[: outcome.snapshots.shape[1]]], np.int64)
        tables = np.concatenate([start, outcome.snapshots], axis=1)
        return Snapshots(positions, job.unit, tables, counts=visits, extras=outcome.told)
    first, later = first_knowledge(job.agent, job.environment, job.seeds), Known(outcome.known, outcome.snapshots)
    if outcome.known is None:  # interrupted before the first mark
        both = jax.tree.map(lambda a: a[:, None], first)
    else:
        both = jax.tree.map(lambda a, b: np.concatenate([a[:, None], b], axis=1), first, later)
    reached = jax.tree.leaves(both.knowledge)[0].shape[1]
    positions = np.array([0, *job.positions[: reached - 1]], np.int64)
    return Snapshots(positions, job.unit, both.q_table, both.knowledge)


def _diverged(outcome: Outcome) -> Numbers:
    """Which runs diverged, (n,) bool."""
    failed = np.zeros(outcome.num_steps.shape, bool) if outcome.diverged is None else outcome.diverged > 0
    if outcome.q_table is not None:
        failed |= np.logical_not(np.isfinite(outcome.q_table).all(axis=(1, 2)))
    return failed


def _begun_again(job: Job, outcome: Outcome) -> dict[str, Any]:
    """Of seeds whose episodes could not be gone on with in another process: how many were begun again."""
    if outcome.begun_again is None or not outcome.begun_again.any():
        return {}
    counted = zip(job.seeds, outcome.begun_again, strict=True)
    return {"begun_again": {str(seed): int(count) for seed, count in counted if count}}


def settings_of(job: Job, budget: int) -> dict[str, Any]:
    """Agent, environment, budget and lane in words and numbers, as JSON holds them."""
    world = job.environment
    return {
        "agent": str(job.agent.label),
        "agent_version": int(job.agent.version),
        "agent_written": written_agent(job.agent),
        "environment": world.name,
        "environment_by_name": _by_name(world),
        "model": world.digest if isinstance(world, FiniteMDP) else None,
        "loop": "host" if isinstance(world, HostEnvironment) else "device",
        job.unit + "s": budget,
        "lane": _lane(job),
        "state_bytes": state_bytes(job.agent, world),
    }


def _lane(job: Job) -> int:
    learner = job.agent.learner(spec_of(job.environment))
    return learner.lane if learner.num_environments is None else job.width or lane_width(learner, job.seeds.size)


def _by_name(world: Any) -> bool:
    try:
        again = make(world.name)
    except (InputError, ImportError):
        return False
    if isinstance(world, FiniteMDP):
        return isinstance(again, FiniteMDP) and again.digest == world.digest
    if isinstance(world, HostEnvironment):
        return isinstance(again, HostEnvironment)
    return bool(again == world)


def versions() -> dict[str, str]:
    """What the numbers were made with."""
    return {**installed()} | {"python": platform.python_version(), "device": jax.devices()[0].device_kind}


@functools.cache
def installed() -> Mapping[str, str]:
    """The versions of what numbers depend on; read once, for it takes a millisecond and a store asks for each job."""
    parts = ("qlearn", "jax", "jaxlib", "keras", "numpy", "gymnasium")
    return {name: importlib.metadata.version(name) for name in parts}
