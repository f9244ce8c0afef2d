"""What keeping runs in a store costs: `python -m benchmarks.store` writes benchmarks/results/store.md.

The same comparison of tables is trained twice, turn and turn about: kept in a new store, and not kept at all; then the
store is read again, when nothing is missing.  Process time of all threads; one core.
"""

import argparse
import datetime as dt
import platform
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.measure import pin

RESULTS = Path(__file__).with_name("results") / "store.md"
TARGET = 2.0  # per cent


def measured(settings, seeds, episodes, turns):
    """Process seconds of each turn: plain, kept, read again; and the size of the store."""
    import qlearn as ql
    from qlearn.store import Store
    from qlearn.training.plan import Plan
    from qlearn.training.train import carried_out

    world = ql.make("NChain-v0")
    rates = np.linspace(0.01, 0.9, settings).round(4).tolist()
    agents = [ql.QLearning(learning_rate=rate) for rate in rates]
    plan = Plan(agents, world, np.arange(seeds), episodes, "episode", 0)
    carried_out(Plan(agents[:1], world, np.arange(seeds), 2, "episode", 0), False)  # compiles
    found = {"plain": [], "kept": [], "read again": []}
    for _ in range(turns):
        with tempfile.TemporaryDirectory() as folder:
            found["plain"].append(process_time(lambda: carried_out(plan, False)))
            with Store(folder) as store:
                found["kept"].append(process_time(lambda store=store: store.runs([plan], progress=False)))
                found["read again"].append(process_time(lambda store=store: store.runs([plan], progress=False)))
            size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
            shutil.rmtree(folder, ignore_errors=True)
            Path(folder).mkdir()
    return found, size


def process_time(work):
    """Process seconds that something takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main():
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--episodes", type=int, default=500)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    pin()
    found, size = measured(given.settings, given.seeds, given.episodes, given.turns)
    shares = [100 * (kept / plain - 1) for plain, kept in zip(found["plain"], found["kept"], strict=True)]
    share, runs = statistics.median(shares), given.settings * given.seeds
    middle = {name: statistics.median(seconds) for name, seconds in found.items()}
    own = 1000 * (middle["kept"] - middle["plain"]) / runs
    text = [
        "# What keeping runs costs", "",
        f"Made by `python -m benchmarks.store` on {dt.date.today()}: {given.settings} settings of Q-learning × "
        f"{given.seeds} seeds on NChain, {given.episodes} episodes of 1,000 steps each, {given.turns} turns, one core, "
        f"Python {platform.python_version()}. Process seconds, medians; the share is taken within each turn.", "",
        "| | process seconds |", "|---|---|",
        *(f"| {name} | {seconds:.2f} |" for name, seconds in middle.items()), "",
        f"Keeping costs **{share:.2f}%** ({', '.join(f'{one:.2f}' for one in shares)}), {own:.2f} ms a run; the "
        f"target is at most {TARGET:g}%: {'met' if share <= TARGET else 'NOT met'}. Reading {runs:,} runs again, "
        f"nothing being missing, takes {1000 * middle['read again'] / runs:.2f} ms a run. The store has "
        f"{size / 1e6:.1f} MB, {size / runs / 1e3:.1f} kB a run.", "",
        "The cost is one of runs, not of steps: where a run takes only some milliseconds, it is a larger share.", "",
    ]  # fmt: skip
    given.out.write_text("\n".join(text))
    print("\n".join(text))


if __name__ == "__main__":
    main()
