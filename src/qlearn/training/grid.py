"""Many settings at once: agents of one structure share programs and lanes, each seed with its own numbers."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Agent
from qlearn.agents.spread import Own, spread, structure_of
from qlearn.engine.device_loop import Lane, by_update, runner, starter
from qlearn.engine.episode_loop import by_episode
from qlearn.engine.outcome import Outcome
from qlearn.engine.schedule import Job, run
from qlearn.engine.vector_loop import vector_runner, vector_starter
from qlearn.engine.worlds import on_device, spec_of
from qlearn.environments import HostEnvironment, make
from qlearn.errors import Interrupted
from qlearn.training.gathered import runs_of
from qlearn.training.plan import Plan, Seeds, budget_of, seeds_of
from qlearn.training.progress import Meter, stop_on_interrupt
from qlearn.training.runs import Runs
from qlearn.training.train import Progress

Numbers = np.ndarray[Any, Any]
Row = tuple[int, int]  # which agent, which seed
_ALONG = ("snapshots", "counted", "known", "told")  # read at all positions


@dataclasses.dataclass(frozen=True)
class Packed:
    """A job, and whose runs its rows are."""

    job: Job
    rows: list[Row]


def train_grid(
    agents: Sequence[Agent],
    environment: Any,
    *,
    episodes: int | None = None,
    steps: int | None = None,
    seeds: Seeds = 1,
    snapshots: int = 0,
    progress: Progress = None,
) -> list[Runs]:
    """Train several agents on one environment; those that differ in numbers alone share programs and lanes.

    Arguments, results and errors as of ``train_many``, whose numbers these are, to the bit.  It pays where there are
    many agents and few seeds: their runs fill lanes together, which a lane for each agent would leave empty.

    Raises:
        Interrupted: on Ctrl-C; its ``runs`` is a list with what was complete of each agent.

    >>> from qlearn.agents import QLearning
    >>> agents = [QLearning(learning_rate=rate) for rate in (0.1, 0.5)]
    >>> [runs.returns.shape for runs in train_grid(agents, "NChain-v0", episodes=2, seeds=3)]
    [(3, 2), (3, 2)]
    """
    numbers, (budget, unit) = seeds_of(seeds), budget_of(episodes, steps)
    plan = Plan(list(agents), make(environment), numbers, budget, unit, snapshots)
    jobs, stop, began = plan.jobs(), threading.Event(), time.perf_counter()
    packed = packed_jobs(jobs)
    note = f"{len(agents)} settings, {numbers.size} seeds"
    with Meter(progress, budget * numbers.size * len(agents), note) as meter, stop_on_interrupt(stop):
        outcomes = run([some.job for some in packed], stop, meter.add)
    took = time.perf_counter() - began
    result = [runs_of(job, _outcome(packed, outcomes, i), snapshots, budget, took) for i, job in enumerate(jobs)]
    if not all(runs.complete for runs in result):
        done = int(sum(runs.num_episodes.sum() for runs in result))
        raise Interrupted(f"Training was interrupted after {done} episodes; `.runs` holds them.", result)
    return result


def packed_jobs(jobs: Sequence[Job]) -> list[Packed]:
    """Put the runs of all jobs into as few lanes as there need to be."""
    groups: dict[Any, list[int]] = {}
    for i, job in enumerate(jobs):
        groups.setdefault(_kind(i, job), []).append(i)
    packed = []
    for kind, places in groups.items():
        rows = [(i, k) for i in places for k in range(jobs[i].seeds.size)]
        if kind[0] == "alone":
            packed.append(Packed(jobs[places[0]], rows))
            continue
        width = jobs[places[0]].agent.learner(spec_of(jobs[places[0]].environment)).lane
        lanes = [_lane(jobs, rows[start : start + width], width) for start in range(0, len(rows), width)]
        packed += (
            lanes if shares(lanes[0].job) else [Packed(jobs[i], [row for row in rows if row[0] == i]) for i in places]
        )
    return packed


def shares(job: Job) -> bool:
    """Whether a learner can be mapped over its numbers, which only tracing it tells.

    One that hands its numbers to a loop of a whole program (``qlearn.agents.together``) cannot; nor may one of a
    user's own that looks at a number's value.  Their settings run one after the other, to the same results.
    """
    learner, world = job.agent.learner(spec_of(job.environment)), on_device(job.environment)
    seeds, number, by_steps = np.zeros(learner.lane, np.uint32), jnp.uint32(1), job.unit == "step"
    try:
        if learner.num_environments is None:
            carry = starter().eval_shape(job.agent, world, seeds)
            state: Any = Lane(carry, carry, jnp.zeros(seeds.shape, bool))
            program = runner(by_episode if learner.period == "episode" else by_update, 1, by_steps, learner.fused)
            program.eval_shape(job.agent, world, seeds, state, number, number)
        else:
            state = vector_starter().eval_shape(job.agent, world, seeds)
            vector_runner(1, by_steps, learner.fused).eval_shape(job.agent, world, seeds, state, seeds, number)
    except Exception:  # whatever keeps it from being traced so; alone it tells what is wrong, if anything is
        return False
    return True


def _kind(i: int, job: Job) -> tuple[Any, ...]:
    """What jobs must have in common to share lanes; those that cannot share are ("alone", i).

    On the host all seeds are one batch already; a lane of one has nothing to share; and a single seed with a network
    runs in a lane of one, whose numbers are its own.
    """
    learner = job.agent.learner(spec_of(job.environment))
    table = learner.num_environments is None
    if isinstance(job.environment, HostEnvironment) or learner.lane == 1 or (not table and job.seeds.size == 1):
        return ("alone", i)
    return ("together", structure_of(job.agent), None if table else job.agent.discount)  # by which runs diverge


def _lane(jobs: Sequence[Job], rows: list[Row], width: int) -> Packed:
    agents, seeds = [jobs[i].agent for i, _ in rows], np.array([jobs[i].seeds[k] for i, k in rows], np.uint32)
    return Packed(dataclasses.replace(jobs[rows[0][0]], agent=spread(agents, width), seeds=seeds, width=width), rows)


def _outcome(packed: Sequence[Packed], outcomes: Sequence[Outcome], agent: int) -> Outcome:
    """What one agent's runs brought, in the order of its seeds."""
    parts = []
    for some, outcome in zip(packed, outcomes, strict=True):
        mine = np.array([place for place, (i, _) in enumerate(some.rows) if i == agent], np.int64)
        if mine.size:
            parts.append(_taken(outcome, mine))
    width = max(int(part["num_episodes"].max(initial=0)) for part in parts)
    for part in parts:
        part["returns"] = _wide(part["returns"], width, np.nan)
        part["lengths"] = _wide(part["lengths"], width, 0)
    for name in _ALONG:
        for part, cut in zip(parts, _cut([part[name] for part in parts]), strict=True):
            part[name] = cut
    joined: dict[str, Any] = jax.tree.map(lambda *rows: np.concatenate(rows), *parts)
    return Outcome(**joined)


def _cut(found: list[Any]) -> list[Any]:
    """What lanes were read as, as far as all were: one that was interrupted may have been read less often."""
    kept = min((leaf.shape[1] for leaf in jax.tree.leaves(found)), default=0)
    lost = any(one is None for one in found)
    return [None if lost else jax.tree.map(lambda x: x[:, :kept], one) for one in found]


def _taken(outcome: Outcome, rows: Numbers) -> dict[str, Any]:
    """Some rows of an outcome, without the settings that its seeds carried along."""
    whole = dict(vars(outcome))
    for name in ("knowledge", "known"):
        if isinstance(whole[name], Own):
            whole[name] = whole[name].state
    taken: dict[str, Any] = jax.tree.map(lambda x: np.asarray(x)[rows], whole)
    return taken


def _wide(table: Numbers, width: int, fill: float) -> Numbers:
    """A table with so many columns: more are filled up, those beyond every run's end are cut off."""
    cut = table[:, :width]
    return np.pad(cut, ((0, 0), (0, width - cut.shape[1])), constant_values=fill)
