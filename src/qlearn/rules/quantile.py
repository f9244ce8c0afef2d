r"""The quantile backup: returns known by some of their quantiles, and the loss that moves a prediction to a quantile.

.. math::
    y_j &= R + \gamma \sum_a w(a) \left( z_j(s', a) + e_a \right) \\
    \rho_\tau(u) &= | \tau - [u < 0] | \, L_\kappa(u) / \kappa, \qquad
    L_\kappa(u) = \begin{cases} \tfrac{1}{2} u^2 & |u| \le \kappa \\ \kappa (|u| - \tfrac{1}{2} \kappa) & \text{else}
    \end{cases} \\
    \ell &= \sum_i \frac{1}{m} \sum_j \rho_{\tau_i}(y_j - z_i)

with γ = 0 where the episode terminated.  The weights w of a greedy target policy pick one action's quantiles; others
average over the actions quantile by quantile, as Munchausen IQN does.

Sources: W. Dabney, M. Rowland, M. G. Bellemare and R. Munos, *Distributional reinforcement learning with quantile
regression*, AAAI 2018, equations 8 to 10 (there without the division by κ, which is 1); W. Dabney, G. Ostrovski, D.
Silver and R. Munos, *Implicit quantile networks for distributional reinforcement learning*, ICML 2018, equation 3.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from qlearn.rules.targets import Outcome, one_step

Array = jax.Array


def midpoints(count: int) -> Array:
    """The fractions in the middle of ``count`` equal parts of [0, 1]: (i + ½) / count, (count,) float32.

    >>> midpoints(4).tolist()
    [0.125, 0.375, 0.625, 0.875]
    """
    return (jnp.arange(count, dtype=jnp.float32) + 0.5) / jnp.float32(count)


def quantile_target(
    outcome: Outcome, weights: Array, evaluate: Array, discount: float | Array, extra: Array | None = None
) -> Array:
    """Samples of the return that an outcome and what follows it come to: ``one_step`` of every quantile.

    Args:
        outcome: reward and terminated, of one step or of several.
        weights: of the target policy over the next actions, (A,).
        evaluate: their quantiles, (A, m), in units of return.
        discount: γ, or γᵏ after several steps.
        extra: what is added to the value of each next action, (A,); None for nothing.

    Returns:
        (m,) float32.
    """
    values = evaluate if extra is None else evaluate + extra[:, None]
    return jax.vmap(one_step, in_axes=(None, None, 1, None))(outcome, weights, values, discount)


def quantile_huber(predicted: Array, fractions: Array, target: Array, threshold: float | Array) -> Array:
    """The loss of predicted quantiles against samples of a target, summed over predictions, averaged over samples.

    Args:
        predicted: (n,), in units of return.
        fractions: τ of each, (n,), in (0, 1).
        target: (m,).
        threshold: κ > 0, in units of return: errors beyond it cost in proportion.

    Returns:
        A scalar, at least 0.

    >>> half = jnp.array([0.5])
    >>> [float(quantile_huber(jnp.zeros(1), half, jnp.array([y]), 1.0)) for y in (1.0, -3.0)]
    [0.25, 1.25]
    """
    error = target[None, :] - predicted[:, None]
    size = jnp.abs(error)
    near = jnp.minimum(size, threshold)
    huber = near * (size - 0.5 * near) / threshold
    side = jnp.where(error < 0, 1.0 - fractions[:, None], fractions[:, None])
    return jnp.sum(jnp.mean(side * huber, axis=1))
