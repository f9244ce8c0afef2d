r"""The parts of stream Q(λ): a sparse first network, and steps that cannot overshoot.

Source: M. Elsayed, G. Vasan and A. R. Mahmood, *Streaming deep reinforcement learning finally works*,
arXiv:2410.14606 (2024).
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

Array = jax.Array


def zeros_of(fan_in: int, sparsity: float | Array) -> Array:
    """How many of a unit's inputs start at 0: the share rounded up, but never all of them; int32.

    The paper's code zeroes all of them where there are fewer than 1 / (1 − sparsity), which leaves a dead unit.

    >>> [int(zeros_of(fan_in, 0.9)) for fan_in in (1, 4, 10, 32)]
    [0, 3, 9, 29]
    """
    share = jnp.ceil(sparsity * jnp.float32(fan_in) - 1e-3)  # 0.7 · 10 is 7, also in float32
    return jnp.minimum(share.astype(jnp.int32), fan_in - 1)


def sparse_kernel(key: Array, shape: tuple[int, ...], sparsity: float | Array) -> Array:
    """A kernel in which most inputs of every unit are 0, each unit having its own.

    Args:
        key: a key of ``jax.random``.
        shape: (..., units); all axes but the last are inputs, as in the kernels of Keras's Dense and Conv layers.
        sparsity: the share of zeros, in [0, 1).

    Returns:
        float32 of that shape; what is not 0 is uniform within ±1/√fan_in (LeCun).
    """
    fan_in = math.prod(shape[:-1])
    values, order = jax.random.split(key)
    limit = fan_in**-0.5
    flat = jax.random.uniform(values, (fan_in, shape[-1]), jnp.float32, -limit, limit)
    lots = jax.random.uniform(order, flat.shape)
    rank = jnp.argsort(jnp.argsort(lots, axis=0), axis=0)
    return jnp.where(rank < zeros_of(fan_in, sparsity), 0.0, flat).reshape(shape)


def sparse_weights(key: Array, trainable: tuple[Array, ...], sparsity: float | Array) -> tuple[Array, ...]:
    """The first weights of a network with its kernels made sparse.

    A kernel is a weight of two axes or more (Dense, Conv, Embedding); vectors (biases, the scales of a normalisation)
    stay as the model's own initialisers made them, which for Keras's defaults is what the paper asks for.
    """
    return tuple(
        sparse_kernel(jax.random.fold_in(key, i), weight.shape, sparsity) if weight.ndim >= 2 else weight
        for i, weight in enumerate(trainable)
    )


def bounded_step(learning_rate: float | Array, kappa: float | Array, error: Array, trace_norm: Array) -> Array:
    r"""The step size of ObGD, gradient descent with bounded overshooting.

    .. math:: \alpha \min(1, 1 / M), \qquad M = \alpha\, \kappa \max(|\delta|, 1) \lVert z \rVert_1

    To first order a step of α moves the learnt value by :math:`\alpha \delta\, z^\top \nabla q`; M bounds how far that
    can shoot beyond the target, so that no sample is over-learnt whatever the scale of network and reward.

    Args:
        learning_rate: α.
        kappa: κ, how many times stricter than the bound.
        error: δ, the TD error.
        trace_norm: the sum of |z| over all weights.

    >>> float(bounded_step(1.0, 2.0, jnp.float32(-4.0), jnp.float32(2.0)))  # M = 16
    0.0625
    """
    bound = learning_rate * kappa * jnp.maximum(jnp.abs(error), 1.0) * trace_norm
    return learning_rate / jnp.maximum(bound, 1.0)


def bounded_update(
    weights: tuple[Array, ...],
    trace: tuple[Array, ...],
    error: Array,
    learning_rate: float | Array,
    kappa: float | Array,
) -> tuple[Array, ...]:
    r"""One step of ObGD: :math:`\theta + \alpha \min(1, 1 / M)\, \delta\, z`.

    >>> w, z = (jnp.array([1.0, 1.0]),), (jnp.array([3.0, -1.0]),)
    >>> bounded_update(w, z, jnp.float32(2.0), 1.0, 2.0)[0].tolist()  # M = 16: 1 + 2 · 3 / 16, 1 − 2 / 16
    [1.375, 0.875]
    """
    norm = sum((jnp.sum(jnp.abs(z)) for z in trace), jnp.float32(0.0))
    change = bounded_step(learning_rate, kappa, error, norm) * error
    return tuple(w + change * z for w, z in zip(weights, trace, strict=True))
