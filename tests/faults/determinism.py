"""The same numbers, to the bit, whatever changes around a run that may not change it.

``make faults`` tries everything and writes ``tests/faults/logs/determinism.md``; the test suite tries a sample.  Each
way is held against a plain training of the same seeds: again in the same process; 1, 2 and 4 worker threads; seeds in
another order; 1, 7 or 1,000 seeds at once (tables); programs called for as short or as long as they may be;
interrupted and resumed; another hash seed and another working directory, in processes of their own.
"""

import contextlib
import datetime as dt
import hashlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LOG = Path(__file__).with_name("logs") / "determinism.md"
TABLES = {
    "q-learning": "NChain-v0",
    "sarsa(exploration=epsilon-greedy(0.2))": "FrozenLake-v1",
    "double-q-learning": "CliffWalking-v1",
    "watkins-q-lambda": "Taxi-v4",
    "n-step-sarsa": "NChain-v0",
    "monte-carlo-control": "FrozenLake-v1",
    "dyna-q(planning_steps=5)": "FrozenLake-v1",
    "expected-sarsa(exploration=boltzmann(0.5))": "NChain-v0",
}
NETWORKS = {
    "dqn(mlp(8), adam(0.001), replay=500, batch_size=8, learning_starts=50, train_every=4)": "CartPole-v1",
    "pqn(mlp(8), adam(0.001), num_environments=4, num_steps=8, minibatches=2)": "CartPole-v1",
    "online-q-network(mlp(8), adam(0.001))": "NChain-v0",
}
SEEDS, EPISODES, STEPS = 7, 12, 600
CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.faults import determinism as d
print(d.told(d.plain(sys.argv[2], sys.argv[3])))
"""


def budget(agent):
    """Episodes for tables, steps for networks."""
    return {"steps": STEPS} if agent in NETWORKS else {"episodes": EPISODES}


def plain(agent, environment, seeds=SEEDS, **more):
    """Train as a user would."""
    import qlearn as ql
    from qlearn.training import parse_agent

    return ql.train(parse_agent(agent), environment, seeds=seeds, **({"progress": False} | budget(agent) | more))


def digests(runs):
    """For each seed the SHA-256 of everything that it came to."""
    import jax

    table = not getattr(runs, "knowledge", None)
    what = [runs.q_table] if table else jax.tree.leaves(runs.knowledge)
    found = {}
    for place, seed in enumerate(runs.seeds):
        digest = hashlib.sha256()
        for array in (runs.returns, runs.lengths, runs.num_steps, *what):
            digest.update(np.ascontiguousarray(np.asarray(array)[place]).tobytes())
        found[int(seed)] = digest.hexdigest()
    return found


def told(runs):
    """All digests in one word."""
    return hashlib.sha256(repr(sorted(digests(runs).items())).encode()).hexdigest()


def with_workers(agent, environment, number):
    """With so many threads, whatever the machine has."""
    from qlearn.engine import schedule

    before = schedule.cores
    schedule.cores = lambda: number
    try:
        return plain(agent, environment)
    finally:
        schedule.cores = before


@contextlib.contextmanager
def calls_of(seconds):
    """Programs are called for this long at most."""
    from qlearn.engine import lane_run, vector_run

    before = lane_run._CHUNK_SECONDS, vector_run._CHUNK_SECONDS
    lane_run._CHUNK_SECONDS = vector_run._CHUNK_SECONDS = seconds
    try:
        yield
    finally:
        lane_run._CHUNK_SECONDS, vector_run._CHUNK_SECONDS = before


def in_chunks(agent, environment, seconds):
    """With programs that are called for this long at most."""
    with calls_of(seconds):
        return plain(agent, environment)


def resumed(agent, environment):
    """Stopped on the way by Ctrl-C and gone on with, from what was kept."""
    import qlearn as ql
    from tests.interrupts import interrupting

    with tempfile.TemporaryDirectory() as folder, calls_of(0.0):
        place = Path(folder) / "kept"
        try:
            plain(agent, environment, checkpoint=place, every=0.0, progress=interrupting())
        except ql.Interrupted:
            return ql.resume(place, progress=False)
    raise AssertionError("the training was not interrupted")


def in_a_process(agent, environment, hash_seed):
    """In a process with another hash seed and another working directory; the digest."""
    root = str(Path(__file__).parents[2])
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", CHILD, root, agent, environment],
            cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=True,
        )  # fmt: skip
    return done.stdout.split()[-1]


def ways(agent, environment, *, processes=True):
    """For each way of training its name and what it came to: seeds' digests, or one word for all."""
    yield "again", lambda: digests(plain(agent, environment))
    for number in (1, 2, 4):
        yield f"{number} workers", lambda number=number: digests(with_workers(agent, environment, number))
    order = [4, 0, 6, 2, 5, 1, 3]
    yield "another order", lambda: digests(plain(agent, environment, order))
    if agent in TABLES:
        yield "one seed", lambda: digests(plain(agent, environment, [3]))
        yield "1,000 seeds", lambda: digests(plain(agent, environment, 1000))
    yield "short calls", lambda: digests(in_chunks(agent, environment, 0.0))
    yield "long calls", lambda: digests(in_chunks(agent, environment, 1e6))
    yield "resumed", lambda: digests(resumed(agent, environment))
    if processes:
        for hash_seed in ("1", "4242"):
            yield f"hash seed {hash_seed}, elsewhere", lambda h=hash_seed: in_a_process(agent, environment, h)


def differing(agent, environment, *, processes=True, only=None):
    """The ways that came to something else, and how many were tried."""
    runs = plain(agent, environment)
    expected, whole, found, count = digests(runs), told(runs), [], 0
    for name, way in ways(agent, environment, processes=processes):
        if only is not None and name not in only:
            continue
        got, count = way(), count + 1
        same = got == whole if isinstance(got, str) else all(got[s] == expected[s] for s in got if s in expected)
        found += [] if same else [name]
    return found, count


def written(rows, seconds):
    """Write the log of what was tried so far."""
    lines = [
        "# The same numbers, to the bit",
        "",
        f"Made by `make faults` on {dt.date.today()}: {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{seconds:.0f} s. {SEEDS} seeds, {EPISODES} episodes (networks: {STEPS} steps). The ways stand in "
        "`tests/faults/determinism.py`.",
        "",
        "| agent | environment | ways with the same numbers | other numbers |",
        "| --- | --- | --- | --- |",
        *rows,
    ]
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_text("\n".join(lines) + "\n")


def main():
    """Try everything, write the log as it grows; 1 where something differed."""
    began, rows, failed = time.perf_counter(), [], 0
    for agent, environment in (NETWORKS | TABLES).items():
        found, count = differing(agent, environment)
        failed += len(found)
        rows.append(f"| `{agent}` | {environment} | {count - len(found)} of {count} | {', '.join(found) or '–'} |")
        print(rows[-1], flush=True)
        written(rows, time.perf_counter() - began)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))  # where `tests` is
    sys.exit(main())
