"""Agents: identities between them, convergence to the exact optimum, and what each does that others do not."""

import dataclasses

import numpy as np
import pytest

import qlearn as ql
from qlearn.environments import FiniteMDP


@pytest.fixture(scope="module")
def garnet():
    """A random problem of 6 states and 3 actions, with an end and a clock."""
    rng = np.random.default_rng(5)
    P = rng.dirichlet(np.full(6, 0.4), size=(6, 3))
    return FiniteMDP.from_arrays(P, rng.normal(size=(6, 3)), terminals=[5], time_limit=30)


def trained(agent, problem, **budget):
    return ql.train(agent, problem, **({"episodes": 25, "seeds": 4} | budget))


def same(one, other):
    np.testing.assert_array_equal(one.q_table, other.q_table)
    np.testing.assert_array_equal(one.returns, other.returns)


def test_one_step_sarsa_is_n_step_sarsa_with_n_1(garnet):
    sarsa = trained(ql.Sarsa(learning_rate=0.25), garnet)
    other = trained(ql.NStepSarsa(n=1, learning_rate=0.25), garnet)
    np.testing.assert_array_equal(sarsa.visits, other.visits)
    np.testing.assert_allclose(sarsa.q_table, other.q_table, rtol=1e-5, atol=1e-6)  # γ¹ is rounded otherwise


def test_dyna_q_without_planning_is_q_learning(garnet):
    same(
        trained(ql.QLearning(learning_rate=0.25), garnet),
        trained(ql.DynaQ(planning_steps=0, learning_rate=0.25), garnet),
    )


def test_expected_sarsa_with_a_greedy_target_is_q_learning(garnet):
    first = ql.Greedy(ties="first")
    same(trained(ql.ExpectedSarsa(exploration=first), garnet), trained(ql.QLearning(exploration=first), garnet))


def test_one_step_with_the_rule_of_q_learning_is_q_learning(garnet):
    same(trained(ql.OneStep(rule=ql.rules.q_learning), garnet), trained(ql.QLearning(), garnet))


@pytest.mark.parametrize(
    "agent",
    [
        ql.QLearning(),
        ql.Sarsa(),
        ql.ExpectedSarsa(),
        ql.DoubleQLearning(),
        ql.NStepSarsa(),
        ql.DynaQ(),
        ql.MonteCarloControl(),
    ],
    ids=lambda a: a.label,
)
def test_rewards_times_four_give_values_times_four_to_the_bit(agent, garnet):
    scaled = dataclasses.replace(garnet, reward=garnet.reward * 4)
    plain, times = trained(agent, garnet), trained(agent, scaled)
    np.testing.assert_array_equal(plain.q_table * 4, times.q_table)
    np.testing.assert_array_equal(plain.visits, times.visits)


def test_the_code_form_of_the_tutorial_acts_the_same_and_has_values_divided_by_the_learning_rate():
    text = ql.QLearning(learning_rate=0.5, exploration=ql.Greedy(ties="first", zero_sum_uniform=True))
    code = dataclasses.replace(text, form="code")
    one, other = (ql.train(a, "NChain-v0", episodes=3, seeds=20) for a in (text, code))
    np.testing.assert_array_equal(one.visits, other.visits)
    np.testing.assert_allclose(one.q_table, other.q_table * 0.5, rtol=1e-6)


def test_q_learning_does_what_the_equation_says_step_by_step(garnet):
    runs = ql.train(ql.QLearning(learning_rate=0.5, discount=0.5), garnet, steps=1, seeds=30)
    s, a = np.nonzero(runs.visits.sum(0))
    for seed in range(30):
        (s,), (a,) = np.nonzero(runs.visits[seed])
        row = slice(garnet.offsets[s * 3 + a], garnet.offsets[s * 3 + a + 1])
        assert np.isclose(runs.q_table[seed, s, a], 0.5 * garnet.reward[row], rtol=1e-6).any()
        assert np.count_nonzero(runs.q_table[seed]) == 1


def test_values_of_what_follows_a_termination_stay_at_their_start(garnet):
    for agent in (
        ql.QLearning(),
        ql.Sarsa(),
        ql.DoubleQLearning(),
        ql.NStepSarsa(),
        ql.MonteCarloControl(),
        ql.DynaQ(),
    ):
        assert (trained(agent, garnet).q_table[:, 5] == 0).all(), agent.label


def test_a_truncated_step_still_bootstraps():
    # One state, reward 1, never ends, clock of 1: every step is truncated, and yet the value is 1 / (1 − γ).
    P = np.ones((1, 1, 1))
    clock = FiniteMDP.from_arrays(P, 1.0, time_limit=1)
    agents = [ql.QLearning(learning_rate=0.5, discount=0.5), ql.Sarsa(learning_rate=0.5, discount=0.5)]
    agents += [ql.NStepSarsa(n=3, learning_rate=0.5, discount=0.5), ql.DynaQ(learning_rate=0.5, discount=0.5)]
    agents += [ql.MonteCarloControl(learning_rate=0.5, discount=0.5), ql.ExpectedSarsa(learning_rate=0.5, discount=0.5)]
    for agent in agents:
        assert ql.train(agent, clock, episodes=80, seeds=1).q_table[0, 0, 0] == pytest.approx(2.0, rel=1e-5), (
            agent.label
        )


DECAYING = ql.per_visit(power=0.7)


@pytest.mark.parametrize(
    "agent",
    [
        ql.QLearning(learning_rate=DECAYING, discount=0.8, exploration=ql.EpsilonGreedy(1.0)),
        ql.DoubleQLearning(learning_rate=DECAYING, discount=0.8, exploration=ql.EpsilonGreedy(1.0)),
        ql.DynaQ(learning_rate=DECAYING, discount=0.8, exploration=ql.EpsilonGreedy(1.0), planning_steps=0),
        ql.RMax(reward_max=3.0, discount=0.8, known_after=300),
    ],
    ids=lambda a: a.label,
)
def test_off_policy_agents_converge_to_the_exact_optimum(agent, garnet):
    truth = ql.solve(garnet, discount=0.8)
    runs = ql.train(agent, garnet, steps=60_000, seeds=4)
    reached = runs.visits.sum(0) > 1000
    error = np.abs(runs.q_table - truth.q)[:, reached]
    assert reached.sum() >= 3
    assert error.max() < 0.25
    assert error.mean() < 0.06


def test_sarsa_converges_to_the_value_of_its_own_policy(garnet):
    uniform = ql.planning.uniform_policy(garnet)
    v = ql.planning.policy_value(garnet, uniform, 0.8)
    expected = garnet.expected_reward + 0.8 * (garnet.transition_matrix() @ v).reshape(6, 3)
    for agent in (ql.Sarsa, ql.ExpectedSarsa, ql.NStepSarsa):
        described = agent(learning_rate=DECAYING, discount=0.8, exploration=ql.EpsilonGreedy(1.0))
        runs = ql.train(described, garnet, steps=60_000, seeds=4)
        visited = (runs.visits > 1000).all(0)
        assert np.abs(runs.q_table - expected)[:, visited].max() < 0.25, described.label


def test_monte_carlo_control_averages_returns():
    P = np.zeros((3, 1, 3))
    P[0, 0, [1, 2]] = 0.5
    P[1, 0, 2] = P[2, 0, 2] = 1
    R = np.array([[0.0], [4.0], [0.0]])
    mdp = FiniteMDP.from_arrays(P, R, terminals=[2], time_limit=5)
    runs = ql.train(ql.MonteCarloControl(discount=0.5), mdp, episodes=400, seeds=3)
    arrivals = runs.visits[:, 1, 0]
    np.testing.assert_allclose(runs.q_table[:, 1, 0], 4.0)
    np.testing.assert_allclose(runs.q_table[:, 0, 0], 0.5 * 4.0 * arrivals / 400, rtol=1e-5)


def test_r_max_knows_the_chain_after_few_episodes_where_greedy_learning_locks_in():
    runs = ql.train(ql.RMax(reward_max=10.0, known_after=40), "NChain-v0", episodes=5, seeds=6)
    assert (runs.q_table[:, :, 0] > runs.q_table[:, :, 1]).mean() > 0.9


def test_only_legal_actions_are_taken():
    rng = np.random.default_rng(0)
    P = rng.dirichlet(np.ones(4), size=(4, 3))
    P[1, 0] = P[2, 1] = P[2, 2] = 0  # not legal there
    mdp = FiniteMDP.from_arrays(P, rng.normal(size=(4, 3)), time_limit=20)
    agents = [ql.QLearning(), ql.Sarsa(), ql.ExpectedSarsa(), ql.DoubleQLearning(), ql.NStepSarsa(), ql.DynaQ()]
    agents += [
        ql.MonteCarloControl(),
        ql.RMax(reward_max=3.0),
        ql.RewardSum(),
        ql.QLearning(exploration=ql.Boltzmann(1.0)),
    ]
    for agent in agents:
        runs = ql.train(agent, mdp, episodes=10, seeds=3)
        assert (runs.visits[:, ~mdp.legal] == 0).all(), agent.label
        assert (runs.greedy_policies()[:, ~mdp.legal] == 0).all(), agent.label
        assert np.isfinite(runs.q_table[:, mdp.legal]).all(), agent.label


def test_double_q_learning_is_not_biased_upwards_where_q_learning_is():
    # Sutton and Barto, example 6.7: from A right ends; left leads to B, whose ten actions pay N(−0.1, 1).
    b = ql.MDPBuilder(name="bias")
    b.on("A", "0").goes_to("B", reward=0.0)
    b.on("A", "1").ends(reward=0.0)
    for action in range(10):
        b.on("B", str(action)).ends(reward=-0.1, reward_noise=1.0)
    problem = b.build()
    shares = []
    for agent in (ql.QLearning, ql.DoubleQLearning):
        runs = ql.train(agent(learning_rate=0.1, discount=1.0), problem, episodes=300, seeds=2000)
        shares.append(np.array([(runs.lengths[:, e] == 2).mean() for e in (0, 9, 19, 49, 99, 299)]))
    q, double = shares  # share of runs that went left in episodes 1, 10, 20, 50, 100, 300
    error = 3 * np.sqrt(0.25 / 2000)
    np.testing.assert_allclose(q[[0, 2, 4, 5]], [0.50, 0.94, 0.46, 0.117], atol=error)
    np.testing.assert_allclose(double[[1, 3, 5]], [0.452, 0.138, 0.069], atol=error)


def test_every_agent_takes_an_exploration_that_counts_visits(garnet):
    fading = ql.EpsilonGreedy(ql.per_visit(power=0.5))
    agents = [ql.RewardSum, ql.QLearning, ql.Sarsa, ql.DoubleQLearning, ql.NStepSarsa, ql.DynaQ, ql.MonteCarloControl]
    for agent in agents:
        runs = ql.train(agent(exploration=fading), garnet, episodes=3, seeds=2)
        assert np.isfinite(runs.q_table).all(), runs.label
    with pytest.raises(ql.InputError, match="without a per-visit schedule"):
        ql.RMax(reward_max=1.0, exploration=fading)
