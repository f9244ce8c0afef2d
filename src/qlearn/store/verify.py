"""Look at everything that a store holds, and take out what is damaged."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator

from qlearn.errors import StoreError
from qlearn.store.database import Database
from qlearn.store.identity import digest_of
from qlearn.store.overview import units_in
from qlearn.store.records import Unit, damaged, read_result, read_state, state_file


@dataclasses.dataclass(frozen=True)
class Verified:
    """What was found.

    Args:
        results: finished runs that are whole.
        states: of runs that can be gone on with, and are whole.
        problems: what is damaged, in words.
        mended: how many rows were taken out.
    """

    results: int
    states: int
    problems: tuple[str, ...]
    mended: int = 0


def verify(database: Database, *, mend: bool = False) -> Verified:
    """Read everything and hold it against its checksums.

    Args:
        database: the store.
        mend: take out what is damaged, so that it is computed again when it is asked for.

    Raises:
        StoreError: where the database itself cannot be read.
    """
    problems = [f"{database.file}: {told}" for (told,) in database.rows("PRAGMA integrity_check(20)") if told != "ok"]
    problems += [
        f"{database.file}: runs number {number} are not what they are named by."
        for number, identity, told, settings, sha256 in database.rows("SELECT * FROM subjects")
        if digest_of(str(told)) != identity or digest_of(f"{identity}{settings}") != sha256
    ]
    results = states = 0
    rows: list[tuple[str, int, int]] = []
    for unit, _ in units_in(database):
        for budget, error in _results(database, unit):
            results += error is None
            if error is not None:
                problems.append(str(error))
                rows.append(("results", unit.row, budget))
        fine = _state(database, unit)
        states += fine is None
        if fine:
            problems.append(fine)
            rows.append(("states", unit.row, 0))
    problems += _specifications(database)
    if mend and rows:
        with database.writing():
            for table, row, budget in rows:
                also = "AND budget = ?" if table == "results" else ""
                database.run(f"DELETE FROM {table} WHERE unit = ? {also}", (row, budget) if also else (row,))
    return Verified(results, states, tuple(problems), len(rows) if mend else 0)


def _results(database: Database, unit: Unit) -> Iterator[tuple[int, StoreError | None]]:
    for (budget,) in database.rows("SELECT budget FROM results WHERE unit = ?", (unit.row,)):
        try:
            found = read_result(database, unit, int(budget))
            gone = damaged(
                database.file, unit, f"the result at {budget:,}", ValueError("what it was made with is gone")
            )
            yield int(budget), None if found is not None else gone
        except StoreError as error:
            yield int(budget), error


def _state(database: Database, unit: Unit) -> str | None:
    """What is wrong with a unit's state; empty where there is none, None where it is whole."""
    rows = database.rows("SELECT file FROM states WHERE unit = ?", (unit.row,))
    if not rows:
        return ""
    if read_state(database, unit) is not None:
        return None
    file = rows[0][0]
    where = "" if file is None else f" ({state_file(database.file, str(file))})"
    return (
        f"{database.file}: the state of seed {unit.seed} (run {unit.identity[:12]}) is damaged{where}; it begins anew."
    )


def _specifications(database: Database) -> list[str]:
    return [
        f"{database.file}: specification {number} is damaged."
        for number, digest, content in database.rows("SELECT id, sha256, content FROM specifications")
        if hashlib.sha256(str(content).encode()).hexdigest() != digest
    ]
