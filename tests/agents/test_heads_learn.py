"""Every head finds the values of a small problem that is solved exactly."""

import numpy as np
import pytest

import qlearn as ql
from qlearn.agents.backend import load_keras

keras = load_keras()
HEADS = {
    "C51": {"head": ql.Categorical(-4.0, 6.0, atoms=41)},
    "QR-DQN": {"head": ql.Quantiles(count=16, threshold=0.1), "priorities": ql.Priorities(importance=1.0)},
    "IQN": {"head": ql.ImplicitQuantiles(samples=8, target_samples=8, cosines=8, threshold=0.1), "double": True},
    "Munchausen": {"munchausen": ql.Munchausen(scale=0.0, temperature=0.001), "noisy": True},
}


def agent(name, discount):
    """A linear network on one-hot states, at a falling rate; IQN asks for features, which fractions multiply."""
    rate = keras.optimizers.schedules.PolynomialDecay(0.02 if name == "IQN" else 0.05, 1400, 1e-4)
    return ql.DQN(
        ql.mlp(*[32] * (name == "IQN")),
        keras.optimizers.Adam(rate),
        discount=discount,
        exploration=ql.EpsilonGreedy(1.0),
        replay=4000,
        batch_size=64,
        learning_starts=200,
        train_every=4,
        target_every=100,
        **HEADS[name],
    )


@pytest.mark.parametrize("name", HEADS)
def test_every_head_finds_the_values_of_a_small_problem(name, small):
    runs = ql.train(agent(name, 0.6), small, steps=6000, seeds=1)
    truth = np.asarray(ql.solve(small, discount=0.6).q)
    found = runs.q_table[0]
    ends = 5  # nothing is learnt of the state that ends an episode
    np.testing.assert_allclose(found[:ends], truth[:ends], atol=0.15)
