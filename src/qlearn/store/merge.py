"""Bring stores together: what one has and the other lacks, verified on the way."""

from __future__ import annotations

import dataclasses

from qlearn.errors import StoreError
from qlearn.files import atomic_write
from qlearn.store.database import Database
from qlearn.store.identity import digest_of, unit_of
from qlearn.store.overview import units_in
from qlearn.store.records import Unit, read_result, read_state, seal, state_file

_COMMIT = 500  # units in one transaction


@dataclasses.dataclass(frozen=True)
class Merged:
    """What came over.

    Args:
        results: finished runs that are new.
        known: finished runs that were there, with the same numbers.
        damaged: what was left out because it is damaged, in words.
    """

    results: int
    known: int
    damaged: tuple[str, ...]


def merge(target: Database, source: Database) -> Merged:
    """Copy what the target lacks.

    Args:
        target: takes it in.
        source: is only read.

    Raises:
        StoreError: where a run has other numbers here than there, naming it; or where something cannot be written.
    """
    new = known = 0
    damaged: list[str] = []
    units = units_in(source)
    subjects = {}
    for number, *row in source.rows("SELECT * FROM subjects"):
        identity, told, settings, sha256 = map(str, row)
        if digest_of(told) == identity and digest_of(identity + settings) == sha256:
            subjects[int(number)] = (identity, told, settings, sha256)
        else:
            damaged.append(f"runs number {number}, which are not what they are named by")
    for start in range(0, len(units), _COMMIT):
        with target.writing():
            for unit, number in units[start : start + _COMMIT]:
                if number not in subjects:
                    continue
                here = _unit_in(target, subjects[number], unit)
                fresh, same, broken = _results(target, here, source, unit)
                new, known = new + fresh, known + same
                damaged += broken
                _state(target, here, source, unit)
    with target.writing():
        rows = source.rows("SELECT sha256, content, asked FROM specifications")
        target.each("INSERT INTO specifications (sha256, content, asked) VALUES (?,?,?) ON CONFLICT DO NOTHING", rows)
    return Merged(new, known, tuple(damaged))


def _unit_in(target: Database, subject: tuple[str, ...], unit: Unit) -> Unit:
    identity = subject[0]
    order = "INSERT INTO subjects (identity, told, settings, sha256) VALUES (?,?,?,?) ON CONFLICT DO NOTHING"
    target.run(order, subject)
    row = target.rows("SELECT id FROM subjects WHERE identity = ?", (identity,))[0][0]
    target.run("INSERT INTO units (subject, seed) VALUES (?,?) ON CONFLICT DO NOTHING", (row, unit.seed))
    found = target.rows("SELECT id FROM units WHERE subject = ? AND seed = ?", (row, unit.seed))[0][0]
    return Unit(int(found), unit_of(identity, unit.seed), unit.seed)


def _results(target: Database, here: Unit, source: Database, there: Unit) -> tuple[int, int, list[str]]:
    new, known, broken = 0, 0, []
    rows = source.rows(
        "SELECT budget, detail, told, facts, results.sha256, content FROM results "
        "JOIN origins ON origins.id = origin WHERE unit = ?",
        (there.row,),
    )
    for budget, detail, origin, facts, sha256, content in rows:
        if seal(there.identity, there.seed, budget, detail, origin, facts, content=content) != sha256:
            broken.append(f"the result of seed {there.seed} at {budget:,} (run {there.identity[:12]})")
            continue
        mine = read_result(target, here, budget)
        if mine is not None:
            _same((target, here), (source, there), int(budget))
            known += 1
            if not _richer(target, here, int(budget), int(detail)):
                continue
        target.run("INSERT INTO origins (told) VALUES (?) ON CONFLICT DO NOTHING", (origin,))
        made = target.rows("SELECT id FROM origins WHERE told = ?", (origin,))[0][0]
        target.run(
            "INSERT OR REPLACE INTO results (unit, budget, detail, origin, facts, sha256, content) "
            "VALUES (?,?,?,?,?,?,?)",
            (here.row, budget, detail, made, facts, sha256, content),
        )
        new += mine is None
    return new, known, broken


def _richer(target: Database, here: Unit, budget: int, detail: int) -> bool:
    return bool(
        target.rows("SELECT 1 FROM results WHERE unit = ? AND budget = ? AND detail < ?", (here.row, budget, detail))
    )


def _same(mine_: tuple[Database, Unit], theirs: tuple[Database, Unit], budget: int) -> None:
    """Raise a StoreError where one run has two results that differ."""
    (target, here), (source, there) = mine_, theirs
    mine, other = read_result(target, here, budget), read_result(source, there, budget)
    assert mine is not None
    assert other is not None
    names = ("returns", "lengths", "q_table")
    differ = [
        name
        for name in names
        if name in mine[0].arrays and mine[0].arrays[name].tobytes() != other[0].arrays[name].tobytes()
    ]
    if differ:
        told = "" if mine[1] == other[1] else f" They were made with {mine[1]} and with {other[1]}."
        raise StoreError(
            f"Seed {here.seed} at {budget:,} (run {here.identity[:12]}) has other {differ[0]} in {source.file} than in "
            f"{target.file}; one of them was not made as it says.{told} Nothing of this part was taken over."
        )


def _state(target: Database, here: Unit, source: Database, there: Unit) -> None:
    """Take a state over where it leads farther than what is here."""
    rows = source.rows(
        "SELECT budget, detail, stage, final, sha256, content, file FROM states WHERE unit = ?", (there.row,)
    )
    mine = target.rows("SELECT budget FROM states WHERE unit = ?", (here.row,))
    if not rows or (mine and mine[0][0] >= rows[0][0]) or read_state(source, there) is None:
        return
    file = rows[0][-1]
    if file is not None:
        goal = state_file(target.file, str(file))
        if not goal.exists():
            with atomic_write(goal) as stream:
                stream.write(state_file(source.file, str(file)).read_bytes())
    target.run(
        "INSERT OR REPLACE INTO states (unit, budget, detail, stage, final, sha256, content, file) "
        "VALUES (?,?,?,?,?,?,?,?)",
        (here.row, *rows[0]),
    )
