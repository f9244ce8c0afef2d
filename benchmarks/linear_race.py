"""How fast tile-coded Sarsa learns mountain car: `python -m benchmarks.linear_race [--quick] [--peers PYTHON]`.

Writes benchmarks/results/linear.md and linear.json.  One core, process time, contestants in turn; 8 tilings of 9 × 9
tiles, α 0.5 / 8.  The plain loops stand in benchmarks/linear_loop.py; for MushroomRL see benchmarks/tabular_race.py.
"""

import argparse
import functools
import json
import os
from pathlib import Path

from benchmarks import linear_loop, measure, report
from benchmarks.networks_race import Against, Peer, section, training

RESULTS = Path(__file__).with_name("results")
HASHED, LEAN, TRACES = "plain loop, hashed tiles", "NumPy loop, places at once", "NumPy loop, λ 0.9"
SEEDS, DECAY = 128, 0.9
HEAD = """# Linear agents

Made by `python -m benchmarks.linear_race`. One core, process time, contestants in turn; medians with the lowest and the
highest turn. Tile-coded Sarsa on mountain car, 8 tilings of 9 × 9 tiles. The loops are those of
`benchmarks/linear_loop.py`: one seed each, the first as the book's software finds its tiles, the second leaner. A row
"A / B" says how many times as many steps per second A makes as B, turn by turn.
"""


def sarsa(**settings):
    """The agent of the book's figures."""
    import qlearn as ql

    tiles = ql.TileCoding(tilings=8, tiles=8, low=linear_loop.LOW, high=linear_loop.HIGH)
    return ql.LinearSarsa(tiles, learning_rate=0.5, discount=1.0, exploration=ql.EpsilonGreedy(0.0), **settings)


def peer(interpreter, decay, steps):
    """MushroomRL, where it is installed."""
    return (
        {}
        if interpreter is None
        else {f"MushroomRL, λ {decay:g}": Peer(interpreter, "mushroom_tiles.py", decay, steps)}
    )


def sections(quick, interpreter):
    """One step and eight, and traces."""
    import qlearn as ql

    world, small = ql.make("MountainCar-v0", max_position=0.5, max_episode_steps=None), 10 if quick else 1
    steps = 20_000 // small
    one, many, eight = "Sarsa, 1 seed", f"Sarsa, {SEEDS} seeds", f"8-step Sarsa, {SEEDS} seeds"
    theirs, traced = peer(interpreter, 0.0, 5000 // small), f"Sarsa({DECAY:g}), {SEEDS} seeds"
    contestants = {
        HASHED: functools.partial(steps_of, linear_loop.learn_with_hashes, steps),
        LEAN: functools.partial(steps_of, linear_loop.learn_leanly, steps),
        **theirs,
        one: training(sarsa(), world, 1, 50 * steps),
        many: training(sarsa(), world, SEEDS, steps),
        eight: training(sarsa(n=8), world, SEEDS, steps),
    }
    against = [Against(many, other, 50) for other in (HASHED, LEAN, *theirs)]
    yield section(
        "One step and eight", contestants, {}, [*against, Against(one, HASHED), Against(eight, HASHED)], quick
    )
    theirs = peer(interpreter, DECAY, 5000 // small)
    contestants = {
        TRACES: functools.partial(steps_of, functools.partial(linear_loop.learn_leanly, decay=DECAY), steps),
        **theirs,
        traced: training(sarsa(trace_decay=DECAY, traces="replacing"), world, SEEDS, steps),
    }
    yield section("Traces", contestants, {}, [Against(traced, other, 50) for other in (TRACES, *theirs)], quick)


def steps_of(learn, steps):
    """Learn and say how many steps that was."""
    learn(steps, 0)
    return steps


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.linear_race",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--peers", metavar="PYTHON", default=os.environ.get("QLEARN_PEERS"), help="their interpreter")
    parser.add_argument("--quick", action="store_true", help="short runs, which are printed and not written")
    chosen = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    measure.pin()
    found = [{"quick": chosen.quick, **one} for one in sections(chosen.quick, chosen.peers)]
    text = "\n".join([HEAD, *map(report.section, found)])
    print(text)
    if not chosen.quick:
        (RESULTS / "linear.md").write_text(text)
        (RESULTS / "linear.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
