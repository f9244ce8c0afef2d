"""What a store holds, in rows: what lists and exports show."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal

from qlearn.errors import InputError
from qlearn.store.database import Database
from qlearn.store.identity import canonical, unit_of
from qlearn.store.owners import Owner
from qlearn.store.records import Unit, facts_of, subjects_in


@dataclasses.dataclass(frozen=True)
class Group:
    """One agent on one environment, at one budget.

    Args:
        number: of the subject in this store.
        agent: as text, or its label where no text names it.
        environment: its name.
        unit: what the budget counts.
        lane: seeds in one program.
        budget: in episodes or steps of each seed; None where nothing has finished.
        seeds: of the runs that have finished, rising.
        on_the_way: runs that have begun and not finished.
        held: processes that compute some of them now.
        diverged: finished runs that did.
        seconds: that the finished ones took, all told.
        size: bytes of their results.
        identity: of the subject.
    """

    number: int
    agent: str
    environment: str
    unit: Literal["episode", "step"]
    lane: int
    budget: int | None
    seeds: tuple[int, ...]
    on_the_way: int
    held: tuple[str, ...]
    diverged: int
    seconds: float
    size: int
    identity: str


def groups(database: Database) -> list[Group]:
    """Everything in a store, a row for each subject and budget.

    Raises:
        StoreError: where it cannot be read.
    """
    with database.reading():
        found = []
        for number, identity, told, settings in subjects_in(database):
            subject = (number, identity, json.loads(told), json.loads(settings))
            held, begun = _held(database, number), _begun(database, number)
            budgets = database.rows(
                "SELECT budget, count(*), sum(length(content)) FROM results JOIN units ON units.id = unit "
                "WHERE subject = ? GROUP BY budget ORDER BY budget",
                (number,),
            )
            if not budgets:
                found.append(_group(subject, (None, 0), [], (begun, held)))
            for budget, _, size in budgets:
                rows = _facts(database, number, identity, budget)
                last = budget == budgets[-1][0]
                found.append(_group(subject, (int(budget), int(size)), rows, (begun, held) if last else (0, ())))
        return found


def _facts(database: Database, number: int, identity: str, budget: int) -> list[tuple[int, dict[str, Any]]]:
    """Seeds and facts of the finished runs of a subject, verified."""
    rows = database.rows(
        "SELECT unit, seed, detail, told, facts, sha256, content FROM results JOIN units ON units.id = unit "
        "JOIN origins ON origins.id = origin WHERE subject = ? AND budget = ? ORDER BY seed",
        (number, budget),
    )
    found = []
    for row, seed, *sealed in rows:
        unit = Unit(int(row), unit_of(identity, int(seed)), int(seed))
        found.append((int(seed), facts_of(database, unit, budget, tuple(sealed))))
    return found


def _group(
    subject: tuple[int, str, Any, Any],
    at: tuple[int | None, int],
    rows: list[tuple[int, dict[str, Any]]],
    now: tuple[int, tuple[str, ...]],
) -> Group:
    number, identity, told, settings = subject
    facts = [told for _, told in rows]
    return Group(
        number=number,
        agent=settings["agent_written"] or settings["agent"],
        environment=settings["environment"],
        unit=told["unit"],
        lane=told["lane"],
        budget=at[0],
        seeds=tuple(seed for seed, _ in rows),
        on_the_way=now[0],
        held=now[1],
        diverged=sum(bool(one["diverged"]) for one in facts),
        seconds=sum(float(one["seconds"]) for one in facts),
        size=at[1],
        identity=identity,
    )


def _held(database: Database, subject: int) -> tuple[str, ...]:
    rows = database.rows(
        "SELECT DISTINCT machine, pid, start FROM leases JOIN units ON units.id = unit WHERE subject = ?", (subject,)
    )
    owners = [Owner(str(machine), int(pid), int(start)) for machine, pid, start in rows]
    return tuple(str(owner) for owner in owners if owner.lives)


def _begun(database: Database, subject: int) -> int:
    rows = database.rows(
        "SELECT count(*) FROM states JOIN units ON units.id = unit WHERE subject = ? AND final = 0", (subject,)
    )
    return int(rows[0][0])


def units_in(database: Database, number: int | None = None) -> list[tuple[Unit, int]]:
    """The units of a subject, or of all, each with its subject's number.

    Raises:
        InputError: where there is no such subject.
    """
    where, given = ("", ()) if number is None else ("WHERE subject = ?", (number,))
    if number is not None and not database.rows("SELECT 1 FROM subjects WHERE id = ?", (number,)):
        raise InputError(f"{database.file} has no runs number {number}. `qlearn runs list` shows the numbers.")
    rows = database.rows(
        f"SELECT units.id, identity, seed, subject FROM units JOIN subjects ON subjects.id = subject {where} "
        "ORDER BY subject, seed",
        given,
    )
    return [(Unit(int(row), unit_of(str(whose), int(seed)), int(seed)), int(sub)) for row, whose, seed, sub in rows]


def delete(database: Database, numbers: list[int]) -> int:
    """Take subjects out of a store, with all that is kept of them; how many units that were.

    Raises:
        InputError: where there is no such subject, or a living process computes some of it.
    """
    from qlearn.store.keeping import drop_files

    count, files = 0, []
    for number in numbers:
        rows = [unit.row for unit, _ in units_in(database, number)]
        if held := _held(database, number):
            raise InputError(f"Runs number {number} are being computed by {held[0]}. Stop it first.")
        mine = "unit IN (SELECT id FROM units WHERE subject = ?)"
        with database.writing():
            files += [str(f) for (f,) in database.rows(f"SELECT file FROM states WHERE {mine}", (number,)) if f]
            for table in ("results", "states", "leases", "faults"):
                database.run(f"DELETE FROM {table} WHERE {mine}", (number,))
            database.run("DELETE FROM units WHERE subject = ?", (number,))
            database.run("DELETE FROM subjects WHERE id = ?", (number,))
        count += len(rows)
    drop_files(database, files)
    return count


def as_text(group: Group) -> str:
    """A group as canonical text, for programs."""
    return canonical(dataclasses.asdict(group))
