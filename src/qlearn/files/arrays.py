"""Arrays with a description on disk: one NumPy archive, a SHA-256 before it, verified before anything is read."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import numpy as np

from qlearn.errors import StoreError
from qlearn.files.atomic import atomic_write

_MAGIC = b"qlearn-arrays-1\n"
_DESCRIPTION = "description"
_LARGE = 2**20  # bytes


def save_arrays(
    path: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray[Any, Any]],
    description: Any,
    *,
    compressed: bool = True,
) -> None:
    """Write arrays and a JSON description into one file, atomically.

    Args:
        path: the file.
        arrays: by name; numbers and booleans only.
        description: anything that JSON holds.
        compressed: whether they are made smaller, which takes a second for some ten megabytes.

    Raises:
        StoreError: where it cannot be written.
    """
    text = json.dumps(description, ensure_ascii=False, allow_nan=False).encode()
    whole = {**arrays, _DESCRIPTION: np.frombuffer(text, np.uint8)}
    write = np.savez_compressed if compressed else np.savez
    with atomic_write(path) as file, ThreadPoolExecutor(1, thread_name_prefix="qlearn-hash") as beside:
        file.write(_MAGIC + bytes(64) + b"\n")
        hashed = _Hashed(file, beside)
        write(hashed, allow_pickle=False, **whole)
        file.seek(len(_MAGIC))
        file.write(hashed.sha256.hexdigest().encode())


class _Hashed:
    """A stream that hashes what goes through, so that no second copy of a large archive is held.

    Large pieces are hashed while they are written.
    """

    def __init__(self, file: IO[bytes], beside: Executor) -> None:
        self._file, self._beside, self.sha256 = file, beside, hashlib.sha256()

    def write(self, data: bytes) -> int:
        if len(data) < _LARGE:
            self.sha256.update(data)
            return self._file.write(data)
        hashing = self._beside.submit(self.sha256.update, data)
        written = self._file.write(data)
        hashing.result()
        return written

    def flush(self) -> None:
        self._file.flush()

    def read(self, count: int = -1) -> bytes:
        """NumPy takes what has no ``read`` for a path."""
        raise OSError("this stream is for writing")


def load_arrays(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray[Any, Any]], Any]:
    """Read what ``save_arrays`` wrote: the arrays and the description.

    Raises:
        StoreError: where the file is missing, is something else, or has been damaged.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise StoreError(
            f"Could not read {path}: {error.strerror or error}. Expected a file written by `runs.save`."
        ) from error
    head = len(_MAGIC)
    if data[:head] != _MAGIC:
        raise StoreError(f"{path} is not a file of runs; expected one written by `runs.save`. Pass another path.")
    digest, body = data[head : head + 65], memoryview(data)[head + 65 :]
    if hashlib.sha256(body).hexdigest().encode() + b"\n" != digest:
        raise StoreError(f"{path} is damaged: its checksum is not that of its content. Restore it from a copy.")
    with np.load(io.BytesIO(body), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    description = json.loads(arrays.pop(_DESCRIPTION).tobytes().decode())
    return arrays, description
