"""SIGKILL at random moments of comparisons that are kept, and eight processes on one store.

``make faults`` runs it whole and writes ``tests/faults/logs/store-kills.md``; the test suite runs a few kills.

A child compares agents with ``store=`` and says, after every commit, how many runs are kept.  It is killed at random:
while XLA compiles, in the middle of a lane, around a commit.  Then the command is repeated, until the kills are used
up; the last one ends by itself.  After every kill the store must be whole and hold at least as many runs as were said
to be kept, each once; in the end every array must be that of a process that was never killed.

What a kill may lose of a lane that is on its way is an interval between two states (a third of a second here, or
twenty times what writing one takes) and the longest pause between two calls of its program, when a state can be taken.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import itertools
import multiprocessing
import os
import platform
import random
import signal
import sys
import tempfile
import time
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import store_child
from store_child import ERRORS, EVERY, LANES, SAID

from qlearn.store import Database, verify
from qlearn.store.overview import units_in
from qlearn.store.records import read_result

LOG = Path(__file__).with_name("logs") / "store-kills.md"
DQN = "dqn(mlp(32), adam(0.001), replay=20000, batch_size=32, learning_starts=200, train_every=4, target_every=200)"
STREAM = "stream-q(mlp(16, layer_norm=True))"
SMALL = "dqn(mlp(16), adam(0.001), replay=2000, batch_size=16, learning_starts=200, train_every=4, target_every=200)"
LOOP = "loop='host'"
HOST = f"FrozenLake-v1({LOOP})"
CASES = {
    "tables": (["q-learning", "sarsa", "r-max(reward_max=1)"], ["FrozenLake-v1", "NChain-v0"], "episodes", 100, 60),
    "networks": ([DQN, STREAM], ["CartPole-v1"], "steps", 20_000, 9),
    "networks on Python environments": ([SMALL], [f"CartPole-v1({LOOP})"], "steps", 6_000, 6),
    "Python environments": (["q-learning", "sarsa-lambda"], [HOST], "episodes", 200, 12),
}
SAMPLE = "a sample"
SAMPLES = {SAMPLE: (["q-learning"], ["FrozenLake-v1"], "episodes", 100, 8)}
LONGEST = 3.0  # seconds from the beginning of the first lane to a kill, at most
EARLY = 0.2  # of all kills: at the start of a process
SHARES = {name: 1 / 3 if name in ("tables", "networks") else 1 / 6 for name in CASES} | {SAMPLE: 1.0}
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["store_child"])


def start(folder, store, case):
    """A child that compares, forked from a process that has imported what it needs and nothing else."""
    for name in (SAID, LANES, ERRORS):
        (folder / name).unlink(missing_ok=True)
    process = CONTEXT.Process(target=store_child.compare, args=(str(folder), str(store), case))
    process.start()
    return process


def looked_at(store):
    """How many runs a store holds, and the digest of all their arrays; the store must be whole, each run once."""
    if not (store / "store.sqlite").exists():
        return 0, ""
    database = Database(store, write=False)
    found = verify(database)
    assert not found.problems, found.problems
    digest, count = hashlib.sha256(), 0
    for unit, _ in sorted(units_in(database), key=lambda one: one[0].identity):
        rows = database.rows("SELECT budget FROM results WHERE unit = ?", (unit.row,))
        assert len(rows) <= 1, "a run twice"
        for (budget,) in rows:
            result, _ = read_result(database, unit, budget)
            told = {name: value for name, value in result.facts.items() if name != "seconds"}
            digest.update(f"{unit.identity} {sorted(told.items())}".encode())
            for name, array in sorted(result.arrays.items()):
                digest.update(name.encode() + array.tobytes())
            count += 1
    database.close()
    return count, digest.hexdigest()


def lines_of(file):
    """The words of every line that a child wrote."""
    try:
        return [line.split() for line in file.read_text().splitlines()]
    except OSError:
        return []


def said_by(folder, process):
    """How many runs a child that has ended said to be kept, and whether it said that it was done."""
    process.join()
    if process.exitcode not in (0, -signal.SIGKILL):
        raise AssertionError((folder / ERRORS).read_text())
    lines = lines_of(folder / SAID)
    return max((int(words[1]) for words in lines if words[0] == "kept"), default=0), ["done"] in lines


def lost_by_lanes(folder):
    """What the kill of a child lost of each of its lanes, and what it may have lost, in seconds."""
    lanes = defaultdict(list)
    for what, lane, when, cost in lines_of(folder / LANES):
        lanes[lane].append((what, float(when), float(cost)))
    found = []
    for told in lanes.values():
        at = [when for what, when, _ in told if what == "at"]
        kept = [when for what, when, _ in told if what == "kept"]
        pause = max((b - a for a, b in itertools.pairwise(at)), default=0.0)
        cost = max(cost for _, _, cost in told)
        found.append((max(0.0, at[-1] - (kept[-1] if kept else at[0])), max(EVERY, 20 * cost) + pause))
    return found


def kill(process, folder, longest, rng):
    """Kill a child: some moments after its start, or after one of its lanes began, within so many seconds."""
    if rng.random() < EARLY:
        process.join(rng.uniform(0.0, 4.0))
    else:
        while process.is_alive() and not lines_of(folder / LANES):
            time.sleep(0.02)
        process.join(rng.uniform(0.0, longest))
    process.kill()


def kill_often(folder, case, kills, bounds, rng, say=print):
    """Kill so many children.

    Args:
        folder: where they work.
        case: what they compare.
        kills: how many.
        bounds: seconds from the beginning of its first lane within which each is killed; the runs of a full store.
        rng: draws when.
        say: is told of each.

    Returns:
        The digests of stores that were full, how many there were, and what each kill lost at most with its limit.
    """
    filled, lost, digests = 0, [], set()
    while len(lost) < kills:
        store, finished, kept = folder / f"store-{filled}", False, 0
        while not finished:
            process = start(folder, store, case)
            if len(lost) < kills:
                kill(process, folder, bounds[0], rng)
            said, finished = said_by(folder, process)
            kept = max(kept, said)
            count, digest = looked_at(store)
            assert count >= kept, f"{kept} runs were kept, {count} are there"
            finished = finished or count == bounds[1]  # what it was killed in was the playing of games after
            if process.exitcode == -signal.SIGKILL:
                lost.append(max(lost_by_lanes(folder), key=lambda one: one[0] - one[1], default=(0.0, EVERY)))
                say(f"kill {len(lost)}: {said} said, {count} there, {lost[-1][0]:.2f} of {lost[-1][1]:.2f} s lost")
        filled += 1
        digests.add(digest)
    return digests, filled, lost


def say_of(name):
    """Print what is found of a case, at once."""
    return lambda words: print(f"{name}: {words}", flush=True)


def straight(folder, case, number=1):
    """The runs and the digest of a store that so many processes filled at once, none of them killed; and the time."""
    store = folder / f"straight-{number}"
    places = [folder / f"process-{number}-{i}" for i in range(number)]
    for place in places:
        place.mkdir()
    began = time.monotonic()
    processes = [start(place, store, case) for place in places]
    for place, process in zip(places, processes, strict=True):
        _, done = said_by(place, process)
        assert done
    return looked_at(store), time.monotonic() - began


def tried(folder, name, kills, processes, rng):
    """Everything about one case: a row of the log, and whether no kill lost more than it may."""
    case = (CASES | SAMPLES)[name]
    straight(folder / "first", case)  # compiles, so that the next says how long it takes
    (count, sound), took = straight(folder, case)
    digests, filled, lost = kill_often(folder, case, kills, (min(took / 5, LONGEST), count), rng, say_of(name))
    assert digests == {sound}, f"{name}: other numbers after kills"
    shared = "–"
    if processes > 1:
        together, _ = straight(folder, case, processes)
        assert together == (count, sound), f"{name}: other numbers with {processes} processes"
        shared = f"{processes}: same"
    most = max(lost, key=lambda one: one[0])
    told = f"{most[0]:.2f} s (of {most[1]:.2f} s)"
    row = f"| {name} | {count} | {kills} | {filled} | 0 | 0 | {told} | same | {shared} |"
    return row, all(seconds <= limit for seconds, limit in lost)


def main():
    """Run everything and write the log."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=180)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--cases", nargs="*", default=list(CASES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    rng, rows, held = random.Random(given.seed), [], True
    for name in given.cases:
        kills = max(1, round(given.kills * SHARES[name]))
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            (folder / "first").mkdir()
            row, fine = tried(folder, name, kills, given.processes, rng)
        rows.append(row)
        held = held and fine
        print(row, flush=True)
        if given.out is not None:
            write_log(given, rows, held)
    return 0 if held else 1


def write_log(given, rows, held):
    """What was tried, as a page."""
    text = [
        "# SIGKILL at random moments of comparisons that are kept", "",
        f"Made by `make faults` on {dt.date.today()}: random seed {given.seed}, {os.cpu_count()} cores, "
        f"{platform.system()}, Python {platform.python_version()}, qlearn {version('qlearn')}, "
        f"JAX {version('jax')}.", "",
        f"A state of a lane every {EVERY} s, rarer where writing would take more than a twentieth of the time. What a "
        "kill may lose of a lane is that interval and the longest pause between two calls of its program, as the "
        "process itself noted them. A fifth of the kills come while a process starts, the others at any time "
        f"from the beginning of its first lane on, within {LONGEST:g} s, or a fifth of what one takes alone.",
        "",
        "| comparison of | runs | kills | stores filled | lost | twice | most redone of a lane (limit) "
        "| digest of all arrays | processes at once |",
        "|---|---|---|---|---|---|---|---|---|", *rows, "",
        f"At most one interval was lost: {'in every case' if held else 'NOT in every case'}.", "",
    ]  # fmt: skip
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text("\n".join(text))


if __name__ == "__main__":
    raise SystemExit(main())
