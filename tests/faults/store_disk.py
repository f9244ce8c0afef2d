"""A disk that breaks under a store, one call after another.

``make faults`` runs everything and writes ``tests/faults/logs/store-disk.md``; the test suite runs a sample.

A process opens a store, takes units, writes a large state into a file and commits results, states and leases, as
``qlearn.store`` does it, the numbers made up.  ``broken_disk.c`` is loaded before the C library and breaks the n-th
call that writes, synchronises, renames, links, cuts or deletes anything below the store's folder, for every n that
there is: by SIGKILL before it, by SIGKILL after half of a write, by EIO once, or by EIO from there on; or the disk is
full after so many bytes, twenty times; or it can only be read.  Then the store is opened by a sound process: it must
be whole, hold everything that was said to be kept, hold every batch whole or not at all, have no lease of a living
process, and end with the same content when the work is repeated.
"""

from __future__ import annotations

import argparse
import ctypes
import datetime as dt
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from qlearn.errors import StoreError
from qlearn.store.asked import nested
from qlearn.store.database import Database
from qlearn.store.identity import canonical, digest_of, unit_of
from qlearn.store.keeping import commit
from qlearn.store.overview import groups, units_in
from qlearn.store.owners import me
from qlearn.store.packing import pack
from qlearn.store.pending import Batch
from qlearn.store.records import Unit, kept_state, read_result, read_state, subject_row, unit_rows
from qlearn.store.seedwise import Result
from qlearn.store.verify import verify

HERE = Path(__file__).parent
LOG = HERE / "logs" / "store-disk.md"
KINDS = {
    1: "SIGKILL before the call",
    2: "SIGKILL after half of a write",
    3: "EIO once",
    4: "EIO from there on",
    5: "no space left after so many bytes",
    6: "read-only",
}
BATCHES, SEEDS, LARGE = 2, 3, 300_000
FULL = 20  # sizes of a disk that is full
SUBJECT = SimpleNamespace(
    told=canonical({"agent": {"kind": "Made"}, "environment": {"kind": "up"}, "lane": 1, "unit": "step"}),
    settings={"agent": "made", "agent_written": None, "environment": "up"},
    budget=10,
    detail=0,
)


def say_now(words):
    """Print, also into a pipe, at once."""
    print(words, flush=True)


def made(seed):
    """The result and the state of a seed: made-up numbers, the state of every third too large for a row."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 40))
    arrays = {"returns": rng.normal(size=count), "lengths": rng.integers(1, 9, count), "at": np.array(nested(10, 0))}
    arrays["q_table"] = rng.normal(size=(5, 2)).astype(np.float32)
    facts = {"episodes": count, "steps": 10, "online": 0.5, "diverged_at": None, "diverged": False, "seconds": 0.1}
    size = LARGE if seed % 3 == 2 else 20
    return Result(facts, arrays), {"carry.0": rng.normal(size=size), "recorded": np.array(count)}


def batch_of(database, number):
    """The units of a batch, leased by this process."""
    with database.writing(durable=False):
        row = subject_row(database, SUBJECT)
        seeds = list(range(number * SEEDS, (number + 1) * SEEDS))
        rows = unit_rows(database, row, seeds)
        owner = me()
        orders = [(unit, owner.machine, owner.pid, owner.start) for unit in rows.values()]
        database.each("INSERT OR REPLACE INTO leases (unit, machine, pid, start) VALUES (?,?,?,?)", orders)
    identity = digest_of(SUBJECT.told)
    return Batch(SUBJECT, tuple(Unit(rows[seed], unit_of(identity, seed), seed) for seed in seeds))


def keep(database, number):
    """Commit one batch."""
    batch = batch_of(database, number)
    found = [made(unit.seed) for unit in batch.units]
    states = [((10, 0, 10, True), kept_state(database, pack(state))) for _, state in found]
    with database.writing():
        database.run("INSERT INTO origins (told) VALUES ('{}') ON CONFLICT DO NOTHING")
        origin = database.rows("SELECT id, told FROM origins")[0]
    results = [(canonical(result.facts), pack(result.arrays)) for result, _ in found]
    commit(database, batch, origin, results, states)


def work(store, acknowledge=lambda number: None, before=lambda number: None):
    """Everything: open, keep every batch that is not there, close."""
    before(0)
    database = Database(store, write=True)
    for number in range(BATCHES):
        if number:
            before(number)
        if len(content(database)) < (number + 1) * SEEDS:
            keep(database, number)
        acknowledge(number)
    database.close()


def content(database):
    """What is kept: the digest of every result by seed."""
    found = {}
    for unit, _ in units_in(database):
        result = read_result(database, unit, 10)
        if result is not None:
            told = [result[0].facts, {name: x.tobytes().hex() for name, x in sorted(result[0].arrays.items())}]
            found[unit.seed] = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    return found


def reference(folder):
    """The content of a store that nothing happened to."""
    work(folder / "sound")
    database = Database(folder / "sound", write=False)
    found = content(database)
    database.close()
    return found


def broken_disk(folder):
    """Compile the disk that breaks; return the library, whose place the environment of a process names."""
    library = folder / "broken_disk.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, HERE / "broken_disk.c", "-ldl"], check=True)
    return library


def in_child(function):
    """Run something in a process of its own; its exit code (negative for a signal) and what it wrote."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            code = function(writer)
        except BaseException as error:
            os.write(writer, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        said = stream.read().decode()
    status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status), said


def trial(store, kind, n, first):
    """Let the n-th call break, from a new store on (first 0) or from the second batch on; exit code and words."""
    disk = ctypes.CDLL(None)

    def broken(writer):
        def before(number):
            if number == first:
                disk.break_at(str(store).encode(), kind, ctypes.c_long(n))

        try:
            work(store, lambda number: os.write(writer, f"kept {number}\n".encode()), before)
        except StoreError as error:
            refuse_nameless(error, store)
            os.write(writer, f"StoreError: {error}\n".encode())
            return 4
        os.write(writer, f"calls {disk.broken_calls()} {disk.broken_bytes()}\n".encode())
        return 0

    return in_child(broken)


def refuse_nameless(error, store):
    """An error must name the store."""
    assert str(store) in str(error), error


def look(store, kept, sound):
    """What a sound process finds: raises AssertionError where something is wrong."""

    def check(writer):
        if (store / "store.sqlite").exists():
            database = Database(store, write=True)
            found = content(database)
            problems = verify(database).problems
            assert not problems, problems
            assert len(found) % SEEDS == 0, f"half a batch: {sorted(found)}"
            assert len(found) >= kept * SEEDS, f"{kept} batches were kept, and {len(found)} runs are there"
            assert all(not one.held for one in groups(database)), "a lease of nobody"
            database.close()
        else:
            assert not kept, "what was kept is gone"
        work(store)
        database = Database(store, write=False)
        assert content(database) == sound, "another content"
        states = [read_state(database, unit) for unit, _ in units_in(database)]
        assert all(state is not None for state in states), "a state is gone"
        database.close()
        return 0

    code, said = in_child(check)
    assert code == 0, said


def calls(folder, first):
    """How many calls there are when nothing breaks, and the bytes that are written."""
    code, said = trial(folder / f"counted{first}", 0, 0, first)
    assert code == 0, said
    return [int(word) for word in said.rpartition("calls ")[2].split()]


def break_everything(folder, sound, *, step=1, say=say_now):
    """Every kind at every step-th call; (kind, from which batch on) → how many trials and their exit codes."""
    found = {}
    for first in range(BATCHES):
        count, size = calls(folder, first)
        for kind in KINDS:
            goals = range(1, count + 1, step)
            if kind == 5:
                goals = [int(n) for n in np.linspace(0, size - 1, max(2, FULL // step))]
            if kind == 6:
                goals = [0]
            codes = Counter()
            for n in goals:
                store = folder / f"broken-{first}-{kind}-{n}"
                code, said = trial(store, kind, n, first)
                assert code in (0, 4, -9), (kind, n, code, said)
                look(store, sum(line.startswith("kept ") for line in said.splitlines()), sound)
                codes[code] += 1
                shutil.rmtree(store)
            found[kind, first] = (len(goals), codes)
            say(f"{KINDS[kind]}, from batch {first} on: {len(goals)} trials, exit codes {dict(codes)}")
    return found


def again_with_broken_disk(folder, words):
    """Start this program once more, with the disk that breaks loaded before the C library."""
    library = broken_disk(folder)
    environment = os.environ | {"LD_PRELOAD": str(library), "KERAS_BACKEND": "jax"}
    return subprocess.run([sys.executable, __file__, *words], env=environment, check=False).returncode


def main():
    """Run everything, or a sample, and write the log."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--step", type=int, default=1, help="break at every step-th call")
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "LD_PRELOAD" not in os.environ:
            return again_with_broken_disk(folder, sys.argv[1:])
        broken = break_everything(folder, reference(folder), step=given.step)
    if given.out is not None:
        write_log(given.out, broken, given.step)
    return 0


def write_log(out, broken, step):
    """What was tried, as a page."""
    where = {0: "a new store on", 1: "the second commit on"}
    total = sum(count for count, _ in broken.values())
    text = [
        "# A disk that breaks under a store", "",
        f"Made by `make faults` on {dt.date.today()}: {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}.", "",
        f"{total} trials: {'each' if step == 1 else f'every {step}th'} call that writes, synchronises, renames, links, "
        f"cuts or deletes, broken in each way; a disk full at {max(2, FULL // step)} sizes; and a read-only one. "
        "After each the store was whole, held everything that was said to be kept, every batch whole or not at all, "
        "no lease of the dead, and came to the same content when the work was repeated.", "",
        "| what breaks | from | trials | killed | ended with exit code 4 | went on |", "|---|---|---|---|---|---|",
        *(
            f"| {KINDS[kind]} | {where[first]} | {count} | {codes[-9]} | {codes[4]} | {codes[0]} |"
            for (kind, first), (count, codes) in broken.items()
        ), "",
    ]  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(text))


if __name__ == "__main__":
    raise SystemExit(main())
