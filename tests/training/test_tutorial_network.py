"""The tutorial's Keras network on many seeds: its published curve, its stability and its final errors.

Every figure of the original comes from 40 runs, and so has a sampling error itself; runs here and there are taken to
scatter alike.  All 1,000 episodes over more seeds are what `qlearn tutorial` runs; docs/from-table-to-network.md has
that table.
"""

import numpy as np
import pytest

import qlearn as ql

SEEDS, EPISODES, ORIGINAL = 16, 1000, 40
PAIRED = np.sqrt(1 / SEEDS + 1 / ORIGINAL)  # of the difference of two means, times the spread of one run
MEDIAN = 1.2533  # the standard error of a normal sample's median, over that of its mean
LEARNT = 150

CURVE = {  # mean reward per step, and the standard deviation of one run's, over 200 seeds here
    (1, 50): (1.395, 0.12),  # most runs turn back at once; a few are lucky for long
    (51, 100): (1.634, 0.165),
    (101, 150): (1.976, 0.057),
    (201, 300): (2.117, 0.018),
    (501, 600): (2.416, 0.021),
    (901, 1000): (2.752, 0.025),
}


@pytest.fixture(scope="module")
def chain():
    return ql.make("NChain-v0")


@pytest.fixture(scope="module")
def truth(chain):
    return ql.solve(chain, discount=0.95)


@pytest.fixture(scope="module")
def runs(chain):
    return ql.train(ql.tutorial_network(), chain, episodes=EPISODES, seeds=SEEDS, snapshots=EPISODES)


@pytest.fixture(scope="module")
def optimal(runs):
    """Whether the greedy policy is forward everywhere at each episode's end, (seeds, episodes)."""
    return runs.snapshot_policies()[:, 1:, :, 0].min(axis=2) == 1


def test_the_learning_curve_is_that_of_the_original(runs):
    for (low, high), (original, spread) in CURVE.items():
        mean = runs.returns[:, low - 1 : high].mean() / 1000
        half_a_digit = 0.0005
        assert abs(mean - original) < 4 * spread * PAIRED + half_a_digit, (low, high)


def test_once_learnt_the_curve_is_what_the_optimal_policy_earns_at_that_epsilon(runs, chain):
    epsilon = 0.5 * 0.999 ** np.arange(1, EPISODES + 1)
    forward = np.repeat(np.stack([1 - epsilon / 2, epsilon / 2], axis=1)[:, None], 5, axis=1)
    exact = ql.planning.evaluate_policies(chain, forward, 1000)
    apart = (runs.returns - exact)[:, LEARNT:].mean(axis=1)
    error = apart.std(ddof=1) / np.sqrt(SEEDS)
    assert error < 4  # of some 2,400 an episode
    flips = 0.02 * 630  # at 1 or 2% of the episode ends the policy is worth 630 less, as below
    assert -flips - 4 * error < apart.mean() < 4 * error


def test_no_run_earns_more_than_the_online_ceiling(runs, chain):
    ceiling = ql.planning.online_ceiling(chain, 0.5 * 0.999 ** np.arange(1, EPISODES + 1))
    total = (runs.returns - ceiling).sum(axis=1)
    luck = 280 * np.sqrt(EPISODES)  # the standard deviation of a thousand games; of one, 279 at most (ε = 0)
    assert (total < 4 * luck).all()
    assert total.mean() < 0


def test_the_policy_is_optimal_from_about_episode_76(optimal):
    since = np.array([max(np.flatnonzero(~ends[:LEARNT]), default=-1) + 2 for ends in optimal])
    assert (since <= LEARNT).all()  # the original's latest: 114
    spread = np.subtract(*np.quantile(since, [0.75, 0.25])) / 1.349  # of a normal distribution with these quartiles
    assert abs(np.median(since) - 76) < 4 * MEDIAN * spread * PAIRED


def test_after_episode_150_it_flips_briefly_and_only_in_state_0(runs, optimal):
    share = optimal[:, LEARNT:].mean(axis=1)
    assert abs(share.mean() - 0.989) < 4 * share.std(ddof=1) * PAIRED + 0.0005
    backward = runs.snapshot_policies()[:, LEARNT + 1 :, :, 1]
    assert backward[..., 1:].max() == 0
    worth = ql.evaluate(runs).curve[:, LEARNT + 1 :]
    assert worth.min() == pytest.approx(3034, abs=5)
    assert worth.max() == pytest.approx(3663.6928, abs=1e-3)


def test_the_final_errors_are_those_of_the_original(runs, truth):
    error = np.sqrt(((runs.q_table - truth.q) ** 2).mean(axis=(1, 2)))
    for quantile, original in ((0.25, 0.40), (0.5, 0.66), (0.75, 0.99)):
        # A sample quantile's error: √(p (1 − p)) over the density there, which is taken from the original's quartiles.
        density = 0.5 / (0.99 - 0.40)
        spread = np.sqrt(quantile * (1 - quantile)) / density
        assert abs(np.quantile(error, quantile) - original) < 3 * spread * PAIRED
    assert error.max() < 3.5  # the largest of 40 was 1.69; nothing went astray


def test_nothing_diverges(runs):
    assert not runs.diverged.any()
