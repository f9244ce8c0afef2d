"""The online Q network: the same as Keras' own loop, the same as a table, and one program for all numbers."""

import logging
import types
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qlearn as ql
from qlearn.agents.backend import lenient, load_keras
from qlearn.agents.learner import Clock, Spec, Transition
from qlearn.engine import noise
from qlearn.engine.vector_step import begin, interact, last_clock, update_noise
from qlearn.engine.worlds import on_device

# Keras 3.15 reads its own variables in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

keras = load_keras()
layers = keras.layers
STEPS = 2500


@pytest.fixture(scope="module")
def chain():
    return ql.make("NChain-v0")


class Stepped(NamedTuple):
    """What one seed did at each step: NumPy arrays with the steps in front, and the weights before the first."""

    first: list[np.ndarray]
    actions: np.ndarray
    targets: np.ndarray
    rows: np.ndarray  # (steps, 2), the values that it acted on
    weights: list[np.ndarray]  # after the step


def stepper(agent, world):
    """A function of a seed that steps it by the engine's own functions."""
    learner = agent.learner(Spec.of(world))
    network = agent.model.bind(Spec.of(world))

    def one(seed, carry, _):
        before = carry.agent.weights
        after, transition, _ = interact(learner, world, seed, carry)
        following = network.values(before, transition.next_observation)
        target = transition.reward[0] + jnp.float32(agent.discount) * jnp.max(following)
        clock = last_clock(after.clock, 1)
        trajectory = jax.tree.map(lambda x: x[None], transition)
        state = learner.update(after.agent, trajectory, update_noise(seed, clock), clock)
        row = network.values(before, transition.observation)[0]
        return after._replace(agent=state), (transition.action[0], target, row, state.weights.trainable)

    @jax.jit
    def run(seed):
        start = begin(learner, world, seed)
        return start.agent.weights.trainable, jax.lax.scan(partial(one, seed), start, None, length=STEPS)[1]

    def stepped(seed):
        first, (actions, targets, rows, weights) = jax.tree.map(np.asarray, run(jnp.uint32(seed)))
        return Stepped(list(first), actions, targets, rows, list(weights))

    return stepped


@pytest.fixture(scope="module")
def changing_its_mind(chain):
    """A seed whose network prefers either action at times, and is never near a tie; and what it did."""
    stepped = stepper(ql.tutorial_network(), on_device(chain))
    for seed in range(50):
        did = stepped(seed)
        if len({*did.rows.argmax(axis=1)}) == 2 and np.abs(np.subtract(*did.rows.T)).min() > 1e-3:
            return seed, did
    raise AssertionError("no such seed")


def words_of(seed, stream, episodes, steps):
    """The two words that the engine draws at every step of every episode, in order."""

    def one(episode, step):
        return jnp.stack(noise.at(jnp.uint32(seed), stream, episode, step).pair(0))

    places = jnp.meshgrid(jnp.arange(episodes, dtype=jnp.uint32), jnp.arange(steps, dtype=jnp.uint32), indexing="ij")
    return np.asarray(jax.vmap(jax.vmap(one))(*places)).reshape(-1, 2)


class TutorialLoop:
    """The tutorial's loop with Keras' own calls, on given words in place of its random numbers."""

    def __init__(self, mdp, weights):
        self.mdp = mdp
        self.model = keras.Sequential(
            [keras.Input((5,)), layers.Dense(10, "sigmoid"), layers.Dense(2, activation="linear")]
        )
        self.model.compile(loss="mse", optimizer="adam")
        self.model.set_weights(weights)

    def predict(self, state):
        return np.asarray(self.model.predict_on_batch(np.eye(5, dtype=np.float32)[state : state + 1]))[0]

    def outcome(self, state, action, bits):
        """Next state and reward: the first outcome whose cumulative probability exceeds bits / 2³²."""
        row = state * 2 + action
        places = range(self.mdp.offsets[row], self.mdp.offsets[row + 1])
        total = np.cumsum([self.mdp.probability[k] for k in places])
        k = places[int(np.searchsorted(total * 2.0**32, bits, side="right"))]
        return int(self.mdp.next_state[k]), float(self.mdp.reward[k])

    def run(self, behaviour, world):
        """Actions, targets, rows acted on and weights after each step."""
        told = types.SimpleNamespace(actions=[], targets=[], rows=[], weights=[])
        epsilon, state = 0.5, 0
        for step, (two, (bits, _)) in enumerate(zip(behaviour, world, strict=True)):
            if step % self.mdp.time_limit == 0:
                epsilon, state = epsilon * 0.999, 0
            explore, which = (two >> 8) * 2.0**-24
            target_row = self.predict(state)
            told.rows.append(target_row.copy())
            action = int(which * 2) if explore < np.float32(epsilon) else int(np.argmax(target_row))
            following, reward = self.outcome(state, action, bits)
            target_row[action] = reward + 0.95 * np.max(self.predict(following))
            self.model.train_on_batch(np.eye(5, dtype=np.float32)[state : state + 1], target_row[None])
            told.actions.append(action)
            told.targets.append(target_row[action])
            told.weights.append(self.model.get_weights())
            state = following
        return told


def test_keras_own_loop_and_qlearns_give_the_same_actions_targets_and_weights(chain, changing_its_mind):
    seed, did = changing_its_mind
    loop, episodes = TutorialLoop(chain, did.first), -(-STEPS // 1000)
    behaviour, world = (
        words_of(seed, stream, episodes, 1000)[:STEPS] for stream in (noise.BEHAVIOUR, noise.ENVIRONMENT)
    )
    with lenient():
        kept = loop.run(behaviour, world)
    np.testing.assert_array_equal(kept.actions, did.actions)
    # One step rounds a weight by 2⁻²⁴ of its size (at most 3), and 2,500 such errors, all to one side, are 5e-4; a
    # value is a sum of eleven products with weights.  (Where this was written, all weights were equal to the bit.)
    for i, mine in enumerate(did.weights):
        np.testing.assert_allclose([w[i] for w in kept.weights], mine, rtol=0, atol=5e-4)
    np.testing.assert_allclose(kept.rows, did.rows, rtol=0, atol=5e-3)
    np.testing.assert_allclose(kept.targets, did.targets, rtol=0, atol=5e-3)


def test_training_does_just_those_steps(chain, changing_its_mind):
    seed, did = changing_its_mind
    runs = ql.train(ql.tutorial_network(), chain, steps=STEPS, seeds=[seed], snapshots=2)
    for mine, steps in zip(did.weights, runs.knowledge.weights.trainable, strict=True):
        np.testing.assert_allclose(steps[0], mine[-1], rtol=0, atol=5e-4)
    for mine, halfway in zip(did.weights, runs.snapshots.knowledge.weights.trainable, strict=True):
        np.testing.assert_allclose(halfway[0, 1], mine[STEPS // 2 - 1], rtol=0, atol=5e-4)


def test_the_network_that_comes_out_is_keras_own_with_those_weights(chain):
    runs = ql.train(ql.tutorial_network(), chain, episodes=1, seeds=[4, 7])
    with lenient():
        values = np.asarray(runs.q_network(7)(np.eye(5, dtype=np.float32)))
    np.testing.assert_allclose(values, runs.q_table[1], rtol=1e-6)
    assert not np.array_equal(runs.q_table[0], runs.q_table[1])


def linear(num_actions, rate):
    """A table in the clothes of a network.

    The loss is (target − Q)² / A, whose gradient in the cell of the action is −2 (target − Q) / A: an SGD step of
    ``rate · A / 2`` goes ``rate`` of the way.
    """
    net = keras.Sequential([layers.Dense(num_actions, use_bias=False, kernel_initializer="zeros")])
    return net, keras.optimizers.SGD(rate * num_actions / 2)


@pytest.mark.parametrize(("name", "num_actions", "episodes"), [("NChain-v0", 2, 10), ("FrozenLake-v1", 4, 200)])
@pytest.mark.parametrize("ties", ["random", "first"])
def test_a_linear_network_on_one_hot_vectors_is_a_table(name, num_actions, episodes, ties):
    explore = ql.EpsilonGreedy(ql.exponential(1.0, decay=0.99), ties=ties)
    budget = {"episodes": episodes, "seeds": 5, "snapshots": 4}
    table = ql.train(ql.QLearning(learning_rate=0.3, discount=0.95, exploration=explore), name, **budget)
    agent = ql.OnlineQNetwork(*linear(num_actions, 0.3), discount=0.95, exploration=explore)
    network = ql.train(agent, name, **budget)
    np.testing.assert_array_equal(network.returns, table.returns)
    np.testing.assert_array_equal(network.lengths, table.lengths)
    np.testing.assert_allclose(network.q_table, table.q_table, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(network.snapshots.q_tables, table.snapshots.q_tables, rtol=1e-6, atol=1e-7)
    assert np.abs(table.q_table).max() > 0.3
    np.testing.assert_array_equal(network.greedy_policies(), table.greedy_policies())


@pytest.mark.parametrize("terminated", [False, True])
def test_the_gradient_of_half_the_squared_error_is_minus_the_error_in_one_cell(terminated):
    rate, states, num_actions = 0.25, 6, 3
    spec = Spec(states, num_actions)
    net = keras.Sequential([layers.Dense(num_actions, use_bias=False)])
    agent = ql.OnlineQNetwork(net, keras.optimizers.SGD(rate), discount=0.9)
    learner = agent.learner(spec)
    zero = jnp.uint32(0)
    state = learner.init(noise.at(zero, noise.INITIAL, zero, zero))
    (before,) = state.weights.trainable
    s, a, reward, following = 4, 1, 2.0, 2
    one = Transition(*(jnp.asarray([[x]]) for x in (s, a, jnp.float32(reward), following, terminated, False, True)))
    clock = Clock(jnp.zeros(1, jnp.uint32), jnp.zeros(1, jnp.uint32), zero)
    after = learner.update(state, one, noise.at(zero, noise.UPDATE, zero, zero), clock).weights.trainable[0]
    gradient = (before - after) / rate * num_actions / 2  # of ½ δ², out of a step down δ² / A
    expected = np.zeros((states, num_actions), np.float32)
    future = 0.0 if terminated else 0.9 * float(before[following].max())
    expected[s, a] = -(reward + future - float(before[s, a]))
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)
    assert np.count_nonzero(gradient) == 1


def lane(chain):
    return ql.tutorial_network().learner(Spec.of(on_device(chain))).lane


@pytest.fixture
def compilations(caplog):
    """A function that gives the names of what was compiled since it was last called, in any thread."""
    jax.config.update("jax_log_compiles", True)  # the context manager is for its own thread alone
    caplog.set_level(logging.WARNING)

    def since():
        messages = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return [message.split()[4] for message in messages if message.startswith("Finished XLA compilation of")]

    yield since
    jax.config.update("jax_log_compiles", False)


def test_a_new_number_compiles_nothing(chain, compilations):
    def compiled(rate, discount, epsilon):
        """Train with these numbers, and say what was compiled for that."""
        net = keras.Sequential([layers.Dense(11, "sigmoid"), layers.Dense(2)])  # equal ones are one program
        explore = ql.EpsilonGreedy(ql.exponential(epsilon, decay=0.999), ties="first")
        agent = ql.OnlineQNetwork(net, keras.optimizers.Adam(rate), discount=discount, exploration=explore)
        runs = ql.train(agent, chain, episodes=2, seeds=3)
        return runs, compilations()

    one, first = compiled(0.001, 0.95, 0.5)
    other, second = compiled(0.01, 0.9, 0.1)
    assert "jit(run)" in first
    assert second == []
    assert not np.array_equal(one.q_table, other.q_table)


def test_neighbours_and_padding_change_nothing(chain):
    few = ql.train(ql.tutorial_network(), chain, episodes=3, seeds=[3, 4, 5])
    many = ql.train(ql.tutorial_network(), chain, episodes=3, seeds=[5, 4, *range(90, 90 + lane(chain)), 3])
    assert few.settings["lane"] == many.settings["lane"] == lane(chain)
    for place, other in ((2, 0), (1, 1), (0, -1)):  # the last one is in another lane, with padding beside it
        np.testing.assert_array_equal(few.q_table[place], many.q_table[other])
        np.testing.assert_array_equal(few.returns[place], many.returns[other])
        for mine, its in zip(few.knowledge.weights.trainable, many.knowledge.weights.trainable, strict=True):
            np.testing.assert_array_equal(mine[place], its[other])


def test_a_seed_alone_has_a_program_of_its_own_and_agrees_within_rounding(chain):
    alone = ql.train(ql.tutorial_network(), chain, steps=500, seeds=[5])
    beside = ql.train(ql.tutorial_network(), chain, steps=500, seeds=[4, 5])
    assert (alone.settings["lane"], beside.settings["lane"]) == (1, lane(chain))
    np.testing.assert_allclose(alone.q_table[0], beside.q_table[1], rtol=1e-4)


def test_every_seed_has_first_weights_of_its_own(chain):
    runs = ql.train(ql.tutorial_network(), chain, episodes=1, seeds=20, snapshots=1)
    kernel, bias, last, _ = (x[:, 0] for x in runs.snapshots.knowledge.weights.trainable)
    assert len({row.tobytes() for row in kernel}) == 20
    assert (bias == 0).all()
    for weights, fans in ((kernel, 5 + 10), (last, 10 + 2)):
        limit = np.sqrt(6 / fans)  # glorot-uniform
        assert np.abs(weights).max() <= limit
        assert np.abs(weights).max() > 0.95 * limit
        assert abs(weights.mean()) < 4 * limit / np.sqrt(3 * weights.size)
