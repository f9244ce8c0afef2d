"""Agents that explore what they do not know: beliefs, plans done again in NumPy, and the optimum of a river."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

import qlearn as ql
from qlearn.environments import problems


@pytest.fixture(scope="module")
def river():
    """RiverSwim without a clock: the best average reward is 0.428622."""
    return dataclasses.replace(problems.river_swim(), time_limit=None)


def gains(runs, river):
    return [ql.planning.average_reward(river, policy) for policy in runs.greedy_policies()]


def test_posterior_sampling_swims_up_the_river(river):
    given = {"prior": 1 / 6, "can_end": False, "reward_mean": 1.0}
    runs = ql.train(ql.PosteriorSampling(discount=0.99, renew="doubling", **given), river, steps=3000, seeds=4)
    assert np.isclose(gains(runs, river), ql.planning.average_reward(river), rtol=1e-6).mean() >= 0.75
    assert (runs.extras["plans"] < 100).all()
    limited = dataclasses.replace(river, time_limit=20)
    runs = ql.train(ql.PosteriorSampling(horizon=20, **given), limited, episodes=100, seeds=2)
    np.testing.assert_array_equal(runs.extras["plans"], 100)
    assert runs.returns[:, 60:].mean() > 0.8 * 3.397264


def test_a_drawn_reward_has_the_distribution_of_student():
    """One state, two arms that pay 1 and −0.5 for certain: the posterior of a mean is Student's t."""
    arms = ql.FiniteMDP.from_gymnasium([[[(1.0, 0, 1.0, True)], [(1.0, 0, -0.5, True)]]])
    agent = ql.PosteriorSampling(horizon=1, reward_mean=0.5, reward_std=2.0)
    runs = ql.train(agent, arms, episodes=2, seeds=150, snapshots=2)
    n = runs.snapshots.visits[:, -2, 0].astype(float)  # before the last plan
    paid = np.array([1.0, -0.5])
    mean = 0.5 + (paid - 0.5) * n / (n + 1)
    a, b = (n + 1) / 2, 0.5 * (4.0 + (paid - 0.5) ** 2 * n / (n + 1))
    scale = np.sqrt(b / (a * (n + 1)))
    places = stats.t.cdf((runs.q_table[:, 0] - mean) / scale, df=2 * a)
    assert stats.kstest(places.ravel(), "uniform").pvalue > 1e-3


def test_a_drawn_chance_has_the_distribution_of_a_beta():
    """An action that goes on with 0.7 and pays 1: within two steps it is worth one, and the chance of another."""
    coin = ql.FiniteMDP.from_gymnasium([[[(0.7, 0, 1.0, False), (0.3, 0, 1.0, True)]]])
    agent = ql.PosteriorSampling(horizon=2, prior=1.5, reward_mean=1.0, reward_std=1e-4)
    runs = ql.train(agent, coin, episodes=3, seeds=150, snapshots=3)
    steps = runs.snapshots.visits[:, -2, 0, 0]
    ends = 2  # episodes before the last plan
    places = stats.beta.cdf(runs.q_table[:, 0, 0] - 1.0, 1.5 + steps - ends, 1.5 + ends)
    assert stats.kstest(places, "uniform").pvalue > 1e-3


@pytest.fixture(scope="module")
def ring():
    """Four states, three actions, nothing random; action 2 in state 3 ends the episode."""
    rng = np.random.default_rng(4)
    P = [[[(1.0, (s + a + 1) % 4, float(rng.uniform()), s == 3 and a == 2)] for a in range(3)] for s in range(4)]
    return ql.FiniteMDP.from_gymnasium(P, initial=1)


def optimistic(arrivals, reward, visits, t, agent):
    """Extended value iteration by loops: the values of the best plausible model."""
    S, A = visits.shape
    u = np.zeros(S)
    while True:
        q = np.zeros((S, A))
        for s in range(S):
            for a in range(A):
                n = max(1, visits[s, a])
                off = agent.reward_width * np.sqrt(7 * np.log(2 * S * A * t / 0.05) / (2 * n))
                d = agent.transition_width * np.sqrt(14 * S * np.log(2 * A * t / 0.05) / n)
                if visits[s, a] == 0:
                    q[s, a] = 1.0 + u.max()
                    continue
                p, best = arrivals[s, a] / n, u.argmax()
                p[best] = min(1.0, p[best] + d / 2)
                for worst in np.argsort(u, kind="stable"):
                    p[worst] = max(0.0, 1.0 - (p.sum() - p[worst])) if p.sum() > 1 else p[worst]
                q[s, a] = min(1.0, reward[s, a] / n + off) + p @ u
        change = q.max(axis=1) - u
        if np.ptp(change) <= 1 / np.sqrt(t) and t > 0:
            return q
        u = q.max(axis=1) - q.max(axis=1).min()


def test_ucrl2_plans_when_visits_have_doubled_and_for_the_best_plausible_model(ring):
    agent = ql.UCRL2(reward_width=0.2, transition_width=0.1)
    runs = ql.train(agent, ring, steps=80, seeds=1, snapshots=80)
    visits = runs.snapshots.visits[0].reshape(81, -1)
    taken = [divmod(int(cell), 3) for cell in np.diff(visits, axis=0).argmax(axis=1)]
    arrivals, paid, earlier, plans = np.zeros((4, 3, 4)), np.zeros((4, 3)), np.zeros((4, 3)), 0
    for t, (s, a) in enumerate(taken):
        known = arrivals.sum(axis=2)
        if t == 0 or (known - earlier >= np.maximum(earlier, 1))[taken[t - 1]]:
            q = optimistic(arrivals, paid, known, t + 1, agent)
            earlier, plans = known, plans + 1
        assert q[s, a] == pytest.approx(q[s].max(), abs=2e-2)
        follows = taken[t + 1][0] if t + 1 < len(taken) else 0
        arrivals[s, a, follows] += 1
        paid[s, a] += ring.reward[s * 3 + a]
    assert runs.extras["plans"][0] == plans


def test_ucrl2_finds_the_way_up_the_river_with_narrow_bounds(river):
    agent = ql.UCRL2(reward_width=0.1, transition_width=0.05)
    runs = ql.train(agent, river, steps=20_000, seeds=4)
    assert np.isclose(gains(runs, river), ql.planning.average_reward(river), rtol=1e-6).mean() >= 0.75


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ql.InputError, match="needs a horizon"):
        ql.PosteriorSampling(discount=1.0)
    with pytest.raises(ql.InputError, match="not above"):
        ql.UCRL2(reward_min=1.0, reward_max=1.0)
    with pytest.raises(ql.InputError, match="out of range"):
        ql.PosteriorSampling(prior=0.0)


def test_ucrl2_with_a_horizon_makes_a_plan_for_every_episode():
    agent = ql.UCRL2(horizon=20, reward_width=0.1, transition_width=0.05)
    runs = ql.train(agent, problems.river_swim(), episodes=150, seeds=3)
    np.testing.assert_array_equal(runs.extras["plans"], 150)
    assert runs.returns[:, 75:].mean() > 0.9 * 3.397264
