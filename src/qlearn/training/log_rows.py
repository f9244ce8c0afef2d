"""The lines of a log: made from episodes, written, and read back with suspicion."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, Any]
_NAMES = ("seed", "episode", "steps", "length", "return", "wall_time")
HEAD = (",".join(_NAMES) + "\n").encode()


@dataclasses.dataclass(frozen=True)
class Row:
    """One episode.

    Args:
        seed: of the run.
        episode: its number, from 0.
        steps: of this run when it ended, those of completed episodes.
        length: its steps.
        value: its return, in units of reward.
        wall_time: seconds of training by then, over all processes; None where that was lost.
    """

    seed: int
    episode: int
    steps: int
    length: int
    value: float
    wall_time: float | None = dataclasses.field(default=None, compare=False)

    @property
    def place(self) -> tuple[int, int]:
        """What it is the row of."""
        return self.seed, self.episode

    def at(self, wall_time: float | None) -> Row:
        """The same at a time."""
        return dataclasses.replace(self, wall_time=wall_time)

    def line(self) -> str:
        """As it is written; numbers of Python read back to the same bits."""
        wall = "" if self.wall_time is None else f"{self.wall_time:.3f}"
        return f"{self.seed},{self.episode},{self.steps},{self.length},{self.value!r},{wall}\n"


def rows_of(
    seeds: Numbers, pieces: Iterable[tuple[Numbers, ...]], counts: dict[int, tuple[int, int]], wall: float | None
) -> list[Row]:
    """The rows of episodes as they ended.

    Args:
        seeds: (n,) of the lane.
        pieces: places in ``seeds``, returns and lengths.
        counts: episodes and steps of every seed before; they are counted on.
        wall: when they ended.
    """
    rows = []
    for places, returns, lengths in pieces:
        for i, value, length in zip(places.tolist(), returns.tolist(), lengths.tolist(), strict=True):
            seed = int(seeds[i])
            episode, steps = counts[seed]
            counts[seed] = episode + 1, steps + length
            rows.append(Row(seed, episode, steps + length, length, float(value), wall))
    return rows


def written(rows: Iterable[Row], *, head: bool = True) -> bytes:
    """The bytes of a file."""
    return (HEAD if head else b"") + "".join(row.line() for row in rows).encode()


def read_rows(file: Path) -> list[Row]:
    """The rows of a file; lines that are none, as the last one of a killed process, are left out."""
    try:
        text = file.read_bytes().decode("utf-8", "replace")
    except OSError:
        return []
    found = (_row(line) for line in text.splitlines(keepends=True))
    return [row for row in found if row is not None]


def _row(line: str) -> Row | None:
    parts = dict(zip(_NAMES, line[:-1].split(","), strict=False))
    try:
        row = _of(parts)
    except (KeyError, ValueError, OverflowError):
        return None
    return row if row.line() == line else None  # what is written otherwise was not written here


def _of(parts: Mapping[str, str]) -> Row:
    wall = float(parts["wall_time"]) if parts["wall_time"] else None
    if wall is not None and not 0 <= wall < math.inf:
        raise ValueError(wall)
    seed, episode, steps, length = (int(parts[name]) for name in _NAMES[:4])
    return Row(seed, episode, steps, length, float(parts["return"]), wall)
