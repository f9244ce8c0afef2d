"""How long the statistics of 10 agents on 10 tasks over 100 seeds take: `python -m benchmarks.statistics_speed`."""

import json
import platform
import time
from pathlib import Path

import numpy as np

from benchmarks import measure

RESULTS = Path(__file__).parent / "results"
AGENTS, TASKS, SEEDS, RESAMPLES = 10, 10, 100, 10_000
TARGET = 5.0


def scores():
    """Made-up scores in which agents differ a little and share their seeds' noise."""
    from qlearn.comparison import Scores

    random = np.random.default_rng(0)
    cells = {}
    for task in range(TASKS):
        common = random.normal(0.5, 0.1, SEEDS)
        for agent in range(AGENTS):
            cells[f"agent {agent}", f"task {task}"] = common + random.normal(0.01 * agent, 0.1, SEEDS)
    tasks = [f"task {task}" for task in range(TASKS)]
    return Scores(cells, paired=True, optimum=dict.fromkeys(tasks, 1.0), control=dict.fromkeys(tasks, 0.0))


def parts(found):
    """The parts of the work, by name."""
    from qlearn.statistics import step_down

    values = [[found.cells[agent, task].values for agent in found.agents] for task in found.tasks]
    return {
        f"interquartile means, {RESAMPLES:,} resamples each": lambda: found.across.interquartile_means,
        "performance profiles with bands": found.across.profiles,
        "probabilities of improvement over tasks, 45 pairs": lambda: found.across.improvements,
        "450 differences with intervals, Holm's correction": lambda: found.pairs,
        f"450 differences step-down, {RESAMPLES:,} flips": lambda: step_down(values, paired=True, resamples=RESAMPLES),
        "the verdict, on top of these": lambda: found.verdict,
    }


def measured():
    """Process and wall seconds of every part, in a process that holds one core."""
    measure.pin()
    found, rows = scores(), []
    for name, work in parts(found).items():
        process, wall = time.process_time(), time.perf_counter()
        work()
        rows.append({"what": name, "process": time.process_time() - process, "wall": time.perf_counter() - wall})
    return rows


def main():
    rows = measured()
    total = {key: sum(row[key] for row in rows) for key in ("process", "wall")}
    told = {"rows": rows, "total": total, "target": TARGET, "machine": platform.processor() or platform.machine()}
    (RESULTS / "statistics.json").write_text(json.dumps(told, indent=1) + "\n")
    lines = [
        "# Speed of the statistics",
        "",
        f"{AGENTS} agents × {TASKS} tasks × {SEEDS} seeds, {RESAMPLES:,} resamples, one core; made by "
        "`python -m benchmarks.statistics_speed`.",
        f"The target is {TARGET:g} s in all: {'met' if total['process'] < TARGET else '**not met**'}.",
        "",
        "| what | seconds of process time | of wall time |",
        "| --- | --- | --- |",
        *(f"| {row['what']} | {row['process']:.2f} | {row['wall']:.2f} |" for row in rows),
        f"| all | {total['process']:.2f} | {total['wall']:.2f} |",
    ]
    (RESULTS / "statistics.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
