"""`qlearn bench`: how fast this machine learns."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cyclopts import App

from qlearn.cli.options import Output, SeedOption, at_least, check_seed
from qlearn.cli.terminal import figure, print_json, print_table, say, say_command, shell

EXAMPLES = """\
Examples:
  qlearn bench
  qlearn bench --repeats 9 --json

The yardstick is the same work in a NumPy loop as tutorials write it: one seed, one step
at a time. The first call, which compiles, is timed apart; then all take turns, and
medians are given.
"""
SIZES = (100, 1000)
LOOP_STEPS, EPISODES, EPISODE = 200_000, 500, 1000
app = App(name="bench", help_epilogue=EXAMPLES, help_format="plaintext")


@dataclass
class Contestant:
    """Something that makes steps, and the seconds that it took each time.

    Args:
        name: what it is.
        work: does it and returns the number of steps.
    """

    name: str
    work: Callable[[], int]

    def __post_init__(self) -> None:
        self.rates: list[float] = []
        self.compile_seconds = 0.0

    def turn(self) -> float:
        """Run once; return the seconds it took."""
        began = time.perf_counter()
        steps = self.work()
        took = time.perf_counter() - began
        self.rates.append(steps / took)
        return took

    def warm_up(self) -> None:
        """Run twice; what the first took longer was compiling."""
        self.compile_seconds = max(0.0, self.turn() - self.turn())
        self.rates.clear()


@app.default
def bench(*, repeats: int = 5, seed: SeedOption = 0, output: Output = Output()) -> None:  # noqa: B008
    """Measure how fast this machine learns: ε-greedy Q-learning on NChain.

    Args:
        repeats: How often each is measured.
        seed: The first seed.
        output: Where results go.
    """
    at_least("--repeats", repeats, 1)
    check_seed(seed)
    output.check()
    contestants = [
        Contestant("NumPy loop, as tutorials write it", lambda: numpy_loop(LOOP_STEPS // 4, seed)),
        Contestant("plain Python loop", lambda: plain_loop(LOOP_STEPS, seed)),
    ]
    contestants += [Contestant(f"qlearn, {n:,} seeds", _training(n, seed)) for n in SIZES]
    for one in contestants:
        one.warm_up()
    for _ in range(repeats):
        for one in contestants:
            one.turn()
    command = shell("qlearn", "bench", "--repeats", repeats, "--seed", seed)
    result = {**_as_data(contestants), "conditions": conditions(), "command": command}
    output.save_json("bench.json", result)
    if output.json:
        print_json(result)
        return
    _print(result, repeats)
    say_command("To reproduce:", command)


def _training(seeds: int, first: int) -> Callable[[], int]:
    def work() -> int:
        from qlearn.training import train
        from qlearn.training.presets import tutorial_epsilon_greedy

        numbers = list(range(first, first + seeds))
        runs = train(tutorial_epsilon_greedy(), "NChain-v0", episodes=EPISODES, seeds=numbers, progress=False)
        return int(runs.num_steps.sum())

    return work


def numpy_loop(steps: int, seed: int) -> int:
    """Learn as the tutorial's code does, a NumPy table and one step at a time; return the number of steps.

    >>> numpy_loop(1000, seed=0)
    1000
    """
    draw, slips = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    q, state, epsilon = np.zeros((5, 2)), 0, 0.5
    for step in range(steps):
        if step % EPISODE == 0:
            state, epsilon = 0, epsilon * 0.999
        if np.sum(q[state, :]) == 0 or draw.random() < epsilon:
            action = int(draw.integers(2))
        else:
            action = int(np.argmax(q[state, :]))
        following, reward = _stepped(state, action, slips.random())
        q[state, action] += 0.8 * (reward + 0.95 * np.max(q[following, :]) - q[state, action])
        state = following
    return steps


def plain_loop(steps: int, seed: int) -> int:
    """Learn the same with nothing but lists and numbers; return the number of steps.

    >>> plain_loop(1000, seed=0)
    1000
    """
    uniform = random.Random(seed).random
    q, state, epsilon = [[0.0, 0.0] for _ in range(5)], 0, 0.5
    for step in range(steps):
        if step % EPISODE == 0:
            state, epsilon = 0, epsilon * 0.999
        row = q[state]
        explores = sum(row) == 0 or uniform() < epsilon
        action = int(uniform() * 2) if explores else int(row[1] > row[0])
        following, reward = _stepped(state, action, uniform())
        row[action] += 0.8 * (reward + 0.95 * max(q[following]) - row[action])
        state = following
    return steps


def _stepped(state: int, action: int, chance: float) -> tuple[int, float]:
    """Return the next state and the reward in NChain."""
    if (action == 1) != (chance < 0.2):
        return 0, 2.0
    return (state + 1, 0.0) if state < 4 else (4, 10.0)


def conditions() -> dict[str, Any]:
    """Return the machine and the software that the figures hold for."""
    packages = ("qlearn", "jax", "jaxlib", "numpy")
    import jax

    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "device": jax.devices()[0].device_kind,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _as_data(contestants: list[Contestant]) -> dict[str, Any]:
    yardstick = contestants[0].rates
    rows = []
    for one in contestants:
        ratios = [rate / base for rate, base in zip(one.rates, yardstick, strict=True)]
        rows.append(
            {
                "name": one.name,
                "steps_per_second": statistics.median(one.rates),
                "lowest": min(one.rates),
                "highest": max(one.rates),
                "ratio": statistics.median(ratios),
                "compile_seconds": one.compile_seconds,
            }
        )
    return {"what": f"ε-greedy Q-learning on NChain-v0, {EPISODES} episodes × {EPISODE:,} steps a seed", "rows": rows}


def _print(result: dict[str, Any], repeats: int) -> None:
    say(f"{result['what']}; wall time, all cores, median of {repeats}.")
    rows = []
    for row in result["rows"]:
        million = [figure(row[key] / 1e6, 2) for key in ("steps_per_second", "lowest", "highest")]
        first = f"{row['compile_seconds']:.1f} s" if row["name"].startswith("qlearn") else "–"
        rows.append([row["name"], million[0], f"{million[1]} … {million[2]}", f"{row['ratio']:,.0f} ×", first])
    print_table(["who", "million steps/s", "range", "ratio", "compiling"], rows)
    c = result["conditions"]
    say(f"{c['processor']}, {c['cores']} cores, {c['system']}; Python {c['python']}, JAX {c['jax']}, {c['date']}.")
