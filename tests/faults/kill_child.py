"""A process that trains, notes how far it is, and is killed: the child of ``checkpoint_kills.py``."""

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax  # noqa: F401 (imported before the process that the children are forked from begins)
import keras  # noqa: F401

import qlearn as ql
from qlearn.cli.cache import keep_compiled
from qlearn.training import parse_agent
from qlearn.training.checkpoint import Folder, is_checkpoint

EVERY = 0.3  # seconds between two checkpoints


def train(folder, agent, environment, steps, first, plain):
    """Train three seeds from ``first`` on, or go on with what is kept; ``plain``: at one go, keeping nothing."""
    folder = Path(folder)
    sys.stderr = (folder / "stderr").open("a")  # what goes wrong is told by the parent
    note = noter(folder)
    whole_save = Folder.save

    def save(self, lane, arrays):
        whole_save(self, lane, arrays)
        note("saves", self.cost(lane))

    Folder.save = save
    keep_compiled()
    seeds = [first, first + 1, first + 2]
    if plain:
        runs = ql.train(parse_agent(agent), environment, steps=steps, seeds=seeds, progress=False)
    elif is_checkpoint(folder / "kept"):
        runs = ql.resume(folder / "kept", progress=lambda share, _: note("progress", share))
    else:
        runs = ql.train(
            parse_agent(agent),
            environment,
            steps=steps,
            seeds=seeds,
            progress=lambda share, _: note("progress", share),
            checkpoint=folder / "kept",
            every=EVERY,
            log=folder / "log",
        )
    runs.save(folder / ("runs-plain.npz" if plain else "runs-kept.npz"))


def noter(folder):
    """A function that notes a number and when."""

    def note(name, number):
        with (folder / name).open("a") as file:
            file.write(f"{time.time()} {number}\n")

    return note
