"""Networks as descriptions, and as pure functions of weights."""

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
    return q.first(noise.at(jnp.uint32(seed), noise.INITIAL, jnp.uint32(0), jnp.uint32(0)))


def seeds(q, count=3):
    return jax.jit(jax.vmap(lambda seed: first(q, seed)))(jnp.arange(count, dtype=jnp.uint32))


def tutorial():
    return keras.Sequential([layers.Dense(10, "sigmoid"), layers.Dense(2)])


def keras_values(model, inputs):
    with lenient():
        return np.asarray(model(inputs, training=False))


class Scaled(layers.Layer):
    """A layer of the user's own, not registered with Keras."""

    def __init__(self, factor, **named):
        super().__init__(**named)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class Closed(keras.Model):
    """A model that does not say how it was made."""

    def __init__(self, made):
        super().__init__()
        self.inner = made

    def call(self, inputs):
        return self.inner(inputs)


class Open(keras.Model):
    """A model of the user's own that says how it was made."""

    def __init__(self, units):
        super().__init__()
        self.hidden = layers.Dense(units, "relu")
        self.out = layers.Dense(2)

    def call(self, inputs):
        return self.out(self.hidden(inputs))

    def get_config(self):
        return {"units": self.hidden.units}


class TestDescriptions:
    def test_equal_configurations_are_equal_whatever_keras_counted(self):
        one, two = Network.of(tutorial()), Network.of(tutorial())
        assert one == two
        assert hash(one) == hash(two)
        assert one.bind(CHAIN) is two.bind(CHAIN)

    def test_so_are_functional_models_with_branches(self):
        def branched():
            inputs = keras.Input((4,))
            left, right = layers.Dense(3)(inputs), layers.Dense(3)(inputs)
            return keras.Model(inputs, layers.Dense(2)(layers.Add()([left, layers.ReLU()(right)])))

        assert Network.of(branched()) == Network.of(branched())

    @pytest.mark.parametrize(
        "other",
        [
            lambda: keras.Sequential([layers.Dense(11, "sigmoid"), layers.Dense(2)]),
            lambda: keras.Sequential([layers.Dense(10, "relu"), layers.Dense(2)]),
            lambda: keras.Sequential([layers.Dense(10, "sigmoid"), layers.Dense(2, kernel_initializer="zeros")]),
            lambda: keras.Sequential([layers.Dense(10, "sigmoid", name="mine"), layers.Dense(2)]),
        ],
    )
    def test_another_architecture_is_another_network(self, other):
        assert Network.of(tutorial()) != Network.of(other())

    def test_names_that_look_like_activations_stay_apart(self):
        model = keras.Sequential([layers.Softmax(), layers.Softmax(), layers.Dense(2, "softmax")])
        again = Network.of(model).build((4,), 2)
        assert [layer.name for layer in again.layers] == ["softmax", "softmax_1", "dense"]
        assert again.layers[-1].activation is keras.activations.softmax

    def test_a_name_that_the_user_chose_is_given_to_no_other_layer(self):
        layers.Dense(1)  # so that the next one is numbered
        model = keras.Sequential(
            [layers.Dense(3), layers.Conv1D(3, 1, name="dense"), layers.Flatten(), layers.Dense(2)]
        )
        again = Network.of(model).build((4, 1), 2)
        assert [layer.name for layer in again.layers] == ["dense_1", "dense", "flatten", "dense_2"]

    def test_it_prints_its_layers(self):
        assert repr(Network.of(tutorial())) == "Sequential(Dense(10, 'sigmoid'), Dense(2))"
        assert repr(Network.of(mlp(120, 84))) == "mlp(120, 84)"

    def test_the_model_is_taken_as_it_is_now_and_never_touched(self):
        model = keras.Sequential([keras.Input((5,)), layers.Dense(2)])
        before = model.get_weights()
        network = Network.of(model)
        model.add(layers.Dense(2))
        weights = first(network.bind(CHAIN), 0)
        assert len(weights.trainable) == 2
        assert not np.array_equal(weights.trainable[0], before[0])
        assert np.array_equal(model.layers[0].get_weights()[0], before[0])

    def test_builders_are_equal_when_they_say_so(self):
        def build(shape, num_actions):
            return keras.Sequential([keras.Input(shape), layers.Dense(num_actions)])

        assert Network.of(build) == Network.of(build)
        assert Network.of(mlp(3)) == Network.of(mlp(3)) != Network.of(mlp(4))
        assert first(Network.of(build).bind(CHAIN), 0).trainable[0].shape == (5, 2)

    def test_layers_of_the_users_own_need_no_registration(self):
        model = keras.Sequential([layers.Dense(3), Scaled(2.0), layers.Dense(2)])
        q = Network.of(model).bind(POLE)
        assert isinstance(q.model(first(q, 0)).layers[1], Scaled)

    def test_a_subclass_that_describes_itself_is_a_network(self):
        q = Network.of(Open(7)).bind(POLE)
        assert [x.shape for x in first(q, 0).trainable] == [(4, 7), (7,), (7, 2), (2,)]
        assert Network.of(Open(7)) == Network.of(Open(7)) != Network.of(Open(8))

    @pytest.mark.parametrize("model", [Closed(tutorial()), keras.Sequential([layers.Lambda(lambda x: x + 1)])])
    def test_what_cannot_be_made_again_asks_for_a_function(self, model):
        with pytest.raises(InputError, match=r"Pass a function \(observation_shape, num_actions\)"):
            Network.of(model)

    @pytest.mark.parametrize("thing", ["mlp", 3, keras.Sequential, layers.Dense(2), [tutorial]])
    def test_other_things_are_refused(self, thing):
        with pytest.raises(InputError, match="is no network"):
            Network.of(thing)

    def test_adapted_normalization_would_be_lost_and_is_refused(self):
        with pytest.raises(InputError, match="Normalization\\(mean="):
            Network.of(keras.Sequential([layers.Normalization(), layers.Dense(2)]))
        q = Network.of(keras.Sequential([layers.Normalization(mean=1.0, variance=4.0), layers.Dense(2)])).bind(POLE)
        weights = first(q, 0)
        same = q.values(weights, jnp.full((1, 4), 3.0))
        assert np.allclose(same, jnp.ones((1, 4)) @ weights.trainable[0])

    def test_a_builder_must_give_a_model(self):
        with pytest.raises(InputError, match=r"expected a keras\.Model"):
            Network.of(lambda shape, num_actions: "model").bind(CHAIN)


class TestShapes:
    def test_a_wrong_number_of_actions_names_the_axis(self):
        with pytest.raises(
            InputError, match=r"axis 1 of the model's output has 3 entries; the environment has 2 actions"
        ):
            Network.of(keras.Sequential([layers.Dense(3)])).bind(CHAIN)

    def test_a_wrong_input_names_the_axis(self):
        model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
        with pytest.raises(InputError, match=r"axis 1 of the model's input has 4 entries; observations have 5 there"):
            Network.of(model).bind(CHAIN)
        with pytest.raises(InputError, match=r"shape \(4,\) after the batch; one observation has shape \(4, 4, 1\)"):
            Network.of(model).bind(Spec(0, 2, observation_shape=(4, 4, 1)))

    def test_a_fixed_batch_is_refused(self):
        with pytest.raises(InputError, match="axis 0 of the model's input has 1 entry; it is the batch"):
            Network.of(keras.Sequential([keras.Input(batch_shape=(1, 4)), layers.Dense(2)])).bind(POLE)

    def test_an_output_with_more_axes_asks_for_flattening(self):
        with pytest.raises(InputError, match="output has 4 axes"):
            Network.of(keras.Sequential([layers.Conv2D(2, 3)])).bind(Spec(0, 2, observation_shape=(10, 10, 4)))

    def test_layers_that_do_not_fit_give_keras_own_words(self):
        with pytest.raises(InputError, match=r"cannot be built for observations of shape \(4,\).*expected min_ndim=4"):
            Network.of(keras.Sequential([layers.Conv2D(2, 3), layers.Dense(2)])).bind(POLE)

    def test_a_batch_that_is_mixed_up_is_refused(self):
        def build(shape, num_actions):
            return keras.Sequential([keras.Input(shape), layers.Dense(2), layers.Lambda(lambda x: x[:1])])

        with pytest.raises(InputError, match="axis 0 of the model's output"):
            Network.of(build).bind(POLE)

    def test_several_inputs_or_outputs_are_refused(self):
        a, b = keras.Input((4,)), keras.Input((4,))
        with pytest.raises(InputError, match="2 inputs"):
            Network.of(keras.Model([a, b], layers.Dense(2)(layers.Add()([a, b])))).bind(POLE)
        with pytest.raises(InputError, match="several outputs"):
            Network.of(keras.Model(a, [layers.Dense(2)(a), layers.Dense(2)(a)])).bind(POLE)

    @pytest.mark.parametrize("named", [{"kernel_regularizer": "l2"}, {"activity_regularizer": "l2"}])
    def test_losses_of_the_models_own_would_be_lost_and_are_refused(self, named):
        with pytest.raises(InputError, match="weight_decay"):
            Network.of(keras.Sequential([layers.Dense(2, **named)])).bind(POLE)

    def test_constraints_are_refused(self):
        with pytest.raises(InputError, match="constraint"):
            Network.of(keras.Sequential([layers.Dense(2, kernel_constraint="non_neg")])).bind(POLE)

    def test_a_layer_that_draws_from_keras_one_stream_is_refused(self):
        class Noisy(layers.Layer):
            def call(self, inputs):
                return inputs + keras.random.normal((2,))

        with pytest.raises(InputError, match="SeedGenerator"):
            Network.of(lambda shape, num_actions: keras.Sequential([layers.Dense(2), Noisy()])).bind(POLE)


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
        assert all(g.dtype == jnp.float32 for g in jax.grad(loss)(weights.trainable))

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
        assert jax.vmap(q.values)(seeds(q), jnp.ones((3, 2, 6, 6, 2))).shape == (3, 2, 3)
        recurrent = keras.Sequential([layers.LSTM(4), layers.Dense(3)])
        q = Network.of(recurrent).bind(Spec(0, 3, observation_shape=(6, 2)))
        assert jax.vmap(q.values)(seeds(q), jnp.ones((3, 2, 6, 2))).shape == (3, 2, 3)

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
            for n in range(1, 20):
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

        np.testing.assert_allclose(ours(weights.trainable), keras_call(weights.trainable), rtol=1e-4, atol=1e-5)
        got, expected = (
            jax.grad(lambda t, f=f: jnp.sum(jnp.square(f(t))))(weights.trainable) for f in (ours, keras_call)
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
