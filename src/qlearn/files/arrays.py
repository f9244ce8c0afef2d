"""Arrays with a description on disk: one NumPy archive, a SHA-256 before it, verified before anything is read."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qlearn.errors import StoreError
from qlearn.files.atomic import atomic_write

_MAGIC = b"qlearn-arrays-1\n"
_DESCRIPTION = "description"


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
    body = io.BytesIO()
    whole = {**arrays, _DESCRIPTION: np.frombuffer(text, np.uint8)}
    write = np.savez_compressed if compressed else np.savez
    write(body, allow_pickle=False, **whole)
    data = body.getvalue()
    with atomic_write(path) as file:
        file.write(_MAGIC + hashlib.sha256(data).hexdigest().encode() + b"\n" + data)


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
    digest, body = data[head : head + 64], data[head + 65 :]
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise StoreError(f"{path} is damaged: its checksum is not that of its content. Restore it from a copy.")
    with np.load(io.BytesIO(body), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    description = json.loads(arrays.pop(_DESCRIPTION).tobytes().decode())
    return arrays, description
