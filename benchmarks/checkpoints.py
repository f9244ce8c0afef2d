"""What a checkpoint costs: seconds to write a replay of 100,000 transitions, and its share of the training time.

``python -m benchmarks.checkpoints`` writes ``benchmarks/results/checkpoints.md`` and ``.json``.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import gymnasium as gym
import numpy as np

from benchmarks import measure

RESULTS = Path(__file__).with_name("results")
DQN = "dqn(mlp(64), adam(0.001), replay=100000, batch_size=32, learning_starts=1000, train_every=4, target_every=500)"
IMAGES = DQN.replace("mlp(64)", "nature-cnn").replace("500)", "500, frames=4)")
LIMIT, SHARE = 1.0, 0.05
STOPPING = 5.0  # seconds that Ctrl-C and SIGTERM may take, a replay of images included
WRITES = [
    ("CartPole-v1, 4 float32, 1 seed", "CartPole-v1", 1),
    ("CartPole-v1, 4 float32, 8 seeds", "CartPole-v1", 8),
    ("Python environment, 4 float32, 1 seed", "CartPole-v1(loop='host')", 1),
]


class Frames(gym.Env):
    """Four frames of 84 × 84, as Atari's are."""

    observation_space, action_space = gym.spaces.Box(0, 255, (4, 84, 84), np.uint8), gym.spaces.Discrete(4)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros((4, 84, 84), np.uint8), {}

    def step(self, action):
        return np.zeros((4, 84, 84), np.uint8), 0.0, False, False, {}


def frames_on_device():
    """The same as functions of JAX."""
    import jax.numpy as jnp

    from qlearn.environments import JaxEnvironment, device_environment

    @device_environment
    class DeviceFrames(JaxEnvironment):
        num_actions, observation_shape, observation_dtype = 4, (4, 84, 84), "uint8"
        time_limit: int | None = 1000
        identity = "DeviceFrames"

        def reset(self, noise):
            return jnp.int32(0)

        def observe(self, state):
            return jnp.zeros((4, 84, 84), jnp.uint8)

        def step(self, state, action, noise, total):
            return state, jnp.float32(0), state < 0

    return DeviceFrames()


def writes(environment, seeds, repeats, agent=DQN):
    """Seconds of freezing and writing, wall and process; and the bytes."""
    from qlearn.engine.schedule import Job
    from qlearn.engine.vector_host_kept import KeptVectorHostRun
    from qlearn.engine.vector_run import VectorRun, lane_width
    from qlearn.engine.worlds import on_device, spec_of
    from qlearn.environments import HostEnvironment, make
    from qlearn.training import parse_agent
    from qlearn.training.checkpoint import Folder

    world, agent = make(environment), parse_agent(agent)
    job = Job(agent, world, np.arange(seeds, dtype=np.uint32), (200_000,), "step")
    if isinstance(world, HostEnvironment):
        run = KeptVectorHostRun(agent, world, job.seeds, job.unit, job.positions)
    else:
        width = lane_width(agent.learner(spec_of(world)), seeds)
        run = VectorRun(agent, on_device(world), job.seeds, job.unit, job.positions, width)
    wall, process = [], []
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # on a disk, where a temporary folder may be memory
        kept = Folder(Path(folder), 0.0)
        for _ in range(repeats):
            _, spent, took = measure.timed(lambda: kept.save(0, run.freeze()))
            wall.append(took)
            process.append(spent)
        size = next(Path(folder).glob("lane-*")).stat().st_size
    return {"wall": statistics.median(wall), "process": statistics.median(process), "bytes": size}


def share(environment, seeds, steps):
    """The share of a training's time that checkpoints take where they are wanted as often as can be."""
    import qlearn as ql
    from qlearn.training import parse_agent
    from qlearn.training.checkpoint import Folder

    spent = []
    save = Folder.save

    def noted(self, lane, arrays):
        save(self, lane, arrays)
        spent.append(self.cost(lane))

    Folder.save = noted
    try:
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            agent = parse_agent(DQN)
            ql.train(agent, environment, seeds=seeds, steps=1000, progress=False)  # compiles
            began = time.perf_counter()
            ql.train(agent, environment, seeds=seeds, steps=steps, checkpoint=folder, every=0.0, progress=False)
            took = time.perf_counter() - began
    finally:
        Folder.save = save
    return {"share": sum(spent[:-1]) / took, "written": len(spent), "last": spent[-1], "seconds": took}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="too small for its figures to count; nothing is written")
    quick = parser.parse_args().quick
    found, lines = {}, []
    for name, environment, seeds in WRITES:
        found[name] = one = writes(environment, seeds, 2 if quick else 7)
        each = one["wall"] / seeds
        met = "met" if each < LIMIT else "**not met**"
        lines.append(
            f"| {name} | {one['bytes'] / 1e6:,.1f} MB | {one['wall']:.3f} s | {one['process']:.3f} s | {met} |"
        )
    pictures = []
    for name, world in (("on the device", frames_on_device()), ("Python environment", Frames)):
        found[f"images, {name}"] = one = writes(world, 1, 1 if quick else 7, IMAGES)
        met = "met" if one["wall"] < STOPPING else "**not met**"
        pictures.append(
            f"| {name} | {one['bytes'] / 1e6:,.1f} MB | {one['wall']:.2f} s | {one['process']:.2f} s | {met} |"
        )
    shares = []
    for name, environment, seeds, steps in (
        ("on the device", "CartPole-v1", 4, 200_000),
        ("Python environment", "CartPole-v1(loop='host')", 4, 30_000),
    ):
        found[name] = one = share(environment, seeds, steps // 20 if quick else steps)
        met = "met" if one["share"] <= SHARE else "**not met**"
        shares.append(
            f"| {name} | {one['seconds']:.1f} s | {one['written']} | {100 * one['share']:.1f}% | {one['last']:.3f} s "
            f"| {met} |"
        )
    text = f"""# What a checkpoint costs

Made by `python -m benchmarks.checkpoints`; {platform.system()}, {os.cpu_count()} cores. DQN on CartPole with a replay
of 100,000 transitions for each seed; everything is frozen, hashed, written, synchronised and renamed. Target: under a
second for each replay.

| what | file | wall time | process time | target |
|---|---|---|---|---|
{chr(10).join(lines)}

A replay of 100,000 frames of 84 × 84 uint8, stacked by four when they are sampled (`frames=4`), of one seed. Nothing is
copied before it is written. Target: what Ctrl-C and SIGTERM may take, five seconds.

| loop | file | wall time | process time | target |
|---|---|---|---|---|
{chr(10).join(pictures)}

Checkpoints wanted as often as can be (`every=0`), as a share of the training time; target: 5% at most. The last
one, which is written when the training ends, is not counted in the share and stands beside it.

| training | wall time | written | share | the last | target |
|---|---|---|---|---|---|
{chr(10).join(shares)}
"""
    print(text)
    if not quick:
        (RESULTS / "checkpoints.md").write_text(text)
        (RESULTS / "checkpoints.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
