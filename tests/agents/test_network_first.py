"""First weights and layers with state: every seed has its own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from qlearn.agents.backend import lenient, load_keras
from qlearn.agents.learner import Spec
from qlearn.agents.mlp import mlp
from qlearn.agents.network import Network, Weights
from qlearn.agents.network_first import FIRST_SLOT
from qlearn.engine import noise
from qlearn.errors import InputError

# Keras 3.15 reads its own variables in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

keras = load_keras()
layers = keras.layers
POLE = Spec(0, 2, observation_shape=(4,))
WIDE = Spec(0, 2, observation_shape=(60,))
ZERO = jnp.uint32(0)


def at(seed):
    return noise.at(jnp.uint32(seed), noise.INITIAL, ZERO, ZERO)


def seeds(q, count):
    def one(seed):
        return q.first(noise.at(seed, noise.INITIAL, ZERO, ZERO))

    return jax.jit(jax.vmap(one))(jnp.arange(count, dtype=jnp.uint32))


def dense(**named):
    return keras.Sequential([layers.Dense(50, **named), layers.Dense(2)])


RANDOM = [
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "random_normal",
    "random_uniform",
    "truncated_normal",
    "variance_scaling",
    "orthogonal",
]


class TestFirstWeights:
    @pytest.mark.parametrize("name", RANDOM)
    def test_they_are_distributed_as_keras_draws_them(self, name):
        q = Network.of(dense(kernel_initializer=name)).bind(WIDE)
        ours = np.asarray(seeds(q, 5).trainable[0])
        maker = type(keras.initializers.get(name))
        with lenient():
            theirs = np.stack([np.asarray(maker(seed=seed)((60, 50), dtype="float32")) for seed in range(5)])
        assert ours.dtype == theirs.dtype
        # 15,000 numbers each: the Kolmogorov-Smirnov distance stays below 0.0225 in all but one case of 1,000.
        assert stats.ks_2samp(ours.ravel(), theirs.ravel()).statistic < 0.0225
        flat = ours.reshape(5, -1)
        correlations = np.corrcoef(flat)[np.triu_indices(5, 1)]
        assert np.abs(correlations).max() < 5 / np.sqrt(3000)

    def test_orthogonal_ones_are_orthogonal(self):
        q = Network.of(dense(kernel_initializer="orthogonal")).bind(WIDE)
        kernels = np.asarray(seeds(q, 2).trainable[0])
        assert np.allclose(np.einsum("sij,sik->sjk", kernels, kernels), np.eye(50), atol=1e-5)

    def test_layers_of_one_shape_differ(self):
        q = Network.of(keras.Sequential([layers.Dense(4), layers.Dense(4), layers.Dense(2)])).bind(POLE)
        weights = q.first(at(0))
        assert not np.array_equal(weights.trainable[0], weights.trainable[2])

    def test_each_seed_is_the_same_alone_and_among_others(self):
        q = Network.of(dense()).bind(POLE)
        lane = seeds(q, 3)
        alone = jax.jit(q.first)(at(2))
        assert all(np.array_equal(x[2], y) for x, y in zip(lane.trainable, alone.trainable, strict=True))

    def test_they_come_from_the_slots_promised(self):
        q = Network.of(dense()).bind(POLE)
        with lenient():
            expected = keras.initializers.GlorotUniform(seed=0)
            expected.seed = at(5).key(FIRST_SLOT + 2)
            kernel = expected((50, 2), dtype="float32")
        assert np.array_equal(q.first(at(5)).trainable[2], kernel)

    def test_zeros_ones_and_constants_are_what_they_say(self):
        q = Network.of(dense(kernel_initializer="ones", bias_initializer=keras.initializers.Constant(0.5))).bind(POLE)
        weights = q.first(at(0))
        assert np.all(weights.trainable[0] == 1.0)
        assert np.all(weights.trainable[1] == 0.5)

    def test_a_seed_that_the_user_gave_holds_for_all_seeds(self):
        q = Network.of(dense(kernel_initializer=keras.initializers.HeNormal(seed=7))).bind(POLE)
        kernels = np.asarray(seeds(q, 3).trainable[0])
        with lenient():
            expected = np.asarray(keras.initializers.HeNormal(seed=7)((4, 50), dtype="float32"))
        assert np.array_equal(kernels, np.broadcast_to(expected, kernels.shape))

    def test_weights_that_a_builder_sets_hold_for_all_seeds(self):
        def build(shape, num_actions):
            model = keras.Sequential([keras.Input(shape), layers.Dense(num_actions)])
            model.layers[-1].kernel.assign(np.arange(8, dtype=np.float32).reshape(4, 2))
            return model

        kernels = np.asarray(seeds(Network.of(build).bind(POLE), 2).trainable[0])
        assert np.array_equal(kernels[0], np.arange(8).reshape(4, 2))
        assert np.array_equal(kernels[1], kernels[0])

    def test_what_numpy_draws_in_a_builder_is_refused(self):
        def build(shape, num_actions):
            model = keras.Sequential([keras.Input(shape), layers.Dense(num_actions)])
            model.layers[-1].kernel.assign(np.random.default_rng().normal(size=(4, 2)))
            return model

        with pytest.raises(InputError, match="all seeds would share one draw"):
            Network.of(build).bind(POLE)

    def test_so_is_an_initializer_that_listens_to_no_seed(self):
        class Own(keras.initializers.Initializer):
            seed = None

            def __call__(self, shape, dtype=None):
                return np.random.default_rng().normal(size=shape).astype(dtype)

            def get_config(self):
                return {"seed": self.seed}

        def plain(shape, dtype=None):
            return np.random.default_rng().normal(size=shape).astype(dtype)

        for initializer in (Own(), plain):
            with pytest.raises(InputError, match="Give the layer such an initializer"):
                Network.of(lambda _, n, i=initializer: keras.Sequential([layers.Dense(n, kernel_initializer=i)])).bind(
                    POLE
                )

    def test_an_initializer_of_the_users_own_that_has_a_seed_draws_for_each(self):
        class Own(keras.initializers.RandomNormal):
            def __call__(self, shape, dtype=None):
                return super().__call__(shape, dtype) + 3.0

        model = lambda _, n: keras.Sequential([layers.Dense(n, kernel_initializer=Own())])  # noqa: E731
        kernels = np.asarray(seeds(Network.of(model).bind(WIDE), 2).trainable[0])
        assert not np.array_equal(kernels[0], kernels[1])
        assert np.allclose(kernels.mean((1, 2)), 3.0, atol=0.05)

    def test_random_biases_inside_an_lstm_cannot_be_drawn_again_and_are_refused(self):
        model = keras.Sequential([layers.LSTM(3, bias_initializer="random_normal"), layers.Dense(2)])
        with pytest.raises(InputError, match="lstm_cell/bias"):
            Network.of(model).bind(Spec(0, 2, observation_shape=(5, 4)))
        plain = Network.of(keras.Sequential([layers.LSTM(3), layers.Dense(2)])).bind(
            Spec(0, 2, observation_shape=(5, 4))
        )
        bias = plain.first(at(0)).trainable[2]
        assert bias.tolist() == [0.0] * 3 + [1.0] * 3 + [0.0] * 6  # the forget gate begins at one

    def test_variables_made_by_hand_work_where_they_are_constant(self):
        class Own(layers.Layer):
            def __init__(self):
                super().__init__()
                self.scale = keras.Variable(np.array([2.0, 3.0], np.float32))

            def call(self, inputs):
                return inputs * self.scale

        q = Network.of(lambda _, n: keras.Sequential([layers.Dense(n), Own()])).bind(POLE)
        assert q.first(at(0)).trainable[-1].tolist() == [2.0, 3.0]

    def test_the_models_own_weights_have_no_say(self):
        q = Network.of(mlp(6)).bind(POLE)
        before = q.values(q.first(at(0)), jnp.ones((1, 4)))
        q.model(q.first(at(1)))
        assert np.array_equal(before, q.values(q.first(at(0)), jnp.ones((1, 4))))


class TestLayersWithState:
    def lane(self, model, count=3):
        q = Network.of(model).bind(POLE)
        return q, seeds(q, count)

    def test_dropout_differs_between_seeds_and_between_updates(self):
        model = keras.Sequential([layers.Dropout(0.5), layers.Dense(2, kernel_initializer="ones")])
        q, weights = self.lane(model)
        step = jax.jit(jax.vmap(q.train_values))
        observations = jnp.ones((3, 40, 4))
        first, after = step(weights, observations)
        second, _ = step(after, observations)
        masks = np.stack([first, second])[..., 0]  # how many of four inputs were kept, times 2
        assert set(np.unique(masks)) == {0.0, 2.0, 4.0, 6.0, 8.0}
        rows = masks.reshape(6, 40)
        assert len({row.tobytes() for row in rows}) == 6
        assert abs(masks.mean() - 4.0) < 5 * 2 / np.sqrt(masks.size)

    def test_a_dropout_with_a_seed_of_the_users_own_differs_all_the_same(self):
        q, weights = self.lane(keras.Sequential([layers.Dropout(0.5, seed=3), layers.Dense(2)]))
        assert len({np.asarray(state).tobytes() for state in weights.other[0]}) == 3
        values, _ = jax.vmap(q.train_values)(jax.tree.map(lambda x: x, weights), jnp.ones((3, 40, 4)))
        assert not np.array_equal(values[0], values[1])

    def test_two_dropouts_of_one_model_do_not_share_their_masks(self):
        _, weights = self.lane(keras.Sequential([layers.Dropout(0.5), layers.Dropout(0.5), layers.Dense(2)]))
        assert (
            len({np.asarray(state).tobytes() for state in np.concatenate([np.asarray(x) for x in weights.other])}) == 6
        )

    def test_dropout_rests_while_acting(self):
        q, weights = self.lane(keras.Sequential([layers.Dropout(0.5), layers.Dense(2)]))
        values = jax.vmap(q.values)(weights, jnp.ones((3, 2, 4)))
        assert np.array_equal(values[:, 0], values[:, 1])
        assert np.allclose(values[:, 0], weights.trainable[0].sum(1), atol=1e-6)

    def test_moments_are_each_seeds_own(self):
        model = keras.Sequential([layers.BatchNormalization(momentum=0.9), layers.Dense(2)])
        q, weights = self.lane(model)
        observations = jnp.asarray(
            np.random.default_rng(0).normal([[[1.0]], [[2.0]], [[3.0]]], 1.0, (3, 64, 4)), jnp.float32
        )
        _, after = jax.jit(jax.vmap(q.train_values))(weights, observations)
        means, variances = after.other
        assert np.allclose(means, 0.1 * observations.mean(1), atol=1e-5)
        assert np.allclose(variances, 0.9 + 0.1 * observations.var(1), atol=1e-5)
        assert all(np.array_equal(x, y) for x, y in zip(weights.trainable, after.trainable, strict=True))

    def test_values_use_the_moments_and_training_the_batch(self):
        q, weights = self.lane(
            keras.Sequential([layers.BatchNormalization(), layers.Dense(2, kernel_initializer="ones")]), 1
        )
        one = jax.tree.map(lambda x: x[0], weights)
        moved = Weights(one.trainable, (jnp.full((4,), 3.0), jnp.full((4,), 4.0 - 1e-3)))
        assert np.allclose(q.values(moved, jnp.full((2, 4), 5.0)), 4.0, atol=1e-4)
        assert np.allclose(q.train_values(moved, jnp.full((2, 4), 5.0))[0], 0.0, atol=1e-4)

    def test_state_can_be_carried_through_a_scan(self):
        model = keras.Sequential([layers.Dense(4), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(2)])
        q, weights = self.lane(model)

        def body(weights, _):
            values, weights = q.train_values(weights, jnp.ones((8, 4)))
            return weights, values

        after, values = jax.vmap(lambda w: jax.lax.scan(body, w, None, length=5))(weights)
        assert values.shape == (3, 5, 8, 2)
        states = [x for x in after.other if x.dtype == jnp.uint32]
        assert np.array_equal(states[0][:, 1] - weights.other[-1][:, 1], jnp.full(3, 5, jnp.uint32))

    def test_dropout_inside_a_model_of_the_users_own_hears_of_training(self):
        class Own(keras.Model):
            def __init__(self):
                super().__init__()
                self.drop, self.out = layers.Dropout(0.5), layers.Dense(2, kernel_initializer="ones")

            def call(self, inputs):
                return self.out(self.drop(inputs))

        q = Network.of(lambda *_: Own()).bind(POLE)
        weights = q.first(at(0))
        values, after = q.train_values(weights, jnp.ones((30, 4)))
        assert len(np.unique(values)) > 2
        assert not np.array_equal(after.other[0], weights.other[0])

    def test_frozen_layers_stay_apart_from_what_learns(self):
        model = keras.Sequential([layers.Dense(3, trainable=False), layers.Dense(2)])
        q, weights = self.lane(model)
        assert [x.shape for x in weights.trainable] == [(3, 3, 2), (3, 2)]
        assert [x.shape for x in weights.other] == [(3, 4, 3), (3, 3)]
        assert not np.array_equal(weights.other[0][0], weights.other[0][1])
        assert q.values(jax.tree.map(lambda x: x[0], weights), jnp.ones((1, 4))).shape == (1, 2)
