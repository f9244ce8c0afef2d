"""The tutorial's and the textbook's figures, over enough seeds to tell."""

import numpy as np
import pytest

import qlearn as ql
from qlearn.training import train_many

SEEDS = 1000


@pytest.fixture(scope="module")
def chain():
    return ql.make("NChain-v0")


@pytest.fixture(scope="module")
def truth(chain):
    return ql.solve(chain, discount=0.95)


@pytest.fixture(scope="module")
def tutorial(chain):
    return train_many(ql.tutorial_agents(), chain, episodes=500, seeds=SEEDS)


def judged(runs, chain, truth):
    policies = runs.greedy_policies()
    values = ql.planning.evaluate_policies(chain, policies, 1000)
    return values, ql.planning.is_optimal(chain, policies, truth)


@pytest.mark.parametrize(
    ("which", "value", "value_error", "share"),
    [(0, 1526.8, 6.0, 0.0005), (1, 1517.2, 8.5, 0.004), (2, 2226.3, 18.1, 0.129)],
    ids=["reward sum", "greedy", "ε-greedy"],
)
def test_the_tutorials_agents_end_with_the_values_of_2000_original_rounds(
    which, value, value_error, share, tutorial, chain, truth
):
    values, optimal = judged(tutorial[which], chain, truth)
    error = np.hypot(values.std() / np.sqrt(SEEDS), value_error)
    assert abs(values.mean() - value) < 4 * error
    assert abs(optimal.mean() - share) < 4 * np.sqrt(max(share, 1e-3) * (1 - share) * (1 / SEEDS + 1 / 2000))


def test_reward_sum_locks_every_visited_state_onto_the_first_action_that_paid(tutorial):
    runs = tutorial[0]
    everywhere = (runs.visits.sum(axis=2) > 0).all(axis=1)
    forward = runs.greedy_policies()[everywhere, :, 0]
    error = 4 * 0.5 / np.sqrt(everywhere.sum())
    np.testing.assert_allclose(forward.mean(axis=0), [0.2, 0.2, 0.2, 0.2, 0.5], atol=error)


def test_every_episode_of_the_chain_has_a_thousand_steps(tutorial):
    for runs in tutorial:
        assert (runs.lengths == 1000).all()
        assert (runs.num_episodes == 500).all()


def test_the_error_of_the_tutorials_learner_is_that_of_the_original(tutorial, truth):
    error = np.sqrt(((tutorial[2].q_table - truth.q) ** 2).mean())
    assert error == pytest.approx(27.0, abs=0.6)


@pytest.mark.parametrize(
    ("rate", "share", "share_error", "error"),
    [
        (0.3, 71.1, 1.0, 11.2),
        (0.1, 91.9, 0.6, 4.8),
        (0.03, 99.0, 0.2, 2.4),
        (0.01, 100, 0.05, 1.34),
        (0.001, 3.1, 0.4, 34.4),
    ],
)
def test_smaller_learning_rates_cure_it(rate, share, share_error, error, chain, truth):
    explore = ql.EpsilonGreedy(ql.exponential(0.4995, decay=0.999), ties="first", zero_sum_uniform=True)
    agent = ql.QLearning(learning_rate=rate, discount=0.95, exploration=explore)
    runs = ql.train(agent, chain, episodes=500, seeds=SEEDS)
    _, optimal = judged(runs, chain, truth)
    sampling = 100 * np.sqrt(max(share / 100 * (1 - share / 100), 1e-3) / SEEDS)
    assert abs(100 * optimal.mean() - share) < 4 * np.hypot(sampling, share_error)
    squares = ((runs.q_table - truth.q) ** 2).mean(axis=(1, 2))
    spread = squares.std() / (2 * np.sqrt(squares.mean())) * np.sqrt(1 / SEEDS + 1 / 2000)
    assert abs(np.sqrt(squares.mean()) - error) < 4 * spread + 0.05  # and half a digit of the printed figure


CLIFF = {
    "Q-learning": (ql.QLearning, -49.7, 3.5),
    "Sarsa": (ql.Sarsa, -27.7, 3.8),
    "Expected Sarsa": (ql.ExpectedSarsa, -21.0, 1.0),
    "Double Q-learning": (ql.DoubleQLearning, -26.4, 5.5),
}


@pytest.mark.parametrize("name", CLIFF)
def test_the_cliff_of_sutton_and_barto_example_6_6(name):
    make, expected, spread = CLIFF[name]
    agent = make(learning_rate=0.5, discount=1.0, exploration=ql.EpsilonGreedy(0.1))
    seeds = 400
    runs = ql.train(agent, "CliffWalking-v1", episodes=500, seeds=seeds)
    online = runs.returns[:, 100:].mean(axis=1)
    assert abs(online.mean() - expected) < 3 * spread / np.sqrt(seeds) + 0.05  # and half a digit of the printed figure
    policies = runs.greedy_policies()
    value = ql.planning.evaluate_policies(runs.environment, policies, 1000)
    if name == "Q-learning":
        np.testing.assert_allclose(value, -13)
    if name == "Sarsa":
        assert abs((value == -17).mean() - 0.75) < 4 * np.sqrt(0.75 * 0.25 / seeds)
        assert abs((value <= -999).mean() - 0.17) < 4 * np.sqrt(0.17 * 0.83 / seeds)
