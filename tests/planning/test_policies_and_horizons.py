import itertools
from dataclasses import replace

import numpy as np
import pytest

from qlearn.environments import FiniteMDP, make
from qlearn.errors import InputError
from qlearn.planning import (
    average_reward,
    epsilon_soft,
    evaluate_policies,
    evaluate_policy,
    finite_horizon,
    is_optimal,
    long_run,
    online_ceiling,
    optimum,
    policy_value,
    return_distribution,
    solve,
    uniform_policy,
)


def random_policies(mdp, n, seed=0):
    weights = np.random.default_rng(seed).random((n, mdp.num_states, mdp.num_actions)) * mdp.legal
    return weights / weights.sum(axis=2, keepdims=True)


def simulated(mdp, policy, horizon, episodes, seed=0):
    """Returns of sampled episodes, all side by side."""
    rng = np.random.default_rng(seed)
    state = rng.choice(mdp.num_states, size=episodes, p=mdp.initial)
    alive, total = np.ones(episodes, bool), np.zeros(episodes)
    for _ in range(horizon):
        action = (rng.random((episodes, 1)) > policy.cumsum(axis=1)[state]).sum(axis=1)
        row = state * mdp.num_actions + np.minimum(action, mdp.num_actions - 1)
        u, outcome = rng.random(episodes), mdp.offsets[row]
        last = mdp.offsets[row + 1] - 1
        for _ in range(int(np.diff(mdp.offsets).max()) - 1):
            passed = (u >= mdp.probability[outcome]) & (outcome < last)
            u = np.where(passed, u - mdp.probability[outcome], u)
            outcome = np.where(passed, outcome + 1, outcome)
        reward = mdp.reward[outcome]
        if mdp.reward_std is not None:
            reward = reward + mdp.reward_std[outcome] * rng.normal(size=episodes)
        total += np.where(alive, reward, 0)
        alive &= ~mdp.terminated[outcome]
        state = mdp.next_state[outcome]
    return total


@pytest.mark.parametrize("seed", range(3))
def test_mean_and_variance_agree_with_simulation_noise_on_rewards_included(random_problem, seed):
    mdp = random_problem(seed, ends=0.1, noise=True)
    policy = random_policies(mdp, 1)[0]
    value = evaluate_policy(mdp, policy, horizon=15)
    returns = simulated(mdp, policy, 15, 40_000)
    assert abs(returns.mean() - value.mean) < 4 * value.sd / 200
    assert returns.var() == pytest.approx(value.variance, rel=0.05)


def test_variance_of_a_certain_return_is_exactly_zero(dry_lake):
    assert evaluate_policy(dry_lake, solve(dry_lake, 0.9).policy).variance == 0


def test_a_discounted_episode_without_a_horizon_in_sight_has_the_infinite_value(random_problem):
    mdp = random_problem(1)
    policy = random_policies(mdp, 1)[0]
    long = evaluate_policy(mdp, policy, horizon=3000, discount=0.9)
    assert long.mean == pytest.approx(mdp.initial @ policy_value(mdp, policy, 0.9), abs=1e-11)


@pytest.mark.parametrize("name", ["NChain-v0", "FrozenLake-v1", "CliffWalking-v1"])
def test_many_policies_at_once_have_the_values_they_have_one_by_one(name):
    mdp = make(name)
    policies = random_policies(mdp, 7)
    policies = np.concatenate([policies, policies[:3], uniform_policy(mdp)[None]])
    together = evaluate_policies(mdp, policies)
    one_by_one = [evaluate_policy(mdp, policy).mean for policy in policies]
    np.testing.assert_allclose(together, one_by_one, rtol=1e-11, atol=1e-11)
    assert (together[7:10] == together[:3]).all()


@pytest.mark.parametrize("horizon", [0, 1, 2, 7, 1000, 4321])
def test_squaring_the_map_counts_every_step(chain, horizon):
    policies = random_policies(chain, 5)
    step_by_step = [evaluate_policy(chain, policy, horizon).mean for policy in policies]
    np.testing.assert_allclose(evaluate_policies(chain, policies, horizon), step_by_step, rtol=1e-11)


def test_integer_policies_are_the_same_as_their_probabilities(chain):
    actions = np.array(list(itertools.product([0, 1], repeat=5)))
    assert (evaluate_policies(chain, actions) == evaluate_policies(chain, np.eye(2)[actions])).all()


def test_a_thousand_steps_are_the_horizon_where_there_is_none(random_problem):
    mdp = random_problem(2)
    policy = uniform_policy(mdp)
    assert evaluate_policy(mdp, policy) == evaluate_policy(mdp, policy, 1000)
    assert optimum(mdp, 0.9) == optimum(mdp, 0.9, 1000)
    assert solve(mdp, 0.9).expected_return is None


@pytest.mark.parametrize("seed", range(5))
def test_the_ceiling_is_the_best_of_all_policies_that_see_the_clock(random_problem, seed):
    mdp = random_problem(seed, S=3, A=2, k=2, ends=0.2)
    best = -np.inf
    options = [np.flatnonzero(row) for row in mdp.legal]
    rules = list(itertools.product(*options))
    P = mdp.transition_matrix().toarray().reshape(3, 2, 3)
    for rule in itertools.product(rules, repeat=3):
        v = np.zeros(3)
        for actions in rule:
            v = mdp.expected_reward[np.arange(3), actions] + P[np.arange(3), actions] @ v
        best = max(best, mdp.initial @ v)
    found = finite_horizon(mdp, 3, policies=True)
    assert found.value == pytest.approx(best, abs=1e-12)
    v = np.zeros(3)
    for actions in found.policy[::-1]:
        v = mdp.expected_reward[np.arange(3), actions] + P[np.arange(3), actions] @ v
    assert mdp.initial @ v == pytest.approx(best, abs=1e-12)


def test_no_policy_has_more_than_the_ceiling(lake):
    ceiling = finite_horizon(lake).value
    assert (evaluate_policies(lake, random_policies(lake, 50)) < ceiling).all()
    assert solve(lake, 0.99).expected_return < ceiling


def test_distribution_of_nchain_sums_to_1_and_has_the_moments(chain):
    for policy in (np.zeros(5, int), np.ones(5, int), uniform_policy(chain)):
        distribution, moments = return_distribution(chain, policy), evaluate_policy(chain, policy)
        assert distribution.probability.sum() == pytest.approx(1, abs=1e-12)
        assert distribution.mean == pytest.approx(moments.mean, rel=1e-11)
        assert distribution.variance == pytest.approx(moments.variance, rel=1e-9)
        assert (distribution.support % 2 == 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_distributions_of_episodes_that_end_and_lose_have_the_moments(random_problem, seed):
    mdp = random_problem(seed, ends=0.2)
    policy = random_policies(mdp, 1)[0]
    distribution, moments = return_distribution(mdp, policy, 20), evaluate_policy(mdp, policy, 20)
    assert distribution.probability.sum() == pytest.approx(1, abs=1e-12)
    assert distribution.mean == pytest.approx(moments.mean, abs=1e-11)
    assert distribution.variance == pytest.approx(moments.variance, rel=1e-10)
    returns = simulated(mdp, policy, 20, 20_000)
    at = distribution.quantile(0.3)
    assert np.mean(returns <= at + 1e-9) == pytest.approx(distribution.cdf(at + 1e-9), abs=0.015)


def test_frozen_lake_pays_1_or_0(lake):
    distribution = return_distribution(lake, solve(lake, 0.99).policy)
    assert distribution.support.tolist() == [0, 1]
    assert distribution.probability[1] == pytest.approx(0.74016, abs=1e-5)


def test_rewards_on_no_lattice_and_noise_have_no_distribution(random_problem):
    noisy = random_problem(0, noise=True)
    with pytest.raises(InputError, match="noise"):
        return_distribution(noisy, uniform_policy(noisy), 5)
    odd = FiniteMDP.from_arrays([[[1.0], [1.0]]], R=[[1.0, np.sqrt(2)]])
    with pytest.raises(InputError, match=r"reward 1\.414.* is no fraction"):
        return_distribution(odd, [[0.5, 0.5]], 5)
    wide = FiniteMDP.from_arrays([[[1.0], [1.0]]], R=[[1e-6, 1e6]])
    with pytest.raises(InputError, match="too many to carry"):
        return_distribution(wide, [[0.5, 0.5]], 1000)


def test_average_reward_of_episodes_is_return_over_length(taxi):
    policy = solve(taxi, 1).policy
    length = taxi.initial @ policy_value(with_reward(taxi, 1.0), policy, 1)
    assert average_reward(taxi, policy) == pytest.approx(7.93 / length, abs=1e-10)


def with_reward(mdp, reward):
    return replace(mdp, reward=np.full(len(mdp.reward), reward))


@pytest.mark.parametrize("seed", range(10))
def test_the_best_average_reward_is_that_of_the_best_of_all_policies(random_problem, seed):
    mdp = random_problem(seed, S=5, A=2, k=2, ends=0.1 * (seed % 2))
    options = [np.flatnonzero(row) for row in mdp.legal]
    gains = [average_reward(mdp, np.array(actions)) for actions in itertools.product(*options)]
    best = long_run(mdp)
    assert best.converged
    assert best.gain == pytest.approx(max(gains), abs=1e-10)
    assert average_reward(mdp, best.policy) == pytest.approx(best.gain, abs=1e-10)


def test_the_bound_on_the_average_reward_is_certified_where_it_is_the_same_everywhere(chain):
    assert long_run(chain).error_bound < 1e-11
    two_rooms = FiniteMDP.from_arrays([[[0, 1, 0], [0, 0, 1]], [[0, 1, 0]] * 2, [[0, 0, 1]] * 2], R=[5, 1, 2])
    assert long_run(two_rooms).gain == 2
    assert long_run(two_rooms).error_bound == np.inf


@pytest.mark.parametrize("discount", [0.9, 1])
@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.5, 1.0])
def test_the_best_soft_policy_beats_other_soft_policies(cliff, lake, epsilon, discount):
    for mdp in (lake, cliff):
        soft = epsilon_soft(mdp, epsilon, discount)
        starts = mdp.initial > 0
        own = policy_value(mdp, soft.policy, discount)
        assert mdp.initial[starts] @ own[starts] == pytest.approx(soft.value, rel=1e-9)
        around = epsilon * uniform_policy(mdp)
        around[np.arange(mdp.num_states), solve(mdp, discount).policy] += 1 - epsilon
        other = policy_value(mdp, around, discount)
        assert mdp.initial[starts] @ other[starts] <= soft.value + 1e-9 * abs(soft.value)


def test_soft_extremes_are_the_optimum_and_the_uniform_policy(lake):
    assert epsilon_soft(lake, 0, 0.95).value == pytest.approx(solve(lake, 0.95).value, abs=1e-12)
    uniform = policy_value(lake, uniform_policy(lake), 0.95)
    assert epsilon_soft(lake, 1, 0.95).value == pytest.approx(uniform[0], abs=1e-12)


def test_the_online_ceiling_is_the_finite_horizon_at_each_epsilon(lake):
    epsilons = [0.5, 0.0, 0.1, 0.5]
    ceilings = online_ceiling(lake, epsilons)
    assert ceilings[0] == ceilings[3]
    for epsilon, ceiling in zip(epsilons, ceilings, strict=True):
        assert finite_horizon(lake, epsilon=epsilon).value == pytest.approx(ceiling, abs=1e-14)
    assert ceilings[2] >= epsilon_soft(lake, 0.1, 0.99).expected_return


def test_a_policy_may_err_where_it_never_comes(dry_lake):
    solution = solve(dry_lake, 0.9)
    policy = solution.policy.copy()
    reached = [0, 4, 8, 9, 13, 14]  # down, down, right, down, right, right
    assert is_optimal(dry_lake, [policy], solution)[0]
    elsewhere = next(s for s in range(16) if s not in reached and not solution.optimal_actions[s].all())
    policy[elsewhere] = int((~solution.optimal_actions[elsewhere]).argmax())
    assert is_optimal(dry_lake, [policy], solution)[0]
    policy[8] = int((~solution.optimal_actions[8]).argmax())
    assert not is_optimal(dry_lake, [policy], solution)[0]


def test_weight_on_a_worse_action_makes_a_policy_not_optimal(chain):
    solution = solve(chain, 0.95)
    sure = np.tile([1.0, 0.0], (5, 1))
    unsure = sure.copy()
    unsure[4] = [0.99, 0.01]
    assert is_optimal(chain, np.stack([sure, unsure]), solution).tolist() == [True, False]


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (np.zeros(4, int), "expected integers"),
        ([0, 0, 0, 0, 2], "action outside 0 to 1 in state 4"),
        (np.full((5, 2), 0.4), "do not sum to 1 in state 0"),
        ([[1, 0]] * 3 + [[1.5, -0.5]] + [[1, 0]], "negative or not a number in state 3"),
    ],
)
def test_what_is_no_policy_is_refused_by_state(chain, policy, message):
    with pytest.raises(InputError, match=message):
        evaluate_policy(chain, policy)


def test_weight_on_an_illegal_action_is_refused(random_problem):
    mdp = random_problem(0)
    weights = np.full((mdp.num_states, mdp.num_actions), 1 / mdp.num_actions)
    with pytest.raises(InputError, match="not legal there"):
        evaluate_policies(mdp, weights[None])


@pytest.mark.parametrize("horizon", ["x", 2.5, -1, float("inf"), True])
def test_a_horizon_counts_steps(horizon):
    with pytest.raises(InputError, match="whole number"):
        solve("NChain-v0", 0.9, horizon=horizon)


@pytest.mark.parametrize("discount", ["0.9", None, -0.1, 1.1, float("nan")])
def test_a_discount_is_a_number_from_0_to_1(discount):
    with pytest.raises(InputError, match="discount"):
        solve("NChain-v0", discount)
