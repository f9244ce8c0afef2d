"""SIGKILL at random moments of comparisons that are kept, and eight processes on one store.

``make faults`` runs it whole and writes ``tests/faults/logs/store-kills.md``; the test suite runs a few kills.

A child compares agents with ``store=`` and says, after every commit, how many runs are kept.  It is killed at random:
while Python imports, while XLA compiles, in the middle of a lane, around a commit.  Then the command is repeated, until
the kills are used up; the last one ends by itself.  After every kill the store must be whole and hold at least as many
runs as were said to be kept, each once; in the end every array must be that of a process that was never killed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LOG = Path(__file__).with_name("logs") / "store-kills.md"
DQN = "dqn(mlp(32), adam(0.001), replay=20000, batch_size=32, learning_starts=200, train_every=4, target_every=200)"
CASES = {
    "tables": (["q-learning", "sarsa", "r-max(reward_max=1)"], ["FrozenLake-v1", "NChain-v0"], "episodes", 100, 60),
    "networks": ([DQN, "stream-q(mlp(16, layer_norm=True))"], ["CartPole-v1"], "steps", 20_000, 9),
    "Python environments": (["q-learning"], ["FrozenLake-v1(loop='host')"], "episodes", 40, 12),
}
CHILD = """
import sys
import qlearn as ql
from qlearn.cli.cache import keep_compiled
from qlearn.store import Store
from qlearn.training import parse_agent

where, unit, budget, seeds, *rest = sys.argv[1:]
agents, environments = (part.split("|") for part in rest)
keep_compiled()
said = []

def progress(share, words):
    kept = int(words.split(" of ")[0].replace(",", "")) if " runs kept" in words else 0
    if not said or kept > said[-1]:
        said.append(kept)
        print(f"kept {kept}", flush=True)

if __name__ == "__main__":
    store = Store(where, every=0.5)
    asked = ql.Specification([parse_agent(a) for a in agents], environments, seeds=int(seeds), snapshots=4,
                             **{unit: int(budget)})
    ql.compare(asked, store=store, progress=progress)
    print("done", flush=True)
"""


def start(folder, store, case):
    """A child that compares."""
    agents, environments, unit, budget, seeds = case
    program = folder / "compare.py"
    program.write_text(CHILD)
    words = [str(store), unit, str(budget), str(seeds), "|".join(agents), "|".join(environments)]
    return subprocess.Popen(
        [sys.executable, program, *words],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def looked_at(store):
    """How many runs a store holds, and the digest of all their arrays; the store must be whole, each run once."""
    from qlearn.store import Database, verify
    from qlearn.store.overview import units_in
    from qlearn.store.records import read_result

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


def said_by(process):
    """How many runs a child that has ended said to be kept."""
    out, err = process.communicate()
    kept = [int(line.split()[1]) for line in out.splitlines() if line.startswith("kept ")]
    if process.returncode not in (0, -9):
        raise AssertionError(err)
    return max(kept, default=0), "done" in out.split()


def kill_often(folder, case, kills, rng, say=print):
    """Kill so many children; the digest at the end, how many trainings ended, and runs lost or twice (none)."""
    ended, done, last = 0, 0, None
    while done < kills:
        store = folder / f"store-{ended}"
        finished, kept = False, 0
        while not finished:
            process = start(folder, store, case)
            if done < kills:
                time.sleep(rng.uniform(0.3, 25.0))
                process.kill()
                done += 1
            said, finished = said_by(process)
            kept = max(kept, said)
            count, last = looked_at(store)
            assert count >= kept, f"{kept} runs were kept, {count} are there"
            say(f"kill {done}: {said} said, {count} there, {'done' if finished else 'killed'}")
        ended += 1
    return last, ended


def say_of(name):
    """Print what is found of a case, at once."""
    return lambda words: print(f"{name}: {words}", flush=True)


def straight(folder, case, number=1):
    """The digest of a store that so many processes filled at once, none of them killed."""
    store = folder / f"straight-{number}"
    processes = [start(folder, store, case) for _ in range(number)]
    for process in processes:
        _, done = said_by(process)
        assert done
    return looked_at(store)


def main():
    """Run everything and write the log."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--cases", nargs="*", default=list(CASES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    rng, rows = random.Random(given.seed), []
    shares = {"tables": 0.4, "networks": 0.4, "Python environments": 0.2}
    for name in given.cases:
        with tempfile.TemporaryDirectory() as place:
            folder, case = Path(place), CASES[name]
            count, sound = straight(folder, case)
            kills = max(1, round(given.kills * shares[name]))
            digest, ended = kill_often(folder, case, kills, rng, say_of(name))
            assert digest == sound, f"{name}: other numbers after kills"
            shared, together = straight(folder, case, given.processes) if given.processes > 1 else (count, sound)
            assert (shared, together) == (count, sound), f"{name}: other numbers with {given.processes} processes"
            rows.append(f"| {name} | {count} | {kills} | {ended} | 0 | 0 | same | {given.processes}: same |")
            print(rows[-1], flush=True)
    text = [
        "# SIGKILL at random moments of comparisons that are kept", "",
        f"Made by `make faults` on {dt.date.today()}: random seed {given.seed}, {os.cpu_count()} cores, "
        f"{platform.system()}, Python {platform.python_version()}.", "",
        "| comparison of | runs | kills | stores filled | lost | twice | digest of all arrays | processes at once |",
        "|---|---|---|---|---|---|---|---|", *rows, "",
    ]  # fmt: skip
    if given.out is not None:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text("\n".join(text))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
