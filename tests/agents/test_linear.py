"""Linear agents against tables, against plain NumPy, and against exact solutions."""

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qlearn as ql
from qlearn.environments import FiniteMDP, JaxEnvironment, device_environment
from qlearn.rules.description import description

BOX = {"low": (-1.2, -0.07), "high": (0.5, 0.07)}
TILES = ql.TileCoding(tilings=4, tiles=5, low=(-1.0, -1.0), high=(1.0, 1.0))
COSINES = ql.Fourier(order=2, low=(-1.0, -1.0), high=(1.0, 1.0))


class Turn(NamedTuple):
    angle: jax.Array
    step: jax.Array


@device_environment
class Wheel(JaxEnvironment):
    """A point turns on a circle, fast or slowly; nothing is random, so that NumPy can walk the same way."""

    identity: ClassVar[str] = "Wheel"
    num_actions: ClassVar[int] = 2
    observation_shape: ClassVar[tuple[int, ...] | None] = (2,)
    time_limit: int | None = 9

    def reset(self, noise):
        return Turn(jnp.float32(0.3), jnp.int32(0))

    def observe(self, state):
        return jnp.stack([jnp.cos(state.angle), 0.9 * jnp.sin(state.angle)])

    def step(self, state, action, noise, total):
        angle = state.angle + jnp.where(action == 1, 0.9, 0.4)
        after = Turn(angle, state.step + 1)
        return after, jnp.cos(2.0 * angle), angle > 5.0


@description
class ByTurns:
    """Action 0, then 1, then 1, and so on: neither greedy nor random."""

    counts_visits = False

    def greedy(self, row, mask):
        return jnp.array([0.5, 0.5])

    def probabilities(self, row, mask, clock, visits):
        return jnp.array([0.25, 0.75])

    def sample(self, row, mask, noise, clock, visits):
        return (clock.step % 3 > 0).astype(jnp.int32)


def wheel_episodes(limit):
    """What Wheel does where actions go by turns: (observation, action, reward, next observation, terminated)."""
    angle, steps = np.float32(0.3), []
    for t in range(limit):
        action = int(t % 3 > 0)
        after = np.float32(angle + np.float32(0.9 if action else 0.4))
        terminated = bool(after > 5.0)
        seen = [np.array([np.cos(x), 0.9 * np.sin(x)]) for x in (angle, after)]
        steps.append((seen[0], action, float(np.cos(2 * after)), seen[1], terminated))
        angle = after
        if terminated:
            break
    return steps


def encoded(features, observation):
    basis = features.bind(ql.agents.Spec(0, 2, observation_shape=(2,)))
    x = basis.encode(jnp.asarray(observation, jnp.float32))
    if x.places is None:
        rates = np.ones(basis.size) if basis.rates is None else np.asarray(basis.rates, np.float64)
        return np.asarray(x.values, np.float64), rates
    full = np.zeros(basis.size)
    full[np.asarray(x.places)] = 1.0
    return full, np.full(basis.size, 1.0 / basis.active)


def by_hand(kind, agent, limit, episodes):
    """The weights after some episodes on the wheel, in float64, written as a book would."""
    steps = wheel_episodes(limit)
    vectors = [encoded(agent.features, s[0]) for s in steps] + [encoded(agent.features, steps[-1][3])]
    x, rate = [v[0] for v in vectors], vectors[0][1]
    alpha, gamma, lam = agent.learning_rate.start, agent.discount, agent.trace_decay
    prediction = kind == "prediction"
    w = np.zeros((x[0].size, 1 if prediction else 2))

    def after(t, w):
        """The value that step t bootstraps from."""
        if steps[t][4]:
            return 0.0
        q = x[t + 1] @ w
        return {
            "prediction": lambda: q[0],
            "sarsa": lambda: q[int((t + 1) % 3 > 0)],
            "expected": lambda: 0.25 * q[0] + 0.75 * q[1],
            "q": q.max,
        }[kind]()

    actions = [0 if prediction else s[1] for s in steps]
    for _ in range(episodes):
        z, expected, T = np.zeros_like(w), 0.0, len(steps)
        if agent.traces is None:
            n, G, moved = agent.n or T, {}, 0
            for t in range(T):
                future = after(t, w)
                ended = t == T - 1
                if agent.n is None and not ended:
                    continue
                ready = range(moved, T) if ended else range(moved, max(moved, t - n + 2))
                for k in ready:
                    G = sum(gamma ** (i - k) * steps[i][2] for i in range(k, t + 1)) + gamma ** (t + 1 - k) * future
                    w[:, actions[k]] += alpha * (G - x[k] @ w[:, actions[k]]) * rate * x[k]
                    moved = k + 1
            continue
        for t in range(T):
            a, q = actions[t], x[t] @ w
            future, value = after(t, w), q[actions[t]]
            cut = kind == "q" and value < q.max()
            z *= 0.0 if cut else gamma * lam
            if agent.traces == "accumulating":
                z[:, a] += rate * x[t]
            elif agent.traces == "replacing":
                z[:, a] = np.where(x[t] > 0, rate, z[:, a])
            else:
                z[:, a] += (1 - alpha * (z[:, a] @ x[t])) * rate * x[t]
            error = steps[t][2] + gamma * future - value
            if agent.traces == "dutch":
                late = value - expected if t > 0 else 0.0
                w += alpha * (error + late) * z
                w[:, a] -= alpha * late * rate * x[t]
                expected = future if not steps[t][4] else 0.0
            else:
                w += alpha * error * z
    return w


CONTROL = {"learning_rate": 0.4, "discount": 0.9, "exploration": ByTurns()}
JUDGE = {"learning_rate": 0.4, "discount": 0.9, "policy": lambda seen: jnp.array([0.0, 1.0])}
CASES = {
    "Sarsa": ("sarsa", ql.LinearSarsa(TILES, **CONTROL)),
    "Sarsa, cosines": ("sarsa", ql.LinearSarsa(COSINES, **CONTROL)),
    "Sarsa, 3 steps": ("sarsa", ql.LinearSarsa(TILES, n=3, **CONTROL)),
    "Sarsa, 40 steps": ("sarsa", ql.LinearSarsa(TILES, n=40, **CONTROL)),
    "Sarsa, whole episodes": ("sarsa", ql.LinearSarsa(TILES, n=None, **CONTROL)),
    "Sarsa(λ)": ("sarsa", ql.LinearSarsa(TILES, trace_decay=0.8, **CONTROL)),
    "Sarsa(λ), replacing": ("sarsa", ql.LinearSarsa(TILES, trace_decay=0.8, traces="replacing", **CONTROL)),
    "true online Sarsa(λ)": ("sarsa", ql.LinearSarsa(COSINES, trace_decay=0.8, traces="dutch", **CONTROL)),
    "Expected Sarsa, 2 steps": ("expected", ql.LinearExpectedSarsa(COSINES, n=2, **CONTROL)),
    "Expected Sarsa(λ)": ("expected", ql.LinearExpectedSarsa(COSINES, trace_decay=0.7, **CONTROL)),
    "Q(λ), cut": ("q", ql.LinearQLearning(TILES, trace_decay=0.8, traces="replacing", **CONTROL)),
    "Q, 2 steps": ("q", ql.LinearQLearning(TILES, n=2, **CONTROL)),
}


@pytest.mark.parametrize("name", CASES)
def test_weights_are_those_of_a_plain_loop(name):
    kind, agent = CASES[name]
    limit = 5 if "3 steps" in name or "true" in name else 9  # cut by the clock, and ended
    runs = ql.train(agent, Wheel(time_limit=limit), episodes=12)
    expected = by_hand(kind, agent, limit, 12)
    assert runs.lengths[0, 0] == len(wheel_episodes(limit))
    np.testing.assert_allclose(runs.knowledge.weights[0], expected, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("traces", ["accumulating", "replacing", "dutch"])
def test_traces_of_the_last_steps_are_all_traces_where_they_reach_back_far_enough(traces):
    settings = {"trace_decay": 0.8, "traces": traces, **CONTROL}
    full = ql.train(ql.LinearSarsa(TILES, **settings), Wheel(), episodes=12)
    recent = ql.train(ql.LinearSarsa(TILES, trace_steps=9, **settings), Wheel(), episodes=12)
    np.testing.assert_allclose(recent.knowledge.weights, full.knowledge.weights, rtol=1e-4, atol=1e-5)
    one = ql.train(ql.LinearSarsa(TILES, trace_steps=1, **(settings | {"traces": "replacing"})), Wheel(), episodes=12)
    plain = ql.train(ql.LinearSarsa(TILES, **CONTROL), Wheel(), episodes=12)
    np.testing.assert_allclose(one.knowledge.weights, plain.knowledge.weights, rtol=1e-5, atol=1e-6)


def chain_of(length, reward=1.0):
    """States in a row, left one after the other; the last step pays."""
    P = [
        [[(1.0, min(s + 1, length - 1), reward if s == length - 1 else 0.1 * s, s == length - 1)]]
        for s in range(length)
    ]
    return FiniteMDP.from_gymnasium(P, time_limit=50)


@pytest.mark.parametrize(
    "settings", [{}, {"n": 4}, {"n": None}, {"trace_decay": 0.6}, {"trace_decay": 0.6, "traces": "dutch"}]
)
def test_prediction_is_that_of_a_plain_loop(settings):
    agent = ql.LinearPrediction(ql.StateAggregation(3), learning_rate=0.3, discount=0.9, **settings)
    runs = ql.train(agent, chain_of(7), episodes=6)
    group = [0, 0, 0, 1, 1, 2, 2]
    steps = [(group[s], 1.0 if s == 6 else 0.1 * s, group[min(s + 1, 6)], s == 6) for s in range(7)]
    w = np.zeros(3)
    for _ in range(6):
        returns = [sum(0.9 ** (i - k) * steps[i][1] for i in range(k, 7)) for k in range(7)]
        z, old, moved = np.zeros(3), 0.0, 0
        for t, (g, r, then, over) in enumerate(steps):
            future = 0.0 if over else w[then]
            if agent.traces is not None:
                x = np.eye(3)[g]
                z *= 0.9 * 0.6
                z += x if agent.traces == "accumulating" else (1 - 0.3 * z[g]) * x
                value, error = w[g], r + 0.9 * future - w[g]
                late = value - old if agent.traces == "dutch" and t > 0 else 0.0
                w = w + 0.3 * (error + late) * z - 0.3 * late * x
                old = future
                continue
            n = agent.n or 99
            for k in range(moved, 7 if over else max(moved, t - n + 2)):
                G = returns[k] if over else sum(0.9 ** (i - k) * steps[i][1] for i in range(k, t + 1)) + 0.9**n * future
                w[group[k]] += 0.3 * (G - w[group[k]])
                moved = k + 1
    np.testing.assert_allclose(runs.q_table[0, :, 0], w[group], rtol=2e-5)


def test_one_hot_prediction_is_a_tables():
    policy = np.tile([0.1, 0.2, 0.3, 0.4], (16, 1))
    settings = {"policy": policy, "learning_rate": 0.2, "discount": 0.9, "trace_decay": 0.6}
    one = ql.train(ql.TDLambda(**settings), "FrozenLake-v1", episodes=30, seeds=3)
    other = ql.train(ql.LinearPrediction(ql.OneHotFeatures(), **settings), "FrozenLake-v1", episodes=30, seeds=3)
    np.testing.assert_array_equal(one.lengths, other.lengths)
    np.testing.assert_allclose(one.state_values, other.state_values, rtol=1e-5, atol=1e-7)
    with pytest.raises(ql.InputError, match="state_values"):
        ql.evaluate(other)


TABLES = {
    "Sarsa": (ql.Sarsa, ql.LinearSarsa, {}),
    "Expected Sarsa": (ql.ExpectedSarsa, ql.LinearExpectedSarsa, {}),
    "Q-learning": (ql.QLearning, ql.LinearQLearning, {}),
    "n-step Sarsa": (ql.NStepSarsa, ql.LinearSarsa, {"n": 4}),
}


@pytest.mark.parametrize("name", TABLES)
def test_one_hot_features_are_a_table(name):
    table, linear, more = TABLES[name]
    settings = {
        "learning_rate": 0.2,
        "discount": 0.9,
        "exploration": ql.EpsilonGreedy(0.3),
        "initial_value": 0.5,
        **more,
    }
    one = ql.train(table(**settings), "FrozenLake-v1", episodes=40, seeds=3)
    other = ql.train(linear(ql.OneHotFeatures(), **settings), "FrozenLake-v1", episodes=40, seeds=3)
    np.testing.assert_array_equal(one.lengths, other.lengths)
    np.testing.assert_array_equal(one.returns, other.returns)
    np.testing.assert_allclose(one.q_table, other.q_table, rtol=2e-6)


@pytest.mark.parametrize("traces", ["accumulating", "replacing", "dutch"])
def test_without_decay_traces_are_one_step(traces):
    plain = ql.train(ql.LinearSarsa(TILES, **CONTROL), Wheel(), episodes=5)
    traced = ql.train(ql.LinearSarsa(TILES, traces=traces, **CONTROL), Wheel(), episodes=5)
    np.testing.assert_allclose(traced.knowledge.weights, plain.knowledge.weights, rtol=1e-5, atol=1e-6)


def walk_of(n, jump):
    """A walk on n states to either side by up to ``jump`` steps; both ends pay, −1 on the left and 1 on the right."""
    P = []
    for s in range(n):
        reached = [s + k for k in range(-jump, jump + 1) if k]
        inside = [(1 / (2 * jump), t, 0.0, False) for t in reached if 0 <= t < n]
        left, right = sum(t < 0 for t in reached), sum(t >= n for t in reached)
        ends = [(left / (2 * jump), 0, -1.0, True)] * bool(left) + [(right / (2 * jump), n - 1, 1.0, True)] * bool(
            right
        )
        P.append([inside + ends])
    start = np.zeros(n)
    start[n // 2] = 1.0
    return FiniteMDP.from_gymnasium(P, initial=start, time_limit=1000)


def test_semi_gradient_td_ends_at_its_fixed_point_and_monte_carlo_at_the_least_squares():
    """On the 1,000-state walk with ten groups both are known exactly, and they differ."""
    walk = walk_of(1000, 100)
    P, r = np.zeros((1000, 1000)), np.zeros(1000)
    for s in range(1000):
        for k in range(walk.offsets[s], walk.offsets[s + 1]):
            r[s] += walk.probability[k] * walk.reward[k]
            P[s, walk.next_state[k]] += walk.probability[k] * (not walk.terminated[k])
    visits = np.linalg.solve((np.eye(1000) - P).T, np.eye(1000)[500])
    X, D = np.repeat(np.eye(10), 100, axis=0), np.diag(visits / visits.sum())
    fixed = np.linalg.solve(X.T @ D @ (X - P @ X), X.T @ D @ r)
    values = np.linalg.solve(np.eye(1000) - P, r)
    squares = np.linalg.solve(X.T @ D @ X, X.T @ D @ values)
    assert abs(fixed - squares).max() > 0.05
    rate = ql.exponential(0.1, decay=0.997, end=2e-4)
    for n, expected in ((1, fixed), (None, squares)):
        agent = ql.LinearPrediction(ql.StateAggregation(10), learning_rate=rate, n=n)
        runs = ql.train(agent, walk, episodes=2000, seeds=16)
        found = runs.q_table[:, ::100, 0].astype(np.float64)
        error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
        assert error.max() < 0.02
        np.testing.assert_array_less(abs(found.mean(axis=0) - expected), 4 * error + 0.01)


def test_tile_coded_sarsa_learns_mountain_car():
    """Sutton and Barto, figure 10.2: more than 400 steps in the first episodes, some 120 to 150 after a hundred."""
    agent = ql.LinearSarsa(ql.TileCoding(**BOX), learning_rate=0.5, discount=1.0, exploration=ql.EpsilonGreedy(0.0))
    world = ql.make("MountainCar-v0", max_position=0.5, max_episode_steps=5000)
    runs = ql.train(agent, world, episodes=150, seeds=16)
    assert runs.lengths[:, :5].mean() > 400
    assert 110 < runs.lengths[:, -20:].mean() < 170
    assert not runs.diverged.any()


def test_runs_give_their_values_and_come_back_from_a_file(tmp_path):
    agent = ql.LinearSarsa(ql.TileCoding(**BOX), trace_decay=0.9, traces="replacing", learning_rate=0.3)
    runs = ql.train(agent, "MountainCar-v0", episodes=3, seeds=2, snapshots=2)
    seen = np.array([[-0.5, 0.0], [0.2, 0.03]], np.float32)
    values = runs.q_function(1)(seen)
    basis = agent.features.bind(ql.agents.Spec(0, 3, observation_shape=(2,)))
    places = np.array([np.asarray(basis.encode(jnp.asarray(x)).places) for x in seen])
    np.testing.assert_allclose(values, runs.knowledge.weights[1][places].sum(axis=1), rtol=1e-5)
    runs.save(tmp_path / "runs")
    again = ql.Runs.load(tmp_path / "runs")
    assert again.agent == agent
    np.testing.assert_array_equal(again.q_function(1)(seen), values)
    np.testing.assert_array_equal(ql.evaluate(again).exact_return, ql.evaluate(runs).exact_return)
    assert ql.evaluate(runs).curve.shape == (2, 3)
    with pytest.raises(ql.InputError, match="q_function"):
        runs.q_network(0)
    with pytest.raises(ql.InputError, match="was not trained"):
        runs.q_function(7)
    with pytest.raises(ql.InputError, match="batch"):
        runs.q_function(0)(seen[0])


def test_a_table_has_a_q_function_too():
    runs = ql.train(ql.QLearning(), "NChain-v0", episodes=1, seeds=2)
    np.testing.assert_array_equal(runs.q_function(1)([0, 3]), runs.q_table[1, [0, 3]])
    with pytest.raises(ql.InputError, match="no states"):
        runs.q_function(0)([5])


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: ql.LinearSarsa("tiles"), "features="),
        (lambda: ql.LinearSarsa(ql.TileCoding), "features="),
        (lambda: ql.LinearSarsa(TILES, n=3, trace_decay=0.5), "one of them"),
        (lambda: ql.LinearSarsa(TILES, trace_decay=1.5), "trace_decay=1.5"),
        (lambda: ql.LinearSarsa(TILES, trace_steps=5), "trace_steps=5 is for traces"),
        (lambda: ql.train(ql.LinearSarsa(COSINES, trace_decay=0.5, trace_steps=5), Wheel(), episodes=1), "few are 1"),
        (lambda: ql.LinearSarsa(TILES, learning_rate=ql.per_visit()), "counts visits"),
        (lambda: ql.LinearQLearning(TILES, traces="dutch"), "traces='dutch'"),
        (lambda: ql.LinearPrediction(TILES, policy=[[0.5, 0.6]]), "rows sum to 1"),
        (lambda: ql.train(ql.LinearSarsa(COSINES, traces="replacing"), Wheel(), episodes=1), "replacing"),
        (lambda: ql.train(ql.LinearSarsa(ql.OneHotFeatures()), Wheel(), episodes=1), "counted"),
        (lambda: ql.train(ql.LinearPrediction(TILES, n=None), Wheel(time_limit=None), episodes=1), "time limit"),
        (lambda: ql.train(ql.LinearPrediction(TILES, policy=[[0.5, 0.5]]), Wheel(), episodes=1), "function"),
        (
            lambda: ql.train(
                ql.LinearSarsa(ql.RadialBasis(low=(-1, -1), high=(1, 1), normalised=False), initial_value=1.0),
                Wheel(),
                episodes=1,
            ),
            "initial_value=1",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(make, told):
    with pytest.raises(ql.InputError, match=told):
        make()


def test_steps_that_are_too_large_are_noticed_as_divergence():
    agent = ql.LinearQLearning(COSINES, learning_rate=5.0, discount=0.9)
    with pytest.warns(ql.DivergenceWarning, match="smaller learning rate"):
        runs = ql.train(agent, Wheel(), episodes=60, seeds=2)
    assert runs.diverged.all()
