"""What an observation that is not one array is made of, and how it travels as one row of bytes.

Agents see such an observation as a dict of arrays.  Where many are stored or handed over (replays, the host loop, a
call of a compiled program) each is one row of bytes, its parts side by side in the order of the description: one copy
and one gather then do for all of them, and every part keeps its own dtype.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MASK = "action_mask"
"""The part that says which actions are legal, (num_actions,) bool; no network sees it."""

PLAIN = "observation"
"""What the only other part is called where the environment itself gives one array, or one number."""


class Part(NamedTuple):
    """One array of an observation.

    >>> Part("speed", (2,), "float32").num_bytes
    8
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    values: int = 0  # of a number that is counted, which networks see as a one-hot vector; 0 for arrays

    @property
    def num_bytes(self) -> int:
        """What it takes."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


def row_bytes(parts: Sequence[Part]) -> int:
    """What one observation takes.

    >>> row_bytes((Part("image", (2, 2), "uint8"), Part(MASK, (3,), "bool")))
    7
    """
    return sum(part.num_bytes for part in parts)


def mask_part(num_actions: int) -> Part:
    """The part that says which actions are legal."""
    return Part(MASK, (num_actions,), "bool")


def packed_row(parts: Sequence[Part], values: Mapping[str, Any]) -> NDArray[np.uint8]:
    """One observation, a dict of arrays of these shapes and dtypes, as a row of bytes.

    >>> parts = (Part("a", (), "int32"), Part("b", (1,), "bool"))
    >>> packed_row(parts, {"a": np.int32(5), "b": np.array([True])}).tolist()
    [5, 0, 0, 0, 1]
    """
    rows = [np.ascontiguousarray(values[p.name], np.dtype(p.dtype)).reshape(-1).view(np.uint8) for p in parts]
    return np.concatenate(rows) if rows else np.zeros(0, np.uint8)


def packed_rows(parts: Sequence[Part], values: Mapping[str, Any]) -> NDArray[np.uint8]:
    """A batch of observations, a dict of arrays with the batch in front, as rows of bytes."""
    columns = [np.ascontiguousarray(values[p.name], np.dtype(p.dtype)) for p in parts]
    return np.concatenate([c.reshape(len(c), -1).view(np.uint8) for c in columns], axis=1)


def unpacked_rows(parts: Sequence[Part], rows: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """The observations that were packed: (…, bytes) to a dict of arrays (…, *shape).

    >>> parts = (Part("a", (), "int32"), Part("b", (1,), "bool"))
    >>> unpacked_rows(parts, np.array([[5, 0, 0, 0, 1]], np.uint8))
    {'a': array([5], dtype=int32), 'b': array([[ True]])}
    """
    found, place = {}, 0
    for part in parts:
        some = np.ascontiguousarray(rows[..., place : place + part.num_bytes])
        found[part.name] = some.view(np.dtype(part.dtype)).reshape(*rows.shape[:-1], *part.shape)
        place += part.num_bytes
    return found
