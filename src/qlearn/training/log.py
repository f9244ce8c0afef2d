"""Logs: the episodes of every seed as they end, one line each in a CSV file, and for TensorBoard where that is asked.

A log is written besides checkpoints and survives the same interruptions.  What a resumed training had already written
is held against the episodes of the state from which it goes on: lines that are there stay as they are, lines of
episodes that will be made again are taken away, and lines that were lost are written again (without their time).  So
every episode has one line, whatever happened.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from qlearn.engine.lane_run import History
from qlearn.errors import InputError, StoreError
from qlearn.files import atomic_write
from qlearn.training.log_rows import HEAD, Row, read_rows, rows_of, written

Numbers = np.ndarray[Any, Any]

CURVES, EVALUATION = "episodes.csv", "evaluation.csv"
_PREFIX = "tensorboard:"
_PAUSE = 0.5  # seconds between two writes of a lane


class Events(Protocol):
    """Where TensorBoard reads."""

    def begin(self, seed: int, rows: list[Row]) -> None:
        """A seed begins or goes on, after these episodes."""

    def add(self, seed: int, rows: list[Row]) -> None:
        """More episodes have ended."""


class Log:
    """The log of one training; its lanes may call it from threads of their own.

    Args:
        target: the folder; with ``tensorboard:`` before it, TensorBoard's files are written there too.
        seeds: all that are trained; lines of others are damage.

    Raises:
        InputError: where TensorBoard's files are wanted and cannot be made here.
        StoreError: where the folder cannot be written.
    """

    def __init__(self, target: str | os.PathLike[str], seeds: Iterable[int]) -> None:
        self._target, self._all = target, {int(seed) for seed in seeds}
        self.folder, with_events = folder_of(target)
        self.file, self._events = self.folder / CURVES, _events(self.folder) if with_events else None
        self._lock, self._began = threading.Lock(), time.monotonic()
        self._seen: dict[int, int] = {}  # of every lane, by its first seed: how many pieces of its history are written
        self._told: dict[int, float] = {}  # when it was written last
        self._counts: dict[int, tuple[int, int]] = {}  # of every seed: episodes and steps
        self._before: dict[int, float] = {}  # of every lane: seconds that were logged before this process
        if not self.file.exists():
            self._replace([])

    def again(self) -> Log:
        """The same log, for lanes that are made anew."""
        return Log(self._target, self._all)

    def begin(self, seeds: Numbers, history: History) -> None:
        """A lane begins, or goes on after the episodes in ``history``: bring the file to these."""
        mine = {int(seed) for seed in seeds}
        self._counts |= dict.fromkeys(mine, (0, 0))
        wanted = self._rows(seeds, history, 0, None)
        with self._lock:
            there = read_rows(self.file)
            sure = set(wanted)
            times = {row.place: row.wall_time for row in there if row in sure}
            rows = [row.at(times.get(row.place)) for row in wanted]
            self._before[int(seeds[0])] = max((row.wall_time or 0.0 for row in rows), default=0.0)
            sound = written(there) == _content(self.file) and {row.seed for row in there} <= self._all
            if not sound or [row for row in there if row.seed in mine] != rows:
                self._replace([row for row in there if row.seed in self._all - mine] + rows)
        if self._events is not None:
            for seed in mine:
                self._events.begin(seed, [row for row in rows if row.seed == seed])

    def look(self, seeds: Numbers, history: History, *, now: bool) -> None:
        """Write what has ended since the last time; at most twice a second, but ``now``."""
        lane, place = int(seeds[0]), time.monotonic()
        begun = self._seen[lane]
        if len(history.seed) == begun or (not now and place - self._told.get(lane, 0.0) < _PAUSE):
            return
        self._told[lane] = place
        rows = self._rows(seeds, history, begun, self._before[lane] + place - self._began)
        try:
            with self._lock, self.file.open("ab", buffering=0) as file:
                file.write(written(rows, head=False))
        except OSError as error:
            raise _unwritten(self.file, error) from error
        if self._events is not None:
            for seed in {row.seed for row in rows}:
                self._events.add(seed, [row for row in rows if row.seed == seed])

    def _rows(self, seeds: Numbers, history: History, begun: int, wall: float | None) -> list[Row]:
        """The rows of a history from a piece on; they are counted."""
        self._seen[int(seeds[0])] = len(history.seed)
        pieces = zip(history.seed[begun:], history.episode_return[begun:], history.length[begun:], strict=True)
        return rows_of(seeds, pieces, self._counts, wall)

    def _replace(self, rows: list[Row]) -> None:
        with atomic_write(self.file) as file:
            file.write(written(rows))


def check_new(target: str | os.PathLike[str]) -> None:
    """Refuse what no new log can be, before anything is written.

    Raises:
        InputError: where a log is there already; where TensorBoard's files are wanted and cannot be made here.
    """
    folder, with_events = folder_of(target)
    if (folder / CURVES).exists():
        raise InputError(f"{folder} holds a log already ({CURVES}). Name another folder, or remove that file first.")
    if with_events:
        _events(folder)


def _events(folder: Path) -> Events:
    from qlearn.training.log_events import EventFiles

    return EventFiles(folder)


def folder_of(target: str | os.PathLike[str]) -> tuple[Path, bool]:
    """The folder of a log, and whether TensorBoard's files are wanted."""
    text = os.fspath(target)
    path = text.removeprefix(_PREFIX)
    if not path:
        raise InputError(f"log={text!r} names no folder. Pass log='folder' or log='tensorboard:folder'.")
    return Path(path), text != path


def absolute(target: str | os.PathLike[str]) -> str:
    """A log's target as it is understood from any folder."""
    folder, with_events = folder_of(target)
    return (_PREFIX if with_events else "") + str(folder.absolute())


def log_evaluation(target: str | os.PathLike[str], runs: Any, evaluation: Any) -> Path:
    """Write what ``ql.evaluate(runs)`` found into a log: one line for each seed and position.

    Positions are those of snapshots, where there are any whose values are known, and the end.  The file is written
    whole, so that doing it again changes nothing.

    Args:
        target: as for `Log`.
        runs: what was trained.
        evaluation: what ``ql.evaluate(runs)`` returned.

    Returns:
        The file.

    Raises:
        StoreError: where it cannot be written.
    """
    folder, with_events = folder_of(target)
    unit = "episode" if "episodes" in runs.settings else "step"
    ends = runs.num_episodes if unit == "episode" else runs.num_steps
    columns = [(np.asarray(ends), np.asarray(evaluation.exact_return))]
    if evaluation.curve is not None:
        along = enumerate(evaluation.positions.tolist())
        earlier = [(np.full(runs.seeds.size, at), evaluation.curve[:, i]) for i, at in along]
        columns = [column for column in earlier if (column[0] < ends).any()] + columns
    lines = ["seed,unit,position,value,method\n"]
    for place, seed in enumerate(runs.seeds.tolist()):
        lines += [f"{seed},{unit},{at[place]},{float(v[place])!r},{evaluation.method}\n" for at, v in columns]
    with atomic_write(folder / EVALUATION) as file:
        file.write("".join(lines).encode())
    if with_events:
        from qlearn.training.log_events import EventFiles

        EventFiles(folder).evaluation(runs, columns, by_steps=unit == "step")
    return folder / EVALUATION


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return HEAD


def _unwritten(file: Path, error: OSError) -> StoreError:
    return StoreError(
        f"Could not write {file}: {error.strerror or error}. Free some space, or train with another log=. A training "
        "with a checkpoint can be gone on with."
    )
