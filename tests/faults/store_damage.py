"""Stores whose bytes were changed: a bit flipped or the rest cut off, in every file that a store has.

``make faults`` runs it and writes ``tests/faults/logs/store-damage.md``; without ``--each`` every offset is tried.
Reading such a store must come to the same content, to less (which is computed again), or to an error that names it;
never to another content, and never to a giant allocation.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import resource
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from store_disk import BATCHES, HERE, content, keep, reference, refuse_nameless, say_now, work

from qlearn.errors import StoreError
from qlearn.store.database import Database
from qlearn.store.overview import groups, units_in
from qlearn.store.records import read_state

LOG = HERE / "logs" / "store-damage.md"
OUTCOMES = ("same", "less", "named")


def damaged_copies(folder):
    """A store as it lies on the disk: closed, and while it is open, with its write-ahead log."""
    closed, live = folder / "closed", folder / "live"
    work(closed)
    database = Database(folder / "open", write=True)
    for number in range(BATCHES):
        keep(database, number)
    shutil.copytree(folder / "open", live)
    (live / "store.sqlite-shm").unlink(missing_ok=True)
    database.close()
    small = list((closed / "store-states").iterdir())[:1]
    return {"database": closed / "store.sqlite", "write-ahead log": live / "store.sqlite-wal", "state": small[0]}


def copied(home, copy, file, changed):
    """A copy of a store with one file changed; the files of states, which nobody changes, are linked."""
    for one in home.rglob("*"):
        goal = copy / one.relative_to(home)
        if one.is_dir():
            continue
        goal.parent.mkdir(parents=True, exist_ok=True)
        if one == file:
            goal.write_bytes(changed)
        elif one.parent.name == "store-states":
            os.link(one, goal)
        else:
            shutil.copy(one, goal)


def read_damaged(store, sound):
    """What reading a damaged store comes to: "same", "less" (computed again) or "named"; anything else raises."""
    try:
        database = Database(store, write=True)
        try:
            groups(database)
            found = content(database)
            states = [read_state(database, unit) for unit, _ in units_in(database)]
        finally:
            database.close()
    except StoreError as error:
        refuse_nameless(error, store)
        return "named"
    wrong = [seed for seed, digest in found.items() if sound.get(seed) != digest]
    assert not wrong, f"silently wrong: seeds {wrong}"
    return "same" if len(found) == len(sound) and all(state is not None for state in states) else "less"


def damage(folder, sound, *, each=None, say=say_now):
    """Flip a bit at every offset (or at ``each`` sampled ones) and cut at the same; artefact → outcomes."""
    rng, found = np.random.default_rng(0), {}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, file in damaged_copies(folder).items():
        home = next(parent for parent in file.parents if (parent / "store.sqlite").exists())
        whole = file.read_bytes()
        offsets = range(len(whole))
        if each is not None and len(whole) > each:
            offsets = sorted(rng.choice(len(whole), each, replace=False).tolist())
        outcomes = Counter()
        copy = folder / "damaged"
        for offset in offsets:
            bit = 1 << int(rng.integers(8))
            flipped = whole[:offset] + bytes([whole[offset] ^ bit]) + whole[offset + 1 :]
            for how, changed in (("flipped", flipped), ("cut", whole[:offset])):
                if how == "cut" and offset % 64 and each is None:
                    continue
                shutil.rmtree(copy, ignore_errors=True)
                copied(home, copy, file, changed)
                try:
                    outcomes[how, read_damaged(copy, sound)] += 1
                except Exception as error:
                    raise AssertionError(f"{name}, {how} at {offset} (bit {bit}): {error!r}") from error
        found[name] = (len(whole), outcomes)
        say(f"{name}, {len(whole):,} bytes: {dict(outcomes)}")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 256, f"{grown:.0f} MB more memory while damaged stores were read"
    return found, grown


def main():
    """Run everything, or a sample, and write the log."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=None, help="offsets of each artefact; all without it")
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        damaged, grown = damage(Path(name), reference(Path(name)), each=given.each)
    text = [
        "# Damaged stores", "",
        f"Made by `make faults` on {dt.date.today()}: {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}; "
        + ("every offset." if given.each is None else f"{given.each:,} offsets of each file, drawn at random."), "",
        "| file | bytes | what | same | less, and computed again | refused by name | silently wrong |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {name} | {size:,} | {how} | " + "".join(f"{codes[how, what]:,} | " for what in OUTCOMES) + "0 |"
            for name, (size, codes) in damaged.items()
            for how in ("flipped", "cut")
        ), "",
        f"Memory grew by {grown:.0f} MB while damaged stores were read.", "",
    ]  # fmt: skip
    if given.out is not None:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text("\n".join(text))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
