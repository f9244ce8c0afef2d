"""Heads and noise on a network of the user's own, and one gradient step of each held against the paper in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.agents.backend import lenient, load_keras
from qlearn.agents.categorical import Categorical
from qlearn.agents.dqn import DQN
from qlearn.agents.dqn_learner import form_of, head_of
from qlearn.agents.dqn_step import GradientStep, Learnt
from qlearn.agents.heads import policy_values
from qlearn.agents.implicit_quantiles import ImplicitQuantiles
from qlearn.agents.learner import Clock, Knowledge, Spec
from qlearn.agents.mlp import mlp
from qlearn.agents.network import Weights
from qlearn.agents.priorities import Priorities
from qlearn.agents.quantiles import Quantiles
from qlearn.agents.replay import Batch
from qlearn.engine import noise
from qlearn.errors import InputError
from qlearn.rules.exploration import Greedy
from qlearn.rules.munchausen import Munchausen

# Keras 3.15 reads its own variables in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

keras = load_keras()
POLE = Spec(0, 3, observation_shape=(4,))
SEEN = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
HEADS = {
    "categorical": Categorical(-2.0, 3.0, atoms=11),
    "quantiles": Quantiles(count=7),
    "implicit": ImplicitQuantiles(samples=3, target_samples=4, policy_samples=6, cosines=5),
}


def place(stream=noise.INITIAL, seed=0, step=0):
    return noise.at(jnp.uint32(seed), stream, jnp.uint32(0), jnp.uint32(step))


def dqn(model=None, **settings):
    return DQN(model or mlp(8), keras.optimizers.SGD(0.1), **settings)


def bound(agent, spec=POLE):
    """Learner, bound network and first weights."""
    learner = agent.learner(spec)
    state = jax.jit(learner.init)(place())
    return learner, agent.model.bind(spec, form=form_of(agent)), state


class TestTakenOut:
    @pytest.mark.parametrize("dueling", [False, True])
    @pytest.mark.parametrize("kind", HEADS)
    def test_what_is_taken_out_is_an_ordinary_model_of_q_values_that_keras_saves(self, kind, dueling, tmp_path):
        agent = dqn(head=HEADS[kind], dueling=dueling, noisy=True)
        learner, _, state = bound(agent)
        knowledge = Knowledge(state.learnt.weights)
        model = learner.q_network(jax.tree.map(np.asarray, knowledge))
        model.save(tmp_path / "q.keras")
        again = keras.models.load_model(tmp_path / "q.keras")
        rows = jax.jit(jax.vmap(lambda seen: learner.q_values(knowledge, seen)))(SEEN)
        assert rows.shape == (5, 3)
        assert [tuple(x.shape) for x in model.inputs] == [(None, 4)]
        with lenient():
            np.testing.assert_allclose(model(SEEN), rows, atol=1e-5)
            np.testing.assert_allclose(again(SEEN), rows, atol=1e-5)

    @pytest.mark.parametrize("kind", HEADS)
    def test_states_by_number_and_models_of_the_users_own_work_too(self, kind):
        inputs = keras.Input((6,))
        hidden = keras.layers.Dense(5, "tanh")(inputs)
        model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Concatenate()([hidden, inputs])))
        learner, _, state = bound(dqn(model, head=HEADS[kind]), Spec(6, 2))
        row = jax.jit(learner.q_values)(Knowledge(state.learnt.weights), jnp.int32(3))
        with lenient():
            taken = learner.q_network(Knowledge(state.learnt.weights))(np.eye(6, dtype=np.float32)[3:4])
        np.testing.assert_allclose(taken[0], row, atol=1e-5)

    @pytest.mark.parametrize("kind", HEADS)
    def test_a_network_that_does_not_end_in_a_linear_layer_is_refused(self, kind):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
        with pytest.raises(InputError, match=rf"The {HEADS[kind].form.head} head replaces .* Dense\(3, 'softmax'\)"):
            dqn(model, head=HEADS[kind]).check(POLE)
        with pytest.raises(InputError, match=r"has 2 entries|ends in Dense\(2"):
            dqn(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]), head=HEADS[kind]).check(POLE)


class TestNoise:
    def test_it_is_that_of_the_paper_drawn_from_the_places_counters(self):
        _, q, state = bound(dqn(noisy=True))
        weights = state.learnt.weights
        assert [x.shape for x in weights.trainable] == 2 * [(4, 8), (8,), (8, 3), (3,)]
        np.testing.assert_allclose(weights.trainable[4], 0.5 / 2)  # σ₀ / √p
        np.testing.assert_allclose(weights.trainable[7], 0.5 / np.sqrt(8))
        here = place(noise.BEHAVIOUR, seed=3, step=9)
        found = q.noisy(weights, here, 40)
        numbers = np.asarray(jax.random.normal(here.key(40), (12 + 11,)), np.float64)
        for layer, (inputs, outputs) in enumerate([(4, 8), (8, 3)]):
            drawn = numbers[12 * layer :][: inputs + outputs]
            f = np.sign(drawn) * np.sqrt(np.abs(drawn))
            kernel, bias = weights.trainable[2 * layer], weights.trainable[2 * layer + 1]
            sigma = 0.5 / np.sqrt(inputs)
            np.testing.assert_allclose(
                found.trainable[2 * layer], kernel + sigma * np.outer(f[:inputs], f[inputs:]), atol=1e-5
            )
            np.testing.assert_allclose(found.trainable[2 * layer + 1], bias + sigma * f[inputs:], atol=1e-5)

    def test_seeds_steps_and_streams_have_noise_of_their_own(self):
        _, q, state = bound(dqn(noisy=True))
        weights = state.learnt.weights
        places = [(noise.BEHAVIOUR, 3, 9), (noise.BEHAVIOUR, 4, 9), (noise.BEHAVIOUR, 3, 10), (noise.UPDATE, 3, 9)]
        drawn = [
            np.asarray(q.noisy(weights, place(*where), 40).trainable[0] - weights.trainable[0]) for where in places
        ]
        for i, one in enumerate(drawn):
            for other in drawn[:i]:
                assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.7
                assert not np.array_equal(one, other)

    def test_a_network_without_dense_layers_is_refused(self):
        model = keras.Sequential([keras.Input((3, 1)), keras.layers.Conv1D(1, 1), keras.layers.Flatten()])
        with pytest.raises(InputError, match="noisy=True adds noise to the Dense layers"):
            dqn(model, noisy=True).check(Spec(0, 3, observation_shape=(3, 1)))

    def test_acting_is_noisy_and_what_is_judged_is_not(self):
        learner, q, state = bound(dqn(noisy=True, exploration=Greedy()))
        weights, clock = state.learnt.weights, Clock(*(jnp.zeros(1, jnp.uint32),) * 2, jnp.uint32(0))

        def both(step):
            here = noise.at(jnp.uint32(0), noise.BEHAVIOUR, jnp.uint32(0), step)
            fields = noise.Noise(*(jnp.broadcast_to(x, 1) for x in here[:4]))
            rows = q.values(q.noisy(weights, here, 2048), SEEN[:1])
            return learner.act(state, SEEN[:1], fields, clock)[0][0], jnp.argmax(rows[0])

        actions, expected = jax.jit(jax.vmap(both))(jnp.arange(60, dtype=jnp.uint32))
        np.testing.assert_array_equal(actions, expected)
        assert len(set(actions.tolist())) > 1
        judged = jax.jit(learner.q_values)(Knowledge(weights), SEEN[0])
        np.testing.assert_allclose(judged, q.values(weights, SEEN[:1])[0], atol=1e-6)


LEGAL = np.array([[True, True, True], [True, False, True], [False, True, True], [True, True, True]])
TABLES = Spec(4, 3, legal=jnp.asarray(LEGAL))
GAMMA, TAU = 0.9, 0.3
BATCH = Batch(
    jnp.array([0, 1, 3, 2], jnp.int32),
    jnp.array([1, 0, 2, 1], jnp.int32),
    jnp.array([0.5, -1.0, 0.25, 1.5]),
    jnp.array([1, 2, 0, 2], jnp.int32),
    jnp.array([False, False, True, False]),
    jnp.array([GAMMA, GAMMA**3, GAMMA, GAMMA], jnp.float32),
)


def linear(shape, num_actions):
    return keras.Sequential([keras.Input(shape), keras.layers.Dense(num_actions, use_bias=False)])


def tables(agent, seed):
    """A gradient step of an agent on one-hot states, and its two random tables (4, 3, columns)."""
    q = agent.model.bind(TABLES, form=form_of(agent))
    rng = np.random.default_rng(seed)
    shape = (4, 3 * agent.head.form.columns)
    online, target = (rng.normal(size=shape).astype(np.float32) for _ in range(2))
    learnt = Learnt(Weights((online,), ()), Weights((target,), ()), (), jnp.float32(0))
    return GradientStep(agent, TABLES, q, agent.head), learnt, online.reshape(4, 3, -1), target.reshape(4, 3, -1)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def projected(values, masses, atoms):
    out = np.zeros(len(atoms))
    for value, mass in zip(np.clip(values, atoms[0], atoms[-1]), masses, strict=True):
        out += mass * np.clip(1 - np.abs(value - atoms) / (atoms[1] - atoms[0]), 0, 1)
    return out


def by_hand(agent, online, target):
    """Targets of the batch: choose, judge, and move the distribution, one transition at a time."""
    atoms, categorical = np.linspace(-2, 3, 11), isinstance(agent.head, Categorical)

    def mean(table):
        return (softmax(table) * atoms).sum(-1) if categorical else table.mean(-1)

    def scaled(rows, state):
        above = np.where(LEGAL[state], rows, -np.inf) / TAU
        return TAU * (above - above.max() - np.log(np.exp(above - above.max()).sum()))

    found = []
    for s, a, r, then, ended, gamma in zip(*(np.asarray(x) for x in BATCH), strict=True):
        reward, power = float(r), 0.0 if ended else float(gamma)
        rows = mean((online if agent.double else target)[then])
        columns = softmax(target[then]) if categorical else target[then]
        weights, extra = np.zeros(3), np.zeros(3)
        weights[np.where(LEGAL[then], rows, -np.inf).argmax()] = 1.0
        if agent.munchausen is not None:
            reward += 0.9 * max(scaled(mean(target[s]), s)[a], -1.0)
            weights, extra = np.exp(scaled(rows, then) / TAU), -scaled(rows, then)
        some = np.flatnonzero(weights)
        if categorical:
            values = np.concatenate([reward + power * (atoms + extra[b]) for b in some])
            found.append(projected(values, np.concatenate([weights[b] * columns[b] for b in some]), atoms))
        else:
            found.append(reward + power * sum(weights[b] * (columns[b] + extra[b]) for b in some))
    return np.array(found)


@pytest.mark.parametrize("munchausen", [None, Munchausen(temperature=TAU)])
@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("kind", ["categorical", "quantiles"])
def test_targets_choose_judge_and_move_as_the_papers_say_with_masks_ends_and_several_steps(kind, double, munchausen):
    agent = dqn(linear, head=HEADS[kind], double=double, munchausen=munchausen, discount=GAMMA)
    step, learnt, online, target = tables(agent, seed=double)
    found = jax.jit(step.target)(learnt, BATCH, place(noise.UPDATE), jnp.uint32(0))
    np.testing.assert_allclose(found, by_hand(agent, online, target), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("double", [False, True])
def test_targets_of_implicit_quantiles_are_drawn_at_fractions_of_their_own(double):
    agent = dqn(linear, head=HEADS["implicit"], double=double, discount=GAMMA)
    q = agent.model.bind(TABLES, form=form_of(agent))
    one, other = (jax.jit(q.first)(place(seed=seed)) for seed in (1, 2))
    step = GradientStep(agent, TABLES, q, agent.head)
    found = jax.jit(step.target)(
        Learnt(one, other, (), jnp.float32(0)), BATCH, place(noise.UPDATE), jnp.uint32(1 << 20)
    )
    fractions = jax.random.uniform(place(noise.UPDATE).key((1 << 20) + 4), (4, 4))
    judged = np.asarray(q.values(other, BATCH.next_observation, fractions))
    rows = policy_values(agent.head, q, one if double else other, BATCH.next_observation)
    best = np.where(LEGAL[np.asarray(BATCH.next_observation)], rows, -np.inf).argmax(axis=1)
    gamma = np.where(BATCH.terminated, 0.0, BATCH.discount)
    by_hand = np.asarray(BATCH.reward)[:, None] + gamma[:, None] * judged[range(4), best]
    np.testing.assert_allclose(found, by_hand, rtol=1e-5)


def test_a_fraction_is_embedded_as_in_the_paper_and_its_column_depends_on_it_alone():
    agent = dqn(linear, head=HEADS["implicit"])
    q = agent.model.bind(TABLES, form=form_of(agent))
    weights = jax.jit(q.first)(place())
    kernel, last = sorted((np.asarray(x) for x in weights.trainable), key=lambda x: x.shape != (5, 4))
    embedded = np.maximum(np.cos(np.pi * np.arange(5) * 0.3) @ kernel, 0.0)
    found = q.values(weights, jnp.array([2]), jnp.array([[0.8, 0.3]]))
    np.testing.assert_allclose(found[0, :, 1], embedded[2] * last[2], atol=1e-5)


@pytest.mark.parametrize("kind", HEADS)
def test_importance_weights_scale_what_a_transition_teaches(kind):
    agent = dqn(mlp(4), head=HEADS[kind], priorities=Priorities())
    q = agent.model.bind(TABLES, form=form_of(agent))
    step, weights = GradientStep(agent, TABLES, q, head_of(agent)), jax.jit(q.first)(place())

    def moved(importance):
        learnt = Learnt(weights, weights, agent.optimizer.first(weights), jnp.float32(0))
        after, errors = step(learnt, BATCH, importance, place(noise.UPDATE), 0)
        pairs = zip(after.weights.trainable, weights.trainable, strict=True)
        return jnp.concatenate([jnp.ravel(new - old) for new, old in pairs]), errors

    counts = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [1, 0.5, 0, 0.25]], np.float32)
    each, errors = jax.jit(jax.vmap(moved))(counts)
    np.testing.assert_allclose(each[3], each[0] + 0.5 * each[1] + 0.25 * each[2], atol=1e-6)
    assert errors.shape == (4, 4)
    assert float(errors.min()) >= 0
