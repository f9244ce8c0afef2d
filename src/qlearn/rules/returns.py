r"""Returns over more than one step: what a value is moved towards when a piece of a trajectory is known.

They take the expected value of every arrival, :math:`V_t = \sum_a w(a)\, q(S_{t+1}, a)` with a target policy's
weights (``qlearn.rules.targets``), and never look at storage: arrays have time in front, and behind it whatever axes
the caller has (environments, or none).
"""

from __future__ import annotations

from typing import Protocol

import jax
import jax.numpy as jnp

Array = jax.Array


class Path(Protocol):
    """What a return asks of a trajectory; every field has shape (T, ...)."""

    @property
    def reward(self) -> Array:
        """The rewards, float32."""

    @property
    def terminated(self) -> Array:
        """Whether the episode really ended with this step."""

    @property
    def truncated(self) -> Array:
        """Whether the clock ran out with this step."""


def lambda_returns(path: Path, values: Array, discount: float | Array, trace_decay: float | Array) -> Array:
    r"""The λ-return of every step of a trajectory, as far as the trajectory shows it.

    .. math:: G_t = R_{t+1} + \gamma \left[ \lambda\, G_{t+1} + (1 - \lambda)\, V_t \right]

    With :math:`V_t` in the place of :math:`G_{t+1}` where the clock ran out or the trajectory ends, since what follows
    belongs to another episode or is not known yet; and :math:`\gamma = 0` where the episode terminated.  λ = 0 gives
    the one-step target, λ = 1 the sum of the discounted rewards and the value at the end.

    Args:
        path: rewards and ends, (T, ...).
        values: :math:`V_t`, the expected value of each step's true arrival, (T, ...), in units of the reward.
        discount: γ in [0, 1].
        trace_decay: λ in [0, 1].

    Returns:
        (T, ...), in units of the reward.

    >>> from types import SimpleNamespace
    >>> never = jnp.zeros(2, bool)
    >>> path = SimpleNamespace(reward=jnp.array([1.0, 1.0]), terminated=never, truncated=never)
    >>> lambda_returns(path, jnp.array([10.0, 20.0]), 1.0, 0.5).tolist()  # 1 + (21 + 10) / 2 and 1 + 20
    [16.5, 21.0]
    """

    def earlier(later: Array, step: tuple[Array, Array, Array, Array]) -> tuple[Array, Array]:
        target = lambda_return(step, later, discount, trace_decay)
        return target, target

    steps = (path.reward, path.terminated, path.truncated, values)
    _, targets = jax.lax.scan(earlier, values[-1], steps, reverse=True, unroll=_UNROLL)
    return targets


def lambda_return(
    step: tuple[Array, Array, Array, Array], later: Array, discount: float | Array, trace_decay: float | Array
) -> Array:
    """The λ-return of one step (reward, terminated, truncated, :math:`V_t`), given that of the step after it.

    >>> no = jnp.bool_(False)
    >>> float(lambda_return((jnp.float32(1.0), no, no, jnp.float32(10.0)), jnp.float32(21.0), 1.0, 0.5))
    16.5
    """
    reward, terminated, truncated, value = step
    follows = jnp.where(truncated, value, later)
    future = discount * (value + trace_decay * (follows - value))  # exact where both are the same
    return reward + jnp.where(terminated, 0.0, future)


_UNROLL = 8  # steps of the recursion in one round of the loop: a round costs more than its arithmetic
