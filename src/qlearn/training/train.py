"""``train``: an agent, an environment, a budget and seeds; runs come back."""

from __future__ import annotations

import importlib.metadata
import platform
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from qlearn.agents.learner import Agent
from qlearn.engine.outcome import Outcome
from qlearn.engine.schedule import Job, run
from qlearn.engine.tables import first_knowledge, first_tables
from qlearn.engine.vector_loop import Known
from qlearn.engine.vector_run import lane_width
from qlearn.engine.worlds import spec_of
from qlearn.environments import FiniteMDP, HostEnvironment, make
from qlearn.errors import DivergenceWarning, InputError, Interrupted
from qlearn.training.divergence import divergence
from qlearn.training.memory import memory_of, refuse_what_does_not_fit, state_bytes
from qlearn.training.names import written_agent
from qlearn.training.progress import Meter, stop_on_interrupt
from qlearn.training.runs import Runs
from qlearn.training.snapshots import Snapshots

Numbers = np.ndarray[Any, Any]
Seeds = int | Sequence[int] | Numbers
Progress = Callable[[float, str], None] | bool | None
_MOST = 2**32 - 2


def train(
    agent: Agent,
    environment: Any,
    *,
    episodes: int | None = None,
    steps: int | None = None,
    seeds: Seeds = 1,
    snapshots: int = 0,
    progress: Progress = None,
) -> Runs:
    """Train an agent, once for each seed, all seeds at once.

    Args:
        agent: a description, for example ``ql.QLearning(learning_rate=0.1)``.
        environment: what ``ql.make`` takes: an id, a FiniteMDP, or a function that makes a Gymnasium environment.
        episodes: how many episodes each seed makes; or
        steps: how many steps each seed makes; an agent that learns once an episode finishes the one in which they
            run out.  Exactly one of the two.
        seeds: a number n for the seeds 0 … n−1, or the seeds themselves, whole numbers from 0 to 2³² − 2.
        snapshots: how many times, evenly spread over the budget, the tables are kept besides the start.
        progress: None for a bar where standard error is a terminal, False for none, or a function of (share done,
            words).

    Returns:
        The runs.  A seed's numbers depend on nothing but the agent, the environment, the budget and the seed: not on
        the seeds beside it, nor on threads or interruptions.

    Raises:
        InputError: where an argument is wrong, or the agent cannot learn on this environment.
        EnvironmentFault: where the environment raised an error or gave something impossible.
        Interrupted: on Ctrl-C; its ``runs`` hold what was complete.

    Warns:
        DivergenceWarning: where runs of an agent with a network diverged; it says at which step, and what to try.

    >>> import qlearn as ql
    >>> runs = ql.train(ql.QLearning(learning_rate=0.1), "NChain-v0", episodes=2, seeds=3)
    >>> runs.returns.shape, runs.q_table.shape
    ((3, 2), (3, 5, 2))
    """
    try:
        return train_many(
            [agent],
            environment,
            episodes=episodes,
            steps=steps,
            seeds=seeds,
            snapshots=snapshots,
            progress=progress,
        )[0]
    except Interrupted as stopped:
        raise Interrupted(str(stopped), stopped.runs[0]) from None


def train_many(
    agents: Sequence[Agent],
    environment: Any,
    *,
    episodes: int | None = None,
    steps: int | None = None,
    seeds: Seeds = 1,
    snapshots: int = 0,
    progress: Progress = None,
) -> list[Runs]:
    """Train several agents on one environment, all at once over all cores; arguments as for :func:`train`.

    Raises:
        Interrupted: on Ctrl-C; its ``runs`` is a list with what was complete of each agent.
    """
    world = make(environment)
    numbers = _seeds(seeds)
    budget, unit = _budget(episodes, steps)
    marks = _marks(budget, snapshots)
    for agent in agents:
        _check(agent, world)
    refuse_what_does_not_fit(agents, world, numbers.size, snapshots, budget if unit == "episode" else None)
    jobs = [Job(agent, world, numbers.astype(np.uint32), marks, unit) for agent in agents]  # type: ignore[arg-type]
    began = time.perf_counter()
    stop = threading.Event()
    note = _note(agents, world, numbers.size)
    with Meter(progress, budget * numbers.size * len(agents), note) as meter, stop_on_interrupt(stop):
        outcomes = run(jobs, stop, meter.add)
    took = time.perf_counter() - began
    result = [_runs(job, outcome, snapshots, budget, took) for job, outcome in zip(jobs, outcomes, strict=True)]
    for runs in result:
        if told := divergence(runs):
            warnings.warn(told, DivergenceWarning, stacklevel=3)
    if not all(runs.complete for runs in result):
        done = int(sum(runs.num_episodes.sum() for runs in result))
        raise Interrupted(f"Training was interrupted after {done} episodes; `.runs` holds them.", result)
    return result


def _note(agents: Sequence[Agent], world: Any, num_seeds: int) -> str:
    """What is being done, for the eye; with a replay, what it takes of the memory."""
    if len(agents) > 1:
        return f"{len(agents)} agents, {num_seeds} seeds"
    words = f"{agents[0].label}, {num_seeds} seeds"
    if not hasattr(agents[0], "replay"):
        return words
    return f"{words}, {memory_of(agents[0], world, num_seeds) / 1e6:,.0f} MB with the replay"


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _seeds(seeds: Seeds) -> Numbers:
    if isinstance(seeds, (int, np.integer)) and not isinstance(seeds, bool):
        if seeds < 1:
            raise InputError(f"seeds={seeds} asks for no run; expected at least 1. Pass seeds=100.")
        return np.arange(int(seeds), dtype=np.int64)
    try:
        numbers = np.asarray(seeds)
        fine = numbers.ndim == 1 and numbers.size > 0 and np.issubdtype(numbers.dtype, np.integer)
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise InputError(f"seeds={seeds!r} is not usable; expected a number of seeds or a list of whole numbers.")
    numbers = numbers.astype(np.int64)
    if numbers.min() < 0 or numbers.max() > _MOST:
        raise InputError(f"seeds reach from {numbers.min()} to {numbers.max()}; expected 0 to {_MOST}.")
    if np.unique(numbers).size != numbers.size:
        raise InputError("seeds has the same seed twice, which would count one run twice. Pass each seed once.")
    return numbers


def _budget(episodes: int | None, steps: int | None) -> tuple[int, str]:
    if (episodes is None) == (steps is None):
        raise InputError("A training needs a budget: pass either episodes=… or steps=…, and not both.")
    name, value = ("episodes", episodes) if steps is None else ("steps", steps)
    if not _is_whole(value) or not 1 <= value <= _MOST:  # type: ignore[operator]
        raise InputError(f"{name}={value!r} is not usable; expected a whole number from 1 to {_MOST}. Pass {name}=500.")
    return int(value or 0), name.removesuffix("s")


def _marks(budget: int, snapshots: int) -> tuple[int, ...]:
    if not _is_whole(snapshots) or snapshots < 0:
        raise InputError(
            f"snapshots={snapshots!r} is not usable; expected a whole number from 0 on. Pass snapshots=50."
        )
    marks = {round(budget * (i + 1) / snapshots) for i in range(snapshots)} - {0}
    return tuple(sorted(marks | {budget}))


def _check(agent: Any, world: Any) -> None:
    if isinstance(agent, type):
        raise InputError(f"{agent.__name__} is a class; expected an agent made from it. Pass {agent.__name__}(…).")
    if not isinstance(agent, Agent):
        raise InputError(
            f"{agent!r} is not an agent: it has no label, discount, version, exploration or learner(spec). "
            "Pass for example ql.QLearning(learning_rate=0.1)."
        )
    if any(leaf is agent for leaf in jax.tree.leaves(agent)):
        raise InputError(
            f"{agent.label}: {type(agent).__name__} is no tree that JAX knows, so that no compiled program can be given "
            "its numbers. Make its class (a subclass too) with @ql.agent."
        )
    spec = spec_of(world)
    if hasattr(agent, "check"):  # what only the sizes of an environment tell
        agent.check(spec)
    learner = agent.learner(spec)
    if learner.num_environments is None and spec.observation_shape is not None:
        raise InputError(
            f"{agent.label} has a table, and {world.name} observes arrays of shape {spec.observation_shape}, which no "
            "table can list. Pass an agent with a network, such as ql.DQN, or count the observations with "
            "gymnasium.wrappers.DiscretizeObservation."
        )
    if learner.period == "episode" and world.time_limit is None:
        raise InputError(
            f"{agent.label} learns from whole episodes, and {world.name} has no time limit that bounds them. "
            "Give it one: `dataclasses.replace(mdp, time_limit=1000)` or gymnasium's TimeLimit wrapper."
        )


def _runs(job: Job, outcome: Outcome, snapshots: int, budget: int, took: float) -> Runs:
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
        settings=_settings(job, budget),
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


def _settings(job: Job, budget: int) -> dict[str, Any]:
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
    return learner.lane if learner.num_environments is None else lane_width(learner, job.seeds.size)


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
    parts = ("qlearn", "jax", "jaxlib", "keras", "numpy", "gymnasium")
    found = {name: importlib.metadata.version(name) for name in parts}
    return found | {"python": platform.python_version(), "device": jax.devices()[0].device_kind}
