"""PQN: its update against NumPy, its minibatches counted, and what its learner promises."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.agents.backend import lenient, load_keras
from qlearn.agents.learner import Clock, Spec, Transition
from qlearn.agents.minibatches import shuffled
from qlearn.agents.mlp import mlp
from qlearn.agents.pqn import PQN
from qlearn.engine import noise
from qlearn.errors import InputError
from qlearn.rules.exploration import EpsilonGreedy
from qlearn.rules.schedules import per_visit

STATES, ACTIONS = 4, 3
SPEC = Spec(STATES, ACTIONS, 10)
ARRAYS = Spec(0, 2, 10, None, (3,))
ZERO = jnp.uint32(0)
keras = load_keras()
# Keras 3.15 reads its own variables in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def linear_net(shape, actions):
    layer = keras.layers.Dense(actions, use_bias=False, kernel_initializer="random_normal")
    return keras.Sequential([keras.Input(shape), layer])


def sgd(rate=0.1):
    return keras.optimizers.SGD(rate)


def small(**settings):
    """A table: a one-hot linear network under plain gradient descent, 2 environments of 5 steps."""
    chosen = {"num_environments": 2, "num_steps": 5, "epochs": 1, "minibatches": 1, "max_gradient_norm": None}
    return PQN(linear_net, settings.pop("optimizer", sgd()), **{**chosen, **settings})


def trajectory_of(seed, shape=(5, 2)):
    """Random transitions of states, with ends of both kinds."""
    rng = np.random.default_rng(seed)
    terminated = rng.random(shape) < 0.2
    truncated = (rng.random(shape) < 0.2) & ~terminated
    numbers = [rng.integers(n, size=shape).astype(np.int32) for n in (STATES, ACTIONS, STATES)]
    reward = rng.normal(0, 3, shape).astype(np.float32)
    return Transition(numbers[0], numbers[1], reward, numbers[2], terminated, truncated, np.ones(shape, bool))


def first_state(learner, seed=0):
    return jax.jit(lambda s: learner.init(noise.at(s, noise.INITIAL, ZERO, ZERO)))(jnp.uint32(seed))


def updated(agent, state, trajectory, spec=SPEC, total=0):
    learner = agent.learner(spec)
    clock = Clock(*(jnp.zeros(2, jnp.uint32) for _ in range(2)), jnp.uint32(total))

    def update(state, trajectory, seed):
        return learner.update(state, trajectory, noise.at(seed, noise.UPDATE, ZERO, jnp.uint32(total)), clock)

    return jax.jit(update)(state, jax.tree.map(jnp.asarray, trajectory), ZERO)


def returns_of(q, t, discount, trace_decay):
    """The λ-returns of every environment by the recursion, float64."""
    value = q[t.next_observation].max(-1)
    targets = np.zeros(t.reward.shape)
    for e in range(t.reward.shape[1]):
        later = value[-1, e]
        for k in reversed(range(t.reward.shape[0])):
            later = value[k, e] if t.truncated[k, e] else later
            future = 0.0 if t.terminated[k, e] else trace_decay * later + (1 - trace_decay) * value[k, e]
            later = targets[k, e] = t.reward[k, e] + discount * future
    return targets


@pytest.mark.parametrize("trace_decay", [0.0, 0.65, 1.0])
def test_one_minibatch_of_a_one_hot_linear_network_is_a_step_on_a_table(trace_decay):
    agent = small(trace_decay=trace_decay, discount=0.9)
    state, t = first_state(agent.learner(SPEC)), trajectory_of(1)
    before = np.asarray(state.weights.trainable[0], np.float64)
    error = returns_of(before, t, 0.9, trace_decay) - before[t.observation, t.action]
    expected = before.copy()
    np.add.at(expected, (t.observation, t.action), 0.1 * 2 * error / error.size)
    after = updated(agent, state, t)
    np.testing.assert_allclose(after.weights.trainable[0], expected, rtol=1e-4, atol=1e-5)


def test_returns_are_of_the_values_before_the_update_in_every_epoch():
    agent = small(epochs=3, trace_decay=0.9, discount=0.9)
    state, t = first_state(agent.learner(SPEC)), trajectory_of(2)
    q = np.asarray(state.weights.trainable[0], np.float64)
    targets = returns_of(q, t, 0.9, 0.9)
    for _ in range(3):
        error = targets - q[t.observation, t.action]
        q = q.copy()
        np.add.at(q, (t.observation, t.action), 0.1 * 2 * error / error.size)
    np.testing.assert_allclose(updated(agent, state, t).weights.trainable[0], q, rtol=1e-4, atol=1e-5)


def test_rewards_times_c_with_first_weights_times_c_are_the_same_learner():
    plain, scaled = small(discount=0.9), small(discount=0.9, reward_scale=0.5)
    state, t = first_state(plain.learner(SPEC)), trajectory_of(3)
    half = state._replace(weights=jax.tree.map(lambda w: w * 0.5, state.weights))
    one, other = updated(plain, state, t), updated(scaled, half, t)
    for agent, end in ((plain, one), (scaled, other)):
        learner = agent.learner(SPEC)
        row = learner.q_values(learner.knowledge(end), jnp.int32(2))
        np.testing.assert_allclose(row, one.weights.trainable[0][2], rtol=1e-6)
    assert float(one.largest) == float(other.largest)


def test_gradients_are_scaled_down_to_their_largest_norm():
    agent = small(max_gradient_norm=0.01, optimizer=sgd(1.0))
    state = first_state(agent.learner(SPEC))
    after = updated(agent, state, trajectory_of(4))
    change = np.asarray(after.weights.trainable[0]) - np.asarray(state.weights.trainable[0])
    assert abs(np.linalg.norm(change) - 0.01) < 1e-6


def test_schedules_of_the_optimizer_count_gradient_steps():
    decay = keras.optimizers.schedules.PiecewiseConstantDecay([9], [0.1, 0.0])  # 10 steps, then none
    agent = small(epochs=2, minibatches=5, optimizer=sgd(decay))
    state = first_state(agent.learner(SPEC))
    once = updated(agent, state, trajectory_of(5))
    twice = updated(agent, once, trajectory_of(5))
    assert not np.array_equal(once.weights.trainable[0], state.weights.trainable[0])
    assert np.array_equal(twice.weights.trainable[0], once.weights.trainable[0])


@pytest.mark.parametrize(("times", "size"), [(4, 2048), (3, 1), (2, 2), (5, 17), (1, 100)])
def test_every_pass_meets_every_transition_once(times, size):
    order = np.asarray(shuffled(noise.at(ZERO, noise.UPDATE, ZERO, ZERO), times, size))
    assert order.shape == (times, size)
    assert (np.sort(order, axis=1) == np.arange(size)).all()
    if size > 10:
        assert len({tuple(row) for row in order}) == times


def test_every_place_holds_every_number_equally_often():
    size, times = 6, 20_000
    order = np.asarray(shuffled(noise.at(ZERO, noise.UPDATE, ZERO, jnp.uint32(7)), times, size))
    share = np.stack([(order == number).mean(0) for number in range(size)])
    assert np.abs(share - 1 / size).max() < 5 * math.sqrt(5 / 36 / times)  # five standard errors
    together = (np.argsort(order, axis=1)[:, 0] < np.argsort(order, axis=1)[:, 1]).mean()
    assert abs(together - 0.5) < 5 * 0.5 / math.sqrt(times)


def test_orders_differ_between_updates_and_seeds():
    places = [(0, 0), (0, 1), (1, 0)]
    orders = [shuffled(noise.at(jnp.uint32(s), noise.UPDATE, ZERO, jnp.uint32(t)), 1, 50) for s, t in places]
    assert len({tuple(np.asarray(order)[0]) for order in orders}) == 3


def test_every_environment_chooses_for_itself_and_only_what_is_legal():
    legal = jnp.ones((STATES, ACTIONS), bool).at[1, 2].set(False)
    agent = small(num_environments=500, minibatches=1, exploration=EpsilonGreedy(1.0))
    learner = agent.learner(SPEC._replace(legal=legal))
    place = noise.at(jnp.zeros(500, jnp.uint32), noise.BEHAVIOUR, *jnp.zeros((2, 500), jnp.uint32))
    place = place._replace(stream=place.stream | (jnp.arange(500, dtype=jnp.uint32) << 20))
    state, kept = first_state(learner), []

    @jax.jit
    def act(place):
        actions, after = learner.act(state, jnp.ones(500, jnp.int32), place, Clock(place.episode, place.step, ZERO))
        kept.append(after is state)
        return actions

    actions = act(place)
    assert kept == [True]
    assert set(np.asarray(actions).tolist()) == {0, 1}
    assert abs(np.asarray(actions).mean() - 0.5) < 5 * 0.5 / math.sqrt(500)


def test_illegal_actions_count_in_no_return():
    legal = jnp.ones((STATES, ACTIONS), bool).at[:, 2].set(False)
    agent = small(trace_decay=0.5, discount=0.9)
    spec = SPEC._replace(legal=legal)
    state, t = first_state(agent.learner(spec)), trajectory_of(6)
    table = state.weights.trainable[0].at[:, 2].set(1e6)
    t = t._replace(action=np.minimum(t.action, 1).astype(np.int32))
    after = updated(agent, state._replace(weights=state.weights._replace(trainable=(table,))), t, spec)
    assert float(jnp.max(jnp.abs(after.weights.trainable[0][:, :2]))) < 10.0


def arrays_trajectory(seed, shape=(5, 2)):
    rng = np.random.default_rng(seed)
    t = trajectory_of(seed, shape)
    seen, after = (rng.normal(size=(*shape, 3)).astype(np.float32) for _ in range(2))
    return t._replace(observation=seen, next_observation=after, action=np.minimum(t.action, 1).astype(np.int32))


def test_layers_with_a_state_keep_it():
    def net(shape, actions):
        parts = [keras.layers.Dense(8), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)]
        return keras.Sequential([keras.Input(shape), *parts, keras.layers.Dense(actions)])

    agent = PQN(net, keras.optimizers.Adam(), num_environments=2, num_steps=5, minibatches=2)
    before = first_state(agent.learner(ARRAYS))
    after = updated(agent, before, arrays_trajectory(7), ARRAYS)
    pairs = zip(before.weights.other, after.weights.other, strict=True)
    assert [not np.array_equal(a, b) for a, b in pairs] == [True] * 3  # two moments and the seed of the dropout
    assert all(np.isfinite(w).all() for w in after.weights.trainable)


def test_the_exported_model_gives_values_in_units_of_return():
    agent = PQN(mlp(8), keras.optimizers.Adam(), num_environments=2, num_steps=5, minibatches=2, reward_scale=0.1)
    learner = agent.learner(ARRAYS)
    knowledge = learner.knowledge(updated(agent, first_state(learner), arrays_trajectory(8), ARRAYS))
    seen = np.random.default_rng(9).normal(size=(7, 3)).astype(np.float32)
    rows = np.asarray(jax.jit(jax.vmap(learner.q_values, (None, 0)))(knowledge, seen))
    with lenient():
        exported = np.asarray(learner.q_network(jax.tree.map(np.asarray, knowledge))(seen))
    np.testing.assert_allclose(exported, rows, rtol=1e-5, atol=1e-5)
    raw = agent.model.bind(ARRAYS).values(knowledge.weights, jnp.asarray(seen))
    np.testing.assert_allclose(rows, 10 * np.asarray(raw), rtol=1e-5)


def test_what_is_not_finite_shows_in_the_magnitude():
    agent = small()
    learner = agent.learner(SPEC)
    state = first_state(learner)
    broken = jax.tree.map(lambda w: w * jnp.nan, state.weights)
    after = updated(agent, state._replace(weights=broken), trajectory_of(10))
    assert not np.isfinite(learner.magnitude(after))


def test_new_numbers_compile_nothing():
    traces = []

    @jax.jit
    def one(agent, trajectory):
        traces.append(agent)
        learner = agent.learner(SPEC)
        state = learner.init(noise.at(ZERO, noise.INITIAL, ZERO, ZERO))
        clock = Clock(jnp.zeros(2, jnp.uint32), jnp.zeros(2, jnp.uint32), ZERO)
        return learner.update(state, trajectory, noise.at(ZERO, noise.UPDATE, ZERO, ZERO), clock).largest

    t = jax.tree.map(jnp.asarray, trajectory_of(11))
    agent = small(max_gradient_norm=1.0)
    one(agent, t)
    one(dataclasses.replace(agent, trace_decay=0.1, discount=0.5, reward_scale=3.0, max_gradient_norm=2.0), t)
    one(dataclasses.replace(agent, optimizer=sgd(0.5), exploration=agent.exploration), t)
    assert len(traces) == 1


def test_labels_and_what_an_agent_keeps():
    agent = PQN(mlp(8), keras.optimizers.Adam(1e-3), trace_decay=0.9)
    assert agent.label == "PQN(0.9)"
    assert agent == PQN(mlp(8), keras.optimizers.Adam(1e-3), trace_decay=0.9)
    assert agent != PQN(mlp(8), keras.optimizers.Adam(1e-4), trace_decay=0.9)
    assert dataclasses.replace(agent, discount=0.5).optimizer == agent.optimizer
    learner = agent.learner(ARRAYS)
    assert (learner.num_environments, learner.period) == (32, 64)


@pytest.mark.parametrize(
    ("settings", "culprit"),
    [
        ({"minibatches": 3}, "does not divide"),
        ({"num_environments": 0}, "num_environments"),
        ({"num_steps": 1.5}, "num_steps"),
        ({"epochs": 0}, "epochs"),
        ({"trace_decay": 1.5}, "trace_decay"),
        ({"discount": 2.0}, "discount"),
        ({"reward_scale": 0.0}, "reward_scale"),
        ({"loss": "absolute"}, "loss"),
        ({"max_gradient_norm": 0.0}, "max_gradient_norm"),
        ({"exploration": EpsilonGreedy(per_visit())}, "visits"),
    ],
)
def test_what_is_out_of_range_is_named(settings, culprit):
    with pytest.raises(InputError, match=culprit):
        PQN(mlp(8), keras.optimizers.Adam(), **settings)


def test_a_network_that_does_not_fit_is_named_before_training():
    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5)])
    with pytest.raises(InputError, match="axis 1"):
        PQN(net, keras.optimizers.Adam()).check(ARRAYS)
    with pytest.raises(InputError, match="is no optimizer"):
        PQN(net, "adam")
