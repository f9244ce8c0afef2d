"""What keeping runs in a store costs: `python -m benchmarks.store` writes benchmarks/results/store.md.

The same comparison of tables is trained twice, block of settings after block, once kept in a store that grows with them
and once not kept at all, each first in every other block; then the store is read again, when nothing is missing.
Process time of all threads; one core.  Blocks are seconds long, so that what else the machine does meets both alike.
"""

import argparse
import datetime as dt
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.measure import pin

RESULTS = Path(__file__).with_name("results") / "store.md"
TARGET = 2.0  # per cent


def measured(settings, seeds, episodes, blocks, turns):
    """Process seconds of each block and turn, plain and kept; of reading all again; and the size of the store."""
    import qlearn as ql
    from qlearn.store import Store
    from qlearn.training.plan import Plan
    from qlearn.training.train import carried_out

    world = ql.make("NChain-v0")
    rates = np.linspace(0.01, 0.9, settings).round(4).tolist()
    agents = [ql.QLearning(learning_rate=rate) for rate in rates]

    def plan_of(some):
        return Plan(some, world, np.arange(seeds), episodes, "episode", 0)

    parts = [plan_of(agents[i::blocks]) for i in range(blocks)]
    carried_out(parts[0], False)  # compiles
    found, again = {"plain": [], "kept": []}, []
    for _ in range(turns):
        with tempfile.TemporaryDirectory() as folder, Store(folder) as store:
            work = {
                "plain": lambda plan: carried_out(plan, False),
                "kept": lambda plan, store=store: store.runs([plan], progress=False),
            }
            for i, plan in enumerate(parts):
                for name in ("plain", "kept") if i % 2 else ("kept", "plain"):
                    found[name].append(process_time(lambda name=name, plan=plan, work=work: work[name](plan)))
            again.append(process_time(lambda store=store: store.runs([plan_of(agents)], progress=False)))
            size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    return {name: np.array(seconds) for name, seconds in found.items()}, statistics.median(again), size


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
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    pin()
    found, again, size = measured(given.settings, given.seeds, given.episodes, given.blocks, given.turns)
    plain, runs = float(np.median(found["plain"])), given.settings * given.seeds
    more = found["kept"] - found["plain"]
    drawn = np.random.default_rng(0).choice(more, (10_000, more.size))
    middles = np.quantile(np.median(drawn, axis=1), [0.025, 0.975])
    share, low, high = (100 * float(x) / plain for x in (np.median(more), *middles))
    own = share / 100 * plain / (runs / given.blocks) * 1000
    word = "met" if high <= TARGET else "met by the median alone" if share <= TARGET else "NOT met"
    text = [
        "# What keeping runs costs", "",
        f"Made by `python -m benchmarks.store` on {dt.date.today()}: {given.settings} settings of Q-learning × "
        f"{given.seeds} seeds on NChain, {given.episodes} episodes of 1,000 steps each, in {given.blocks} blocks, "
        f"{given.turns} turns, one core, Python {platform.python_version()}. Process seconds of a block, medians; "
        "differences are taken within each block, with a bootstrapped 95% interval of their median.", "",
        "| | process seconds of a block |", "|---|---|",
        *(f"| {name} | {float(np.median(seconds)):.3f} |" for name, seconds in found.items()), "",
        f"Keeping costs **{share:.2f}%** ({low:.2f} to {high:.2f}), {own:.3f} ms a run; the target is at most "
        f"{TARGET:g}%: {word}. Reading {runs:,} runs again, nothing being missing, takes {1000 * again / runs:.2f} ms "
        f"a run. The store has {size / 1e6:.1f} MB, {size / runs / 1e3:.1f} kB a run.", "",
        "The cost is one of runs, not of steps: where a run takes only some milliseconds, it is a larger share.", "",
    ]  # fmt: skip
    given.out.write_text("\n".join(text))
    print("\n".join(text))


if __name__ == "__main__":
    main()
