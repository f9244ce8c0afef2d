"""A process that compares, keeps, says what it keeps, and is killed: the child of ``store_kills.py``."""

import itertools
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax  # noqa: F401 (imported before the process that the children are forked from begins)
import keras  # noqa: F401

import qlearn as ql
from qlearn.cli.cache import keep_compiled
from qlearn.store import compute
from qlearn.training import parse_agent

EVERY = 0.3  # seconds between two states of a lane
SAID, LANES, ERRORS = "said", "lanes", "errors"


def compare(folder, store, case):
    """Compare with a store; what is kept is said in ``folder/said``, what lanes do in ``folder/lanes``."""
    folder = Path(folder)
    sys.stderr = (folder / ERRORS).open("a")  # what goes wrong is told by the parent
    say, kept = noter(folder / SAID), [0]
    watch_lanes(noter(folder / LANES))
    keep_compiled()
    agents, environments, unit, budget, seeds = case

    def progress(_, words):
        count = int(words.split(" of ")[0].replace(",", "")) if " runs kept" in words else 0
        if count > kept[0]:
            kept[0] = count
            say(f"kept {count}")

    asked = ql.Specification(
        [parse_agent(agent) for agent in agents], environments, seeds=seeds, snapshots=4, **{unit: budget}
    )
    with ql.Store(store, every=EVERY) as open_store:
        ql.compare(asked, store=open_store, progress=progress)
    say("done")


def watch_lanes(note):
    """Note when a lane could be kept, and when it was and what that cost."""

    numbers = itertools.count()

    class Noting(compute.LaneKeeper):
        def __init__(self, *given):
            super().__init__(*given)
            self.number = next(numbers)

        def due(self, lane):
            note(f"at {self.number} {time.monotonic()} 0")
            return super().due(lane)

        def save(self, lane, arrays):
            on_the_way = self._on_the_way
            super().save(lane, arrays)
            if on_the_way:
                note(f"kept {self.number} {time.monotonic()} {self._cost}")

    compute.LaneKeeper = Noting


def noter(file):
    """A function that adds a line to a file, whole or not at all."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    return lambda line: os.write(handle, f"{line}\n".encode())
