"""SIGKILL at random moments: training goes on from what was kept, loses at most an interval, and ends the same.

``make kills`` runs it whole and writes ``tests/faults/logs/checkpoint-kills.md``; the test suite runs a few kills.

A child trains with ``checkpoint=`` and ``log=``; it notes when it made progress, and when a state was kept and how long
that took.  It is killed, by SIGKILL, at random: some moments after its start, while XLA compiles or what was kept is
taken up, or some moments after it made progress, so that a write may be cut too.  Then it is started again, until the
kills are used up; the last one ends by itself.  Its runs are held, every array to the bit, against those of one process
that was never killed and kept nothing, and its log against the runs.

What a kill loses is the time from the last state kept (or the first progress of the process) to the last progress.  An
interval is a third of a second, or longer where writing would take more than a twentieth of the time: twenty times what
a write took, and twice that after one that took longer than those before, as on a busy machine.  States are kept
between two words of progress, so that the longest pause between these is added.
"""

import argparse
import dataclasses
import datetime as dt
import io
import itertools
import json
import multiprocessing
import os
import platform
import random
import signal
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import kill_child
from kill_child import EVERY

DQN = "dqn(mlp(32), adam(0.001), replay=10000, batch_size=32, learning_starts=200, train_every=4, target_every=200)"
PQN = "pqn(mlp(32, layer_norm=True), adam(0.001), num_environments=8, num_steps=16, minibatches=4)"
LOG = Path(__file__).with_name("logs") / "checkpoint-kills.md"


@dataclasses.dataclass(frozen=True)
class Case:
    """What is trained: agent, environment, steps of each of three seeds, and what it stands for."""

    name: str
    agent: str
    environment: str
    steps: int


CASES = [
    Case("table on the device", "dyna-q(planning_steps=50)", "FrozenLake8x8-v1", 60_000),
    Case("network on the device", DQN, "CartPole-v1", 70_000),
    Case("table, Python environment", "sarsa-lambda", "FrozenLake-v1(loop='host')", 3_000),
    Case("network, Python environments", DQN, "CartPole-v1(loop='host')", 8_000),
    Case("network, a vector form of its own", PQN, "CartPole-v1(loop='host', vectorization='own')", 30_000),
]


CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["kill_child"])


def training(case, first, folder, *, plain=False, steps=None):
    """A child process that trains; it is forked from one that has imported what it needs, and nothing else."""
    given = (str(folder), case.agent, case.environment, steps or case.steps, first, plain)
    process = CONTEXT.Process(target=kill_child.train, args=given)
    process.start()
    return process


@dataclasses.dataclass(frozen=True)
class Kill:
    """What a kill lost, and what it may have lost at most: seconds."""

    lost: float
    limit: float


def killed(process, folder, rng):
    """Kill a child at a random moment; None where it was done before."""
    began = time.time()
    if rng.random() < 0.3:  # while it compiles, or loads what was kept
        process.join(rng.uniform(0.0, 4.0))
    else:
        wait_until(lambda: not process.is_alive() or noted(folder, "progress", began), 120.0)
        process.join(rng.uniform(0.0, 2.5))
    process.kill()
    process.join()
    if process.exitcode == -signal.SIGKILL:
        return lost_since(folder, began)
    ended(process, folder)
    return None


def lost_since(folder, began):
    """What a kill lost of what a process did that began then."""
    made = [stamp for stamp, _ in noted(folder, "progress", began)]
    if not made:
        return Kill(0.0, EVERY)
    saves = noted(folder, "saves", began)
    kept = saves[-1][0] if saves else made[0]
    cost = max((cost for _, cost in saves), default=0.0)
    pause = max((b - a for a, b in itertools.pairwise(made)), default=0.0)
    return Kill(max(0.0, made[-1] - kept), max(EVERY, 40 * cost) + pause)


def wait_until(true, seconds):
    """Wait so long at most."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)


def noted(folder, name, began):
    """What a child noted since then: (when, a number) each."""
    try:
        lines = (folder / name).read_text().split("\n")
    except OSError:
        return []
    whole = (line.split() for line in lines[:-1] if line.count(" ") == 1 and line.count(".") <= 2)  # a kill may cut one
    return [(float(when), float(number)) for when, number in whole if float(when) >= began]


def ended(process, folder):
    """Wait for a child that ends by itself."""
    process.join()
    if process.exitcode:
        raise AssertionError((folder / "stderr").read_text())


def differences(folder):
    """What differs between the runs with kills and those without, and between log and runs; a list of words."""
    with np.load(as_archive(folder / "runs-kept.npz")) as one, np.load(as_archive(folder / "runs-plain.npz")) as two:
        names = set(one.files) | set(two.files)
        wrong = [name for name in sorted(names - {"description"}) if not same(one, two, name)]
        told = [json.loads(runs["description"].tobytes())["settings"] for runs in (one, two)]
        wrong += ["settings"] * (told[0] != told[1])
        lines = (folder / "log" / "episodes.csv").read_text().splitlines()[1:]
        rows = {(int(a), int(b)): float(e) for a, b, _, _, e, _ in (line.split(",") for line in lines)}
        returns = {
            (int(seed), i): value
            for seed, row in zip(one["seeds"], one["returns"], strict=True)
            for i, value in enumerate(row[~np.isnan(row)])
        }
    if rows != returns or len(lines) != len(returns):
        wrong.append("log")
    return wrong


def as_archive(file):
    """The NumPy archive behind the checksum of a file of qlearn's."""
    data = file.read_bytes()
    return io.BytesIO(data[data.index(b"PK") :])


def same(one, two, name):
    """Whether both have an array of that name with the same bits."""
    return name in one.files and name in two.files and one[name].tobytes() == two[name].tobytes()


def run_case(case, kills, rng, say=print, steps=None):
    """Kill so often, each training repeated until it is done; how many trainings, and what each kill lost."""
    lost, trainings, first = [], 0, 0
    while len(lost) < kills:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            done = False
            while not done and len(lost) < kills:
                found = killed(training(case, first, folder, steps=steps), folder, rng)
                done = found is None
                if not done:
                    lost.append(found)
                    say(
                        f"{case.name}: kill {len(lost)}, {found.lost:.2f} of at most {found.limit:.2f} s lost",
                        flush=True,
                    )
            if not done:
                ended(training(case, first, folder, steps=steps), folder)
            ended(training(case, first, folder, plain=True, steps=steps), folder)
            if wrong := differences(folder):
                raise AssertionError(f"{case.name}, seeds from {first}: {', '.join(wrong)} differ")
        trainings, first = trainings + 1, first + 3
    return trainings, lost


def main():
    """Run all cases and write the log."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=LOG)
    given = parser.parse_args()
    rng, each = random.Random(given.seed), -(-given.kills // len(CASES))
    rows, lost = [], []
    for case in CASES:
        trainings, mine = run_case(case, each, rng)
        lost += mine
        most = max(mine, key=lambda kill: kill.lost)
        rows.append(
            f"| {case.name} | {each} | {trainings} | {most.lost:.2f} s (of {most.limit:.2f} s) | same bits | whole |"
        )
    held = all(kill.lost <= kill.limit for kill in lost)
    text = f"""# SIGKILL at random moments

Made by `make kills` on {dt.date.today()}: {len(lost)} kills, random seed {given.seed}, {os.cpu_count()} cores,
{platform.system()}, Python {platform.python_version()}, qlearn {version("qlearn")}, JAX {version("jax")}.

A checkpoint every {EVERY} s, rarer where writing would take more than a twentieth of the time (forty times the longest
write of the process at most). What a kill may lose is that interval and the longest pause between two words of
progress, as the process itself noted them.

| training | kills | trainings ended | most lost by a kill (limit) | runs | log |
|---|---|---|---|---|---|
{chr(10).join(rows)}

Seconds lost by each kill, and its limit: {", ".join(f"{kill.lost:.2f} ({kill.limit:.2f})" for kill in lost)}.

At most one interval was lost: {"in every case" if held else "NOT in every case"}.
"""
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(text)
    print(text)
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
