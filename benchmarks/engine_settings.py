"""What the engine's own choices bring: `python -m benchmarks.engine_settings`, each case in a process of its own.

ε-greedy Q-learning on NChain; one core, process time, the numpy loop before and after each case as the yardstick.
Writes benchmarks/results/engine.md and engine.json.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks import measure

RESULTS = Path(__file__).with_name("results")
CASES = {
    "as it is: lanes of 56": {},
    "XLA told nothing": {"plain": True},
    "tables indexed, never compared": {"dense": 0},
    **{f"lanes of {lane}": {"lane": lane} for lane in (1, 8, 16, 32, 64, 104, 128, 256)},
}


def one_case(lane=56, plain=False, dense=64, seeds=100, episodes=100, repeats=5):
    """Million steps per second, and the numpy loop's, each the median of alternating repeats."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if plain:
        os.environ["QLEARN_PLAIN_XLA"] = "1"
    import dataclasses
    import time

    import qlearn as ql
    from benchmarks import tutorial_loop
    from qlearn.agents import table

    table.DENSE = dense

    @ql.agent
    class Laned:
        """Q-learning in lanes of another width."""

        inner: ql.QLearning
        lane: int

        label, version, discount = "laned", 1, 0.95

        @property
        def exploration(self):
            return self.inner.exploration

        def learner(self, spec):
            return dataclasses.replace(self.inner.learner(spec), lane=self.lane)

    fading = ql.EpsilonGreedy(ql.exponential(0.5, decay=0.999, per="episode"))
    agent = Laned(inner=ql.QLearning(learning_rate=0.8, exploration=fading), lane=lane)
    if lane == 1 or plain:
        episodes //= 5
    ql.train(agent, "NChain-v0", episodes=1, seeds=seeds, progress=False)
    ours, loops = [], []
    for repeat in range(repeats):
        loops.append(tutorial_loop.run(20, 1000, repeat))
        start = time.process_time()
        runs = ql.train(agent, "NChain-v0", episodes=episodes, seeds=seeds, progress=False)
        ours.append(int(runs.num_steps.sum()) / (time.process_time() - start))
    return {"qlearn": statistics.median(ours), "numpy": statistics.median(loops)}


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine_settings", description=__doc__)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.case is not None:
        print(json.dumps(one_case(**json.loads(chosen.case))))
        return
    rows = []
    for name, settings in CASES.items():
        command = [sys.executable, "-m", "benchmarks.engine_settings", "--case", json.dumps(settings)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        speed, ratio = found["qlearn"] / 1e6, found["qlearn"] / found["numpy"]
        rows.append({"case": name, "million_steps_per_second": speed, "ratio": ratio})
        print(f"{name:34} {speed:7.1f} M steps/s {ratio:7.0f} ×", file=sys.stderr)
    lines = ["# The engine's own choices", "", (__doc__ or "").split("\n\n")[1].replace("\n", " "), ""]
    lines += ["100 seeds; the ratio is to the numpy loop in the same process.", ""]
    lines += ["| case | million steps/s | × the numpy loop |", "|---|---|---|"]
    lines += [f"| {r['case']} | {r['million_steps_per_second']:.1f} | {r['ratio']:.0f} |" for r in rows]
    conditions = measure.conditions()
    lines += ["", "Conditions: " + "; ".join(f"{k} {v}" for k, v in conditions.items()) + ".", ""]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "engine.md").write_text("\n".join(lines))
    (RESULTS / "engine.json").write_text(json.dumps({"conditions": conditions, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
