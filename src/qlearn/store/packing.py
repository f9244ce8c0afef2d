"""Arrays of one unit as one piece of bytes: a line of JSON that says what they are, and their content, compressed.

NumPy's archives take a millisecond for ten small arrays, a unit of a table comparison takes ten.  Whoever unpacks has
verified the SHA-256 before; the size of what comes out is limited all the same.
"""

from __future__ import annotations

import functools
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qlearn.errors import StoreError

Numbers = np.ndarray[Any, Any]
Arrays = dict[str, Numbers]
_KINDS = "biuf"  # truth values, whole numbers and floats; nothing that could hold an object
_LEVEL = 1
_SMALL = 4096  # bytes: less is not worth the time
_TRIED = 1 << 20  # bytes: larger ones are looked at first, since compressing a replay takes longer than it is worth


def pack(arrays: Mapping[str, Numbers]) -> bytes:
    """Arrays as bytes.

    Whole numbers and floats whose values fit into a smaller dtype are kept in that one and come back in their own.

    >>> sorted(unpack(pack({"a": np.arange(3), "b": np.zeros((2, 0), np.float32)})))
    ['a', 'b']
    """
    told, parts = [], []
    for name, array in arrays.items():
        given = np.asarray(array)
        kept = _narrow(given) if given.dtype.itemsize == 8 and given.size >= 16 else given
        told.append((name, kept.dtype.str, given.shape, given.dtype.str))
        parts.append(kept.tobytes())
    return _packed(tuple(told), b"".join(parts))


def pack_rows(arrays: Mapping[str, Numbers]) -> list[bytes]:
    """What ``pack`` makes of each row of arrays that have the same number of rows, in a fraction of the time.

    >>> [unpack(one)["a"].tolist() for one in pack_rows({"a": np.arange(6).reshape(2, 3)})]
    [[0, 1, 2], [3, 4, 5]]
    """
    told, parts = [], []
    for name, array in arrays.items():
        size = array[0].size
        kept = np.ascontiguousarray(_narrow(array) if array.dtype.itemsize == 8 and size >= 16 else array)
        told.append((name, kept.dtype.str, array.shape[1:], array.dtype.str))
        if size:
            parts.append(kept.reshape(len(array), size).view(np.uint8))
    whole = np.concatenate(parts, axis=1)
    return [_packed(tuple(told), row.tobytes()) for row in whole]


def _packed(told: tuple[Any, ...], content: bytes) -> bytes:
    level = _LEVEL if _SMALL <= len(content) <= _TRIED or (len(content) > _TRIED and _shrinks(content)) else 0
    head = _head(len(content), told)
    return len(head).to_bytes(4, "little") + head + zlib.compress(content, level)


@functools.lru_cache(maxsize=256)
def _head(size: int, told: tuple[Any, ...]) -> bytes:
    return json.dumps([size, told], separators=(",", ":")).encode()


def _narrow(array: Numbers) -> Numbers:
    """The same values in fewer bytes, where nothing is lost."""
    if array.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):  # what does not fit is seen in the next line
            half = array.astype(np.float32)
        return half if (half == array).all() else array  # what is no number stays as it is
    if array.dtype.kind != "i":
        return array
    low, high = array.min(), array.max()
    for dtype in (np.uint8, np.uint16, np.uint32):
        if low >= 0 and high <= np.iinfo(dtype).max:
            return array.astype(dtype)
    return array


def _shrinks(content: bytes) -> bool:
    sample = content[: _TRIED // 4]
    return len(zlib.compress(sample, _LEVEL)) < 0.9 * len(sample)


def unpack(data: bytes) -> Arrays:
    """What ``pack`` made bytes of.

    Raises:
        StoreError: where they are something else.
    """
    return unpack_rows([data])[0]


_BROKEN = (ValueError, TypeError, KeyError, IndexError, zlib.error, RecursionError, OverflowError)


def _refused(error: Exception) -> StoreError:
    return StoreError(f"What is kept cannot be unpacked ({error}); expected what a store wrote.")


def unpack_rows(rows: Sequence[bytes]) -> list[Arrays]:
    """What ``unpack`` makes of each, in a fraction of the time where the arrays of many have the same shapes.

    Raises:
        StoreError: where one is something else than a store wrote.

    >>> [one["a"].tolist() for one in unpack_rows(pack_rows({"a": np.arange(6).reshape(2, 3)}))]
    [[0, 1, 2], [3, 4, 5]]
    """
    try:
        cut = [_cut(data) for data in rows]
        alike: dict[bytes, list[int]] = {}
        for i, (head, _) in enumerate(cut):
            alike.setdefault(head, []).append(i)
        found: list[Arrays] = [{} for _ in rows]
        for head, places in alike.items():
            told = _read_head(head)[1]
            for i, arrays in zip(places, _apart(told, [cut[i][1] for i in places]), strict=True):
                found[i] = arrays
        return found
    except _BROKEN as error:
        raise _refused(error) from error


def _cut(data: bytes) -> tuple[bytes, bytes]:
    """The line that says what there is, and the content, as long as that says."""
    start = 4 + int.from_bytes(data[:4], "little")
    head = data[4:start]
    size = _read_head(head)[0]
    whole = zlib.decompressobj()
    content = whole.decompress(data[start:], max(1, size))
    if len(content) != size or whole.unconsumed_tail:
        raise ValueError(f"{len(content)} bytes where {size} are told")
    return head, content


def _apart(told: tuple[Any, ...], contents: Sequence[bytes]) -> list[Arrays]:
    """The arrays of contents that have the same shapes."""
    many, place = len(contents), 0
    whole = np.frombuffer(b"".join(contents), np.uint8).reshape(many, -1)
    columns: dict[str, Numbers] = {}
    for name, kept, shape, dtype, count in told:
        end = place + count * kept.itemsize
        if end > whole.shape[1]:
            raise ValueError(f"{whole.shape[1]} bytes where {name} ends at {end}")
        bytes_of = np.ascontiguousarray(whole[:, place:end])
        array = bytes_of.view(kept) if count else np.zeros((many, 0), dtype)
        columns[name] = array.reshape(many, *shape).astype(dtype, copy=False)
        place = end
    return [{name: array[i] for name, array in columns.items()} for i in range(many)]


@functools.lru_cache(maxsize=256)
def _read_head(head: bytes) -> tuple[int, tuple[Any, ...]]:
    size, told = json.loads(head)
    found = []
    for name, kept, shape, dtype in told:
        kinds = np.dtype(kept), np.dtype(dtype)
        if any(kind.kind not in _KINDS for kind in kinds):
            raise ValueError(f"dtype {kept}")
        found.append((name, kinds[0], tuple(shape), kinds[1], math.prod(shape)))
    return int(size), tuple(found)
