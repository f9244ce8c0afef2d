"""Damaged files: cut at every length, and every bit of every byte flipped; refused by name, passed over, or made good.

``make damage`` runs it whole and writes ``tests/faults/logs/checkpoint-damage.md``; the test suite runs a sample.

============================  =======================================================================
file                          what must come of damage
============================  =======================================================================
state of a lane               refused by `load_arrays`; the folder gives the state before it
both states                   a StoreError that names the folder
``checkpoint.json``           a StoreError that names it, or the very same settings
``runs.npz``                  a StoreError that names it
``episodes.csv``              going on makes it good: every episode once, with the numbers of the runs
TensorBoard's file            the same
============================  =======================================================================

Nothing may take more memory than three times the file and a megabyte.
"""

import argparse
import collections
import datetime as dt
import itertools
import os
import shutil
import struct
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")

import qlearn as ql
from qlearn.engine.lane_run import History
from qlearn.errors import StoreError
from qlearn.files import load_arrays
from qlearn.training.checkpoint import Folder, read_manifest
from qlearn.training.log import Log

OUT = Path(__file__).with_name("logs") / "checkpoint-damage.md"


def make(folder):
    """A folder with two states of a lane, runs and a log."""
    world = "NChain-v0(max_episode_steps=3)"
    agent = ql.RMax(reward_max=10)  # a lane of one seed: small states
    ql.train(agent, world, episodes=4, seeds=1, checkpoint=folder / "kept", log=f"tensorboard:{folder / 'log'}")
    ql.resume(folder / "kept", episodes=6).save(folder / "runs.npz")
    return folder


def damages(content, every=1):
    """Every way to damage some bytes: (what was done, the bytes)."""
    for length in range(0, len(content), every):
        yield "cut", content[:length]
    for place, bit in itertools.islice(itertools.product(range(len(content)), range(8)), 0, None, every):
        yield "flipped", content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]


def refused(file, load, content, every=1, accept=lambda found: False):
    """How often damage was refused by a StoreError that names the file, or did not matter; by kind."""
    counts = collections.Counter()
    for kind, damaged in damages(content, every):
        file.write_bytes(damaged)
        try:
            found = load(file)
        except StoreError as error:
            named = file.name in str(error)
        else:
            named = None
            assert accept(found), (kind, len(damaged))
        assert named is not False, "an error that does not name the file"
        counts[kind, "refused" if named else "the same"] += 1
    file.write_bytes(content)
    return counts


def check_states(folder, every=1):
    """Damage to the newest state and to both."""
    newest, older = sorted((folder / "kept").glob("lane-*.npz"), key=lambda file: -load_arrays(file)[1]["number"])
    content, before = newest.read_bytes(), load_arrays(older)[0]
    counts = refused(newest, load_arrays, content, every)
    for kind, damaged in damages(content, max(every, 97)):
        newest.write_bytes(damaged)
        found = Folder(folder / "kept", 1.0).load(0)
        assert found.keys() == before.keys()
        assert all(np.array_equal(found[name], before[name]) for name in before), kind
        counts[kind, "passed over"] += 1
    newest.write_bytes(content[:-1])
    whole = older.read_bytes()
    for _, damaged in damages(whole, max(every, 997)):
        older.write_bytes(damaged)
        with pytest.raises(StoreError, match="No state of lane 0"):
            Folder(folder / "kept", 1.0).load(0)
    newest.write_bytes(content)
    older.write_bytes(whole)
    return len(content), counts


def check_manifest(folder, every=1):
    """Damage to the description."""
    file = folder / "kept" / "checkpoint.json"
    content, told = file.read_bytes(), read_manifest(folder / "kept")
    return len(content), refused(file, lambda f: read_manifest(f.parent), content, every, lambda found: found == told)


def check_runs(folder, every=1):
    """Damage to saved runs."""
    file = folder / "runs.npz"
    content = file.read_bytes()
    counts = refused(file, load_arrays, content, every)
    counts += refused(file, ql.Runs.load, content, max(every, 997))
    return len(content), counts


def check_log(folder, every=1):
    """Damage to a log that is gone on with: what comes of it is the log of the runs."""
    _returns, _lengths, history = told(folder)
    file, log = folder / "log" / "episodes.csv", f"{folder / 'log'}"
    content, counts = file.read_bytes(), collections.Counter()
    numbers = [line.rpartition(",")[0] for line in content.decode().splitlines()]
    for kind, damaged in damages(content, every):
        file.write_bytes(damaged)
        Log(log, [0]).begin(np.array([0]), history)
        lines = file.read_text().splitlines()
        assert [line.rpartition(",")[0] for line in lines] == numbers, kind
        counts[kind, "made good"] += 1
    file.write_bytes(content)
    return len(content), counts


def check_events(folder, every=1):
    """The same for TensorBoard's file."""
    returns, lengths, history = told(folder)
    file, counts = folder / "log" / "seed-0" / "events.out.tfevents.episodes", collections.Counter()
    content = file.read_bytes()
    for kind, damaged in damages(content, every):
        file.write_bytes(damaged)
        Log(f"tensorboard:{folder / 'log'}", [0]).begin(np.array([0]), history)
        assert scalars(file) == list(zip(np.cumsum(lengths), returns, lengths, strict=True)), kind
        counts[kind, "made good"] += 1
    return len(content), counts


def scalars(file):
    """Step, return and length of every event, read by TensorBoard's own messages."""
    from tensorboardX.proto import event_pb2

    data, place, found = file.read_bytes(), 0, []
    while place < len(data):
        (length,) = struct.unpack("<Q", data[place : place + 8])
        event = event_pb2.Event.FromString(data[place + 12 : place + 12 + length])
        found += [(event.step, *(v.simple_value for v in event.summary.value))] * bool(event.summary.value)
        place += 16 + length
    return found


def told(folder):
    """Returns and lengths of the only seed, and its history."""
    runs = ql.Runs.load(folder / "runs.npz")
    returns, lengths = runs.returns[0], runs.lengths[0]
    return returns, lengths, History([np.zeros(returns.size, np.int64)], [returns], [lengths])


def check_memory(folder):
    """The most memory that loading damaged states takes, as a multiple of the file; bytes too."""
    file = next((folder / "kept").glob("lane-*.npz"))
    content, most = file.read_bytes(), 0
    tracemalloc.start()
    for _, damaged in damages(content, 101):
        file.write_bytes(damaged)
        tracemalloc.reset_peak()
        try:
            load_arrays(file)
        except StoreError:
            most = max(most, tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    file.write_bytes(content)
    assert most < 3 * len(content) + 2**20, most
    return most, len(content)


CHECKS = {
    "state of a lane": check_states,
    "checkpoint.json": check_manifest,
    "runs.npz": check_runs,
    "episodes.csv": check_log,
    "TensorBoard's file": check_events,
}


def main():
    """Run all checks at all offsets and write the log."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="only one of so many")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    folder = make(Path(tempfile.mkdtemp()))
    rows = []
    for name, check in CHECKS.items():
        size, counts = check(folder, given.every)
        for kind in ("cut", "flipped"):
            told = ", ".join(f"{count:,} {word}" for (k, word), count in sorted(counts.items()) if k == kind)
            rows.append(f"| {name} | {size:,} | {kind} | {told} |")
        print(rows[-2], rows[-1], sep="\n", flush=True)
    most, size = check_memory(folder)
    shutil.rmtree(folder)
    lines = [
        "# Damaged files",
        "",
        f"Made by `make damage` on {dt.date.today()}: cut at every length, and every bit of every byte flipped"
        + (f", one of {given.every}." if given.every > 1 else "."),
        "",
        "| file | bytes | damage | what came of it |",
        "|---|---|---|---|",
        *rows,
        "",
        f"No damage was taken for sound. The most memory that a damaged state of {size:,} bytes took: {most:,} bytes.",
        "",
    ]
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
