"""Networks as pure functions of weights, and as ordinary models again."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.agents.backend import lenient, load_keras
from qlearn.agents.learner import Spec
from qlearn.agents.mlp import mlp
from qlearn.agents.network import Network, Weights
from qlearn.engine import noise
from qlearn.errors import InputError

# Keras 3.15 reads its own variables in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

keras = load_keras()
layers = keras.layers
CHAIN = Spec(5, 2)
POLE = Spec(0, 2, observation_shape=(4,))


def first(q, seed):
    return jax.jit(q.first)(noise.at(jnp.uint32(seed), noise.INITIAL, jnp.uint32(0), jnp.uint32(0)))


def seeds(q, count=3):
    return jax.jit(jax.vmap(lambda seed: first(q, seed)))(jnp.arange(count, dtype=jnp.uint32))


def tutorial():
    return keras.Sequential([layers.Dense(10, "sigmoid"), layers.Dense(2)])


def keras_values(model, inputs):
    with lenient():
        return np.asarray(model(inputs, training=False))


class TestValues:
    def test_states_become_one_hot(self):
        q = Network.of(tutorial()).bind(CHAIN)
        weights = first(q, 3)
        values = q.values(weights, jnp.array([4, 0], jnp.int32))
        expected = keras_values(q.model(weights), np.eye(5, dtype=np.float32)[[4, 0]])
        assert values.dtype == jnp.float32
        assert np.allclose(values, expected, atol=1e-6)

    def test_a_linear_network_without_bias_is_a_table(self):
        q = Network.of(keras.Sequential([layers.Dense(2, use_bias=False)])).bind(CHAIN)
        weights = first(q, 0)
        assert np.array_equal(q.values(weights, jnp.arange(5)), weights.trainable[0])

    @pytest.mark.parametrize("dtype", ["uint8", "bool", "float64", "int32"])
    def test_arrays_go_in_as_they_are(self, dtype):
        q = Network.of(mlp(6)).bind(Spec(0, 2, observation_shape=(3, 3, 2), observation_dtype=dtype))
        weights = first(q, 0)
        observations = np.random.default_rng(0).integers(0, 2, (4, 3, 3, 2)).astype(dtype)
        expected = keras_values(q.model(weights), observations.astype(np.float32))
        assert np.allclose(q.values(weights, observations), expected, atol=1e-6)

    def test_a_scalar_observation_is_a_vector_of_one(self):
        q = Network.of(mlp(6)).bind(Spec(0, 3, observation_shape=()))
        assert q.input_shape == (1,)
        assert q.values(first(q, 0), jnp.array([0.5, 1.0])).shape == (2, 3)

    def test_whole_numbers_reach_an_embedding(self):
        inputs = keras.Input((2,), dtype="int32")
        model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(layers.Embedding(7, 3)(inputs))))
        q = Network.of(model).bind(Spec(0, 2, observation_shape=(2,), observation_dtype="int32"))
        assert q.values(first(q, 0), jnp.array([[6, 1]], jnp.int32)).shape == (1, 2)

    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
    def test_mixed_precision_gives_float32_and_trains(self, policy):
        def build(shape, num_actions):
            return keras.Sequential(
                [keras.Input(shape), layers.Dense(8, "relu", dtype=policy), layers.Dense(num_actions, dtype=policy)]
            )

        q = Network.of(build).bind(POLE)
        weights = first(q, 0)

        def loss(trainable):
            return jnp.mean(jnp.square(q.values(weights._replace(trainable=trainable), jnp.ones((3, 4)))))

        assert q.values(weights, jnp.ones((3, 4))).dtype == jnp.float32
        assert all(g.dtype == jnp.float32 for g in jax.jit(jax.grad(loss))(weights.trainable))

    def test_a_lane_of_seeds_gives_what_each_seed_gives(self):
        q = Network.of(mlp(16, 16, layer_norm=True)).bind(POLE)
        lane = seeds(q)
        observations = jnp.asarray(np.random.default_rng(0).normal(size=(3, 5, 4)), jnp.float32)
        together = jax.vmap(q.values)(lane, observations)
        for i in range(3):
            alone = q.values(jax.tree.map(lambda x, i=i: x[i], lane), observations[i])
            assert np.allclose(together[i], alone, atol=1e-6)

    def test_convolutions_and_recurrence_map_over_seeds(self):
        convolution = keras.Sequential([layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(3)])
        q = Network.of(convolution).bind(Spec(0, 3, observation_shape=(6, 6, 2)))
        assert jax.jit(jax.vmap(q.values))(seeds(q), jnp.ones((3, 2, 6, 6, 2))).shape == (3, 2, 3)
        recurrent = keras.Sequential([layers.LSTM(4), layers.Dense(3)])
        q = Network.of(recurrent).bind(Spec(0, 3, observation_shape=(6, 2)))
        assert jax.jit(jax.vmap(q.values))(seeds(q), jnp.ones((3, 2, 6, 2))).shape == (3, 2, 3)

    def test_new_weights_compile_nothing(self):
        q = Network.of(tutorial()).bind(CHAIN)
        calls = []

        @jax.jit
        def values(weights):
            calls.append(1)
            return jax.vmap(lambda w: q.values(w, jnp.arange(5)))(weights)

        lane = seeds(q)
        values(lane)
        values(jax.tree.map(lambda x: x + jnp.ones_like(x), lane))
        assert len(calls) == 1

    def test_nothing_leaks_out_of_a_trace_that_meets_a_network_first(self):
        network = Network.of(
            keras.Sequential([layers.Dense(9), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(2)])
        )

        def run(seed, observations):
            q = network.bind(POLE)
            return q.train_values(first(q, seed), observations)

        with jax.checking_leaks():
            values, weights = jax.jit(jax.vmap(run, in_axes=(0, None)))(
                jnp.arange(2, dtype=jnp.uint32), jnp.ones((3, 4))
            )
        assert values.shape == (2, 3, 2)
        model = network.bind(POLE).model(jax.tree.map(lambda x: x[0], weights))
        assert keras_values(model, np.ones((1, 4), np.float32)).shape == (1, 2)

    def test_two_threads_may_trace_one_network(self):
        q = Network.of(mlp(32, 32)).bind(POLE)
        weights = first(q, 0)
        expected = np.asarray(q.values(weights, jnp.ones((1, 4))))
        wrong = []

        def work(size):
            for n in range(1, 6):
                got = jax.jit(q.values)(weights, jnp.ones((size + n, 4)))
                if not np.allclose(got, expected, atol=1e-6):
                    wrong.append(n)

        threads = [threading.Thread(target=work, args=(size,)) for size in (0, 100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


class TestConvolutions:
    """On a CPU they are matrix products; the numbers are those of Keras."""

    @pytest.mark.parametrize(
        ("kind", "size", "named"),
        [
            ("Conv2D", (7, 8), {"kernel_size": 3}),
            ("Conv2D", (7, 8), {"kernel_size": (2, 3), "padding": "same", "strides": (2, 3)}),
            ("Conv2D", (9, 9), {"kernel_size": 3, "dilation_rate": 2, "use_bias": False, "activation": "relu"}),
            ("Conv2D", (9, 10), {"kernel_size": (4, 2), "dilation_rate": (2, 1), "padding": "same"}),
            ("Conv2D", (84, 84), {"kernel_size": 8, "strides": 4}),
            ("Conv2D", (8, 8), {"kernel_size": 3, "groups": 2}),
            ("Conv3D", (5, 6, 7), {"kernel_size": 2, "strides": 2, "padding": "same"}),
            ("Conv1D", (9,), {"kernel_size": 3, "padding": "causal"}),
        ],
    )
    def test_values_and_gradients_are_those_of_keras(self, kind, size, named):
        model = keras.Sequential([getattr(layers, kind)(4, **named), layers.Flatten(), layers.Dense(2)])
        q = Network.of(model).bind(Spec(0, 2, observation_shape=(*size, 4)))
        weights = first(q, 0)
        ordinary = q.model(weights)
        observations = jnp.asarray(np.random.default_rng(0).normal(size=(3, *size, 4)), jnp.float32)

        def keras_call(trainable):
            with lenient():
                return ordinary.stateless_call(list(trainable), [], observations)[0]

        def ours(trainable):
            return q.values(weights._replace(trainable=trainable), observations)

        np.testing.assert_allclose(
            jax.jit(ours)(weights.trainable), jax.jit(keras_call)(weights.trainable), rtol=1e-4, atol=1e-5
        )
        got, expected = (
            jax.jit(jax.grad(lambda t, f=f: jnp.sum(jnp.square(f(t)))))(weights.trainable) for f in (ours, keras_call)
        )
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3 * float(jnp.abs(other).max()))

    def test_no_convolution_is_left_for_the_loop(self):
        q = Network.of(keras.Sequential([layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)])).bind(
            Spec(0, 2, observation_shape=(6, 6, 1))
        )
        text = str(jax.make_jaxpr(q.values)(first(q, 0), jnp.ones((1, 6, 6, 1))))
        assert ("conv_general_dilated" in text) == (jax.default_backend() != "cpu")

    def test_a_convolution_of_the_users_own_is_left_alone(self):
        class Own(layers.Conv2D):
            def convolution_op(self, inputs, kernel):
                return super().convolution_op(inputs, kernel) * 0.0 + 7.0

        model = keras.Sequential([Own(1, 6), layers.Flatten(), layers.Dense(2, kernel_initializer="ones")])
        q = Network.of(model).bind(Spec(0, 2, observation_shape=(6, 6, 1)))
        assert np.all(q.values(first(q, 0), jnp.ones((1, 6, 6, 1))) == 7.0)


class TestModels:
    def test_the_model_of_a_seed_is_an_ordinary_one(self, tmp_path):
        q = Network.of(tutorial()).bind(CHAIN)
        weights = jax.tree.map(np.asarray, first(q, 1))
        model = q.model(weights)
        model.save(tmp_path / "q.keras")
        again = keras.models.load_model(tmp_path / "q.keras")
        expected = q.values(first(q, 1), jnp.arange(5))
        assert np.allclose(keras_values(again, np.eye(5, dtype=np.float32)), expected, atol=1e-6)
        assert q.model(weights) is not model

    def test_it_keeps_what_no_gradient_changes(self):
        q = Network.of(keras.Sequential([layers.BatchNormalization(), layers.Dense(2)])).bind(POLE)
        weights = first(q, 0)
        moved = Weights(weights.trainable, (jnp.full((4,), 2.0), jnp.full((4,), 9.0)))
        model = q.model(moved)
        inputs = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
        assert np.allclose(keras_values(model, inputs), q.values(moved, inputs), atol=1e-6)

    def test_mlp_is_what_it_says(self):
        model = mlp(120, 84, activation="tanh", layer_norm=True)((4,), 2)
        kinds = [type(layer).__name__ for layer in model.layers]
        assert kinds == ["Dense", "LayerNormalization", "Activation"] * 2 + ["Dense"]
        assert repr(mlp(activation="tanh")) == "mlp(activation='tanh')"
        assert len({mlp(1), mlp(1), mlp(1, layer_norm=True)}) == 2

    @pytest.mark.parametrize("units", [0, 1.5, True, "4"])
    def test_mlp_refuses_units_that_are_none(self, units):
        with pytest.raises(InputError, match="whole numbers of at least 1"):
            mlp(4, units)
