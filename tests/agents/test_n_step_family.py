"""n-step methods: what they share with one-step methods and with each other, and the book's equations gone through."""

import dataclasses

import numpy as np
import pytest

import qlearn as ql
from qlearn.environments import FiniteMDP

GAMMA, ALPHA, SIGMA = 0.9, 0.25, 0.5


def trained(agent, problem, **budget):
    return ql.train(agent, problem, **({"episodes": 25, "seeds": 4} | budget))


def same(one, other):
    np.testing.assert_array_equal(one.visits, other.visits)
    np.testing.assert_array_equal(one.q_table, other.q_table)


FIRST = ql.EpsilonGreedy(0.2, ties="first")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ql.Sarsa(), ql.NStepSarsa(n=1)),
        (ql.ExpectedSarsa(), ql.NStepExpectedSarsa(n=1)),
        (ql.QLearning(exploration=FIRST), ql.TreeBackup(n=1, exploration=FIRST)),
        (ql.NStepSarsa(n=3), ql.QSigma(n=3, sigma=1.0)),
    ],
    ids=lambda agent: agent.label,
)
def test_methods_that_are_one_give_the_same_bits(one, other, small):
    same(trained(one, small), trained(other, small))


def test_q_sigma_with_sigma_0_is_tree_backup(small):
    evenly = ql.EpsilonGreedy(1.0)  # what is done does not depend on when the next action is chosen
    tree = trained(ql.TreeBackup(n=3, exploration=evenly, target="behaviour"), small)
    other = trained(ql.QSigma(n=3, sigma=0.0, exploration=evenly), small)
    np.testing.assert_array_equal(tree.visits, other.visits)
    np.testing.assert_allclose(tree.q_table, other.q_table, rtol=1e-5, atol=1e-6)


def backed_up(kind, steps, last, ratios, q, policy, cut):
    """The return of the first of ``steps``, by the book's recursions (7.7, 7.16, 7.17), in float64."""
    _, _, reward, then, terminated, truncated = steps[0]
    if terminated:
        return reward
    if truncated:
        return reward + GAMMA * cut
    expected = policy[then] @ q[then]
    if len(steps) == 1:
        if kind == "sarsa":
            return reward + GAMMA * q[then, last]
        if kind == "plain":
            return reward + GAMMA * (SIGMA * ratios[1] * q[then, last] + (1 - SIGMA) * expected)
        return reward + GAMMA * expected
    action = steps[1][1]
    later = backed_up(kind, steps[1:], last, ratios[1:], q, policy, cut)
    if kind in ("sarsa", "expected"):
        return reward + GAMMA * later
    pi = policy[then, action]
    if kind == "tree":
        return reward + GAMMA * (expected - pi * q[then, action] + pi * later)
    share = SIGMA * ratios[1] + (1 - SIGMA) * pi
    if kind == "plain":
        return reward + GAMMA * ((1 - SIGMA) * (expected - pi * q[then, action]) + share * later)
    return reward + GAMMA * (share * (later - q[then, action]) + expected)


def learnt_by_hand(kind, met, n, q, policies):
    """The tables after every episode; ``policies`` turns a table into the policies (target, behaviour)."""
    tables = []
    for steps in met:
        length, over = len(steps), not steps[-1][4]
        ratios, cut = {}, None
        for t in range(length + n - 1):
            target, behaviour = policies(q)
            for k in (t, t + 1) if kind == "plain" else (t,):  # ρ is that of the moment when the action is chosen
                if k < length and k not in ratios:
                    ratios[k] = (target / behaviour)[steps[k][:2]]
            if t == length - 1:  # the value behind a truncated end is that of the moment when the clock ran out
                cut = target[steps[t][3]] @ q[steps[t][3]]
            oldest = t - n + 1
            if oldest < 0:
                continue
            path = steps[oldest : min(t + 1, length)]
            last = steps[t + 1][1] if t + 1 < length else None
            if last is None and over and kind in ("sarsa", "plain"):
                break  # a truncated episode ends with an action that was drawn and not taken
            s, a = path[0][:2]
            known = [ratios.get(k) for k in range(oldest, min(t + 2, length))]
            q[s, a] += ALPHA * (backed_up(kind, path, last, known, q, target, cut) - q[s, a])
        tables.append(q.copy())
    return tables


def softmax(q):
    weights = np.exp(q - q.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights, weights


def greedy_and_even(q):
    best = q == q.max(axis=1, keepdims=True)
    return best / best.sum(axis=1, keepdims=True), np.full(q.shape, 1 / q.shape[1])


SETTINGS = {"n": 3, "learning_rate": ALPHA, "discount": GAMMA}
SOFT = {"exploration": ql.Boltzmann(1.0)} | SETTINGS
EVEN = {"exploration": ql.EpsilonGreedy(1.0), "target": "greedy"} | SETTINGS


@pytest.mark.parametrize(
    ("kind", "agent", "policies"),
    [
        ("sarsa", ql.NStepSarsa(**SOFT), softmax),
        ("expected", ql.NStepExpectedSarsa(**SOFT), softmax),
        ("tree", ql.TreeBackup(target="behaviour", **SOFT), softmax),
        ("tree", ql.TreeBackup(**EVEN), greedy_and_even),
        ("plain", ql.QSigma(sigma=SIGMA, **SOFT), softmax),
        ("plain", ql.QSigma(sigma=SIGMA, **EVEN), greedy_and_even),
        ("controlled", ql.QSigma(sigma=0.5, control_variate=True, **SOFT), softmax),
        ("controlled", ql.QSigma(sigma=0.5, control_variate=True, **EVEN), greedy_and_even),
    ],
)
def test_values_are_those_of_the_books_recursion_on_what_was_met(kind, agent, policies, small, driven):
    problem = dataclasses.replace(small, time_limit=60) if kind in ("sarsa", "plain") else small
    met, tables = driven(agent, problem, 8)
    if kind in ("sarsa", "plain"):
        met = met[: next((i for i, steps in enumerate(met) if steps[-1][5]), len(met))]
    assert len(met) >= 4
    assert any(steps[-1][4] for steps in met)
    found = learnt_by_hand(kind, met, 3, np.zeros((6, 3)), policies)
    np.testing.assert_allclose(np.array(tables)[: len(found)], found, rtol=2e-4, atol=2e-5)


def action_values(P, R, policy, gamma):
    """Q of a fixed policy, exactly."""
    S, A = R.shape
    onward = np.einsum("sat,tb->satb", P, policy).reshape(S * A, S * A)
    return np.linalg.solve(np.eye(S * A) - gamma * onward, R.ravel()).reshape(S, A)


@pytest.mark.parametrize(
    "agent",
    [
        ql.NStepExpectedSarsa(n=3),
        ql.QSigma(n=3, sigma=0.5, target="greedy", control_variate=True),
    ],
    ids=lambda agent: f"{agent.label} {getattr(agent, 'target', '')}",
)
def test_with_even_behaviour_values_come_to_those_of_the_target_policy(agent, small, endless):
    P, R = endless
    agent = dataclasses.replace(
        agent, exploration=ql.EpsilonGreedy(1.0), discount=0.7, learning_rate=ql.per_visit(power=0.8)
    )
    runs = ql.train(agent, small, steps=100_000, seeds=12)
    expected = action_values(P, R, np.full((6, 3), 1 / 3), 0.7)
    if getattr(agent, "target", "") == "greedy":
        expected = ql.solve(small, discount=0.7).q
    mean, error = runs.q_table.mean(axis=0), runs.q_table.std(axis=0, ddof=1) / np.sqrt(12)
    np.testing.assert_array_less(np.abs(mean - expected)[:5], (5 * error + 0.02)[:5])


def test_a_truncated_step_bootstraps_and_a_terminated_one_does_not():
    """One state, reward 1: after a single episode of one step, Q is 1 + γ Q₀ or 1."""
    settings = {"n": 3, "learning_rate": 1.0, "discount": 0.5, "initial_value": 8.0}
    cut = FiniteMDP.from_gymnasium({0: {0: [(1.0, 0, 1.0, False)]}}, time_limit=1)
    ends = FiniteMDP.from_gymnasium({0: {0: [(1.0, 0, 1.0, True)]}}, time_limit=1)
    assert trained(ql.QSigma(**settings), cut, episodes=1, seeds=1).q_table.item() == 5.0
    assert trained(ql.QSigma(**settings), ends, episodes=1, seeds=1).q_table.item() == 1.0


def test_what_waits_is_settled_at_the_end_and_never_in_the_next_episode():
    """A corridor of three steps to a reward of 1; n is larger than any episode, so each is one Monte Carlo return."""
    steps = {s: {0: [(1.0, s + 1, float(s == 2), s == 2)]} for s in range(3)} | {3: {0: [(1.0, 3, 0.0, True)]}}
    corridor = FiniteMDP.from_gymnasium(steps)
    runs = trained(ql.TreeBackup(n=5, learning_rate=1.0, discount=0.5), corridor, episodes=1, seeds=1)
    assert runs.q_table[0, :, 0].tolist() == [0.25, 0.5, 1.0, 0.0]


def test_a_sigma_that_counts_visits_is_refused_and_so_is_one_above_1():
    with pytest.raises(ql.InputError, match="sigma"):
        ql.QSigma(sigma=ql.per_visit())
    with pytest.raises(ql.InputError, match="sigma"):
        ql.QSigma(sigma=1.5)
    with pytest.raises(ql.InputError, match="target"):
        ql.TreeBackup(target="best")
