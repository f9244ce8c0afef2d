"""How fast tile-coded Sarsa learns mountain car: `python -m benchmarks.linear_race`.

One core, process time, contestants in turn; 8 tilings of 9 × 9 tiles, α 0.5 / 8. The plain loops stand in
benchmarks/linear_loop.py. Writes benchmarks/results/linear.md and linear.json.
"""

import argparse
import json
from functools import partial
from pathlib import Path

from benchmarks import contests, linear_loop, measure, report

RESULTS = Path(__file__).with_name("results")
HASHED, LEAN, TRACES = "plain loop, hashed tiles", "NumPy loop, places computed at once", "NumPy loop, λ 0.9"
SEEDS = 128
HEAD = """# Linear agents raced

Made by `python -m benchmarks.linear_race`. A ratio is how many times as many steps per second as the yardstick in the
first row of its table; it is taken within a turn, contestants taking turns, and given as the median with the lowest and
the highest turn.
"""


def sarsa(ql, **settings):
    """The agent of the book's figures."""
    tiles = ql.TileCoding(tilings=8, tiles=8, low=linear_loop.LOW, high=linear_loop.HIGH)
    return ql.LinearSarsa(tiles, learning_rate=0.5, discount=1.0, exploration=ql.EpsilonGreedy(0.0), **settings)


def against(title, yardsticks, agents, targets, quick):
    """One table: loops of one seed, and our agents with 1 and 128 seeds."""
    steps, many = (2_000, 2_000) if quick else (20_000, 20_000)
    world = "MountainCar-v0(max_position=0.5, max_episode_steps=None)"
    contestants = {name: partial(contests.steps_of, steps, loop, steps, 0) for name, loop in yardsticks.items()}
    for name, (settings, seeds) in agents.items():
        make = partial(sarsa, **settings)
        budget = many if seeds > 1 else 50 * steps
        contestants[name] = partial(contests.train_steps, make, world, seeds, steps=budget)
    return {"title": title, "quick": quick, **contests.race(contestants, next(iter(yardsticks)), targets)}


def sections(quick):
    """All tables, with the conditions that they hold for."""
    where = {**measure.conditions(), "pinned_to_one_core": True}
    one, many = "qlearn, Sarsa, 1 seed", f"qlearn, Sarsa, {SEEDS} seeds"
    eight, traced = f"qlearn, 8-step Sarsa, {SEEDS} seeds", f"qlearn, Sarsa(λ), {SEEDS} seeds"
    replacing = {"trace_decay": 0.9, "traces": "replacing"}
    yield {
        **against(
            "Tile-coded Sarsa on mountain car, one step and eight",
            {HASHED: linear_loop.learn_with_hashes, LEAN: linear_loop.learn_leanly},
            {one: ({}, 1), many: ({}, SEEDS), eight: ({"n": 8}, SEEDS)},
            {many: 50},
            quick,
        ),
        "notes": ["The target is the issue's: 50 times the book's well-known Python reproduction, 128 seeds."],
        "conditions": where,
    }
    yield {
        **against(
            "Tile-coded Sarsa(0.9) on mountain car, replacing traces",
            {TRACES: partial(linear_loop.learn_leanly, decay=0.9)},
            {traced: (replacing, SEEDS)},
            {traced: 50},
            quick,
        ),
        "notes": ["Both let all 1,944 traces decay at every step."],
        "conditions": where,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    assert measure.pin() is not None, "one core cannot be kept to on this system"
    found = list(sections(quick))
    text = "\n".join([HEAD, *map(report.section, found)])
    print(text)
    if not quick:
        (RESULTS / "linear.json").write_text(json.dumps(found, indent=1) + "\n")
        (RESULTS / "linear.md").write_text(text)


if __name__ == "__main__":
    main()
