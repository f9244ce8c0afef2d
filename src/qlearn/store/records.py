"""Rows of a store: what each holds, sealed with a SHA-256 that is verified before anything is unpacked."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import Any

from qlearn.engine.frozen import Frozen
from qlearn.errors import StoreError
from qlearn.files import atomic_write
from qlearn.store.asked import Subject
from qlearn.store.database import Database
from qlearn.store.identity import canonical, digest_of
from qlearn.store.packing import unpack, unpack_rows
from qlearn.store.seedwise import Result

MANY = 500  # of a list in a question
INLINE = 1 << 20  # bytes; a larger state is a file of its own
State = tuple[tuple[int, int, int, bool], Frozen]  # budget, snapshots at most, stage, whether it has arrived; arrays


def seal(*parts: str | int, content: bytes) -> bytes:
    """The SHA-256 of a row: of its parts as a list in JSON, and of its content.

    >>> seal("a", 1, content=b"") == seal("a", 1, content=b""), seal("a1", content=b"") == seal("a", 1, content=b"")
    (True, False)
    """
    # `json.dumps` would give the same in five times the time, which many small runs notice.
    head = f"[{','.join([quoted(part) if isinstance(part, str) else str(part) for part in parts])}]".encode()
    return hashlib.sha256(len(head).to_bytes(8, "little") + head + content).digest()


def subject_row(database: Database, subject: Subject) -> int:
    """The number of a subject in a store, which is taken in where it is new; within ``writing``."""
    identity, settings = digest_of(subject.told), canonical(subject.settings)
    database.run(
        "INSERT INTO subjects (identity, told, settings, sha256) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (identity, subject.told, settings, digest_of(identity + settings)),
    )
    return int(database.rows("SELECT id FROM subjects WHERE identity = ?", (identity,))[0][0])


def subjects_in(database: Database) -> list[tuple[int, str, str, str]]:
    """Number, identity, what determines the numbers, and settings of every subject.

    Raises:
        StoreError: where one is damaged.
    """
    found = []
    for number, identity, told, settings, sha256 in database.rows("SELECT * FROM subjects ORDER BY id"):
        if digest_of(str(told)) != identity or digest_of(f"{identity}{settings}") != sha256:
            raise StoreError(
                f"{database.file}: runs number {number} are damaged: they are not what they are named by. "
                f"`qlearn runs merge NEW {database.file}` saves what is whole."
            )
        found.append((int(number), str(identity), str(told), str(settings)))
    return found


def unit_rows(database: Database, subject: int, seeds: list[int]) -> dict[int, int]:
    """The numbers of the units of some seeds, which are taken in where they are new; within ``writing``."""
    database.each(
        "INSERT INTO units (subject, seed) VALUES (?, ?) ON CONFLICT DO NOTHING", [(subject, seed) for seed in seeds]
    )
    wanted = set(seeds)
    found = database.rows("SELECT seed, id FROM units WHERE subject = ?", (subject,))
    return {int(seed): int(unit) for seed, unit in found if seed in wanted}


@dataclasses.dataclass(frozen=True)
class Unit:
    """One run: its place in the store, and what its rows are sealed with."""

    row: int
    identity: str
    seed: int


def write_results(
    database: Database,
    units: Sequence[Unit],
    reached: tuple[int, int],
    origin: tuple[int, str],
    packed: Sequence[tuple[str, bytes]],
) -> None:
    """Put packed results into their rows; within ``writing``.

    Args:
        database: the store.
        units: whose they are.
        reached: the budget, and how many snapshots there are at most.
        origin: the row and the text of what they were made with.
        packed: of each unit, facts as text and content as bytes.
    """
    budget, detail = reached
    rows = []
    for unit, (facts, content) in zip(units, packed, strict=True):
        sealed = seal(unit.identity, unit.seed, budget, detail, origin[1], facts, content=content)
        rows.append((unit.row, budget, detail, origin[0], facts, sealed, content))
    database.each(
        "INSERT OR REPLACE INTO results (unit, budget, detail, origin, facts, sha256, content) VALUES (?,?,?,?,?,?,?)",
        rows,
    )


_RESULT = "SELECT unit, detail, told, facts, sha256, content FROM results JOIN origins ON origins.id = origin WHERE"


def read_result(database: Database, unit: Unit, budget: int) -> tuple[Result, str] | None:
    """A result and what it was made with; None where there is none.

    Raises:
        StoreError: where it is damaged.
    """
    return read_results(database, [unit], budget)[0]


def read_results(database: Database, units: Sequence[Unit], budget: int) -> list[tuple[Result, str] | None]:
    """Results of several units.

    Raises:
        StoreError: where one is damaged.
    """
    found: dict[int, tuple[Result, str]] = {}
    whose = {unit.row: unit for unit in units}
    for start in range(0, len(units), MANY):
        rows = [unit.row for unit in units[start : start + MANY]]
        question = f"{_RESULT} budget = ? AND unit IN ({','.join('?' * len(rows))})"
        there = database.rows(question, [budget, *rows])
        facts = [facts_of(database, whose[row], budget, tuple(sealed)) for row, *sealed in there]
        try:
            contents = unpack_rows([sealed[-1] for sealed in there])
        except StoreError:  # one by one, so that it is named
            found |= {row: opened_result(database, whose[row], budget, tuple(sealed)) for row, *sealed in there}
            continue
        for (row, _, origin, *_), told, arrays in zip(there, facts, contents, strict=True):
            found[row] = Result(told, arrays), str(origin)
    return [found.get(unit.row) for unit in units]


def opened_result(database: Database, unit: Unit, budget: int, row: tuple[Any, ...]) -> tuple[Result, str]:
    """A row of detail, origin, facts, SHA-256 and content as a result; raises StoreError where it is damaged."""
    facts = facts_of(database, unit, budget, row)
    try:
        return Result(facts, unpack(row[4])), str(row[1])
    except StoreError as error:
        raise damaged(database.file, unit, f"the result at {budget:,}", error) from error


def facts_of(database: Database, unit: Unit, budget: int, row: tuple[Any, ...]) -> dict[str, Any]:
    """The facts of such a row, held against its SHA-256."""
    detail, origin, facts, sha256, content = row
    try:
        if seal(unit.identity, unit.seed, budget, detail, origin, facts, content=content) != sha256:
            raise ValueError("its checksum is not that of its content")
        found: dict[str, Any] = json.loads(facts)
        return found
    except (ValueError, TypeError) as error:
        raise damaged(database.file, unit, f"the result at {budget:,}", error) from error


def damaged(file: Path, unit: Unit, what: str, error: Exception) -> StoreError:
    """Say that something kept of a unit is damaged."""
    return StoreError(
        f"{file}: {what} of seed {unit.seed} (run {unit.identity[:12]}) is damaged: {error}. "
        f"`qlearn runs verify {file} --mend` takes out what is damaged, so that it is computed again."
    )


def write_states(
    database: Database, units: Sequence[Unit], packed: Sequence[tuple[tuple[int, int, int, bool], tuple[bytes, bytes]]]
) -> list[str]:
    """Put states into their rows, unless one is there that was on its way farther; within ``writing``.

    Args:
        database: the store.
        units: whose they are.
        packed: of each unit the budget that it is on its way to, snapshots at most, its stage, whether it has arrived;
            and the SHA-256 of the content and the content, from :func:`kept_state`.  Empty where there is none.

    Returns:
        The files of large states that were replaced.
    """
    if not packed:
        return []
    marks = ",".join("?" * len(units))
    question = f"SELECT file FROM states WHERE file IS NOT NULL AND unit IN ({marks})"
    old = [str(file) for (file,) in database.rows(question, [unit.row for unit in units])]
    rows = []
    for unit, (told, (digest, content)) in zip(units, packed, strict=True):
        budget, detail, stage, final = told
        sealed = seal(unit.identity, unit.seed, budget, detail, stage, int(final), content=digest)
        small = len(content) <= INLINE
        rows.append((unit.row, *told, sealed, content if small else None, None if small else digest.hex()))
    database.each(
        "INSERT INTO states (unit, budget, detail, stage, final, sha256, content, file) VALUES (?,?,?,?,?,?,?,?) "
        "ON CONFLICT (unit) DO UPDATE SET budget = excluded.budget, detail = excluded.detail, stage = excluded.stage, "
        "final = excluded.final, sha256 = excluded.sha256, content = excluded.content, file = excluded.file "
        "WHERE states.budget <= excluded.budget OR states.detail < excluded.detail",
        rows,
    )
    return old


def kept_state(database: Database, content: bytes) -> tuple[bytes, bytes]:
    """A packed state with its SHA-256 in front; a large one is written into a file, before any row names it.

    Raises:
        StoreError: where the file cannot be written.
    """
    digest = hashlib.sha256(content).digest()
    if len(content) > INLINE:
        file = state_file(database.file, digest.hex())
        if not file.exists():
            with atomic_write(file) as stream:
                stream.write(content)
    return digest, content


def state_file(store: Path, digest: str) -> Path:
    """Where a large state lies: beside the store, named by its SHA-256."""
    return store.parent / f"{store.stem}-states" / digest


_STATE = "SELECT unit, budget, detail, stage, final, sha256, content, file FROM states WHERE unit IN"


def read_states(database: Database, units: Sequence[Unit]) -> list[State | None]:
    """What units can go on from: as told to :func:`write_states`, and its arrays; None where there is nothing whole."""
    found: dict[int, State] = {}
    whose = {unit.row: unit for unit in units}
    for start in range(0, len(units), MANY):
        rows = [unit.row for unit in units[start : start + MANY]]
        for row, *told, sha256, content, file in database.rows(f"{_STATE} ({','.join('?' * len(rows))})", rows):
            unit, (budget, detail, stage, final) = whose[row], told
            try:
                data = content if file is None else state_file(database.file, file).read_bytes()
                digest = hashlib.sha256(data).digest()
                if seal(unit.identity, unit.seed, budget, detail, stage, final, content=digest) == sha256:
                    found[row] = (budget, detail, stage, bool(final)), unpack(data)
            except (OSError, ValueError, TypeError):  # a StoreError too: what is damaged is computed again
                continue
    return [found.get(unit.row) for unit in units]


def read_state(database: Database, unit: Unit) -> State | None:
    """What a unit can go on from, as :func:`read_states` finds it."""
    return read_states(database, [unit])[0]
