r"""Munchausen: the policy's own logarithm as a part of the reward, and a soft policy in the target.

.. math::
    \pi &= \mathrm{softmax}(q / \tau) \\
    \text{target} &= R + \alpha \left[ \tau \log \pi(A \mid S) \right]_{l}^{0}
                     + \gamma \sum_a \pi(a \mid S') \left( q(S', a) - \tau \log \pi(a \mid S') \right)

α = 0 is soft Q-learning; with τ → 0 as well it is Q-learning.  The backup is the one that everything else uses
(``one_step``, ``categorical_target``, ``quantile_target``), given π for weights, the reward with its bonus, and
−τ log π as what is added to each next action's value.

Source: N. Vieillard, O. Pietquin and M. Geist, *Munchausen reinforcement learning*, NeurIPS 2020, equation 1 and
appendix B.1 (the logarithm by way of the largest value, so that nothing overflows; the clipping at l = −1).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from qlearn.errors import InputError
from qlearn.rules.description import description, number
from qlearn.rules.rows import legal_row

Array = jax.Array


@description
class Munchausen:
    """The numbers of the rule, for ``DQN(munchausen=…)``.

    Args:
        scale: α in [0, 1], of the logarithm in the reward; 0 is soft Q-learning.
        temperature: τ > 0, in units of return.  The paper's 0.03 is meant for rewards clipped to ±1.
        floor: l ≤ 0, where the logarithm in the reward is clipped, in units of reward.

    Raises:
        InputError: where a number is out of range.

    >>> Munchausen().temperature
    0.03
    """

    scale: float = 0.9
    temperature: float = 0.03
    floor: float = -1.0

    def __post_init__(self) -> None:
        number(self, "scale", 0.0, 1.0)
        number(self, "temperature", 0.0, open_low=True)
        number(self, "floor", -1e30)
        if self.floor > 0:
            raise InputError(
                f"Munchausen: floor={self.floor:g} is above 0, and logarithms of chances are not; expected at most 0. "
                "Pass the paper's floor=-1.0."
            )


def scaled_log_policy(row: Array, mask: Array | None, temperature: float | Array) -> Array:
    """τ log π of the soft policy, for every action; −∞ where it is not legal.

    Args:
        row: values of the actions, (A,).
        mask: the legal ones, (A,) bool, or None for all.
        temperature: τ > 0, in units of return.

    Returns:
        (A,) float32, at most 0, in units of return.

    >>> scaled_log_policy(jnp.array([1.0, 1.0]), None, 0.5).tolist() == [-0.5 * 0.6931471824645996] * 2
    True
    """
    legal = legal_row(row, mask)
    above = legal - jnp.max(legal)
    return above - temperature * jnp.log(jnp.sum(jnp.exp(above / temperature)))


def soft_policy(scaled: Array, temperature: float | Array) -> Array:
    """π from τ log π: weights over the actions that sum to 1, 0 where an action is not legal."""
    return jnp.exp(scaled / temperature)


def bonus(scaled: Array, action: Array, scale: float | Array, floor: float | Array) -> Array:
    """α [τ log π(a)] clipped from below at ``floor``: what is added to the reward of the action taken, a scalar.

    >>> float(bonus(jnp.array([-0.5, -7.0]), jnp.int32(1), 0.9, -1.0)) == float(jnp.float32(-0.9))
    True
    """
    taken = jnp.sum(jnp.where(jnp.arange(scaled.shape[0]) == action, jnp.maximum(scaled, floor), 0.0))
    return scale * taken
