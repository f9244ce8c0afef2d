"""Learning that runs away: flagged with its step, counted, never dropped.

``make faults`` tries everything and writes ``tests/faults/logs/divergence.md``; the test suite tries a sample.
"""

import datetime as dt
import functools
import os
import platform
import sys
import warnings
from pathlib import Path

import gymnasium as gym
import numpy as np
from gymnasium import spaces

os.environ.setdefault("KERAS_BACKEND", "jax")  # Keras is imported before qlearn here
LOG = Path(__file__).with_name("logs") / "divergence.md"
SEEDS = 4


class Star(gym.Env):
    """Baird's counterexample, as he gave it: each of seven states is updated as often, towards the seventh's value.

    An episode is one step from a random state to the lower one, and truncated there, so that learning goes on through
    it.  Every reward is 0; with the book's features semi-gradient updates diverge at any learning rate.
    """

    observation_space, action_space = spaces.Box(0, 2, (8,), np.float32), spaces.Discrete(2)

    def __init__(self):
        from qlearn.environments.problems import baird_features

        self.features = baird_features().astype(np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.features[self.np_random.integers(7)], {}

    def step(self, action):
        return self.features[6], 0.0, False, True, {}


class Paying(gym.Env):
    """Five steps an episode; one reward is not what it should be."""

    observation_space, action_space = spaces.Box(-1, 1, (1,), np.float32), spaces.Discrete(2)

    def __init__(self, reward):
        self.reward, self.steps = reward, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.ones(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        reward = self.reward if self.steps == 12 else 1.0
        return np.ones(1, np.float32), reward, self.steps % 5 == 0, False, {}


def wild():
    """What runs away: name → (agent, environment, budget)."""
    import keras

    import qlearn as ql

    line = keras.Sequential(
        [keras.layers.Input((8,)), keras.layers.Dense(2, use_bias=False, kernel_initializer="ones")]
    )
    huge = keras.optimizers.SGD(1e3)
    on_baird = ql.OnlineQNetwork(line, keras.optimizers.SGD(0.1), discount=0.99, exploration=ql.EpsilonGreedy(1.0))
    return {
        "table, learning rate 1,000": (ql.QLearning(learning_rate=1000.0), "NChain-v0", {"episodes": 5}),
        "network online, learning rate 1,000": (ql.OnlineQNetwork(ql.mlp(8), huge), "CartPole-v1", {"steps": 2000}),
        "DQN, learning rate 1,000": (
            ql.DQN(ql.mlp(8), huge, replay=500, batch_size=8, learning_starts=50, train_every=4, loss="squared"),
            "CartPole-v1",
            {"steps": 4000},
        ),
        "network on the host, learning rate 1,000": (
            ql.OnlineQNetwork(ql.mlp(8), huge), functools.partial(Paying, 1.0), {"steps": 500},
        ),
        "linear, Baird's counterexample": (on_baird, Star, {"steps": 3000}),
    }  # fmt: skip


def wrong_with(agent, environment, budget):
    """Train what runs away; what did not hold, in words, and what was flagged."""
    import qlearn as ql

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = ql.compare([agent], environment, seeds=SEEDS, snapshots=0, progress=False, **budget)
    row, wrong = found.agents[0], []
    runs = row.runs
    if not runs.diverged.all():
        wrong.append(f"{int(runs.diverged.sum())} of {SEEDS} are flagged")
    if len(runs.seeds) != SEEDS or len(row.exact_return) != SEEDS or not np.isfinite(row.exact_return).all():
        wrong.append("runs were dropped")
    if row.num_diverged != int(runs.diverged.sum()) or found.scores.failures(row.name)[0] != row.num_diverged:
        wrong.append("they are not counted")
    if f"Failed: {row.name} in {SEEDS} of {SEEDS} runs" not in found.verdict:
        wrong.append("the verdict does not say so")
    steps = None if runs.diverged_at is None else runs.diverged_at.tolist()
    if steps is not None and (min(steps) <= 0 or not any(f"step {steps[0]:,}" in str(one.message) for one in said)):
        wrong.append("no warning names the step")
    return wrong, steps


def infinite():
    """What an infinite reward is told as, or what did not hold."""
    import keras

    import qlearn as ql

    agent, wrong = ql.OnlineQNetwork(ql.mlp(8), keras.optimizers.SGD(1e-3)), []
    for reward in (float("inf"), float("nan"), 1e39):
        try:
            ql.train(agent, functools.partial(Paying, reward), steps=100, seeds=1)
            wrong.append(f"{reward} went through")
        except ql.EnvironmentFault as fault:
            if "episode 2, step 1)" not in str(fault) or "gave the reward" not in str(fault):
                wrong.append(str(fault))
    try:
        ql.FiniteMDP.from_arrays(np.full((1, 1, 1), 1.0), float("inf"))
        wrong.append("a model with an infinite reward was made")
    except ql.InputError:
        pass
    return wrong


def main():
    """Try everything, write the log; 1 where something did not hold."""
    rows, failed = [], 0
    for name, (agent, environment, budget) in wild().items():
        wrong, steps = wrong_with(agent, environment, budget)
        failed += bool(wrong)
        where = "its table holds no number" if steps is None else ", ".join(f"{step:,}" for step in steps)
        rows.append(f"| {name} | {where} | {'; '.join(wrong) or 'held'} |")
    wrong = infinite()
    failed += bool(wrong)
    rows.append(f"| infinite reward | refused where it comes: episode 2, step 1 | {'; '.join(wrong) or 'held'} |")
    lines = [
        "# Learning that runs away",
        "",
        f"Made by `make faults` on {dt.date.today()}: Python {platform.python_version()}, {SEEDS} seeds each. Every "
        "run has to be flagged with its step, to stay in the comparison and to be told in its verdict.",
        "",
        "| what | flagged at step, for each seed | |",
        "| --- | --- | --- |",
        *rows,
    ]
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
