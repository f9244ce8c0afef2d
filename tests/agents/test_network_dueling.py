"""The dueling head on a network of the user's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.agents.backend import lenient, load_keras
from qlearn.agents.learner import Spec
from qlearn.agents.mlp import mlp
from qlearn.agents.network import Network
from qlearn.agents.network_form import Form
from qlearn.engine import noise
from qlearn.errors import InputError

# Keras 3.15 reads its own variables in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

keras = load_keras()
layers = keras.layers
POLE = Spec(0, 3, observation_shape=(4,))


def first(q, seed=0):
    return jax.jit(q.first)(noise.at(jnp.uint32(seed), noise.INITIAL, jnp.uint32(0), jnp.uint32(0)))


def functional():
    inputs = keras.Input((4,))
    hidden = layers.Dense(6, "relu")(inputs)
    return keras.Model(inputs, layers.Dense(3)(layers.Concatenate()([hidden, layers.Dense(2)(inputs)])))


@pytest.mark.parametrize("model", [mlp(8), functional(), keras.Sequential([layers.Dense(8, "tanh"), layers.Dense(3)])])
class TestHead:
    def test_it_is_value_plus_centred_advantage(self, model):
        q = Network.of(model).bind(POLE, form=Form(dueling=True))
        weights = first(q)
        built = q.model(weights)
        inputs = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
        value = next(layer for layer in built.layers if layer.name.endswith("_value"))
        advantage = next(layer for layer in built.layers if layer.name == value.name.removesuffix("_value"))
        with lenient():
            streams = keras.Model(built.inputs[0], [value.output, advantage.output])
            v, a = (np.asarray(x) for x in streams(inputs))
        assert np.allclose(q.values(weights, inputs), v + a - a.mean(1, keepdims=True), atol=1e-5)
        assert np.allclose(q.values(weights, inputs).mean(1), v[:, 0], atol=1e-5)

    def test_keras_saves_and_loads_it(self, model, tmp_path):
        q = Network.of(model).bind(POLE, form=Form(dueling=True))
        weights = first(q, 3)
        q.model(weights).save(tmp_path / "q.keras")
        again = keras.models.load_model(tmp_path / "q.keras")
        inputs = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
        with lenient():
            assert np.allclose(again(inputs), q.values(weights, inputs), atol=1e-6)


def test_the_value_has_first_weights_of_its_own_for_every_seed():
    q = Network.of(mlp(8)).bind(POLE, form=Form(dueling=True))
    shapes = [x.shape for x in first(q).trainable]
    assert sorted(shapes) == sorted([(4, 8), (8,), (8, 3), (3,), (8, 1), (1,)])
    value = shapes.index((8, 1))
    assert not np.array_equal(first(q, 0).trainable[value], first(q, 1).trainable[value])


def test_with_and_without_are_two_functions_of_one_network():
    network = Network.of(mlp(8))
    assert network.bind(POLE) is not network.bind(POLE, form=Form(dueling=True))
    assert len(first(network.bind(POLE)).trainable) == 4


def test_gradients_reach_both_streams():
    q = Network.of(mlp(8)).bind(POLE, form=Form(dueling=True))
    weights = first(q)

    def loss(trainable):
        return jnp.mean(jnp.square(q.values(weights._replace(trainable=trainable), jnp.ones((2, 4)))[:, 0] - 1.0))

    assert all(np.abs(g).max() > 0 for g in jax.jit(jax.grad(loss))(weights.trainable))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (keras.Sequential([layers.Dense(3, "softmax")]), r"ends in Dense\(3, 'softmax'\)"),
        (keras.Sequential([layers.Dense(4)]), r"ends in Dense\(4, 'linear'\).*linear Dense\(3\)"),
        (keras.Sequential([layers.Dense(3), layers.ReLU()]), "ends in ReLU"),
    ],
)
def test_other_last_layers_are_refused(model, words):
    with pytest.raises(InputError, match=words):
        Network.of(model).bind(POLE, form=Form(dueling=True))


def test_a_model_without_layers_in_a_graph_is_refused():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.out = layers.Dense(3)

        def call(self, inputs):
            return self.out(inputs)

    with pytest.raises(InputError, match="ends in Own"):
        Network.of(lambda *_: Own()).bind(POLE, form=Form(dueling=True))
