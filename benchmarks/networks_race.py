"""Races of networks: qlearn in this process, peers in processes and environments of their own, all in turn on one core.

A peer's driver (`benchmarks/peers/`) is started by the interpreter of the peers' environment and runs a piece of work
whenever it is told to; it says how many steps that were and what they took.  A program that no registry holds is not
run: its figure is that of the issue, measured on another machine, times what an anchor makes here over what the same
anchor made there.
"""

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import measure

PEERS = Path(__file__).with_name("peers")
REPEATS = 3
ZOO, REJAX, LOOP = "Stable-Baselines3, RL Zoo's line", "rejax's PQN, evaluations included", "a plain loop in JAX"
# Steps per second on the machine and in the sitting of the figures that the targets name.
THERE = {ZOO: 1200, REJAX: 96_000, LOOP: 66_000}
REJAX_SETTING = [
    "num_envs=16",
    "num_steps=128",
    "num_minibatches=16",
    "num_epochs=5",
    "max_grad_norm=10",
    "learning_rate=0.0003",
    "exploration_fraction=0.5",
    "td_lambda=0.9",
]


class Peer:
    """A driver, started when it is first asked; it answers every line with one line."""

    def __init__(self, interpreter, driver, *arguments):
        self.command = [str(interpreter), driver, *map(str, arguments)]
        self.process, self.versions = None, {}

    def turn(self):
        """Steps, process seconds, wall seconds of one piece of work."""
        if self.process is None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            self.process = subprocess.Popen(self.command, cwd=PEERS, text=True, **pipes)
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"failed": f"{self.command[1]} ended"}
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        self.versions = answer["versions"]
        return answer["amount"], answer["process"], answer["wall"]

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(timeout=60)
            self.process.stdout.close()


def timed(contestant):
    return contestant.turn() if isinstance(contestant, Peer) else measure.timed(contestant)


def alternate(contestants, repeats):
    """Timings of all contestants in turn, and by name why those that failed did."""
    timings, failed = {}, {}
    for name, contestant in contestants.items():
        print(f"  {name} …", file=sys.stderr, flush=True)
        try:
            _, process, wall = timed(contestant)
        except Exception as error:  # the others are of use without it
            failed[name] = f"{type(error).__name__}: {error}"
        else:
            timings[name] = measure.Timings(first={"process": process, "wall": wall})
    for _ in range(repeats):
        for name, result in timings.items():
            amount, process, wall = timed(contestants[name])
            result.amount.append(amount)
            result.process.append(process)
            result.wall.append(wall)
    for contestant in contestants.values():
        if isinstance(contestant, Peer):
            contestant.close()
    return timings, failed


@dataclass(frozen=True)
class Scaled:
    """A figure measured elsewhere, brought here by an anchor that was measured there and is measured here."""

    figure: float
    anchor: str

    def rate(self, timings, clock):
        return [self.figure * here / THERE[self.anchor] for here in timings[self.anchor].rate(clock)]


@dataclass(frozen=True)
class Against:
    """A comparison: a contestant of ours, what it is held against, and at least how many times as fast it shall be."""

    ours: str
    other: str
    least: float | None = None


def rates(name, timings, scaled, clock):
    """Steps per second in each turn, of a contestant or of a scaled figure; None where it was not measured."""
    if name in timings:
        return timings[name].rate(clock)
    known = name in scaled and scaled[name].anchor in timings
    return scaled[name].rate(timings, clock) if known else None


def quotients(comparison, timings, scaled, clock):
    ours, other = (rates(name, timings, scaled, clock) for name in (comparison.ours, comparison.other))
    return None if ours is None or other is None else measure.spread([a / b for a, b in zip(ours, other, strict=True)])


def row(name, found, failed=None, **rest):
    absolute = None if found is None else {**measure.spread(found), "unit": "steps/s"}
    return {"what": name, "ratio": None, "ratio_wall": None, "absolute": absolute, "target": None, "met": None} | (
        {"failed": failed} if failed else {} | rest
    )


def rows_of(timings, failed, scaled, comparisons):
    """First what was measured, then every comparison."""
    rows = [row(name, result.rate()) for name, result in timings.items()]
    rows += [row(name, None, why) for name, why in failed.items()]
    for name, thing in scaled.items():
        label = f"{name}: {thing.figure:,.0f} there, scaled by {thing.anchor}"
        rows.append(row(label, rates(name, timings, scaled, "process")))
    for one in comparisons:
        ratio, wall = (quotients(one, timings, scaled, clock) for clock in ("process", "wall"))
        text = None if one.least is None else f"≥ {one.least:g} ×"
        met = None if one.least is None or ratio is None else ratio["median"] >= one.least
        found = {"ratio": ratio, "ratio_wall": wall, "target": text, "met": met}
        rows.append(row(f"{one.ours} / {one.other}", rates(one.ours, timings, scaled, "process")) | found)
    return rows


def section(title, contestants, scaled, comparisons, quick):
    """What a part found, as `report.section` prints it."""
    conditions = {**measure.conditions(), "keras": measure.version("keras"), "pinned_to_one_core": True}
    before = os.getloadavg()[0]
    timings, failed = alternate(contestants, 1 if quick else REPEATS)
    for contestant in contestants.values():
        conditions |= {f"{k} (peer)": v for k, v in getattr(contestant, "versions", {}).items()}
    samples = {n: {**vars(t), "compile_wall": t.compile_time()} for n, t in timings.items()}
    notes = [f"Load of the machine, which has other users: {before:.1f} before, {os.getloadavg()[0]:.1f} after."]
    return {
        "title": title,
        "conditions": conditions,
        "rows": rows_of(timings, failed, scaled, comparisons),
        "samples": samples,
        "notes": notes,
    }


def median_rate(found, name):
    """The median steps per second of a contestant in a section, or None."""
    sample = found["samples"].get(name)
    return sample and statistics.median(a / s for a, s in zip(sample["amount"], sample["process"], strict=True))


def anchors(interpreter, quick):
    """Those that were measured there too: how fast is this machine?"""
    if interpreter is None:
        return {}
    small = 4 if quick else 1
    evaluated = ("eval_freq=16384", "evaluate=True", *REJAX_SETTING)
    return {
        ZOO: Peer(interpreter, "sb3_dqn.py", "zoo", 4096 // small),
        REJAX: Peer(interpreter, "rejax_runs.py", "pqn", "CartPole-v1", 1, 131_072, *evaluated),
    }


def training(agent, environment, seeds, steps):
    """A contestant of ours: so many steps of each seed, all in one call of `train`."""
    import qlearn as ql

    def work():
        return int(ql.train(agent, environment, steps=steps, seeds=seeds, progress=False).num_steps.sum())

    return work


def main(run):
    """The main function of every part: `python -m benchmarks.networks_dqn [--quick] [--peers PYTHON]`."""
    quick = "--quick" in sys.argv
    interpreter = sys.argv[sys.argv.index("--peers") + 1] if "--peers" in sys.argv else None
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    measure.pin()  # before JAX counts cores: its Eigen then has one thread
    print(json.dumps(run(quick, interpreter)))
