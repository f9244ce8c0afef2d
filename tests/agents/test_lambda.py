"""Control with eligibility traces: identities, the algorithms gone through by hand, and the forward view."""

import dataclasses

import numpy as np
import pytest

import qlearn as ql
from qlearn.environments import FiniteMDP

GAMMA, LAMBDA, ALPHA = 0.9, 0.7, 0.25  # a step size that is a power of 2 rounds nothing
SETTINGS = {"learning_rate": ALPHA, "discount": GAMMA}


def trained(agent, problem, **budget):
    return ql.train(agent, problem, **({"episodes": 25, "seeds": 4} | budget))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ql.Sarsa(**SETTINGS), ql.SarsaLambda(trace_decay=0.0, **SETTINGS)),
        (ql.QLearning(**SETTINGS), ql.WatkinsQLambda(trace_decay=0.0, traces="replacing", **SETTINGS)),
        (
            ql.NaiveQLambda(exploration=ql.Greedy(), **SETTINGS),
            ql.WatkinsQLambda(exploration=ql.Greedy(), **SETTINGS),
        ),
    ],
    ids=lambda agent: agent.label,
)
def test_methods_that_are_one_give_the_same_bits(one, other, small):
    one, other = trained(one, small), trained(other, small)
    np.testing.assert_array_equal(one.visits, other.visits)
    np.testing.assert_array_equal(one.q_table, other.q_table)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ql.Sarsa(**SETTINGS), ql.TrueOnlineSarsaLambda(trace_decay=0.0, **SETTINGS)),
        (ql.QLearning(**SETTINGS), ql.PengQLambda(trace_decay=0.0, **SETTINGS)),
        (ql.WatkinsQLambda(exploration=ql.Greedy(), **SETTINGS), ql.PengQLambda(exploration=ql.Greedy(), **SETTINGS)),
        (ql.TrueOnlineSarsaLambda(**SETTINGS), ql.TrueOnlineSarsaLambda(trace_steps=12, **SETTINGS)),
    ],
    ids=lambda agent: agent.label,
)
def test_methods_that_are_one_give_the_same_values(one, other, small):
    """Peng's with a greedy behaviour is Watkins's; traces of the last 12 steps are all in episodes of at most 12."""
    one, other = trained(one, small, episodes=10), trained(other, small, episodes=10)
    np.testing.assert_array_equal(one.visits, other.visits)
    np.testing.assert_allclose(one.q_table, other.q_table, rtol=1e-4, atol=1e-5)


def backward(method, kind, met, q, most=0):
    """Tables after every episode, in float64, from the equations with one trace for every cell."""
    tables = []
    for steps in met:
        e, when = np.zeros_like(q), np.full(q.shape, -1000)
        for t, (s, a, reward, then, terminated, _) in enumerate(steps):
            e *= GAMMA * LAMBDA
            if method == "watkins" and q[s, a] < q[s].max():
                e[:] = 0
            beyond = (q[then, steps[t + 1][1]] if t + 1 < len(steps) else 0.0) if method == "sarsa" else q[then].max()
            target = reward + (0.0 if terminated else GAMMA * beyond)
            delta, top = target - q[s, a], q[s].max()
            if method == "peng":
                q += ALPHA * (target - top) * e
                q[s, a] += ALPHA * delta
            e[s, a] = {"accumulating": e[s, a] + 1, "replacing": 1.0, "dutch": (1 - ALPHA) * e[s, a] + 1}[kind]
            when[s, a] = t
            if method != "peng":
                q += ALPHA * delta * np.where(when > t - most, e, 0.0) if most else ALPHA * delta * e
        tables.append(q.copy())
    return tables


MAKERS = {"sarsa": ql.SarsaLambda, "watkins": ql.WatkinsQLambda, "naive": ql.NaiveQLambda, "peng": ql.PengQLambda}
KINDS = ["accumulating", "replacing", "dutch"]


@pytest.mark.parametrize(
    ("method", "kind"), [(m, k) for m in MAKERS for k in KINDS if (m, k) != ("peng", "dutch")], ids=str
)
def test_values_are_those_of_the_equations_on_what_was_met(method, kind, small, driven):
    problem = dataclasses.replace(small, time_limit=60) if method == "sarsa" else small
    agent = MAKERS[method](trace_decay=LAMBDA, traces=kind, exploration=ql.EpsilonGreedy(0.3), **SETTINGS)
    met, tables = driven(agent, problem, 8, seed=3)
    if method == "sarsa":  # a truncated episode ends with an action that was drawn and not taken
        met = met[: next((i for i, steps in enumerate(met) if steps[-1][5]), len(met))]
    assert any(steps[-1][4] for steps in met)
    found = backward(method, kind, met, np.zeros((6, 3)))
    assert len(found) >= 4
    np.testing.assert_allclose(np.array(tables)[: len(found)], found, rtol=2e-4, atol=2e-5)


def test_replacing_traces_of_the_last_k_steps_are_those_of_cells_visited_within_them(small, driven):
    agent = ql.NaiveQLambda(trace_decay=LAMBDA, traces="replacing", trace_steps=3, **SETTINGS)
    met, tables = driven(agent, small, 6, seed=3)
    found = backward("naive", "replacing", met, np.zeros((6, 3)), most=3)
    np.testing.assert_allclose(tables, found, rtol=2e-4, atol=2e-5)


def online_lambda_returns(steps, q0):
    """The online λ-return algorithm: at every step all updates of the episode anew, with the returns seen so far."""
    sequence, length = [q0.copy()], len(steps)
    for h in range(1, length + 1):
        q = q0.copy()
        for t in range(h):

            def value(k):
                """Q of (S_k, A_k) as the algorithm had it when that was met; 0 after the end."""
                if k == length:
                    return 0.0
                return sequence[k - 1][steps[k][0], steps[k][1]]

            def n_step(n, t=t, value=value):
                rewards = sum(GAMMA**i * steps[t + i][2] for i in range(n))
                return rewards + GAMMA**n * value(t + n)

            total = sum((1 - LAMBDA) * LAMBDA ** (n - 1) * n_step(n) for n in range(1, h - t))
            total += LAMBDA ** (h - t - 1) * n_step(h - t)
            s, a = steps[t][:2]
            q[s, a] += ALPHA * (total - q[s, a])
        sequence.append(q)
    return sequence[-1]


def test_true_online_sarsa_is_the_online_lambda_return_algorithm(small, driven):
    problem = dataclasses.replace(small, time_limit=60)
    agent = ql.TrueOnlineSarsaLambda(trace_decay=LAMBDA, exploration=ql.EpsilonGreedy(0.3), **SETTINGS)
    met, tables = driven(agent, problem, 6, seed=1)
    q, seen = np.zeros((6, 3)), 0
    for steps, table in zip(met, tables, strict=True):
        if not steps[-1][4]:
            break  # it ends with an action that was drawn and not taken
        q = online_lambda_returns(steps, q)
        seen += len(steps)
        np.testing.assert_allclose(table, q, rtol=2e-4, atol=2e-5)
    assert seen > 20


def test_values_come_to_those_of_the_policy_or_to_the_optimum(small, endless):
    P, R = endless
    even = {"exploration": ql.EpsilonGreedy(1.0), "discount": 0.7, "learning_rate": ql.per_visit(power=0.8)}
    onward = np.einsum("sat,tb->satb", P, np.full((6, 3), 1 / 3)).reshape(18, 18)
    of_policy = np.linalg.solve(np.eye(18) - 0.7 * onward, R.ravel()).reshape(6, 3)
    for agent, expected in [
        (ql.SarsaLambda(trace_decay=0.5, traces="replacing", **even), of_policy),
        (ql.WatkinsQLambda(trace_decay=0.5, **even), ql.solve(small, discount=0.7).q),
    ]:
        runs = ql.train(agent, small, steps=100_000, seeds=12)
        mean, error = runs.q_table.mean(axis=0), runs.q_table.std(axis=0, ddof=1) / np.sqrt(12)
        np.testing.assert_array_less(np.abs(mean - expected)[:5], (5 * error + 0.02)[:5])


AGENTS = [ql.TrueOnlineSarsaLambda, ql.PengQLambda]


@pytest.mark.parametrize("make", AGENTS)
def test_a_truncated_step_bootstraps_a_terminated_one_does_not_and_no_trace_outlives_an_episode(make):
    """Two states; an episode starts in either and has one step: reward 1 from the first, 4 from the second."""
    ways = {s: {0: [(1.0, s, 1.0 + 3 * s, False)]} for s in range(2)}
    cut = FiniteMDP.from_gymnasium(ways, initial=[0.5, 0.5], time_limit=1)
    ends = FiniteMDP.from_gymnasium({s: {0: [(1.0, s, 1.0 + 3 * s, True)]} for s in range(2)}, initial=[0.5, 0.5])
    agent = make(trace_decay=1.0, learning_rate=1.0, discount=0.5, initial_value=8.0)
    runs = ql.train(agent, ends, episodes=9, seeds=3)
    assert runs.visits.min() > 0
    np.testing.assert_array_equal(runs.q_table[:, :, 0], np.tile([1.0, 4.0], (3, 1)))
    once = ql.train(agent, cut, episodes=1, seeds=3)
    expected = np.where(once.visits[:, :, 0] == 1, [5.0, 8.0], 8.0)
    np.testing.assert_array_equal(once.q_table[:, :, 0], expected)


def test_watkins_cuts_after_an_exploratory_action_and_the_naive_form_does_not(driven):
    """A corridor of two steps to a reward of 1; a second action does the same and is worth less from the start."""
    ways = {s: {key: [(1.0, s + 1, float(s == 1), s == 1)] for key in (0, 1)} for s in range(2)}
    corridor = FiniteMDP.from_gymnasium(ways | {2: {key: [(1.0, 2, 0.0, True)] for key in (0, 1)}})
    explored = 0
    settings = {"trace_decay": 1.0, "learning_rate": 1.0, "discount": 1.0, "exploration": ql.EpsilonGreedy(1.0)}
    for make, moved in ((ql.WatkinsQLambda, False), (ql.NaiveQLambda, True)):
        met, tables = driven(make(**settings), corridor, 12, seed=2)
        for before, steps, after in zip(tables, met[1:], tables[1:], strict=False):
            (s, a, *_), (then, b, *_) = steps
            if before[then, b] < before[then].max():
                explored += 1
                assert (after[s, a] == before[then].max()) != moved
    assert explored > 0


def test_wrong_words_and_numbers_are_refused():
    with pytest.raises(ql.InputError, match="trace_decay"):
        ql.SarsaLambda(trace_decay=1.5)
    with pytest.raises(ql.InputError, match="traces"):
        ql.PengQLambda(traces="dutch")
    with pytest.raises(ql.InputError, match="trace_steps"):
        ql.WatkinsQLambda(trace_steps=-1)
