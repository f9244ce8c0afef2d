"""Bandits: what each agent does is done a second time in NumPy, from the actions and rewards that it had."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

import qlearn as ql
from qlearn.engine import noise
from qlearn.environments import problems

PULLS, SEEDS = 40, 3


@pytest.fixture(scope="module")
def arms():
    return problems.bandit([0.1, 0.9, 0.4, -0.3], std=0.5)


def pulled(agent, problem, pulls=PULLS, seeds=SEEDS):
    """The runs, what was pulled (n, T), what it paid (n, T), and the table before each pull (n, T, A)."""
    runs = ql.train(agent, problem, episodes=pulls, seeds=seeds, snapshots=pulls)
    actions = np.diff(runs.snapshots.visits[:, :, 0], axis=1).argmax(axis=2)
    return runs, actions, runs.returns, runs.snapshots.q_tables[:, :-1, 0]


def test_a_bandits_optimum_is_its_best_mean_and_its_name_makes_it_again(arms):
    assert ql.solve(arms, discount=1.0).v[0] == pytest.approx(0.9)
    assert ql.make(arms.name).digest == arms.digest
    with pytest.raises(ql.InputError, match="3 numbers for 2 arms"):
        problems.bandit([0.1, 0.2], std=[1.0, 2.0, 3.0])


@pytest.mark.parametrize("baseline", [True, False])
def test_the_gradient_bandit_climbs_as_its_equation_says(baseline, arms):
    agent = ql.GradientBandit(learning_rate=0.3, baseline=baseline)
    runs, actions, rewards, tables = pulled(agent, arms)
    for seed in range(SEEDS):
        preferences = np.zeros(4)
        for t, (a, reward) in enumerate(zip(actions[seed], rewards[seed], strict=True)):
            np.testing.assert_allclose(tables[seed, t], preferences, atol=1e-5)
            policy = np.exp(preferences) / np.exp(preferences).sum()
            so_far = rewards[seed, :t].mean() if t else reward
            preferences += 0.3 * (reward - (so_far if baseline else 0.0)) * (np.eye(4)[a] - policy)
        np.testing.assert_allclose(runs.q_table[seed, 0], preferences, atol=1e-5)


def test_upper_confidence_of_sample_averages_takes_each_action_once_and_then_one_of_the_highest_bound(arms):
    agent = ql.QLearning(learning_rate=ql.per_visit(), exploration=ql.UpperConfidence(1.5))
    runs, actions, rewards, tables = pulled(agent, arms)
    for seed in range(SEEDS):
        averages = [rewards[seed][actions[seed] == a].mean() for a in range(4)]
        np.testing.assert_allclose(runs.q_table[seed, 0], averages, atol=1e-5)
        assert sorted(actions[seed, :4]) == [0, 1, 2, 3]
        for t in range(4, PULLS):
            counts = np.bincount(actions[seed, :t], minlength=4)
            bound = tables[seed, t] + 1.5 * np.sqrt(np.log(t + 1) / counts)
            assert bound[actions[seed, t]] == pytest.approx(bound.max(), abs=1e-5)


def test_a_count_bonus_falls_with_the_root_of_the_visits(arms):
    agent = ql.QLearning(learning_rate=0.2, exploration=ql.CountBonus(2.0))
    _, actions, _, tables = pulled(agent, arms)
    for seed in range(SEEDS):
        for t in range(PULLS):
            counts = np.bincount(actions[seed, :t], minlength=4)
            raised = tables[seed, t] + 2.0 / np.sqrt(counts + 1)
            assert raised[actions[seed, t]] == pytest.approx(raised.max(), abs=1e-5)


def test_illegal_actions_have_no_bound():
    row, mask, counts = jnp.zeros(3), jnp.array([True, False, True]), jnp.array([1, 0, 0])
    assert ql.UpperConfidence(1.0).probabilities(row, mask, None, counts).tolist() == [0, 0, 1]
    assert ql.CountBonus(1.0).probabilities(row, mask, None, counts).tolist() == [0, 0, 1]


def test_thompson_sampling_believes_what_bayes_believes_and_picks_the_better_arm_as_often_as_it_does():
    prior, noise_std = 2.0, 0.5
    problem = problems.bandit([0.1, 0.2], std=noise_std)
    agent = ql.ThompsonSampling(reward_std=noise_std, prior_mean=1.0, prior_std=prior)
    runs, actions, rewards, _ = pulled(agent, problem, pulls=6, seeds=2000)
    n = np.stack([(actions == a).sum(axis=1) for a in range(2)], axis=1)
    total = np.stack([np.where(actions == a, rewards, 0).sum(axis=1) for a in range(2)], axis=1)
    mean = (1.0 / prior**2 + total / noise_std**2) / (1 / prior**2 + n / noise_std**2)
    np.testing.assert_allclose(runs.q_table[:, 0], mean, atol=1e-4)
    n = np.stack([(actions[:, :5] == a).sum(axis=1) for a in range(2)], axis=1)
    total = np.stack([np.where(actions[:, :5] == a, rewards[:, :5], 0).sum(axis=1) for a in range(2)], axis=1)
    variance = 1 / (1 / prior**2 + n / noise_std**2)
    mean = variance * (1.0 / prior**2 + total / noise_std**2)
    second = stats.norm.cdf((mean[:, 1] - mean[:, 0]) / np.sqrt(variance.sum(axis=1)))
    error = np.sqrt((second * (1 - second)).sum())
    assert abs((actions[:, 5] == 1).sum() - second.sum()) < 4 * error


def test_thompson_sampling_of_successes_has_the_mean_of_a_beta(arms):
    coin = ql.FiniteMDP.from_gymnasium(
        [[[(p, 0, 1.0, True), (1 - p, 0, 0.0, True)] for p in (0.3, 0.8)]], name="two coins"
    )
    runs, actions, rewards, _ = pulled(ql.ThompsonSampling(rewards="bernoulli"), coin, pulls=50, seeds=56)
    for a in range(2):
        wins, n = np.where(actions == a, rewards, 0).sum(axis=1), (actions == a).sum(axis=1)
        np.testing.assert_allclose(runs.q_table[:, 0, a], (1 + wins) / (2 + n), rtol=1e-5)
    assert abs((actions[:, 0] == 1).mean() - 0.5) < 4 * 0.5 / np.sqrt(56)
    assert (actions[:, 40:] == 1).mean() > 0.9


def test_the_test_bed_has_a_bandit_of_its_own_for_every_seed_and_the_same_for_every_agent():
    bed, zero = problems.bandit_testbed(mean=4.0, spread=2.0), jnp.uint32(0)
    place = jax.vmap(lambda s: bed.means(noise.at(s, noise.UPDATE, zero, zero)))
    means = np.asarray(jax.jit(place)(jnp.arange(4000, dtype=jnp.uint32)))
    assert stats.kstest(means.ravel(), stats.norm(4.0, 2.0).cdf).pvalue > 1e-3
    best = integrate.quad(lambda x: x * 10 * stats.norm.pdf(x) * stats.norm.cdf(x) ** 9, -9, 9)[0]
    assert best == pytest.approx(1.5388, abs=1e-4)
    assert abs(means.max(axis=1).mean() - (4 + 2 * best)) < 4 * means.max(axis=1).std() / np.sqrt(4000)
    sure = problems.bandit_testbed(mean=4.0, spread=2.0, std=1e-6)
    _, actions, rewards, _ = pulled(ql.GradientBandit(), sure)
    np.testing.assert_allclose(rewards, np.take_along_axis(means[:SEEDS], actions, axis=1), atol=1e-4)
