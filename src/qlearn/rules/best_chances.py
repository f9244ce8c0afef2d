r"""How likely each action is the best, where the values are uncertain by known amounts.

.. math:: w_i = \Pr\left( \theta_i = \max_j \theta_j \right)
          = \int_0^1 \prod_{j \ne i} \Phi\!\left( \frac{\mu_i + \sigma_i \Phi^{-1}(u) - \mu_j}{\sigma_j} \right) du,
          \qquad \theta_j \sim N(\mu_j, \sigma_j^2)

Weights over actions that sum to 1, so that they are a target policy.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from qlearn.rules.rows import add_up

Array = jax.Array
_POINTS = 32
_PLACES = np.asarray(special.ndtri((np.arange(_POINTS) + 0.5) / _POINTS), np.float32)
"""Φ⁻¹ at the middles of equal shares: a rule that steps and slopes of any width leave accurate to about 1 / 32."""

UNKNOWN = 1e6
"""What an infinite uncertainty is, in units of the largest value."""


def best_chances(mean: Array, error: Array, mask: Array | None = None) -> Array:
    """The probability that each action is the best.

    Args:
        mean: (num_actions,) μ.
        error: (num_actions,) σ ≥ 0; ∞ where nothing is known.
        mask: (num_actions,) legal actions, or None.

    Returns:
        (num_actions,) weights that sum to 1, accurate to about 0.02; 0 where an action is not legal.

    >>> import jax.numpy as jnp
    >>> best_chances(jnp.array([0.0, 0.0]), jnp.array([1.0, 1.0])).round(3).tolist()
    [0.5, 0.5]
    """
    scale = 1.0 + jnp.max(jnp.abs(mean))
    sigma = jnp.clip(error, 1e-6 * scale, UNKNOWN * scale)
    legal = jnp.ones(mean.shape, bool) if mask is None else mask
    points = mean[:, None] + sigma[:, None] * jnp.asarray(_PLACES)[None]  # (A, points)
    product = jnp.ones(points.shape, jnp.float32)
    for j in range(mean.shape[0]):
        below = jax.scipy.special.ndtr((points - mean[j]) / sigma[j])
        counts = (jnp.arange(mean.shape[0]) != j) & legal[j]
        product = product * jnp.where(counts[:, None], below, 1.0)
    total = product[:, 0]
    for k in range(1, _POINTS):  # from the first to the last, whatever the width of the batch
        total = total + product[:, k]
    chances = jnp.where(legal, total, 0.0)
    return chances / add_up(chances)
