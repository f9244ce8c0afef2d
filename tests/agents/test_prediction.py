"""Prediction of a given policy: identities, the book's algorithms gone through by hand, and exact values."""

import dataclasses

import numpy as np
import pytest

import qlearn as ql
from qlearn.environments import FiniteMDP
from qlearn.training import parse_agent, written_agent

GAMMA, LAMBDA, ALPHA = 0.9, 0.7, 0.25  # a step size that is a power of 2 rounds nothing
SETTINGS = {"learning_rate": ALPHA, "discount": GAMMA}
POLICY = np.random.default_rng(3).dirichlet(np.ones(3), size=6).round(3)
POLICY[:, 2] = 1 - POLICY[:, 0] - POLICY[:, 1]
EVEN = np.full((6, 3), 1 / 3)


def trained(agent, problem, **budget):
    return ql.train(agent, problem, **({"episodes": 25, "seeds": 4} | budget))


def test_td_0_is_n_step_td_with_n_1_and_td_lambda_with_lambda_0(small):
    one = trained(ql.NStepTD(n=1, policy=POLICY, **SETTINGS), small)
    other = trained(ql.TDLambda(trace_decay=0.0, policy=POLICY, **SETTINGS), small)
    np.testing.assert_array_equal(one.visits, other.visits)
    np.testing.assert_array_equal(one.state_values, other.state_values)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ql.NStepTD(n=1, **SETTINGS), ql.TrueOnlineTDLambda(trace_decay=0.0, **SETTINGS)),
        (ql.MonteCarloPrediction(visits="every", **SETTINGS), ql.OfflineLambdaReturn(trace_decay=1.0, **SETTINGS)),
        (ql.MonteCarloPrediction(visits="every", **SETTINGS), ql.NStepTD(n=12, **SETTINGS)),
    ],
    ids=lambda agent: agent.label,
)
def test_methods_that_are_one_give_the_same_values(one, other, small):
    """λ = 1 is Monte Carlo, and so is an n of at least an episode's length."""
    one, other = trained(one, small), trained(other, small)
    np.testing.assert_array_equal(one.visits, other.visits)
    np.testing.assert_allclose(one.state_values, other.state_values, rtol=1e-4, atol=1e-5)


def td_lambda(kind, met, v):
    tables = []
    for steps in met:
        e = np.zeros_like(v)
        for s, _, reward, then, terminated, _ in steps:
            e *= GAMMA * LAMBDA
            e[s] = {"accumulating": e[s] + 1, "replacing": 1.0, "dutch": (1 - ALPHA) * e[s] + 1}[kind]
            v += ALPHA * (reward + (0.0 if terminated else GAMMA * v[then]) - v[s]) * e
        tables.append(v.copy())
    return tables


def n_step_td(n, met, v):
    tables = []
    for steps in met:
        length, cut = len(steps), None
        for t in range(length + n - 1):
            if t == length - 1:
                cut = 0.0 if steps[-1][4] else v[steps[-1][3]]
            first, end = t - n + 1, min(t + 1, length)
            if first >= 0:
                beyond = cut if end == length else v[steps[end][0]]
                total = sum(GAMMA ** (i - first) * steps[i][2] for i in range(first, end))
                s = steps[first][0]
                v[s] += ALPHA * (total + GAMMA ** (end - first) * beyond - v[s])
        tables.append(v.copy())
    return tables


def returns(steps, v):
    """G of every step; a truncated episode goes on with the value of its last state."""
    after, found = 0.0 if steps[-1][4] else v[steps[-1][3]], []
    for step in reversed(steps):
        after = step[2] + GAMMA * after
        found.append(after)
    return found[::-1]


def offline(met, v):
    tables = []
    for steps in met:
        old, length = v.copy(), len(steps)
        values = [0.0 if step[4] else old[step[3]] for step in steps]
        for t in range(length):
            n_step = [
                sum(GAMMA**i * steps[t + i][2] for i in range(n)) + GAMMA**n * values[t + n - 1]
                for n in range(1, length - t + 1)
            ]
            weights = [(1 - LAMBDA) * LAMBDA ** (n - 1) for n in range(1, length - t)] + [LAMBDA ** (length - t - 1)]
            v[steps[t][0]] += ALPHA * (np.dot(weights, n_step) - v[steps[t][0]])
        tables.append(v.copy())
    return tables


BY_HAND = [
    (ql.TDLambda(traces="accumulating", trace_decay=LAMBDA, policy=POLICY, **SETTINGS), td_lambda, "accumulating"),
    (ql.TDLambda(traces="replacing", trace_decay=LAMBDA, policy=POLICY, **SETTINGS), td_lambda, "replacing"),
    (ql.TDLambda(traces="dutch", trace_decay=LAMBDA, policy=POLICY, **SETTINGS), td_lambda, "dutch"),
    (ql.NStepTD(n=3, policy=POLICY, **SETTINGS), n_step_td, 3),
    (ql.OfflineLambdaReturn(trace_decay=LAMBDA, policy=POLICY, **SETTINGS), offline, None),
]


@pytest.mark.parametrize(("agent", "by_hand", "what"), BY_HAND, ids=[f"{a.label} {w}" for a, _, w in BY_HAND])
def test_values_are_those_of_the_equations_on_what_was_met(agent, by_hand, what, small, driven):
    met, tables = driven(agent, small, 8, seed=3)
    assert {steps[-1][4] for steps in met} == {False, True}
    found = by_hand(met, np.zeros(6)) if what is None else by_hand(what, met, np.zeros(6))
    np.testing.assert_allclose(np.array(tables)[:, :, 0], found, rtol=2e-4, atol=2e-5)


def test_true_online_td_is_the_online_lambda_return_algorithm(small, driven):
    agent = ql.TrueOnlineTDLambda(trace_decay=LAMBDA, policy=POLICY, **SETTINGS)
    met, tables = driven(agent, small, 6, seed=3)
    v = np.zeros(6)
    for steps, table in zip(met, tables, strict=True):
        sequence, length = [v.copy()], len(steps)
        for h in range(1, length + 1):
            new = v.copy()
            for t in range(h):
                values = [0.0 if steps[k][4] else sequence[k][steps[k][3]] for k in range(h)]
                n_step = [
                    sum(GAMMA**i * steps[t + i][2] for i in range(n)) + GAMMA**n * values[t + n - 1]
                    for n in range(1, h - t + 1)
                ]
                weights = [(1 - LAMBDA) * LAMBDA ** (n - 1) for n in range(1, h - t)] + [LAMBDA ** (h - t - 1)]
                new[steps[t][0]] += ALPHA * (np.dot(weights, n_step) - new[steps[t][0]])
            sequence.append(new)
        v = sequence[-1]
        np.testing.assert_allclose(table[:, 0], v, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("visits", ["first", "every"])
@pytest.mark.parametrize("importance", [None, "ordinary", "weighted"])
def test_monte_carlo_values_are_averages_of_weighted_returns(visits, importance, small, driven):
    off = {} if importance is None else {"behaviour": EVEN, "importance": importance}
    agent = ql.MonteCarloPrediction(policy=POLICY, visits=visits, discount=GAMMA, **off)
    met, tables = driven(agent, small, 12, seed=3)
    tops, bottoms, v = np.zeros(6), np.zeros(6), np.zeros(6)
    for steps, table in zip(met, tables, strict=True):
        seen = set()
        for t, (total, (s, *_)) in enumerate(zip(returns(steps, v), steps, strict=True)):
            ratio = 1.0 if importance is None else np.prod([3 * POLICY[k[:2]] for k in steps[t:]])
            if visits == "every" or s not in seen:
                tops[s] += ratio * total
                bottoms[s] += ratio if importance == "weighted" else 1.0
            seen.add(s)
        v = np.where(bottoms > 0, tops / np.where(bottoms > 0, bottoms, 1), 0.0)
        np.testing.assert_allclose(table[:, 0], v, rtol=2e-4, atol=2e-5)


def test_values_come_to_the_exact_ones(small, endless):
    P, R = endless
    exact = np.linalg.solve(np.eye(6) - 0.7 * np.einsum("sa,sat->st", POLICY, P), (POLICY * R).sum(axis=1))
    settings = {"policy": POLICY, "discount": 0.7}
    rate = {"learning_rate": ql.per_visit(power=0.8)}
    for agent in (
        ql.TDLambda(trace_decay=0.5, **rate, **settings),
        ql.MonteCarloPrediction(visits="every", **settings),
        ql.MonteCarloPrediction(behaviour=EVEN, importance="weighted", **settings),
    ):
        runs = ql.train(agent, small, episodes=4000, seeds=12)
        values = runs.state_values
        assert values.shape == (12, 6)
        error = values.std(axis=0, ddof=1) / np.sqrt(12)
        np.testing.assert_array_less(np.abs(values.mean(axis=0) - exact)[:5], (5 * error + 0.01)[:5])
        taken = runs.visits.sum(axis=0)[:5]
        acted = EVEN if getattr(agent, "behaviour", None) else POLICY
        np.testing.assert_allclose(taken / taken.sum(axis=1, keepdims=True), acted[:5], atol=0.01)


def test_a_truncated_step_bootstraps_and_a_terminated_one_does_not():
    cut = FiniteMDP.from_gymnasium({0: {0: [(1.0, 0, 1.0, False)]}}, time_limit=1)
    ends = FiniteMDP.from_gymnasium({0: {0: [(1.0, 0, 1.0, True)]}}, time_limit=1)
    for make in (ql.TrueOnlineTDLambda, ql.OfflineLambdaReturn):
        agent = make(learning_rate=1.0, discount=0.5, initial_value=8.0)
        assert trained(agent, cut, episodes=1, seeds=1).state_values.item() == 5.0
        assert trained(agent, ends, episodes=1, seeds=1).state_values.item() == 1.0


def test_prediction_is_no_control_and_control_no_prediction(small):
    judged, chosen = trained(ql.TDLambda(), small), trained(ql.QLearning(), small)
    with pytest.raises(ql.InputError, match="state_values"):
        ql.evaluate(judged)
    with pytest.raises(ql.InputError, match="state_values"):
        judged.greedy_policies()
    with pytest.raises(ql.InputError, match="q_table"):
        _ = chosen.state_values
    with pytest.raises(ql.InputError, match="state_values"):
        ql.compare([ql.TDLambda(), ql.QLearning()], small, episodes=2, seeds=4)


def test_policies_that_are_none_or_do_not_fit_are_refused(small):
    with pytest.raises(ql.InputError, match="sum to 1"):
        ql.TDLambda(policy=[[0.5, 0.2]])
    with pytest.raises(ql.InputError, match="6 states and 3 actions"):
        trained(ql.NStepTD(policy=np.full((4, 2), 0.5)), small)
    never = np.tile([1.0, 0.0, 0.0], (6, 1))
    with pytest.raises(ql.InputError, match="behaviour never does"):
        trained(ql.MonteCarloPrediction(behaviour=never), small)
    with pytest.raises(ql.InputError, match="weights of their own"):
        ql.MonteCarloPrediction(behaviour=EVEN, importance="weighted", learning_rate=0.1)


def test_a_policy_is_written_into_the_agents_text_and_read_again():
    agent = ql.TDLambda(policy=[[0.25, 0.75], [1, 0]], learning_rate=0.5)
    assert parse_agent(written_agent(agent)) == agent
    assert hash(dataclasses.replace(agent)) == hash(agent)
