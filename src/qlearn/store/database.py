"""One connection to a store, used by all threads of a process in turn."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qlearn.store.layout import BROKEN, connect, create, explained, file_of

Row = tuple[Any, ...]


class Database:
    """A store that is open.

    Args:
        path: its folder or file.
        write: whether anything shall be written; a store that is not there is then made.

    Raises:
        StoreError: where it cannot be opened.
    """

    def __init__(self, path: str | Path, *, write: bool) -> None:
        self.file = file_of(path)
        if write and not self.file.exists():
            create(self.file)
        self._connection = connect(self.file, write=write)
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Database]:
        """A transaction: all of it is there after, or nothing.

        Args:
            durable: whether it outlives a power cut too, which costs a wait for the disk.

        Raises:
            StoreError: where it could not be written; nothing has changed then.
        """
        with self._lock:
            try:
                self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            except BROKEN as error:
                raise explained(self.file, error) from error

    @contextlib.contextmanager
    def reading(self) -> Iterator[Database]:
        """Several questions that see the same moment."""
        with self._lock:
            try:
                self._connection.execute("BEGIN")
                try:
                    yield self
                finally:
                    self._connection.execute("ROLLBACK")
            except BROKEN as error:
                raise explained(self.file, error) from error

    def rows(self, question: str, given: Sequence[Any] = ()) -> list[Row]:
        """The answer to a question, all of it.

        Raises:
            StoreError: where it cannot be read.
        """
        with self._lock:
            try:
                return self._connection.execute(question, given).fetchall()
            except BROKEN as error:
                raise explained(self.file, error) from error

    def each(self, order: str, rows: Sequence[Sequence[Any]]) -> None:
        """One order, once for every row; within ``writing``."""
        with self._lock:
            self._connection.executemany(order, rows)

    def run(self, order: str, given: Sequence[Any] = ()) -> int:
        """One order within ``writing``; how many rows it changed."""
        with self._lock:
            return self._connection.execute(order, given).rowcount

    def close(self) -> None:
        """Close it; the last to do so puts everything into the one file."""
        with self._lock:
            self._connection.close()
