"""Files that are whole or not there: written beside, synchronised, renamed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from qlearn.errors import StoreError


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A binary file that takes its name only when everything is written; missing folders are made.

    Args:
        path: where the file shall be; one that is there is replaced.

    Raises:
        StoreError: naming the path, where the folder or the file cannot be written.

    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> with atomic_write(folder / "a" / "b.txt") as file:
    ...     _ = file.write(b"whole")
    >>> (folder / "a" / "b.txt").read_bytes()
    b'whole'
    """
    target = Path(path)
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o666 & ~umask())
        Path(temporary).replace(target)
        temporary = None
        _sync_folder(target.parent)
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"Could not write {target}: {error.strerror or error}. Nothing was changed there. "
            "Free some space or pass a path that can be written."
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):  # where nothing can be written, nothing can be cleared away
                Path(temporary).unlink(missing_ok=True)


def umask() -> int:
    """What this process takes away from the permissions of new files."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there, and its rename is durable by itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
