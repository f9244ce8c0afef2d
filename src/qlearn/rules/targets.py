"""Target policies and backups: what a rule is, without any storage.

A *target policy* is a function ``(select, behaviour, next_action, mask) -> weights``: from the row of values that
selects, the behaviour policy's probabilities, the next action (where the behaviour has chosen one) and the mask of
legal actions (or None), all of shape ``(num_actions,)``, to weights over the next actions that sum to 1.  A *backup*
applies the weights to the row that evaluates.  Tables and networks use the same ones.
"""

from __future__ import annotations

from typing import Protocol

import jax
import jax.numpy as jnp

from qlearn.rules.rows import add_up, best, legal_row

Array = jax.Array


class TargetPolicy(Protocol):
    """What a rule is: weights over the next actions."""

    def __call__(self, select: Array, behaviour: Array, next_action: Array, mask: Array | None) -> Array:
        """Weights of shape (num_actions,) that sum to 1."""


class Outcome(Protocol):
    """What a backup asks of a transition."""

    @property
    def reward(self) -> Array:
        """The reward, float32."""

    @property
    def terminated(self) -> Array:
        """Whether the episode really ended; truncation does not count."""


def greedy(select: Array, mask: Array | None = None) -> Array:
    """All weight on the best action; the first of equals, which changes no value where the same row evaluates.

    >>> import jax.numpy as jnp
    >>> greedy(jnp.array([1.0, 3.0, 3.0])).tolist()
    [0.0, 1.0, 0.0]
    """
    is_best = best(legal_row(select, mask))
    return (is_best & (jnp.cumsum(is_best) == 1)).astype(jnp.float32)


def q_learning(select: Array, behaviour: Array, next_action: Array, mask: Array | None) -> Array:
    """Watkins (1989): all weight on the greedy action."""
    return greedy(select, mask)


def sarsa(select: Array, behaviour: Array, next_action: Array, mask: Array | None) -> Array:
    """Rummery and Niranjan (1994): all weight on the action that the behaviour takes next."""
    return (jnp.arange(select.shape[0]) == next_action).astype(jnp.float32)


def expected_sarsa(select: Array, behaviour: Array, next_action: Array, mask: Array | None) -> Array:
    """Van Seijen, van Hasselt, Whiteson and Wiering (2009): the behaviour's own probabilities."""
    return behaviour


def double_q(select: Array, behaviour: Array, next_action: Array, mask: Array | None) -> Array:
    """Van Hasselt (2010): all weight on the greedy action of one table, which the other evaluates.

    ``next_action`` is that action.  The agent has drawn it among equals: with the first of them, or with their mean,
    the values of the early episodes come out otherwise than published.
    """
    return sarsa(select, behaviour, next_action, mask)


def expect(weights: Array, values: Array) -> Array:
    """Σ w v over the actions, leaving out entries of weight 0, so that a masked −∞ never becomes NaN.

    The sum runs from the first action to the last, whatever the width of the batch.

    >>> import jax.numpy as jnp
    >>> float(expect(jnp.array([1.0, 0.0]), jnp.array([2.0, -jnp.inf])))
    2.0
    """
    return add_up(jnp.where(weights > 0, weights * values, 0.0))


def one_step(transition: Outcome, weights: Array, evaluate: Array, discount: float | Array) -> Array:
    """r + γ Σ_a w(a) q(s', a), with γ = 0 where terminated.  A scalar, in units of reward."""
    future = discount * expect(weights, evaluate)
    return transition.reward + jnp.where(transition.terminated, 0.0, future)
