"""Running scales against NumPy, sparse kernels counted, bounded steps by hand."""

import math

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.agents.backend import lenient, load_keras
from qlearn.agents.scaling import Moments, RewardScale, Scaling, scaled, scaled_model
from qlearn.agents.stream_parts import bounded_step, bounded_update, sparse_kernel, sparse_weights, zeros_of


def moments_of(samples):
    samples = jnp.asarray(samples, jnp.float32)
    return jax.lax.scan(lambda m, x: (m.take(x), None), Moments.none(samples.shape[1:]), samples)[0]


@pytest.mark.parametrize("count", [2, 3, 10, 5000])
def test_moments_are_those_of_numpy(count):
    samples = np.random.default_rng(0).normal([0.0, 100.0, -3.0], [1.0, 10.0, 0.1], (count, 3)).astype(np.float32)
    moments = moments_of(samples)
    np.testing.assert_allclose(moments.mean, samples.mean(0, dtype=np.float64), rtol=2e-5, atol=2e-4)
    np.testing.assert_allclose(moments.variance, samples.var(0, ddof=1, dtype=np.float64), rtol=1e-3)
    assert int(moments.samples) == count


def test_one_sample_has_variance_1_and_is_0_when_scaled():
    moments = moments_of([[5.0, -2.0]])
    assert moments.variance.tolist() == [1.0, 1.0]
    assert moments.scale(jnp.array([5.0, -2.0])).tolist() == [0.0, 0.0]


def test_a_constant_is_0_when_scaled_and_never_divides_by_0():
    assert moments_of(np.full((10, 1), 3.0)).scale(jnp.array([3.0])).tolist() == [0.0]


def test_after_many_samples_the_variance_stands_instead_of_falling():
    late = Moments(jnp.float32(0.0), jnp.float32(1.0), jnp.uint32(2**26))
    samples = jnp.asarray(np.random.default_rng(1).normal(size=100_000), jnp.float32)
    later = jax.lax.scan(lambda m, x: (m.take(x), None), late, samples)[0]
    assert abs(float(later.variance) - 1.0) < 1e-3


def test_rewards_are_divided_by_the_spread_of_the_discounted_return():
    rng = np.random.default_rng(2)
    rewards, ends = rng.normal(1.0, 2.0, 200).astype(np.float32), rng.random(200) < 0.1
    behind, sums, expected = 0.0, [], []
    for reward, end in zip(rewards, ends, strict=True):
        behind = 0.9 * behind + reward
        sums.append(behind)
        variance = np.var(sums, ddof=1) if len(sums) > 1 else 1.0
        expected.append(reward / math.sqrt(variance + 1e-8))
        behind = 0.0 if end else behind

    def one(scale, step):
        scaled_reward, scale = scale.take(*step, 0.9)
        return scale, scaled_reward

    _, got = jax.lax.scan(one, RewardScale.none(), (jnp.asarray(rewards), jnp.asarray(ends)))
    np.testing.assert_allclose(got, expected, rtol=1e-3)
    assert np.array_equal(np.sign(got), np.sign(rewards))  # not centred


def test_observations_without_moments_go_in_as_they_are():
    numbers = jnp.array([1, 2], jnp.int32)
    assert scaled(None, numbers) is numbers


@pytest.mark.parametrize("fan_in", [1, 2, 4, 9, 10, 11, 32, 3136])
def test_every_unit_has_a_live_input_and_the_share_of_zeros(fan_in):
    kernel = np.asarray(sparse_kernel(jax.random.key(fan_in), (fan_in, 50), 0.9))
    zeros = min(math.ceil(0.9 * fan_in), fan_in - 1)
    assert (np.sum(kernel == 0.0, axis=0) == zeros).all()
    assert np.abs(kernel).max() <= fan_in**-0.5


@pytest.mark.parametrize("sparsity", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_round_shares_are_counted_exactly(sparsity):
    for fan_in in (10, 20, 30, 70, 1000):
        assert int(zeros_of(fan_in, jnp.float32(sparsity))) == round(sparsity * fan_in)


def test_a_sparsity_of_0_leaves_all_and_of_1_leaves_one_input():
    assert (np.asarray(sparse_kernel(jax.random.key(0), (20, 5), 0.0)) != 0.0).all()
    assert (np.sum(np.asarray(sparse_kernel(jax.random.key(0), (20, 5), 1.0)) != 0.0, axis=0) == 1).all()


def test_every_input_lives_equally_often():
    units = 20_000
    live = np.asarray(sparse_kernel(jax.random.key(3), (4, units), 0.5)) != 0.0
    assert np.abs(live.mean(1) - 0.5).max() < 4 * 0.5 / math.sqrt(units)  # four standard errors


def test_what_lives_is_uniform_within_the_bound_of_lecun():
    kernel = np.asarray(sparse_kernel(jax.random.key(4), (16, 10_000), 0.5))
    live = kernel[kernel != 0.0]
    assert abs(live.std() - 0.25 / math.sqrt(3)) < 4 * 0.25 / math.sqrt(live.size)
    assert abs(live.mean()) < 4 * 0.25 / math.sqrt(3 * live.size)


def test_a_convolution_counts_all_its_inputs():
    kernel = np.asarray(sparse_kernel(jax.random.key(5), (3, 3, 4, 8), 0.9))
    assert (np.sum(kernel.reshape(36, 8) == 0.0, axis=0) == 33).all()


def test_vectors_stay_and_kernels_differ():
    first = (jnp.ones((20, 3)), jnp.full(3, 7.0), jnp.ones((20, 3)))
    kernel, bias, other = sparse_weights(jax.random.key(6), first, 0.9)
    assert bias.tolist() == [7.0] * 3
    assert not np.array_equal(kernel, other)


def test_steps_by_hand():
    assert float(bounded_step(1.0, 2.0, jnp.float32(0.1), jnp.float32(4.0))) == 1 / 8  # |δ| counts as 1 at least
    assert float(bounded_step(1.0, 2.0, jnp.float32(-4.0), jnp.float32(4.0))) == 1 / 32
    assert float(bounded_step(0.25, 2.0, jnp.float32(1.0), jnp.float32(0.5))) == 0.25  # nothing to bound


def test_an_update_by_hand():
    weights, trace = (jnp.array([[1.0]]), jnp.array([2.0, 3.0])), (jnp.array([[1.0]]), jnp.array([0.0, -3.0]))
    new = bounded_update(weights, trace, jnp.float32(-2.0), 1.0, 2.0)  # ‖z‖ = 4 over all weights, M = 16
    assert new[0].tolist() == [[1.0 - 2 / 16]]
    assert new[1].tolist() == [2.0, 3.0 + 6 / 16]


@hypothesis.given(
    st.lists(st.floats(-1.0, 1.0, width=32), min_size=1, max_size=20),
    st.floats(-100.0, 100.0, width=32),
    st.floats(0.0625, 64.0, width=32),
)
def test_a_linear_value_never_shoots_beyond_its_target(features, error, learning_rate):
    x = jnp.asarray(features, jnp.float32)
    (moved,) = bounded_update((jnp.zeros_like(x),), (x,), jnp.float32(error), learning_rate, 1.0)
    change = float(jnp.sum(moved * x))
    assert abs(change) <= abs(error) * (1 + 1e-5)
    assert change * error >= 0.0


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own, when it saves
def test_a_scaled_model_takes_raw_observations_and_keeps_it_when_saved(tmp_path):
    keras = load_keras()
    inner = keras.Sequential([keras.Input((2, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    samples = np.random.default_rng(7).normal(5.0, 3.0, (50, 2, 3)).astype(np.float32)
    moments = jax.tree.map(np.asarray, moments_of(samples))
    outer = scaled_model(inner, Scaling(moments, np.float32(4.0)))
    with lenient():
        expected = 4.0 * np.asarray(inner(np.asarray(scaled(moments, samples))))
        outer.save(tmp_path / "outer.keras")
        again = keras.saving.load_model(tmp_path / "outer.keras")
        for model in (outer, again):
            np.testing.assert_allclose(np.asarray(model(samples)), expected, rtol=1e-4, atol=1e-4)


def test_a_model_that_needs_no_scaling_stays_as_it_is():
    model = object()
    assert scaled_model(model, Scaling(None, np.float32(1.0))) is model
