"""Arrays of one unit as one piece of bytes: a line of JSON that says what they are, and their content, compressed.

NumPy's archives take a millisecond for ten small arrays, a unit of a table comparison takes ten.  Whoever unpacks has
verified the SHA-256 before; the size of what comes out is limited all the same.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from qlearn.errors import StoreError

Numbers = np.ndarray[Any, Any]
Arrays = dict[str, Numbers]
_KINDS = "biuf"  # truth values, whole numbers and floats; nothing that could hold an object
_LEVEL = 1
_TRIED = 1 << 20  # bytes: larger ones are looked at first, since compressing a replay takes longer than it is worth


def pack(arrays: Mapping[str, Numbers]) -> bytes:
    """Arrays as bytes.

    >>> sorted(unpack(pack({"a": np.arange(3), "b": np.zeros((2, 0), np.float32)})))
    ['a', 'b']
    """
    given = {name: np.asarray(array) for name, array in arrays.items()}
    told = [[name, array.dtype.str, list(array.shape)] for name, array in given.items()]
    content = b"".join(array.tobytes() for array in given.values())
    level = _LEVEL if len(content) <= _TRIED or _shrinks(content) else 0
    head = json.dumps([len(content), told], separators=(",", ":")).encode()
    return len(head).to_bytes(4, "little") + head + zlib.compress(content, level)


def _shrinks(content: bytes) -> bool:
    sample = content[: _TRIED // 4]
    return len(zlib.compress(sample, _LEVEL)) < 0.9 * len(sample)


def unpack(data: bytes) -> Arrays:
    """What ``pack`` made bytes of.

    Raises:
        StoreError: where they are something else.
    """
    try:
        return _unpacked(data)
    except (ValueError, TypeError, KeyError, IndexError, zlib.error, RecursionError) as error:
        raise StoreError(f"What is kept cannot be unpacked ({error}); expected what a store wrote.") from error


def _unpacked(data: bytes) -> Arrays:
    start = 4 + int.from_bytes(data[:4], "little")
    size, told = json.loads(data[4:start])
    whole = zlib.decompressobj()
    content = whole.decompress(data[start:], max(1, size))
    if len(content) != size or whole.unconsumed_tail:
        raise ValueError(f"{len(content)} bytes where {size} are told")
    arrays, place = {}, 0
    for name, kind, shape in told:
        dtype = np.dtype(kind)
        if dtype.kind not in _KINDS:
            raise ValueError(f"dtype {kind}")
        count = math.prod(shape)
        arrays[name] = np.frombuffer(content, dtype, count, place).reshape(shape) if count else np.zeros(shape, dtype)
        place += count * dtype.itemsize
    return arrays
