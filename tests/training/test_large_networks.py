"""Networks of more than 65,536 weights: each seed is a lane, with the numbers that it has alone."""

import jax
import numpy as np
import pytest

import qlearn as ql
from qlearn.engine.worlds import spec_of
from qlearn.training import parse_agent
from qlearn.training.grid import train_grid

DQN = "dqn(mlp(260, 260), sgd(RATE), replay=64, batch_size=8, learning_starts=20, train_every=4, target_every=20)"
AGENTS = {
    "dqn": DQN,
    "pqn": "pqn(mlp(260, 260), sgd(RATE), num_environments=2, num_steps=8, minibatches=2)",
    "stream-q": "stream-q(mlp(260, 260), learning_rate=RATE)",
    "online-q-network": "online-q-network(mlp(260, 260), sgd(RATE))",
}


def made(name, rate=0.01):
    return parse_agent(AGENTS[name].replace("RATE", str(rate)))


def same(one, other):
    np.testing.assert_array_equal(one.returns, other.returns)
    for mine, others in zip(jax.tree.leaves(one.knowledge), jax.tree.leaves(other.knowledge), strict=True):
        np.testing.assert_array_equal(mine, others)


def of(runs, seed):
    """What one seed among others came to: returns, and weights."""
    place = runs.seeds.tolist().index(seed)
    return runs.returns[place], [leaf[place] for leaf in jax.tree.leaves(runs.knowledge)]


@pytest.mark.parametrize("world", ["CartPole-v1", "CartPole-v1(loop='host')"])
@pytest.mark.parametrize("name", AGENTS)
def test_a_seed_among_others_is_the_seed_alone(name, world):
    assert made(name).learner(spec_of(ql.make(world))).lane == 1
    several = ql.train(made(name), world, steps=160, seeds=[3, 5, 8])
    for seed in (3, 8):
        alone = ql.train(made(name), world, steps=160, seeds=[seed])
        returns, weights = of(several, seed)
        np.testing.assert_array_equal(returns[: alone.returns.shape[1]], alone.returns[0])
        for mine, other in zip(weights, jax.tree.leaves(alone.knowledge), strict=True):
            np.testing.assert_array_equal(mine, other[0])


def test_settings_stores_and_checkpoints_give_the_same(tmp_path):
    agents, world = [made("dqn", rate) for rate in (0.01, 0.02)], "CartPole-v1"
    settings = {"steps": 160, "seeds": [3, 5]}
    wholes = [ql.train(agent, world, **settings) for agent in agents]
    for whole, found in zip(wholes, train_grid(agents, world, **settings), strict=True):
        same(found, whole)
    ql.train(agents[0], world, steps=80, seeds=[3, 5], checkpoint=tmp_path / "kept")
    same(ql.resume(tmp_path / "kept", steps=160), wholes[0])
    with ql.Store(tmp_path / "store") as store:
        found = ql.compare(agents, world, store=store, **settings).runs
        assert len(store) == 4
    for whole, runs in zip(wholes, found, strict=True):
        same(runs, whole)
