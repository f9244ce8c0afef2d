"""Every agent, in both loops: half and then the whole is the whole, to the bit."""

import jax
import numpy as np
import pytest

import qlearn as ql
from qlearn.training import agents_by_name, parse_agent

FEATURES = "tile-coding(tilings=2, tiles=3, low=(-4.8, -5, -0.42, -5), high=(4.8, 5, 0.42, 5))"
SETTINGS = {
    "dqn": "mlp(4), adam(0.01), replay=60, batch_size=8, learning_starts=20, train_every=5, target_every=20, n_step=3",
    "linear-expected-sarsa": FEATURES,
    "linear-q-learning": FEATURES,
    "linear-sarsa": FEATURES + ", trace_decay=0.5",
    "linear-prediction": FEATURES,
    "online-q-network": "mlp(4), adam(0.01)",
    "pqn": "mlp(4), adam(0.01), num_environments=2, num_steps=5, minibatches=2",
    "r-max": "reward_max=10",
    "stream-q": "mlp(4)",
    "ucrl2": "reward_max=10",
}
OTHERS = {"preset", "faulty"}  # names of agents that have names of their own
NAMES = sorted(name for name in agents_by_name() if name not in OTHERS and not name.startswith("tutorial-"))
IN_TEST_RESUME = {  # on the device
    *("q-learning", "double-q-learning", "n-step-sarsa", "sarsa-lambda", "monte-carlo-control", "dyna-q-plus", "r-max"),
    *("posterior-sampling", "td-lambda", "linear-sarsa", "online-q-network", "stream-q", "dqn", "pqn"),
}
CASES = [(name, "host") for name in NAMES] + [(name, "device") for name in NAMES if name not in IN_TEST_RESUME]


def world_of(name, loop):
    if name.startswith("linear") or name in ("dqn", "pqn", "stream-q"):
        return f"CartPole-v1(loop={loop!r})"
    return "NChain-v0(max_episode_steps=12)" if loop == "device" else "NChain-v0(max_episode_steps=12, loop='host')"


def same(one, other):
    np.testing.assert_array_equal(one.returns, other.returns)
    np.testing.assert_array_equal(one.lengths, other.lengths)
    np.testing.assert_array_equal(one.num_steps, other.num_steps)
    assert one.settings == other.settings
    for name in ("table", "counts", "knowledge", "extras"):
        pairs = zip(jax.tree.leaves(getattr(one, name)), jax.tree.leaves(getattr(other, name)), strict=True)
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in pairs), name


@pytest.mark.parametrize(("name", "loop"), CASES)
def test_half_and_then_the_whole_is_the_whole(name, loop, tmp_path):
    agent, world = parse_agent(f"{name}({SETTINGS.get(name, '')})"), world_of(name, loop)
    whole = ql.train(agent, world, steps=110, seeds=2)
    ql.train(agent, world, steps=50, seeds=2, checkpoint=tmp_path)
    same(ql.resume(tmp_path, steps=110), whole)
