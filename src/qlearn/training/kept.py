"""What a folder keeps of a training, as runs: read, and nothing trained."""

from __future__ import annotations

import dataclasses
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

from qlearn.engine.frozen import Frozen
from qlearn.engine.schedule import run
from qlearn.errors import StoreError
from qlearn.training.checkpoint import MANIFEST, Folder, is_checkpoint, read_manifest
from qlearn.training.gathered import runs_of
from qlearn.training.plan import Plan
from qlearn.training.resume import agent_of, check_same_agent, environment_of
from qlearn.training.runs import Runs

CHECKPOINT, RUNS = "checkpoint", "runs.npz"


def kept_runs(folder: str | os.PathLike[str], agent: Any = None, environment: Any = None) -> Runs:
    """The runs that a folder keeps, as they stood when it was last written.

    Args:
        folder: what ``ql.train(…, checkpoint=folder)`` or ``qlearn train … --out FOLDER`` wrote, or a file that
            ``runs.save`` wrote.
        agent: the description, where it is your own: code is never loaded from a file.
        environment: the environment, where it is your own.

    Returns:
        Runs of the newest whole state; ``complete`` is False where the training had not come to its end.  Seeds that
        nothing was kept of yet have 0 steps and their first values.  ``wall_time`` is 0 where only a checkpoint is
        left, which does not keep it.

    Raises:
        StoreError: where nothing is kept there, or every state of some seeds is damaged.
        InputError: where agent or environment is your own and was not passed, or is another one than was trained.

    >>> import qlearn as ql
    >>> runs = ql.train(ql.QLearning(), "NChain-v0", episodes=2, seeds=3, checkpoint="here")
    >>> bool((kept_runs("here").q_table == runs.q_table).all())
    True
    """
    path = Path(folder)
    if path.is_file():
        return Runs.load(path, agent=agent, environment=environment)
    checkpoint = path if is_checkpoint(path) else path / CHECKPOINT
    saved = path / RUNS
    if saved.is_file() and not (is_checkpoint(checkpoint) and _newest(checkpoint) > saved.stat().st_mtime):
        return Runs.load(saved, agent=agent, environment=environment)
    if not is_checkpoint(checkpoint):
        raise StoreError(
            f"{path} keeps no training: there is neither {MANIFEST} nor {RUNS} in it. Pass a folder that "
            "`qlearn train … --out FOLDER` or ql.train(…, checkpoint=FOLDER) wrote."
        )
    return _of_checkpoint(checkpoint, agent, environment)


def _newest(checkpoint: Path) -> float:
    """When a state was last written."""
    return max((file.stat().st_mtime for file in checkpoint.glob("lane-*.npz")), default=0.0)


@dataclasses.dataclass
class _Reader:
    """A keeper that reads, and writes nothing."""

    folder: Folder
    found: bool = False
    once: bool = True
    exact: bool = False

    def load(self, lane: int) -> Frozen | None:
        arrays = self.folder.load(lane)
        self.found |= arrays is not None
        return arrays

    def further(self, lane: int) -> bool:
        return self.folder.further(lane)

    def due(self, lane: int) -> bool:
        return False

    def save(self, lane: int, arrays: Frozen) -> None:
        pass


def _of_checkpoint(path: Path, agent: Any, environment: Any) -> Runs:
    told = read_manifest(path)
    given = agent if agent is not None else agent_of(path, told)
    world = environment_of(path, told, environment)
    check_same_agent(path, told, given)
    plan = Plan([given], world, np.array(told["seeds"], np.int64), told["budget"], told["unit"], told["snapshots"])
    reader, stop = _Reader(Folder(path, told["every"], told["budget"])), threading.Event()
    stop.set()  # every lane takes up what was kept of it, and ends there
    try:
        outcomes = run(plan.jobs(), stop, lambda *_: None, reader)
    except ValueError as error:
        raise StoreError(f"What {path} keeps does not fit this training: {error}.") from error
    if not reader.found:
        raise StoreError(f"{path} keeps no state yet: the training was stopped before its first checkpoint. Resume it.")
    found = runs_of(plan.jobs()[0], outcomes[0], plan.snapshots, plan.budget, 0.0)
    return dataclasses.replace(found, versions=told["versions"])
