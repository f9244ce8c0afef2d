"""Losses: what an error of prediction costs.

Each is a function of one error, target minus prediction, in units of value; it works on arrays of any shape, and
whoever learns takes the mean.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

Array = jax.Array


def squared(error: Array) -> Array:
    """e², whose slope is 2 e; half of it has the temporal difference itself as its slope.

    >>> float(squared(jnp.float32(-3.0)))
    9.0
    """
    return error * error


def huber(error: Array) -> Array:
    """½ e² where |e| ≤ 1, |e| − ½ beyond: the slope is the error, clipped to [−1, 1].

    Source: P. J. Huber, *Robust estimation of a location parameter*, Annals of Mathematical Statistics 35 (1964);
    Mnih et al. (2015) call it clipping the error term.

    >>> [float(huber(jnp.float32(e))) for e in (0.5, -3.0)]
    [0.125, 2.5]
    """
    size = jnp.abs(error)
    near = jnp.minimum(size, 1.0)  # one formula for both parts, so that the slope has no branch to lose a NaN in
    return near * (size - 0.5 * near)


LOSSES = {"squared": squared, "huber": huber}
"""By the names that agents take."""
