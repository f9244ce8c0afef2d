"""A lane taken apart by seed, and put together again from whatever seeds are to go on.

A seed's numbers do not depend on its neighbours, so lanes may be composed anew.  What is kept of a seed, by name:

- ``carry.…``: where it stands, or as it was when it arrived at the last position that it was asked for;
- ``recorded`` and ``history.…``: the episodes that ended;
- ``at`` and ``mark{k}.…``: positions that it was read at, and what was known there;
- ``done``: of networks only: episodes, steps, the step of divergence and whether it arrived.

On ordinary Python, ``host.…`` and ``tape.…`` stand in the place of ``carry.…``: see `qlearn.engine.host_apart` for
tables and `qlearn.engine.vector_host_apart` for networks.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from qlearn.agents.learner import Spec
from qlearn.engine import host_apart, vector_host_apart
from qlearn.engine.device_loop import Axes
from qlearn.engine.frozen import Frozen
from qlearn.engine.schedule import Job
from qlearn.engine.worlds import on_device, spec_of
from qlearn.environments.host import HostEnvironment

Numbers = np.ndarray[Any, Any]
_DONE = ("episodes", "steps", "diverged", "arrived")


def is_table(job: Job) -> bool:
    """Whether the job's agent keeps a table, whose lanes are another kind than those of networks."""
    return job.agent.learner(spec_of(job.environment)).num_environments is None


def on_host(job: Job) -> bool:
    """Whether the job's environment is ordinary Python."""
    return isinstance(job.environment, HostEnvironment)


def apart(job: Job, frozen: Mapping[str, Numbers]) -> list[Frozen]:
    """Every seed of a lane by itself.

    Args:
        job: with the lane's seeds alone.
        frozen: what the lane was frozen to.
    """
    carries = _carries_of_tables(job, frozen) if is_table(job) else _carries_of_networks(job, frozen)
    marks = _marks_of_tables(job, frozen) if is_table(job) else _marks_of_networks(job, frozen)
    whose = frozen["history.seed"]
    found = []
    for i, (carry, mark) in enumerate(zip(carries, marks, strict=True)):
        mine = whose == i
        ended = {f"history.{name}": frozen[f"history.{name}"][mine] for name in ("return", "length")}
        found.append({**carry, **mark, **ended, "recorded": np.array(int(mine.sum()), np.int64)})
    return found


def ends(job: Job, frozen: Mapping[str, Numbers]) -> Frozen:
    """Where the seeds of a lane stand that have all arrived, the seed axis first: all of ``apart`` but what was met."""
    n = job.seeds.size
    if not is_table(job):
        names = [name for name in frozen if name.startswith("carry.")]
        alone = job.width == 1
        rows = {name: frozen[name][None] if alone else frozen[name][:n] for name in names}
        return {**rows, "total": frozen["total"], "recorded": np.bincount(frozen["history.seed"], minlength=n)}
    axes, width = _axes(job)
    count = len(axes)
    if width == 1:
        rows = {f"carry.{j}": frozen[f"lane.{count + j}"][None] for j in range(count)}
    else:
        whole = [np.moveaxis(frozen[f"lane.{count + j}"], axis, 0) for j, axis in enumerate(axes)]
        rows = {f"carry.{j}": leaf[:n] for j, leaf in enumerate(whole)}
    return {**rows, "recorded": np.bincount(frozen["history.seed"], minlength=n)}


def stage_of(job: Job, state: Mapping[str, Numbers]) -> tuple[int, ...]:
    """What seeds of one lane must have in common: tables the marks reached, networks their steps."""
    if is_table(job):
        reached = tuple(p for p in state["at"].tolist() if p in job.positions)
        return (*host_apart.stage_of(state), *reached) if on_host(job) else reached
    return vector_host_apart.stage_of(state) if on_host(job) else (int(state["total"]),)


def together(job: Job, states: Sequence[Frozen]) -> Frozen:
    """What a lane of these seeds would be frozen to, on its way to the job's positions.

    Args:
        job: with the lane's seeds alone, as many as there are states, all of one stage.
        states: of each.
    """
    seeds = [np.full(len(state["history.return"]), i, np.int64) for i, state in enumerate(states)]
    kept = {
        "history.seed": np.concatenate(seeds),
        "history.return": np.concatenate([state["history.return"] for state in states]),
        "history.length": np.concatenate([state["history.length"] for state in states]),
    }
    return kept | (_table_lane(job, states) if is_table(job) else _network_lane(job, states))


def _axes_of(agent: Any, world: Any) -> tuple[tuple[int, ...], int]:
    model = on_device(world)
    learner = agent.learner(Spec.of(model))
    return tuple(jax.tree.leaves(Axes(learner, model).carry)), learner.lane


@functools.lru_cache(maxsize=64)
def _axes_of_a_kind(tree: Any, count: int, world: Any) -> tuple[tuple[int, ...], int]:
    return _axes_of(jax.tree.unflatten(tree, (0.5,) * count), world)  # numbers change no shape


def _axes(job: Job) -> tuple[tuple[int, ...], int]:
    """The axis of the seeds in each leaf of a carry, and the width of the lane."""
    leaves, tree = jax.tree.flatten(job.agent)
    if not all(isinstance(leaf, (bool, int, float)) for leaf in leaves):
        return _axes_of(job.agent, job.environment)
    try:
        return _axes_of_a_kind(tree, len(leaves), job.environment)
    except TypeError:  # an environment that holds arrays, which no cache can compare
        return _axes_of(job.agent, job.environment)


def _carries_of_tables(job: Job, frozen: Mapping[str, Numbers]) -> list[Frozen]:
    if on_host(job):
        return host_apart.apart(frozen, job.seeds.size)
    axes, width = _axes(job)
    count, n = len(axes), job.seeds.size
    done = np.atleast_1d(frozen[f"lane.{2 * count}"])[:n]  # those that have arrived stand as they were then
    if width == 1:
        first = count if done[0] else 0
        return [{f"carry.{j}": frozen[f"lane.{first + j}"] for j in range(count)}]

    def rows(first: int) -> list[Numbers]:
        whole = [np.moveaxis(frozen[f"lane.{first + j}"], axis, 0) for j, axis in enumerate(axes)]
        return [np.ascontiguousarray(leaf[:n]) for leaf in whole]

    stand = {arrived: rows(count if arrived else 0) for arrived in set(done.tolist())}
    return [{f"carry.{j}": leaf[i] for j, leaf in enumerate(stand[bool(done[i])])} for i in range(n)]


def _table_lane(job: Job, states: Sequence[Frozen]) -> Frozen:
    if on_host(job):
        at_once = job.agent.learner(spec_of(job.environment)).lane
        return host_apart.together(states, at_once) | _tables_reached(job, states)
    axes, width = _axes(job)
    count, rows = len(axes), np.resize(np.arange(len(states)), width).tolist()  # what fills a lane up is any seed's

    def leaf(j: int) -> Numbers:
        whole = [states[i][f"carry.{j}"] for i in rows]
        return whole[0] if width == 1 else np.stack(whole, axis=axes[j])

    carry = [leaf(j) for j in range(count)]
    lane = {f"lane.{j}": row for j, row in enumerate([*carry, *carry])}
    lane[f"lane.{2 * count}"] = np.zeros(() if width == 1 else width, bool)
    recorded = np.array([int(state["recorded"]) for state in states], np.int64)
    return {**lane, **_tables_reached(job, states), "recorded": recorded}


def _tables_reached(job: Job, states: Sequence[Frozen]) -> Frozen:
    """What was known at each position that these seeds have reached, all the same ones."""
    reached = [p for p in states[0]["at"].tolist() if p in job.positions]
    places = [state["at"].tolist() for state in states]
    tables = {}
    for k, position in enumerate(reached):
        names = sorted(name for name in states[0] if name.startswith(f"mark{places[0].index(position)}."))
        for name in names:
            part = name.partition(".")[2]
            rows_of = [state[f"mark{at.index(position)}.{part}"] for state, at in zip(states, places, strict=True)]
            tables[f"table{k}.{part}"] = np.stack(rows_of)
    return {**tables, "reached": np.array(len(reached))}


def _marks_of_tables(job: Job, frozen: Mapping[str, Numbers]) -> list[Frozen]:
    reached = int(frozen["reached"])
    at = np.array(job.positions[:reached], np.int64)
    tables = [(k, name) for k in range(reached) for name in frozen if name.startswith(f"table{k}.")]
    return [
        {"at": at, **{f"mark{k}.{name.partition('.')[2]}": frozen[name][i] for k, name in tables}}
        for i in range(job.seeds.size)
    ]


def _carries_of_networks(job: Job, frozen: Mapping[str, Numbers]) -> list[Frozen]:
    if on_host(job):
        return vector_host_apart.apart(frozen, job.seeds.size)
    names = [name for name in frozen if name.startswith("carry.")]
    alone = job.width == 1
    return [
        {name: frozen[name] if alone else frozen[name][i] for name in names} | {"total": frozen["total"][i]}
        for i in range(job.seeds.size)
    ]


def _network_lane(job: Job, states: Sequence[Frozen]) -> Frozen:
    width = int(job.width or 1)
    if on_host(job):
        return vector_host_apart.together(states, width) | _networks_reached(job, states)
    names = [name for name in states[0] if name.startswith("carry.")]
    rows = np.resize(np.arange(len(states)), width).tolist()
    lane = {name: states[0][name] if width == 1 else np.stack([states[i][name] for i in rows]) for name in names}
    return lane | _networks_reached(job, states)


def _networks_reached(job: Job, states: Sequence[Frozen]) -> Frozen:
    """What was known of these seeds at each position that they have reached."""
    done = np.stack([state["done"] for state in states])
    places = [state["at"].tolist() for state in states]
    failed = done[:, _DONE.index("diverged")] > 0
    now = np.array([np.count_nonzero(np.isin(job.positions, at)) for at in places])
    now[failed] = len(job.positions)
    whole = now == len(job.positions)
    marks = {f"marks.{name}": np.where(whole, done[:, k], 0) for k, name in enumerate(_DONE)}
    marks["marks.arrived"] = marks["marks.arrived"].astype(bool)
    known = {}
    for k, position in enumerate(job.positions):
        for part in sorted(name.partition(".")[2] for name in states[0] if name.startswith("mark0.")):
            known[f"known{k}.{part}"] = [
                state[f"mark{at.index(position) if position in at else len(at) - 1}.{part}"]
                for i, (state, at) in enumerate(zip(states, places, strict=True))
                if now[i] > k
            ]
    return {**marks, "marks.next": now, **{name: np.stack(x) for name, x in known.items() if x}}


def _marks_of_networks(job: Job, frozen: Mapping[str, Numbers]) -> list[Frozen]:
    after = frozen["marks.next"]
    found = []
    for i in range(job.seeds.size):
        mine: Frozen = {"at": np.array(job.positions[: after[i]], np.int64)}
        mine["done"] = np.array([int(frozen[f"marks.{name}"][i]) for name in _DONE], np.int64)
        for k in range(int(after[i])):
            place = int(np.count_nonzero(after[:i] > k))
            parts = [name for name in frozen if name.startswith(f"known{k}.")]
            mine |= {f"mark{k}.{name.partition('.')[2]}": frozen[name][place] for name in parts}
        found.append(mine)
    return found
