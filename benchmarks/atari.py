"""Frames and Atari: `python -m benchmarks.atari` writes benchmarks/results/atari.md.

Two questions.  How many bytes does a replay take that keeps every frame once?  And what does the host loop cost beside
what it cannot do without: ALE's own vector environment, and the compiled calls that act and learn?  These are timed
alone, on arrays of the same shapes, and the whole loop beside them, turn and turn about; process time of all threads.
"""

import argparse
import datetime as dt
import platform
import statistics
import time
from pathlib import Path

import numpy as np

from benchmarks.measure import pin

RESULTS = Path(__file__).with_name("results") / "atari.md"
GAME = "ALE/Breakout-v5(num_threads=1)"
COPIES, PERIOD, BATCH, REPLAY, STARTS = 8, 1, 32, 49_152, 256
TARGET, BYTES = 1.3, 1.1


def agent(frames=4, starts=STARTS):
    import keras

    import qlearn as ql

    return ql.DQN(
        ql.nature_cnn(),
        keras.optimizers.Adam(1e-4),
        frames=frames,
        replay=REPLAY,
        batch_size=BATCH,
        learning_starts=starts,
        train_every=COPIES * PERIOD,
        num_environments=COPIES,
        target_every=COPIES * PERIOD * 100,
    )


def environment_alone(steps):
    """Seconds of one step of all copies, as ALE itself steps them."""
    import gymnasium as gym
    from gymnasium.vector import AutoresetMode

    import qlearn as ql

    ql.make(GAME)  # which registers the games
    how = {"vectorization_mode": "vector_entry_point", "autoreset_mode": AutoresetMode.SAME_STEP, "num_threads": 1}
    envs = gym.make_vec("ALE/Breakout-v5", COPIES, **how)
    envs.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 4, (steps, COPIES))
    began = time.process_time()
    for row in actions:
        envs.step(row)
    took = time.process_time() - began
    envs.close()
    return took / steps


class Network:
    """The compiled calls of one step of all copies, alone: acting, storing, and learning where it is due."""

    def __init__(self, described):
        import qlearn as ql
        from qlearn.engine.vector_host_programs import HostPrograms
        from qlearn.engine.worlds import spec_of

        spec = spec_of(ql.make(GAME))
        self.programs = HostPrograms(described, spec, 1, np.zeros(1, np.uint32))
        self.state = self.programs.begin()
        rng = np.random.default_rng(0)
        self.seen = rng.integers(0, 256, (1, COPIES, *spec.observation_shape), np.uint8)
        self.now = np.zeros((1, 2 * COPIES + 1), np.uint32)
        piece = rng.integers(0, 256, (1, PERIOD, COPIES, *spec.observation_shape), np.uint8)
        flat = (1, PERIOD, COPIES)
        none = np.zeros(flat, bool)
        self.columns = (piece, np.zeros(flat, np.int32), np.zeros(flat, np.float32), piece.copy(), none, none.copy())

    def seconds(self, steps):
        began = time.process_time()
        for step in range(steps):
            _, self.state = self.programs.act(self.state, self.seen, self.now.copy())
            self.now[:, -1] += COPIES
            if step % PERIOD == PERIOD - 1:
                self.state, _ = self.programs.learn(self.state, self.columns, self.now.copy())
        return (time.process_time() - began) / steps


def loop(described, steps, warm):
    """Seconds of a step of all copies in the whole loop, after some that do not count."""
    import qlearn as ql
    from qlearn.engine.vector_host_run import VectorHostRun

    def whole(made):
        run = VectorHostRun(described, ql.make(GAME), np.zeros(1, np.int64), "step", (made * COPIES,))
        began = time.process_time()
        run.run(lambda: False, lambda done: None)
        return time.process_time() - began

    return (whole(warm + steps) - whole(warm)) / steps


def turns(described, steps, count):
    """Seconds of each turn."""
    network, found = Network(described), {"environment": [], "network": [], "loop": []}
    network.seconds(STARTS // COPIES + 5)  # compiles, and fills the replay until it learns
    loop(described, 1, 2)
    for _ in range(count):
        found["environment"].append(environment_alone(steps))
        found["network"].append(network.seconds(steps))
        found["loop"].append(loop(described, steps, STARTS // COPIES + 5))
    return found


def frame_bytes():
    """Bytes of a million steps: with each frame once, and as whole stacks, for a frame of 84 × 84."""
    from qlearn.agents.frames import FrameRing
    from qlearn.agents.learner import Spec
    from qlearn.agents.replay import Ring

    places, frame = 1_000_000, 84 * 84
    rows = []
    for words, limit in (("Atari's limit of 27,000 steps", 27_000), ("no limit known", None)):
        spec = Spec(0, 4, limit, None, (4, 84, 84), "uint8")
        once, whole = FrameRing.stacked(spec, places, 8, 8).num_bytes, Ring.of(spec, places, 8).num_bytes
        rows.append((words, once / (places * frame), once, whole))
    return rows


def page(found, kept):
    ratios = [a / (b + c) for a, b, c in zip(found["loop"], found["environment"], found["network"], strict=True)]
    middle = statistics.median(ratios)
    lines = ["# Frames and Atari", "", "Made by `python -m benchmarks.atari`.", "", "## A replay of a million steps"]
    lines += ["", "| truncated episodes | bytes of the frames | each frame once | whole stacks | target | met |"]
    lines += ["|---|---|---|---|---|---|"]
    lines += [
        f"| {words} | {ratio:.3f} × | {once / 1e9:.2f} GB | {whole / 1e9:.2f} GB | at most {BYTES} × | "
        f"{'met' if ratio <= BYTES else '**not met**'} |"
        for words, ratio, once, whole in kept
    ]
    lines += ["", f"## The host loop on ALE's vector environment, {COPIES} copies of Breakout", ""]
    lines += ["| a step of all copies | median | lowest to highest |", "|---|---|---|"]
    names = {"environment": "ALE alone", "network": "the compiled calls alone", "loop": "the whole loop"}
    for key, words in names.items():
        some = [1e3 * x for x in found[key]]
        lines.append(f"| {words} | {statistics.median(some):.2f} ms | {min(some):.2f}–{max(some):.2f} |")
    met = "met" if middle <= TARGET else "**not met**"
    lines += ["", f"The loop takes {middle:.2f} × ({min(ratios):.2f}–{max(ratios):.2f}) of what ALE and the network"]
    lines += [f"take by themselves; target: at most {TARGET} ×: {met}.", ""]
    lines += [f"- DQN with `nature_cnn()`, a gradient step on {BATCH} stacks after every step of the {COPIES} copies."]
    machine = platform.processor() or platform.machine()
    lines += [f"- {dt.date.today()}; {machine}; process time, one core, one thread of ALE's."]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer steps, printed and not written")
    quick = parser.parse_args().quick
    pin()
    text = page(turns(agent(), 40 if quick else 100, 2 if quick else 3), frame_bytes())
    print(text)
    if not quick:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
