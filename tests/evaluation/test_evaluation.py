"""What policies and runs are worth, against facts about NChain and the planning room."""

import dataclasses

import gymnasium as gym
import keras
import numpy as np
import pytest

import qlearn as ql
from qlearn.errors import InputError
from qlearn.evaluation import evaluate_runs, play_games, truth_of
from qlearn.planning import evaluate_policies, evaluate_policy, return_distribution
from qlearn.training import tutorial_agents

CHAIN = ql.make("NChain-v0")
FORWARD, BACKWARD, UNIFORM = np.tile([1.0, 0.0], (5, 1)), np.tile([0.0, 1.0], (5, 1)), np.full((5, 2), 0.5)


@pytest.fixture(scope="module")
def runs():
    return ql.train(tutorial_agents()[2], CHAIN, episodes=20, seeds=30, snapshots=4)


def test_the_truth_about_nchain_is_the_tutorials():
    truth = truth_of(CHAIN, 0.95)
    assert truth.optimum == pytest.approx(3663.6928, abs=1e-4)
    assert truth.ceiling == pytest.approx(3665.8324, abs=1e-4)
    assert truth.uniform == pytest.approx(1311.25, abs=5e-3)
    assert (truth.horizon, truth.discount, truth.notes) == (1000, 0.95, ())


@pytest.mark.parametrize(
    ("policy", "value", "sd", "optimal"),
    [([0] * 5, 3663.6928, 279.3, True), ([1] * 5, 1603.1872, 25.2, False), (UNIFORM, 1311.25, 77.2, False)],
)
def test_policies_have_the_tutorials_values(policy, value, sd, optimal):
    found = ql.evaluate(policy, "NChain-v0", discount=0.95)
    assert found.expected_return == pytest.approx(value, abs=5e-3)
    assert found.sd == pytest.approx(sd, abs=0.05)
    assert found.optimal is optimal
    assert found.regret == pytest.approx(3663.6928 - value, abs=5e-3)


def test_without_a_discount_a_policy_has_no_regret_but_a_ceiling():
    found = ql.evaluate([0] * 5, CHAIN, horizon=10)
    assert (found.optimal, found.regret, found.optimum, found.horizon) == (None, None, None, 10)
    assert found.ceiling >= found.expected_return


def test_runs_are_worth_what_their_greedy_policies_are(runs):
    found = ql.evaluate(runs)
    assert found.exact_return == pytest.approx(evaluate_policies(CHAIN, runs.greedy_policies()))
    assert found.regret == pytest.approx(found.optimum - found.exact_return)
    assert found.regret_percent == pytest.approx(100 * found.regret / 3663.6928, rel=1e-6)
    assert found.share_optimal == pytest.approx(np.mean(found.exact_return > 3663.69))
    assert found.method == "exact"
    assert found.standard_error is None


def test_the_curve_starts_at_the_uniform_policy_and_ends_at_the_final_value(runs):
    found = ql.evaluate(runs)
    assert found.positions.tolist() == [0, 5, 10, 15, 20]
    assert found.curve.shape == (30, 5)
    assert found.curve[:, 0] == pytest.approx(1311.25, abs=5e-3)
    assert found.curve[:, -1] == pytest.approx(found.exact_return)


def test_an_agent_without_a_discount_needs_one_to_be_judged_by():
    runs = ql.train(ql.RewardSum(), CHAIN, episodes=2, seeds=2)
    with pytest.raises(InputError, match="no discount of its own"):
        ql.evaluate(runs)
    assert ql.evaluate(runs, discount=0.95).optimum == pytest.approx(3663.6928, abs=1e-4)


def test_a_list_gives_a_list(runs):
    assert len(ql.evaluate([runs, runs])) == 2
    values = [found.expected_return for found in ql.evaluate([FORWARD, BACKWARD], CHAIN)]
    assert values == pytest.approx([3663.6928, 1603.1872], abs=1e-3)


def test_runs_are_judged_on_another_environment_where_it_fits_and_refused_elsewhere(runs):
    harder = ql.make("NChain-v0", slip=0.4)
    found = ql.evaluate(runs, harder)
    expected = evaluate_policies(harder, runs.greedy_policies(), 1000)
    np.testing.assert_allclose(found.exact_return, expected)
    assert found.notes[0] == f"trained on {CHAIN.name}, judged on {harder.name}"
    assert [one.optimum for one in ql.evaluate([runs, runs], harder)] == [truth_of(harder, 0.95).optimum] * 2
    with pytest.raises(InputError, match=r"trained on NChain-v0 \(5 states, 2 actions\).* has 7 states, 2 actions"):
        ql.evaluate(runs, "NChain-v0(n=7)")
    with pytest.raises(InputError, match="is no environment"):
        ql.evaluate(runs, 5)


def test_a_network_is_judged_on_another_environment_where_it_sees_the_same():
    agent = ql.OnlineQNetwork(ql.mlp(4), keras.optimizers.SGD(0.01), exploration=ql.EpsilonGreedy(1.0))
    network = ql.train(agent, "CartPole-v1", steps=20, seeds=2)
    here, there = ql.evaluate(network, horizon=20), ql.evaluate(network, "CartPole-v1(loop='host')", horizon=20)
    assert np.abs(here.exact_return - there.exact_return).max() < 4  # the same game with other random starts
    with pytest.raises(InputError, match=r"\(observation \(4,\) float32, 2 actions\), and Acrobot-v1 has .* \(6,\)"):
        ql.evaluate(network, "Acrobot-v1")


def test_a_policy_alone_or_without_a_model_is_refused():
    with pytest.raises(InputError, match="only on an environment"):
        ql.evaluate([0] * 5)
    with pytest.raises(InputError, match="is not known"):
        ql.evaluate([0] * 704, lambda: gym.make("Blackjack-v1"))


def test_a_diverged_run_counts_and_is_never_optimal(runs):
    table = runs.q_table.copy()
    table[0] = np.nan
    table[1] = [[1, 0]] * 5
    diverged = np.zeros(30, bool)
    diverged[0] = True
    found = evaluate_runs(dataclasses.replace(runs, table=table, diverged=diverged, snapshots=None))
    assert found.exact_return[1] == pytest.approx(3663.6928, abs=1e-4)
    assert np.isfinite(found.exact_return[0])
    assert not found.optimal[0]
    assert found.optimal[1]
    assert "1 of 30 runs" in found.notes[0]


def test_where_there_is_no_time_limit_the_horizon_is_1000_steps_and_said():
    endless = dataclasses.replace(CHAIN, time_limit=None)
    found = ql.evaluate([0] * 5, endless, discount=0.95)
    assert found.horizon == 1000
    assert "1,000 steps" in found.notes[0]


def test_where_the_model_changes_policies_are_judged_on_the_last_one():
    changing = CHAIN.changing_to(ql.make("NChain-v0", large=1), at_step=500)
    assert truth_of(changing, 0.95).optimum < 3000
    assert truth_of(changing, 0.95, after_steps=499).optimum == pytest.approx(3663.6928, abs=1e-4)
    assert "in force at its end" in truth_of(changing, 0.95).notes[0]


def test_games_have_the_exact_mean_and_standard_deviation():
    returns = play_games(CHAIN, [np.tile(FORWARD, (4000, 1, 1)), np.tile(UNIFORM, (4000, 1, 1))], np.arange(4000))
    for played, policy in zip(returns, (FORWARD, UNIFORM), strict=True):
        truth = evaluate_policy(CHAIN, policy)
        assert played.mean() == pytest.approx(truth.mean, abs=4 * truth.sd / np.sqrt(4000))
        assert played.std() == pytest.approx(truth.sd, rel=0.05)


def test_games_follow_the_exact_distribution_of_returns():
    lake = ql.make("FrozenLake-v1")
    policy = ql.solve(lake, 0.99).policy
    played = play_games(lake, [np.tile(np.eye(4)[policy], (4000, 1, 1))], np.arange(4000))[0]
    exact = return_distribution(lake, policy)
    assert played.mean() == pytest.approx(exact.mean, abs=4 * exact.sd / np.sqrt(4000))
    assert set(played) == {0.0, 1.0}


def test_a_game_depends_on_its_round_and_its_agents_place_alone():
    many = np.tile(FORWARD, (20, 1, 1))
    one, other = play_games(CHAIN, [many, many], np.arange(20))
    assert play_games(CHAIN, [many[:3]], np.array([5, 0, 19]))[0].tolist() == one[[5, 0, 19]].tolist()
    assert (one != other).sum() > 15
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.7


def test_noisy_rewards_and_illegal_actions_are_played_too():
    b = ql.MDPBuilder("bias")
    b.starts_in("A")
    b.on("A", "right").ends()
    b.on("A", "left").goes_to("B")
    b.on("B", "pull").ends(reward=-0.1, reward_noise=1.0)
    mdp = b.build()
    left = np.zeros((mdp.num_states, mdp.num_actions))
    left[np.arange(mdp.num_states), mdp.legal.argmax(axis=1)] = 1
    left[0] = [mdp.action_names[a] == "left" for a in range(mdp.num_actions)]
    played = play_games(mdp, [np.tile(left, (2000, 1, 1))], np.arange(2000))[0]
    assert played.mean() == pytest.approx(-0.1, abs=0.1)
    assert played.std() == pytest.approx(1, abs=0.1)


class Guess(gym.Env):
    """Pays 1 for action 1, once; ordinary Python, so no model is known."""

    observation_space, action_space = gym.spaces.Discrete(1), gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        return 0, float(action == 1) + 0.01 * self.np_random.random(), True, False, {}


def test_without_a_model_values_come_from_rollouts_and_say_so():
    agent = ql.QLearning(learning_rate=0.5, exploration=ql.EpsilonGreedy(0.5))
    runs = ql.train(agent, Guess, episodes=60, seeds=3)
    found = ql.evaluate(runs)
    assert found.method == "rollouts"
    assert found.exact_return == pytest.approx(1.005, abs=0.01)
    assert (found.standard_error > 0).all()
    assert (found.optimum, found.share_optimal, found.regret, found.regret_percent) == (None, None, None, None)
    assert "20 rollouts" in found.notes[0]
    assert ql.evaluate(runs).exact_return.tolist() == found.exact_return.tolist()


class _Breaks(gym.Env):
    """Works for as long as it is trained, and no longer."""

    observation_space, action_space = gym.spaces.Discrete(2), gym.spaces.Discrete(2)

    def __init__(self, late, good_for=20):
        self.late, self.left = late, good_for

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        self.left -= 1
        return (0, 1.0, self.left % 4 == 0, False, {}) if self.left >= 0 else self.late()


@pytest.mark.parametrize(
    ("late", "said"),
    [(lambda: 1 / 0, "ZeroDivisionError"), (lambda: None, "TypeError"), (lambda: (0, np.nan, True, False, {}), "nan")],
)
def test_what_an_environment_does_wrong_while_a_policy_is_played_is_its_fault(late, said):
    runs = ql.train(ql.QLearning(), lambda: _Breaks(late), steps=20)
    with pytest.raises(ql.EnvironmentFault, match=said):
        evaluate_runs(dataclasses.replace(runs, environment=ql.make(lambda: _Breaks(late, 2))))
