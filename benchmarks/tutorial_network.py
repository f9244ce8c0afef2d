"""The tutorial's Keras network: its own loop against qlearn's, `python -m benchmarks.tutorial_network`.

One core, in one process and in one run, contestants taking turns.  Writes benchmarks/results/tutorial_network.md and
tutorial_network.json; a quick run is only printed.

The yardstick is the tutorial's loop on today's Keras with its JAX backend: three calls of `predict` (two where the
action is random) and one of `fit` at every step, here without their progress bars, on the chain of
`tutorial_loop.py`, which is faster than one in Gym's wrappers.  The second row is the same loop with the calls that
Keras has for single batches.
"""

# ruff: noqa: NPY002 (tutorials draw from the global generator)

import argparse
import json
import sys
from functools import cached_property, partial
from pathlib import Path

from benchmarks import measure, report
from benchmarks.tutorial_loop import ACTIONS, NChain

RESULTS = Path(__file__).with_name("results")
TITLE = "The tutorial's Keras network on NChain: its own loop, and qlearn's"
FIT, BATCH = "the tutorial's loop: predict, fit", "the same with predict_on_batch, train_on_batch"
ONE, MANY = "qlearn, 1 seed", "qlearn, 30 seeds"
TARGETS = {ONE: 1000, MANY: 5000}
DISCOUNT, STATES = 0.95, 5


class KerasLoop:
    """The tutorial's loop over one network, which it goes on training from call to call.

    Args:
        single: whether to use the calls for single batches.
    """

    def __init__(self, single):
        self.single, self.env, self.epsilon = single, NChain(), 0.5
        self.state = None

    @cached_property
    def model(self):
        import keras

        layers = keras.layers
        model = keras.Sequential([keras.Input((STATES,)), layers.Dense(10, "sigmoid"), layers.Dense(ACTIONS)])
        model.compile(loss="mse", optimizer="adam")
        return model

    def predict(self, inputs):
        return self.model.predict_on_batch(inputs) if self.single else self.model.predict(inputs, verbose=0)

    def fit(self, inputs, targets):
        if self.single:
            self.model.train_on_batch(inputs, targets)
        else:
            self.model.fit(inputs, targets, epochs=1, verbose=0)

    def run(self, steps):
        """Learn for so many steps; returns their number."""
        import numpy as np

        for _ in range(steps):
            if self.state is None:
                self.state, _ = self.env.reset()
                self.epsilon *= 0.999
            inputs = np.identity(STATES)[self.state : self.state + 1]
            if np.random.random() < self.epsilon:
                action = np.random.randint(0, ACTIONS)
            else:
                action = np.argmax(self.predict(inputs))
            following, reward, terminated, truncated, _ = self.env.step(action)
            target = reward + DISCOUNT * np.max(self.predict(np.identity(STATES)[following : following + 1]))
            targets = np.array(self.predict(inputs))
            targets[0, action] = target
            self.fit(inputs, targets)
            self.state = None if terminated or truncated else following
        return steps


def train(seeds, episodes):
    """Train qlearn's and say how many steps that was."""
    import qlearn as ql

    runs = ql.train(ql.tutorial_network(), "NChain-v0", episodes=episodes, seeds=seeds, progress=False)
    return int(runs.num_steps.sum())


def race(quick):
    """Rows and samples of all contestants."""
    small = 100 if quick else 1
    contestants = {
        FIT: partial(KerasLoop(single=False).run, 2000 // small),
        BATCH: partial(KerasLoop(single=True).run, 5000 // small),
        ONE: partial(train, 1, max(1, 500 // small)),
        MANY: partial(train, 30, max(1, 100 // small)),
    }
    timings, failed = measure.alternate(contestants, repeats=2 if quick else measure.REPEATS)
    if failed:
        raise RuntimeError(f"contestants failed: {failed}")
    samples = {name: {**vars(result), "compile_wall": result.compile_time()} for name, result in timings.items()}
    return {"rows": [row(timings, name) for name in timings], "yardstick": FIT, "samples": samples}


def row(timings, name):
    """One contestant: its speed, and how many times as fast as the yardstick it was in the same turn."""
    ratio = ratio_wall = None
    if name != FIT:
        ratio, ratio_wall = (measure.ratios(timings, name, FIT, clock) for clock in ("process", "wall"))
    target = TARGETS.get(name)
    return {
        "what": name,
        "ratio": ratio,
        "ratio_wall": ratio_wall,
        "absolute": {**measure.spread(timings[name].rate()), "unit": "steps/s"},
        "target": f"≥ {target:,} ×" if target else None,
        "met": ratio["median"] >= target if target and ratio else None,
    }


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tutorial_network", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small runs, to see that everything works")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: benchmarks/results)")
    chosen = parser.parse_args()
    conditions = {**measure.conditions(), "keras": measure.version("keras")}
    conditions["pinned_to_one_core"] = measure.pin() is not None  # before JAX counts cores
    found = {"title": TITLE, "quick": chosen.quick, "conditions": conditions, **race(chosen.quick)}
    found["notes"] = [
        "Sigmoid network of ten units, Adam, batches of one step; all rows learn at every step. Seeds of qlearn's are "
        "summed. Keras on its JAX backend in all rows.",
    ]
    text = "# The tutorial's network\n\n" + (__doc__ or "").split("\n\n")[2].strip() + "\n\n" + report.section(found)
    print(text)
    folder = chosen.out or (None if chosen.quick else RESULTS)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tutorial_network.md").write_text(text)
        (folder / "tutorial_network.json").write_text(json.dumps(found, indent=1) + "\n")
        print(f"Written: {folder / 'tutorial_network.md'} and tutorial_network.json", file=sys.stderr)


if __name__ == "__main__":
    main()
