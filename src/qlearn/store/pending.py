"""What is still to be computed, and who computes it: units taken by lease, a lane at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from qlearn.errors import EnvironmentFault
from qlearn.store.asked import Subject
from qlearn.store.database import Database
from qlearn.store.identity import digest_of, unit_of
from qlearn.store.owners import Owner, me
from qlearn.store.records import MANY, Unit, subject_row, unit_rows

MOST_DEATHS = 3


@dataclasses.dataclass(frozen=True)
class Batch:
    """Units that are computed together: one lane's."""

    subject: Subject
    units: tuple[Unit, ...]


def units_of(database: Database, subjects: Sequence[Subject]) -> list[dict[int, Unit]]:
    """The units of each subject by seed; what is new is taken in.

    Raises:
        StoreError: where the store cannot be written.
    """
    with database.writing(durable=False):
        rows = [subject_row(database, subject) for subject in subjects]
        found = [
            unit_rows(database, row, subject.job.seeds.astype(np.int64).tolist())
            for row, subject in zip(rows, subjects, strict=True)
        ]
    identities = [digest_of(subject.told) for subject in subjects]
    return [
        {seed: Unit(row, unit_of(identity, seed), seed) for seed, row in sorted(some.items())}
        for identity, some in zip(identities, found, strict=True)
    ]


class Pending:
    """Units that are missing, in the order in which they shall be computed.

    Args:
        database: the store.
        wanted: subjects with their units.
        shard: compute only every n-th lane, from the i-th on: (i, n), i from 1.
        worker: others are replaced where they die, so that who died at what is counted.
    """

    def __init__(
        self,
        database: Database,
        wanted: Iterable[tuple[Subject, dict[int, Unit]]],
        shard: tuple[int, int] = (1, 1),
        *,
        worker: bool = False,
    ) -> None:
        self._worker = worker
        self._database, self._lock, self._me = database, threading.Lock(), me()
        self._groups: list[tuple[Subject, list[Unit]]] = []
        self.whole = self.finished = 0
        self.given_up: list[tuple[Subject, Unit]] = []
        lanes = 0
        for subject, units in wanted:
            ordered = list(units.values())
            parts = [ordered[i : i + subject.batch] for i in range(0, len(ordered), subject.batch)]
            mine = [unit for k, part in enumerate(parts, lanes) if k % shard[1] == shard[0] - 1 for unit in part]
            lanes += len(parts)
            self._add(subject, mine)

    def _add(self, subject: Subject, units: list[Unit]) -> None:
        done = finished(self._database, subject, units)
        self.whole += len(units)
        self.finished += len(done)
        left = [unit for unit in units if unit.row not in done]
        deaths = deaths_of(self._database)
        self.given_up += [(subject, unit) for unit in left if deaths.get(unit.row, 0) >= MOST_DEATHS]
        stages = _stages(self._database, left)
        by_stage = defaultdict(list)
        for unit in left:
            if unit.row not in deaths:
                by_stage[stages.get(unit.row)].append(unit)
        for _, some in sorted(by_stage.items(), key=lambda one: (one[0] is None, one[0] or ())):
            self._groups.append((subject, some))
        # Where a process died, each unit goes by itself from then on: one of them may have been the cause.
        alone = dataclasses.replace(subject, batch=1)
        self._groups += [(alone, [unit]) for unit in left if 0 < deaths.get(unit.row, 0) < MOST_DEATHS]

    @property
    def left(self) -> int:
        """Units that nobody here has finished or taken."""
        return sum(len(units) for _, units in self._groups)

    def take(self) -> tuple[Batch | None, Owner | None]:
        """Take what comes next; where others hold all that is left, None and one of them; where nothing is, two Nones.

        Raises:
            StoreError: where the store cannot be read or written.
        """
        with self._lock:
            holder: Owner | None = None
            for place, (subject, units) in enumerate(self._groups):
                batch, holding = self._of(subject, units)
                holder = holder or holding
                if batch is not None:
                    self._groups[place:] = [(s, u) for s, u in self._groups[place:] if u]
                    return batch, None
            self._groups = [(subject, units) for subject, units in self._groups if units]
            return None, holder

    def _of(self, subject: Subject, units: list[Unit]) -> tuple[Batch | None, Owner | None]:
        """A batch of a group, whose units are struck off it as they are found finished or are taken."""
        holder: Owner | None = None
        with self._database.writing(durable=False):
            if self._worker:
                _count_deaths(self._database)
            held = {int(row): Owner(*rest) for row, *rest in self._database.rows("SELECT * FROM leases")}
            deaths = deaths_of(self._database)
            failed = [unit for unit in units if deaths.get(unit.row, 0) >= MOST_DEATHS]
            self.given_up += [(subject, unit) for unit in failed]
            units[:] = [unit for unit in units if unit not in failed] if failed else units
            free: list[Unit] = []
            place = 0
            most = subject.batch
            while place < len(units) and len(free) < most:
                some = units[place : place + MANY]
                done = finished(self._database, subject, some)
                self.finished += len(done)
                units[place : place + len(some)] = [unit for unit in some if unit.row not in done]
                for unit in units[place : place + len(some) - len(done)]:
                    owner = held.get(unit.row)
                    if owner is not None and owner.lives:
                        holder = owner
                    elif len(free) < most and not (free and unit.row in deaths):
                        free.append(unit)
                        most = 1 if unit.row in deaths else most  # it goes by itself: it may have been the cause
                    place += 1
            orders = [(unit.row, self._me.machine, self._me.pid, self._me.start) for unit in free]
            self._database.each("INSERT OR REPLACE INTO leases (unit, machine, pid, start) VALUES (?,?,?,?)", orders)
        taken = {unit.row for unit in free}
        units[:] = [unit for unit in units if unit.row not in taken]
        return (Batch(subject, tuple(free)) if free else None), holder


def deaths_of(database: Database) -> dict[int, int]:
    """How often a process died that computed a unit, by the unit's row."""
    return {int(row): int(deaths) for row, deaths in database.rows("SELECT unit, deaths FROM faults")}


def note_deaths(database: Database) -> int:
    """Count the units that are leased by the dead, and free them; how many there were."""
    with database.writing(durable=False):
        return _count_deaths(database)


def _count_deaths(database: Database) -> int:
    held = database.rows("SELECT unit, machine, pid, start FROM leases")
    living = {owner: owner.lives for owner in {Owner(*rest) for _, *rest in held}}
    dead = [int(row) for row, *rest in held if not living[Owner(*rest)]]
    order = (
        "INSERT INTO faults (unit, deaths, message) VALUES (?, 1, 'its process died') "
        "ON CONFLICT (unit) DO UPDATE SET deaths = deaths + 1"
    )
    database.each(order, [(row,) for row in dead])
    database.each("DELETE FROM leases WHERE unit = ?", [(row,) for row in dead])
    return len(dead)


def note_hang(database: Database, fault: EnvironmentFault) -> None:
    """Say at which of the units that this process holds an environment hangs, and free all.

    Args:
        database: the store.
        fault: with the seed; one that names none is counted as a death at each.
    """
    owner = me()
    held = [
        Unit(int(row), "", int(seed)) for row, seed in database.rows(_HELD, (owner.machine, owner.pid, owner.start))
    ]
    note_fault(database, [unit for unit in held if fault.seed in (None, unit.seed)], fault)
    free(database, held)


_HELD = "SELECT unit, seed FROM leases JOIN units ON units.id = unit WHERE machine = ? AND pid = ? AND start = ?"


def note_fault(database: Database, units: Sequence[Unit], fault: EnvironmentFault) -> None:
    """Say at which unit an environment failed, so that nobody takes it again; one of several is only suspected."""
    told = json.dumps([str(fault), fault.seed, fault.episode, fault.step])
    order = (
        "INSERT INTO faults (unit, deaths, message) VALUES (?, ?, ?) "
        "ON CONFLICT (unit) DO UPDATE SET deaths = deaths + excluded.deaths, message = excluded.message"
    )
    with database.writing(durable=False):
        database.each(order, [(unit.row, MOST_DEATHS if len(units) == 1 else 1, told) for unit in units])


def fault_of(database: Database, unit: Unit) -> tuple[str, int | None, int | None, int | None] | None:
    """What was said of an environment that failed at a unit, with seed, episode and step; None where none did."""
    for (told,) in database.rows("SELECT message FROM faults WHERE unit = ?", (unit.row,)):
        with contextlib.suppress(ValueError, TypeError):
            words, *place = json.loads(told)
            return str(words), *place
    return None


def forget_deaths(database: Database) -> None:
    """Begin to count anew."""
    with database.writing(durable=False):
        database.run("DELETE FROM faults")


def free(database: Database, units: Sequence[Unit]) -> None:
    """Give up the leases of this process on some units."""
    owner = me()
    with database.writing(durable=False):
        release(database, units, owner)


def release(database: Database, units: Sequence[Unit], owner: Owner) -> None:
    """The same within ``writing``."""
    rows = [(unit.row, owner.machine, owner.pid, owner.start) for unit in units]
    database.each("DELETE FROM leases WHERE unit = ? AND machine = ? AND pid = ? AND start = ?", rows)


def finished(database: Database, subject: Subject, units: Sequence[Unit]) -> set[int]:
    """The rows of those units that have the result that is wanted."""
    done: set[int] = set()
    for i in range(0, len(units), MANY):
        rows = [unit.row for unit in units[i : i + MANY]]
        marks = ",".join("?" * len(rows))
        found = database.rows(
            f"SELECT unit FROM results WHERE unit IN ({marks}) AND budget = ? AND detail >= ?",
            [*rows, subject.budget, subject.detail],
        )
        done |= {int(row) for (row,) in found}
    return done


def _stages(database: Database, units: Sequence[Unit]) -> dict[int, tuple[int, ...]]:
    """What of the units that have a state decides which of them fit into one lane."""
    found: dict[int, tuple[int, ...]] = {}
    for i in range(0, len(units), MANY):
        rows = [unit.row for unit in units[i : i + MANY]]
        marks = ",".join("?" * len(rows))
        told = database.rows(f"SELECT unit, budget, detail, stage FROM states WHERE unit IN ({marks})", rows)
        found |= {int(row): tuple(map(int, rest)) for row, *rest in told}
    return found
