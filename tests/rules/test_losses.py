"""Losses and their slopes, at points worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.rules.losses import LOSSES, huber, squared

ERRORS = np.array([-3.0, -1.0, -0.5, 0.0, 0.25, 1.0, 2.0], np.float32)


def slopes(loss):
    return np.asarray(jax.vmap(jax.grad(loss))(jnp.asarray(ERRORS)))


def test_the_squared_loss_is_the_square_and_its_slope_twice_the_error():
    np.testing.assert_array_equal(squared(jnp.asarray(ERRORS)), ERRORS**2)
    np.testing.assert_array_equal(slopes(squared), 2 * ERRORS)


def test_the_huber_loss_is_half_the_square_up_to_one_and_a_line_beyond():
    np.testing.assert_array_equal(huber(jnp.asarray(ERRORS)), [2.5, 0.5, 0.125, 0.0, 0.03125, 0.5, 1.5])


def test_the_slope_of_the_huber_loss_is_the_clipped_error():
    np.testing.assert_array_equal(slopes(huber), np.clip(ERRORS, -1, 1))


@pytest.mark.parametrize("name", LOSSES)
def test_an_error_that_is_no_number_stays_one(name):
    assert np.isnan(LOSSES[name](jnp.float32(np.nan)))
    assert np.isnan(jax.grad(LOSSES[name])(jnp.float32(np.nan)))
