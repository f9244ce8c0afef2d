"""The tables of a store, how one is made, opened and brought up from an older format."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

from qlearn.errors import StoreError
from qlearn.files.atomic import umask

APPLICATION = 0x716C_7261  # "qlra", in the header of the file
FORMAT = 1
NAME = "store.sqlite"
BROKEN = (sqlite3.Error, UnicodeDecodeError, OverflowError)
"""What a database that is damaged makes Python's library raise; its words need not be text any more."""
_SUFFIXES = (".sqlite", ".db")
_PATIENCE = 300.0  # seconds that a process waits while others write, each for milliseconds
_PAGE = 16384  # bytes: holds a few results of some kilobytes each
_LARGEST = 1 << 29  # bytes of a row: larger states are files
_FIRST = """
CREATE TABLE origins (id INTEGER PRIMARY KEY, told TEXT NOT NULL UNIQUE);
CREATE TABLE subjects (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, told TEXT NOT NULL, settings TEXT NOT NULL,
    sha256 TEXT NOT NULL
);
CREATE TABLE units (
    id INTEGER PRIMARY KEY, subject INTEGER NOT NULL REFERENCES subjects (id), seed INTEGER NOT NULL,
    UNIQUE (subject, seed)
);
CREATE TABLE results (
    id INTEGER PRIMARY KEY,
    unit INTEGER NOT NULL REFERENCES units (id), budget INTEGER NOT NULL, detail INTEGER NOT NULL,
    origin INTEGER NOT NULL REFERENCES origins (id), facts TEXT NOT NULL, sha256 BLOB NOT NULL, content BLOB NOT NULL,
    UNIQUE (unit, budget)
);
CREATE TABLE states (
    unit INTEGER PRIMARY KEY REFERENCES units (id), budget INTEGER NOT NULL, detail INTEGER NOT NULL,
    stage INTEGER NOT NULL, final INTEGER NOT NULL, sha256 BLOB NOT NULL, content BLOB, file TEXT
);
CREATE TABLE leases (
    unit INTEGER PRIMARY KEY REFERENCES units (id), machine TEXT NOT NULL, pid INTEGER NOT NULL, start INTEGER NOT NULL
);
CREATE TABLE faults (
    unit INTEGER PRIMARY KEY REFERENCES units (id), deaths INTEGER NOT NULL, message TEXT NOT NULL
);
CREATE TABLE specifications (
    id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, content TEXT NOT NULL, asked REAL NOT NULL
);
"""
STEPS: tuple[Callable[[sqlite3.Connection], object], ...] = (lambda connection: connection.executescript(_FIRST),)
"""What brings a store from each format to the next; the first makes an empty one."""


def file_of(path: str | os.PathLike[str]) -> Path:
    """The database of a store that is named by its folder, or by the file itself.

    >>> file_of("results").name, file_of("mine.sqlite").name
    ('store.sqlite', 'mine.sqlite')
    """
    given = Path(path)
    return given if given.suffix in _SUFFIXES else given / NAME


def connect(file: Path, *, write: bool) -> sqlite3.Connection:
    """Open a store that is there; for writing, one of an older format is brought up.

    Raises:
        StoreError: where there is none, where it is something else, damaged, or of a newer format.
    """
    _peek(file)
    try:
        connection = _opened(file, write=write)
        found = _format_of(file, connection)
        if write and found < FORMAT:
            _bring_up(connection)
        return connection
    except BROKEN as error:
        raise explained(file, error) from error


def _opened(file: Path, *, write: bool) -> sqlite3.Connection:
    if write:
        connection = _connection(f"{file.absolute().as_uri()}?mode=rw")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection
    try:
        connection = _connection(f"{file.absolute().as_uri()}?mode=ro")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:
        # A folder that cannot be written has no place for the files that readers share; nobody can write there either.
        if os.access(file.parent, os.W_OK):
            raise
        connection = _connection(f"{file.absolute().as_uri()}?immutable=1")
    return connection


def _connection(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)
    for setting in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {setting}")
    return connection


def create(file: Path) -> None:
    """Make an empty store, whole or not at all; where there is one already, nothing happens.

    Raises:
        StoreError: where it cannot be written.
    """
    temporary = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        os.close(handle)
        connection = sqlite3.connect(temporary, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA page_size = {_PAGE}")
            _bring_up(connection)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
        Path(temporary).chmod(0o666 & ~umask())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, file)
        sync_folder(file.parent)
    except sqlite3.Error as error:
        raise explained(file, error) from error
    except OSError as error:
        raise unwritable(file, error.strerror or str(error)) from error
    finally:
        if temporary is not None:
            for end in ("", "-wal", "-shm", "-journal"):
                with contextlib.suppress(OSError):
                    Path(temporary + end).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make names that were given or taken in a folder last."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _bring_up(connection: sqlite3.Connection) -> None:
    """Run the steps that are missing, all or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = connection.execute("PRAGMA user_version").fetchone()[0]  # another process may have been first
        for step in STEPS[found:FORMAT]:
            step(_Within(connection))  # type: ignore[arg-type]
        connection.execute(f"PRAGMA user_version = {max(found, FORMAT)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class _Within:
    """A connection whose scripts stay within the transaction: the library's own would end it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.execute = connection.execute

    def executescript(self, script: str) -> None:
        for line in script.split(";"):
            self.execute(line)


def _peek(file: Path) -> None:
    """Look at the first bytes, before anything is opened: a newer store stays untouched."""
    try:
        with file.open("rb") as stream:
            head = stream.read(100)
    except OSError as error:
        raise StoreError(
            f"There is no store at {file} ({error.strerror or error}). Name the folder or file that `store=` wrote."
        ) from error
    if head[:16] != b"SQLite format 3\0" or int.from_bytes(head[68:72], "big") != APPLICATION:
        raise StoreError(f"{file} is no store of qlearn, or its first bytes are damaged. Name another path.")
    _refuse_newer(file, int.from_bytes(head[60:64], "big"))


def _format_of(file: Path, connection: sqlite3.Connection) -> int:
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    _refuse_newer(file, found)
    if found < 1:
        raise StoreError(f"{file} has the format {found}, which never was; it is damaged. Restore it from a copy.")
    return found


def _refuse_newer(file: Path, found: int) -> None:
    if found > FORMAT:
        raise StoreError(
            f"{file} was written by a newer qlearn (format {found}; this one knows {FORMAT}). It was not touched. "
            "Install that version."
        )


def explained(file: Path, error: Exception) -> StoreError:
    """What SQLite complains about, with the path and what to do."""
    told = str(error)
    words = ("malformed", "not a database", "corrupt", "no such", "decode", "has no column", "unsupported file format")
    ours = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.ProgrammingError, ValueError, TypeError, OverflowError)
    if isinstance(error, ours) or any(word in told for word in words):
        return StoreError(
            f"{file} is damaged ({told}). `qlearn runs verify {file}` says what is whole; restore it from a copy, or "
            "bring what is whole into a new one: `qlearn runs merge NEW OLD`."
        )
    if "locked" in told or "busy" in told:
        return StoreError(f"{file} was held by other processes for {_PATIENCE:g} seconds. Repeat the command later.")
    return unwritable(file, told)


def unwritable(file: Path, why: str) -> StoreError:
    """Nothing can be written there, or read."""
    return StoreError(
        f"Could not use the store {file}: {why}. What was kept before is still there. "
        "Free some space or name a path that can be written, and repeat the command."
    )
