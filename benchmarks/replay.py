"""What drawing by priority costs beside drawing evenly: `python -m benchmarks.replay [--quick]`.

A million transitions of one seed; batches are drawn and fetched in a loop on the device, every turn other ones. Three contestants take turns: places drawn evenly; by priority, with importance weights; and by priority with the new priorities written back, which drawing evenly has no need of. Then both in whole updates of a DQN. Written into benchmarks/results/replay.md and replay.json.
"""  # noqa: E501 - the second paragraph is printed as it is

import argparse
import json
import os
import sys
from pathlib import Path

from benchmarks import measure, report

RESULTS = Path(__file__).with_name("results")
PLACES = 1_000_000
TARGET = 1.5  # times what drawing evenly costs
EVEN, RANKED, RATED = "evenly", "by priority", "by priority, with new priorities written"
KINDS = {
    "4 numbers, as CartPole's": ((4,), "float32"),
    "10 × 10 × 4 bits, as MinAtar's": ((10, 10, 4), "bool"),
}


def filled(shape, dtype):
    """A full ring, and its priorities, exponentially distributed."""
    import jax.numpy as jnp
    import numpy as np

    from qlearn.agents import Priorities, Spec
    from qlearn.agents.priorities import Ranked, Ranking
    from qlearn.agents.replay import Ring

    rng, ring = np.random.default_rng(0), Ring.of(Spec(0, 2, None, None, shape, dtype), PLACES, 1)
    replay = ring.empty()
    rows = rng.random(replay.rows.shape, np.float32)
    parts = [None if x is None else jnp.asarray(rng.random(x.shape, np.float32) > 0.5) for x in replay[1:]]
    ranking = Ranking(Priorities(), PLACES, 1, 1)
    leaves = np.zeros(1 << ranking.tree.depth, np.float32)
    leaves[:PLACES] = rng.exponential(size=PLACES) ** 0.6
    levels = [leaves]
    while levels[0].size > 1:
        levels.insert(0, levels[0].reshape(-1, 2).sum(axis=1))
    nodes = jnp.asarray(np.concatenate([np.zeros(1, np.float32), *levels]))
    return (
        ring,
        replay._replace(rows=jnp.asarray(rows), observation=parts[0], next_observation=parts[1]),
        (
            ranking,
            Ranked(nodes, jnp.float32(leaves.max())),
        ),
    )


def drawing(kind, batch, batches):
    """Contestants by name, each a function that draws so many batches and returns how many."""
    import jax
    import jax.numpy as jnp

    from qlearn.agents import Clock
    from qlearn.engine import noise

    ring, replay, (ranking, begun) = filled(*KINDS[kind])
    zero, full, yes = jnp.zeros(1, jnp.uint32), jnp.uint32(PLACES), jnp.asarray(True)

    def used(outcomes, weights):
        """All of a batch, so that nothing of it is left out."""
        sums = [jnp.sum(x.astype(jnp.float32)) for x in jax.tree.leaves(outcomes)]
        return sum(sums) + jnp.sum(weights)

    def loop(way):
        def one(state, total):
            so_far, ranked = state
            place = noise.at(jnp.uint32(0), noise.UPDATE, jnp.uint32(0), total)
            if way == EVEN:
                places, weights = ring.draw(place, 0, batch, full), jnp.ones(1)
            else:
                places, weights = ranking.draw(ranked, place, 0, batch, Clock(zero, zero, total))
            outcomes = ring.take(replay_now[0], places, 1, 0.99)
            if way == RATED:
                errors = jnp.abs(outcomes.reward) * weights  # a learner's wait for the weights too; else XLA copies
                ranked = ranking.rate(ranked, places, errors, yes)
            return (so_far + used(outcomes, weights), ranked), None

        replay_now = [None]

        def run(replay, ranked, first):
            replay_now[0] = replay
            totals = first + jnp.arange(batches, dtype=jnp.uint32)
            return jax.lax.scan(one, (jnp.float32(0), ranked), totals)[0]

        program = jax.jit(run, donate_argnums=1)
        held = {"ranked": jax.tree.map(jnp.copy, begun), "first": 0}

        def work():
            _, held["ranked"] = jax.block_until_ready(program(replay, held["ranked"], jnp.uint32(held["first"])))
            held["first"] += batches  # other batches every time: those just fetched lie in the cache
            return batches

        return work

    return {way: loop(way) for way in (EVEN, RANKED, RATED)}


def training(batches):
    """Whole updates of a DQN, evenly and by priority."""
    import keras

    import qlearn as ql

    def agent(**switches):
        usual = {"replay": PLACES, "learning_starts": 1000, "batch_size": 128, "train_every": 10}
        return ql.DQN(ql.mlp(120, 84), keras.optimizers.Adam(2.5e-4), **usual, **switches)

    def work(agent):
        def train():
            return ql.train(agent, "CartPole-v1", steps=10 * batches, seeds=1, progress=False).num_steps[0] / 10

        return train

    return {EVEN: work(agent()), RATED: work(agent(priorities=ql.Priorities()))}


def section(title, timings, failed):
    """One table: how many times the cost of drawing evenly."""
    rows = []
    for name, found in timings.items():
        costs = [1e6 / rate for rate in found.rate("process")]
        ratio = measure.ratios(timings, EVEN, name)
        target = f"at most {TARGET} ×" if name == RANKED else None
        rows.append(
            {
                "what": name,
                "ratio": ratio,
                "ratio_wall": measure.ratios(timings, EVEN, name, "wall"),
                "absolute": measure.spread(costs) | {"unit": "µs a batch"},
                "target": target,
                "met": ratio["median"] <= TARGET if target else None,
            }
        )
    rows += [{"what": name, "ratio": None, "ratio_wall": None, "absolute": None, "target": None, "met": None}
             | {"failed": error} for name, error in failed.items()]  # fmt: skip
    found = {"title": title, "rows": rows, "conditions": measure.conditions() | {"pinned_to_one_core": True}}
    if hasattr(os, "getloadavg"):
        found["notes"] = [f"Load average at the end: {os.getloadavg()[0]:.0f}."]
    return found


HEAD = """# Drawing by priority

Made by `python -m benchmarks.replay`. A ratio is how many times the process time of drawing evenly, taken within a
turn, contestants taking turns; given as the median with the lowest and the highest turn.
"""


def main():
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small runs, to see that everything works")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: benchmarks/results)")
    chosen = parser.parse_args()
    measure.pin()  # before JAX is imported
    batches, repeats = (200, 2) if chosen.quick else (2000, measure.REPEATS)
    sections = {}
    for kind in KINDS:
        for batch in (32, 128):
            title = f"A batch of {batch} among {PLACES:,}, observations of {kind}"
            sections[title] = section(title, *measure.alternate(drawing(kind, batch, batches), repeats))
    title = f"Updates of DQN on CartPole, a batch of 128, a replay of {PLACES:,}, environment and network included"
    sections[title] = section(title, *measure.alternate(training(batches), repeats))
    page = "\n".join([HEAD, *(report.section(one | {"quick": chosen.quick}) for one in sections.values())])
    print(page)
    folder = chosen.out or (None if chosen.quick else RESULTS)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "replay.md").write_text(page)
        (folder / "replay.json").write_text(json.dumps(sections, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
