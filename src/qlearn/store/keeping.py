"""What a lane goes on from, and what is kept of it on its way: by seed, in the store."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import numpy as np

from qlearn.engine.apart import apart, ends, is_table, on_host, stage_of, together
from qlearn.engine.frozen import Frozen
from qlearn.engine.schedule import Job
from qlearn.store.asked import Subject
from qlearn.store.database import Database
from qlearn.store.owners import me
from qlearn.store.packing import pack, pack_rows
from qlearn.store.pending import Batch, release
from qlearn.store.records import (
    State,
    Unit,
    kept_state,
    read_result,
    read_states,
    state_file,
    write_results,
    write_states,
)
from qlearn.store.seedwise import completed

Packed = tuple[tuple[int, int, int, bool], tuple[bytes, bytes]]
_SHARE = 20.0  # times that what writing takes, a lane runs before it is kept again


class LaneKeeper:
    """The keeper of one lane, as ``qlearn.engine.schedule.Keeper`` asks for it.

    Args:
        database: the store.
        batch: the lane's units.
        every: seconds between two states.
        states: what each unit goes on from, or nothing.
    """

    exact = True
    once = False  # what a lane is at the end waits for the results

    def __init__(self, database: Database, batch: Batch, every: float, states: list[Frozen] | None) -> None:
        self._database, self._batch, self._every = database, batch, every
        self._job = batch.subject.of(np.array([unit.seed for unit in batch.units]))
        self._states = states
        self._since, self._cost, self._on_the_way = time.monotonic(), 0.0, False
        self.last: Frozen | None = None

    def load(self, lane: int) -> Frozen | None:
        """The lane put together from its seeds; None where it begins."""
        states, self._states = self._states, None
        return None if states is None else together(self._job, states)

    def further(self, lane: int) -> bool:
        """Never: states are brought into line with the budget before the engine sees them."""
        return False

    def due(self, lane: int) -> bool:
        """Whether the time has come."""
        self._on_the_way = time.monotonic() - self._since >= max(self._every, _SHARE * self._cost)
        return self._on_the_way

    def save(self, lane: int, arrays: Frozen) -> None:
        """Keep the lane on its way; what it is at the end waits for the results."""
        if not self._on_the_way:
            self.last = arrays
            return
        began, self._on_the_way = time.monotonic(), False
        packed = packed_states(self._database, self._batch.subject, self._job, arrays, final=False)
        old: list[str] = []
        with self._database.writing():
            old = write_states(self._database, self._batch.units, packed)
        drop_files(self._database, old)
        self._since = time.monotonic()
        self._cost = self._since - began


def packed_states(database: Database, subject: Subject, job: Job, arrays: Frozen, *, final: bool) -> list[Packed]:
    """A lane's state by seed, ready to be written; empty where it cannot be gone on from."""
    if final and not is_table(job) and job.unit == "episode":
        return []  # its seeds have gone on idly, each for a while of its own
    if final and on_host(job):
        stages = [subject.budget] * job.seeds.size
        contents = [pack(_without_result(state)) for state in apart(job, arrays)]
    elif final:
        stages = [subject.budget] * job.seeds.size if is_table(job) else _totals(arrays)
        contents = pack_rows(ends(job, arrays))
    else:
        states = apart(job, arrays)
        stages = [_stage(job, state) for state in states]
        contents = [pack(state) for state in states]
    return [
        ((subject.budget, subject.detail, stage, final), kept_state(database, content))
        for stage, content in zip(stages, contents, strict=True)
    ]


def _without_result(state: Frozen) -> Frozen:
    """A state without what the result beside it has too."""
    return {name: x for name, x in state.items() if name != "at" and not name.startswith(("history.", "mark"))}


def _totals(arrays: Frozen) -> list[int]:
    """The steps that each seed of a lane of networks has made."""
    return [int(total) for total in arrays["total"]]


def _stage(job: Job, state: Frozen) -> int:
    if is_table(job):
        return 0 if state["at"].size == 0 else int(state["at"][-1])
    return int(state["total"])


def commit(
    database: Database, batch: Batch, origin: tuple[int, str], results: list[tuple[str, bytes]], states: list[Packed]
) -> None:
    """Results, states and the end of the leases: all of them or none.

    Args:
        database: the store.
        batch: the units that have finished.
        origin: the row and the text of what they were made with.
        results: of each unit, packed.
        states: of each unit, packed, their files written; or none.
    """
    subject = batch.subject
    with database.writing():
        write_results(database, batch.units, (subject.budget, subject.detail), origin, results)
        old = write_states(database, batch.units, states)
        release(database, batch.units, me())
    drop_files(database, old)


def drop_files(database: Database, files: list[str]) -> None:
    """Delete the files of large states that no row names any more."""
    for file in files:
        if not database.rows("SELECT 1 FROM states WHERE file = ? LIMIT 1", (file,)):
            with contextlib.suppress(OSError):  # what was committed is; a file too many does no harm
                state_file(database.file, file).unlink(missing_ok=True)


def loaded(database: Database, batch: Batch) -> list[tuple[Unit, Frozen | None]]:
    """What each unit of a batch can go on from, to the batch's budget."""
    units, subject = batch.units, batch.subject
    states = read_states(database, units)
    return [
        (unit, None if found is None else _usable(database, subject, unit, found))
        for unit, found in zip(units, states, strict=True)
    ]


def _usable(database: Database, subject: Subject, unit: Unit, found: State) -> Frozen | None:
    (budget, detail, _, final), state = found
    job = subject.job
    farther = budget < subject.budget
    by_episodes = not is_table(job) and job.unit == "episode"
    if budget > subject.budget or detail < subject.detail or (farther and by_episodes):
        return None
    if final:
        result = read_result(database, unit, budget)
        if result is None:
            return None
        state = completed(job, state, result[0])
    return state if _in_line(job, state) else None


def _in_line(job: Job, state: Frozen) -> bool:
    """Whether a state was read wherever the job reads, as far as it has come."""
    at: set[int] = set(state["at"].tolist())
    return all(p in at for p in job.positions if p <= max(at, default=0))


def same_stage(batch: Batch, found: list[tuple[Unit, Frozen | None]]) -> list[tuple[Any, list[tuple[Unit, Any]]]]:
    """Units of a batch that fit into one lane: by stage, those without a state last."""
    groups: dict[Any, list[tuple[Unit, Any]]] = {}
    for unit, state in found:
        stage = None if state is None else stage_of(batch.subject.job, state)
        groups.setdefault(stage, []).append((unit, state))
    return sorted(groups.items(), key=lambda one: (one[0] is None, one[0] or ()))
