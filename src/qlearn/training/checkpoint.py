"""Checkpoints: runs on their way, kept in a folder so that another process goes on to the same numbers.

A folder has ``checkpoint.json`` (what is trained: agent, environment, seeds, budget, versions) and, for every lane, the
last two states of it: NumPy archives, each with its SHA-256 in front, which is verified before anything is read.  Each
is written beside, synchronised and renamed.  Where the newest is damaged, the one before it is used.  No code is ever
loaded from them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from qlearn.engine.frozen import Frozen
from qlearn.errors import StoreError
from qlearn.files import atomic_write, load_arrays, save_arrays

FORMAT = 1
MANIFEST = "checkpoint.json"
_GENERATIONS = 2
_SHARE = 20.0  # times as long as writing takes does training last, at least


class Folder:
    """The checkpoints of one training.

    Args:
        path: the folder; it is made.
        every: seconds between two checkpoints of a lane.
        budget: how many episodes or steps are trained, which each state tells.
    """

    exact = False  # what cannot be brought back begins its episode again, and the runs say so
    once = True  # a training that is stopped has five seconds: they are for one write

    def __init__(self, path: Path, every: float, budget: int = 0) -> None:
        self.path, self.every, self.budget = path, every, budget
        self._of: dict[int, int] = {}  # of every lane: the budget of what was loaded
        # Of every lane, by the clock of this process: its beginning, its last write, seconds of all writes and of that.
        self._times: dict[int, tuple[float, float, float, float]] = {}
        self._began: dict[int, float] = {}  # since when it is being written
        self._number: dict[int, int] = {}

    def load(self, lane: int) -> Frozen | None:
        """The newest state of a lane that is whole; None where there is none.

        Raises:
            StoreError: where every state of the lane is damaged.
        """
        found, damaged = [], []
        for file in self._files(lane):
            try:
                arrays, told = load_arrays(file)
                found.append((int(told["number"]), arrays, int(told.get("budget", self.budget))))
            except (StoreError, KeyError, ValueError) as error:
                damaged.append(f"{file.name}: {error}")
        if not found and damaged:
            raise StoreError(f"No state of lane {lane} in {self.path} is whole ({damaged[0]}). Restore it from a copy.")
        if not found:
            return None
        self._number[lane], arrays, self._of[lane] = max(found, key=lambda one: one[0])
        return arrays

    def further(self, lane: int) -> bool:
        """Whether a lane was loaded that was on its way to another budget."""
        return self._of.get(lane, self.budget) != self.budget

    def _files(self, lane: int) -> list[Path]:
        files = [self.path / f"lane-{lane:04d}-{generation}.npz" for generation in range(_GENERATIONS)]
        return [file for file in files if file.exists()]

    def due(self, lane: int) -> bool:
        """Whether ``every`` seconds have passed, and writing, this time too, takes a twentieth of the time at most.

        What one takes is known from the one before.  Where it is due, what follows until ``save`` is done counts.
        """
        now = time.monotonic()
        first, last, spent, cost = self._times.setdefault(lane, (now, now, 0.0, 0.0))
        if now - last < self.every or now - first < _SHARE * (spent + cost):
            return False
        self._began[lane] = now
        return True

    def save(self, lane: int, arrays: Frozen) -> None:
        """Write a state in the place of the older of the two."""
        began = self._began.pop(lane, time.monotonic())
        number = self._number.get(lane, 0) + 1
        file = self.path / f"lane-{lane:04d}-{number % _GENERATIONS}.npz"
        save_arrays(file, arrays, {"number": number, "lane": lane, "budget": self.budget}, compressed=False)
        self._number[lane] = number
        first, _, spent, _ = self._times.get(lane, (began, began, 0.0, 0.0))
        now = time.monotonic()
        self._times[lane] = first, now, spent + now - began, now - began

    def cost(self, lane: int) -> float:
        """Seconds that the last write of a lane took."""
        return self._times[lane][3]

    def clear(self) -> None:
        """Remove what killed processes left half-written."""
        for file in self.path.glob(".lane-*.npz.*"):
            file.unlink(missing_ok=True)


def write_manifest(path: Path, settings: dict[str, Any]) -> None:
    """Say what is trained; settings: what JSON holds.

    Raises:
        StoreError: where it cannot be written.
    """
    told = {"format": FORMAT, "sha256": _digest(settings), **settings}
    with atomic_write(path / MANIFEST) as file:
        file.write(json.dumps(told, indent=1, ensure_ascii=False).encode())


def _digest(settings: dict[str, Any]) -> str:
    text = json.dumps(settings, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(path: Path) -> dict[str, Any]:
    """What is trained in a folder.

    Raises:
        StoreError: where there is no checkpoint, or one that a newer version has written, or a damaged one.
    """
    try:
        told = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except OSError as error:
        raise StoreError(
            f"{path} holds no checkpoint ({error.strerror or error}). Pass a folder that train(…, checkpoint=…) wrote."
        ) from error
    except ValueError as error:
        raise StoreError(f"{path / MANIFEST} is damaged: {error}. Restore it from a copy.") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        found = told.get("format") if isinstance(told, dict) else None
        raise StoreError(f"{path / MANIFEST} has format {found!r}; this version reads format {FORMAT}.")
    settings = {name: value for name, value in told.items() if name not in ("format", "sha256")}
    if told.get("sha256") != _digest(settings):
        raise StoreError(f"{path / MANIFEST} is damaged: its checksum is not that of its content. Restore it.")
    return settings


def is_checkpoint(path: Path) -> bool:
    """Whether a folder holds a checkpoint."""
    with contextlib.suppress(OSError):
        return (path / MANIFEST).is_file()
    return False


def as_list(seeds: np.ndarray[Any, Any]) -> list[int]:
    """Seeds as JSON holds them."""
    return [int(seed) for seed in seeds]
