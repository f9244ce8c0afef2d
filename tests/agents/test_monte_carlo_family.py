"""Monte Carlo control: averages gone through by hand, and the optimum of small problems."""

import dataclasses

import numpy as np
import pytest

import qlearn as ql
from qlearn.environments import FiniteMDP

GAMMA = 0.9


@pytest.fixture(scope="module")
def anywhere(small):
    """The small problem, starting in any state but the end."""
    return dataclasses.replace(small, initial=np.array([0.2] * 5 + [0.0]))


def greedy(row):
    best = row == row.max()
    return best / best.sum()


def returns(steps, beyond):
    after, found = 0.0 if steps[-1][4] else beyond, []
    for step in reversed(steps):
        after = step[2] + GAMMA * after
        found.append(after)
    return found[::-1]


@pytest.mark.parametrize("visits", ["first", "every"])
@pytest.mark.parametrize("make", [ql.MonteCarloControl, ql.MonteCarloExploringStarts])
def test_values_are_averages_of_the_returns_met(make, visits, anywhere, driven):
    soft = {"exploration": ql.Greedy()} if make is ql.MonteCarloExploringStarts else {}
    met, tables = driven(make(visits=visits, discount=GAMMA, **soft), anywhere, 15, seed=4)
    tops, counts, q = np.zeros((6, 3)), np.zeros((6, 3)), np.zeros((6, 3))
    for steps, table in zip(met, tables, strict=True):
        row, seen = q[steps[-1][3]], set()
        policy = 0.9 * greedy(row) + 0.1 / 3 if make is ql.MonteCarloControl else greedy(row)
        for (s, a, *_), total in zip(steps, returns(steps, policy @ row), strict=True):
            if visits == "every" or (s, a) not in seen:
                tops[s, a] += total
                counts[s, a] += 1
            seen.add((s, a))
        q = tops / np.maximum(counts, 1)
        np.testing.assert_allclose(table, q, rtol=1e-4, atol=1e-5)


def test_off_policy_control_does_what_the_book_says_from_the_last_step_to_the_first(anywhere, driven):
    """Section 5.7, with ρ of equal best actions shared between them."""
    met, tables = driven(
        ql.OffPolicyMonteCarlo(discount=GAMMA, exploration=ql.EpsilonGreedy(0.4)), anywhere, 15, seed=4
    )
    q, sums, cut = np.zeros((6, 3)), np.zeros((6, 3)), 0
    for steps, table in zip(met, tables, strict=True):
        acted = np.array([0.6 * greedy(row) + 0.4 / 3 for row in q])
        last = q[steps[-1][3]]
        total, weight = 0.0 if steps[-1][4] else greedy(last) @ last, 1.0
        for s, a, reward, *_ in reversed(steps):
            total = reward + GAMMA * total
            sums[s, a] += weight
            q[s, a] += weight / sums[s, a] * (total - q[s, a])
            weight *= greedy(q[s])[a] / acted[s, a]
            if weight == 0.0:
                cut += 1
                break
        np.testing.assert_allclose(table, q, rtol=1e-4, atol=1e-5)
    assert cut > 3


def test_exploring_starts_and_off_policy_control_find_the_optimum(anywhere):
    short = dataclasses.replace(anywhere, time_limit=40)
    best = ql.solve(short, discount=0.6).q
    starts = ql.train(ql.MonteCarloExploringStarts(discount=0.6), short, episodes=6000, seeds=12)
    assert starts.visits[:, :5].min() > 0
    assert ql.evaluate(starts).optimal.mean() > 0.7
    even = ql.OffPolicyMonteCarlo(discount=0.6, exploration=ql.EpsilonGreedy(0.5))
    off = ql.train(even, short, episodes=6000, seeds=12)
    assert ql.evaluate(off).optimal.mean() > 0.7
    error = off.q_table.std(axis=0, ddof=1) / np.sqrt(12)
    np.testing.assert_array_less(np.abs(off.q_table.mean(axis=0) - best)[:5], (5 * error + 0.05)[:5])


def test_the_first_action_is_drawn_from_all_and_the_others_are_greedy(anywhere, driven):
    """One action pays at every step and none else does: after it is known, only first actions differ."""
    ways = {0: {a: [(1.0, 0, float(a == 1), False)] for a in range(4)}}
    stay = FiniteMDP.from_gymnasium(ways, time_limit=5)
    met, _ = driven(ql.MonteCarloExploringStarts(discount=0.5), stay, 60, seed=1)
    first = [steps[0][1] for steps in met[20:]]
    later = [a for steps in met[20:] for (_, a, *_) in steps[1:]]
    assert set(first) == {0, 1, 2, 3}
    assert set(later) == {1}


@pytest.mark.parametrize("make", [ql.MonteCarloExploringStarts, ql.OffPolicyMonteCarlo])
def test_a_truncated_episode_goes_on_with_a_value_and_a_terminated_one_does_not(make):
    cut = FiniteMDP.from_gymnasium({0: {0: [(1.0, 0, 1.0, False)]}}, time_limit=1)
    ends = FiniteMDP.from_gymnasium({0: {0: [(1.0, 0, 1.0, True)]}}, time_limit=1)
    agent = make(discount=0.5, initial_value=8.0)
    assert ql.train(agent, cut, episodes=1, seeds=1).q_table.item() == 5.0
    assert ql.train(agent, ends, episodes=1, seeds=1).q_table.item() == 1.0


def test_without_a_time_limit_whole_episodes_are_refused(anywhere):
    endless = dataclasses.replace(anywhere, time_limit=None)
    for agent in (ql.MonteCarloExploringStarts(), ql.OffPolicyMonteCarlo(), ql.MonteCarloPrediction()):
        with pytest.raises(ql.InputError, match="time limit"):
            ql.train(agent, endless, episodes=1)
