"""Networks as descriptions, and where they meet an environment."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.agents.backend import load_keras
from qlearn.agents.learner import Spec
from qlearn.agents.mlp import mlp
from qlearn.agents.network import Network
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


def tutorial():
    return keras.Sequential([layers.Dense(10, "sigmoid"), layers.Dense(2)])


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
