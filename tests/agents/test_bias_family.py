"""Agents against the bias of the maximum: identities, and what each does done a second time in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import qlearn as ql
from qlearn.engine import noise
from qlearn.environments import problems
from qlearn.rules.best_chances import best_chances

STEPS = 120


@pytest.fixture(scope="module")
def garnet():
    """A random problem of 5 states and 3 actions whose reward tells the outcome, with an end and a clock."""
    rng = np.random.default_rng(11)
    P = rng.dirichlet(np.full(5, 0.5), size=(5, 3))
    reward = rng.normal(size=(5, 3, 5))
    return ql.FiniteMDP.from_arrays(P, reward, terminals=[4], time_limit=20)


@pytest.fixture(scope="module")
def walk():
    """Four states in a ring, three actions: nothing is random, so that actions tell what happened."""
    rng = np.random.default_rng(3)
    P = [[[(1.0, int((s + a + 1) % 4), float(rng.normal()), s == 3 and a == 2)] for a in range(3)] for s in range(4)]
    return ql.FiniteMDP.from_gymnasium(P, time_limit=15)


def history(runs, walk, seed):
    """(state, action, reward, next state, terminated, episode, step in it) of every step of a run."""
    visits = runs.snapshots.visits[seed]
    episode, step, told = 0, 0, []
    for cell in np.diff(visits.reshape(len(visits), -1), axis=0).argmax(axis=1):
        s, a = divmod(int(cell), 3)
        place = walk.offsets[s * 3 + a]
        end = bool(walk.terminated[place])
        told.append((s, a, walk.reward[place], int(walk.next_state[place]), end, episode, step))
        episode, step = (episode + 1, 0) if end or step == 14 else (episode, step + 1)
    return told


def words(history, seed):
    """The update's two uniform words at every step, (T, 2) in [0, 1)."""
    places = jnp.asarray([(e, t) for *_, e, t in history], jnp.uint32)
    draw = jax.vmap(lambda p: noise.at(jnp.uint32(seed), noise.UPDATE, *p).uniforms_of(0))
    return np.stack(draw(places), axis=1)


def replay(agent, walk, step, make, steps=STEPS):
    """The tables of two seeds, and what ``step`` makes of the same steps."""
    runs = ql.train(agent, walk, steps=steps, seeds=2, snapshots=steps)
    for seed in range(2):
        told = history(runs, walk, seed)
        tables, counts = make(), np.zeros((4, 3))
        for (s, a, r, s2, end, _, _), uniform in zip(told, words(told, seed), strict=True):
            counts[s, a] += 1
            step(tables, (s, a, r, s2, 0.0 if end else 0.9), uniform, counts[s, a])
        yield runs.q_table[seed], tables


EXPLORE = ql.EpsilonGreedy(0.4)


@pytest.mark.parametrize("target", [None, ql.Greedy()], ids=["behaviour", "greedy"])
def test_double_expected_sarsa_does_what_its_equation_says(target, walk):
    agent = ql.DoubleExpectedSarsa(learning_rate=0.25, discount=0.9, exploration=EXPLORE, target=target)
    epsilon = 0.4 if target is None else 0.0

    def step(tables, what, uniform, _):
        s, a, r, s2, discount = what
        mine, other = (0, 1) if uniform[0] < 0.5 else (1, 0)
        best = tables[mine][s2] == tables[mine][s2].max()
        policy = (1 - epsilon) * best / best.sum() + epsilon / 3
        tables[mine][s, a] += 0.25 * (r + discount * policy @ tables[other][s2] - tables[mine][s, a])

    for found, tables in replay(agent, walk, step, lambda: np.zeros((2, 4, 3))):
        np.testing.assert_allclose(found, tables.mean(axis=0), atol=1e-5)


def test_double_q_learning_is_double_expected_sarsa_with_a_greedy_target_where_no_values_are_equal():
    """In two steps: the arms of B differ from the first pull on, since both tables start from what pulls paid."""
    P = [[[(1.0, 1, 0.3, False)]] * 2, [[(1.0, 0, 1.0, True)], []]]
    one_way = ql.FiniteMDP.from_gymnasium(P)
    given = {"learning_rate": 0.5, "discount": 0.9, "exploration": EXPLORE}
    one = ql.train(ql.DoubleQLearning(**given), one_way, episodes=30, seeds=5)
    other = ql.train(ql.DoubleExpectedSarsa(target=ql.Greedy(), **given), one_way, episodes=30, seeds=5)
    np.testing.assert_array_equal(one.q_table, other.q_table)
    np.testing.assert_array_equal(one.visits, other.visits)


def test_maxmin_updates_one_table_towards_the_lowest(walk):
    agent = ql.MaxminQLearning(num_tables=3, learning_rate=0.25, discount=0.9, exploration=EXPLORE)

    def step(tables, what, uniform, _):
        s, a, r, s2, discount = what
        mine = tables[int(uniform[0] * 3)]
        mine[s, a] += 0.25 * (r + discount * tables[:, s2].min(axis=0).max() - mine[s, a])

    for found, tables in replay(agent, walk, step, lambda: np.zeros((3, 4, 3))):
        np.testing.assert_allclose(found, tables.min(axis=0), atol=1e-5)


def test_maxmin_with_one_table_is_q_learning(garnet):
    one = ql.train(ql.MaxminQLearning(num_tables=1), garnet, episodes=25, seeds=4)
    other = ql.train(ql.QLearning(), garnet, episodes=25, seeds=4)
    np.testing.assert_array_equal(one.q_table, other.q_table)
    np.testing.assert_array_equal(one.returns, other.returns)


def test_speedy_q_learning_does_what_its_equation_says(walk):
    """With whole tables and explicit rounds, where the agent keeps three numbers a cell."""
    agent = ql.SpeedyQLearning(discount=0.9, exploration=ql.EpsilonGreedy(0.9))

    def make():
        zeros = np.zeros((4, 3))
        return {"q": zeros.copy(), "k": zeros, "k-1": zeros, "round": 0, "tried": {}, "known": set()}

    def step(t, what, *_):
        s, a, r, s2, discount = what
        t["known"].add(s)
        now, earlier = (r + discount * t[name][s2].max() for name in ("k", "k-1"))
        t["tried"].setdefault((s, a), []).append((now, earlier))
        now, earlier = np.mean(t["tried"][s, a], axis=0)
        alpha = 1 / (t["round"] + 1)
        old = t["k"][s, a]
        t["q"][s, a] = old + alpha * (earlier - old) + (1 - alpha) * (now - earlier)
        if len(t["tried"]) == 3 * len(t["known"]):
            t |= {"k-1": t["k"], "k": t["q"].copy(), "tried": {}, "round": t["round"] + 1}

    for found, tables in replay(agent, walk, step, make, steps=500):
        assert tables["round"] > 2
        np.testing.assert_allclose(found, tables["q"], atol=1e-4)


def test_speedy_q_learning_comes_near_the_optimum_where_averaging_q_learning_lags_far_behind(garnet):
    truth = ql.solve(garnet, discount=0.99).q
    given = {"discount": 0.99, "exploration": ql.EpsilonGreedy(1.0)}
    agents = ql.SpeedyQLearning(**given), ql.QLearning(learning_rate=ql.per_visit(), **given)
    speedy, plain = (
        np.abs(ql.train(a, garnet, steps=20_000, seeds=4).q_table[:, :4] - truth[:4]).max(axis=(1, 2)).mean()
        for a in agents
    )
    assert speedy < 0.4 * plain


def test_weighted_q_learning_does_what_its_equation_says(walk):
    agent = ql.WeightedQLearning(learning_rate=ql.per_visit(power=0.8), discount=0.9, exploration=EXPLORE)

    def step(tables, what, _, n):
        s, a, r, s2, discount = what
        alpha, (targets, weights) = n**-0.8, tables
        mean, error = np.zeros(3), np.full(3, np.inf)
        for b in range(3):
            w, x = (np.array(known.get((s2, b), [])) for known in (weights, targets))
            mean[b] = w @ x if w.size else 0.0
            if w.size > 1:
                error[b] = np.sqrt(w @ (x - mean[b]) ** 2 / (1 - w @ w) * (w @ w))
        chances = np.asarray(best_chances(jnp.asarray(mean, jnp.float32), jnp.asarray(error, jnp.float32)))
        targets.setdefault((s, a), []).append(r + discount * chances @ mean)
        weights[s, a] = [w * (1 - alpha) for w in weights.get((s, a), [])] + [alpha]

    for found, (targets, weights) in replay(agent, walk, step, lambda: ({}, {})):
        expected = [[np.dot(weights.get((s, a), []), targets.get((s, a), [])) for a in range(3)] for s in range(4)]
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_chances_of_being_best_are_those_of_many_draws():
    rng = np.random.default_rng(0)
    for _ in range(3):
        mean, error = rng.normal(size=5).astype(np.float32), np.exp(rng.normal(size=5)).astype(np.float32)
        mask = np.array([True, True, False, True, True])
        draws = np.where(mask, rng.normal(mean, error, size=(200_000, 5)), -np.inf)
        share = np.bincount(draws.argmax(axis=1), minlength=5) / 200_000
        found = np.asarray(best_chances(jnp.asarray(mean), jnp.asarray(error), jnp.asarray(mask)))
        np.testing.assert_allclose(found, share, atol=0.02)
        assert found[2] == 0
    two = np.asarray(best_chances(jnp.array([1.0, 0.0]), jnp.array([0.3, 0.4])))
    np.testing.assert_allclose(two[0], stats.norm.cdf(1 / 0.5), atol=0.01)
    known = np.asarray(best_chances(jnp.array([1.0, 0.0, 0.5]), jnp.zeros(3)))
    np.testing.assert_allclose(known, [1, 0, 0], atol=1e-6)


def test_the_maximum_misleads_q_learning_and_these_less():
    """Left from A looks good to Q-learning; 5% is what exploring alone would do."""
    problem = problems.maximisation_bias()
    settings = {"learning_rate": 0.1, "discount": 1.0, "exploration": ql.EpsilonGreedy(0.1)}
    kinds = {
        "plain": ql.QLearning(**settings),
        "maxmin": ql.MaxminQLearning(num_tables=4, **settings),
        "weighted": ql.WeightedQLearning(**settings),
    }
    left = {}
    for name, agent in kinds.items():
        left[name] = (ql.train(agent, problem, episodes=50, seeds=224).lengths == 2).mean()
    assert left["plain"] > 0.6
    assert left["weighted"] < left["plain"] - 0.2
    assert left["maxmin"] < left["plain"] - 0.2


def test_double_q_learning_counts_the_updates_of_each_table_by_itself():
    """One action that pays 1: with α = 1/n by table both are 1 after their first update."""
    arm = ql.FiniteMDP.from_gymnasium([[[(1.0, 0, 1.0, True)]]])
    runs = ql.train(ql.DoubleQLearning(learning_rate=ql.per_visit()), arm, episodes=20, seeds=5)
    np.testing.assert_array_equal(runs.q_table, 1.0)
