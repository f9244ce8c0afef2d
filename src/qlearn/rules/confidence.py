r"""Explorations that add to each value what is not known of it yet: optimism in the face of uncertainty.

.. math:: A = \arg\max_a \left[ Q(s, a) + c \sqrt{\ln t \,/\, N(s, a)} \right] \qquad\text{or}\qquad
          A = \arg\max_a \left[ Q(s, a) + \beta \,/\, \sqrt{N(s, a) + 1} \right]

with N(s, a) how often a was taken in s, and t one more than the visits of s.  Both look at visits of this state alone:
the bonus is not passed on to the states before it.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from qlearn.rules.description import description, number
from qlearn.rules.exploration import Draws
from qlearn.rules.rows import add_up, best, legal_row, pick
from qlearn.rules.schedules import HasTime

Array = jax.Array


def _counts(visits: Array | None) -> Array:
    assert visits is not None, "a bonus needs the counts"
    return visits.astype(jnp.float32)


def _even(candidates: Array) -> Array:
    marked = candidates.astype(jnp.float32)
    return marked / add_up(marked)


@description
class UpperConfidence:
    """The action with the highest upper confidence bound; one never taken comes first.

    Args:
        c: how much uncertainty counts ≥ 0, in units of value; 0 tries every action once and is greedy then.

    Source: P. Auer, N. Cesa-Bianchi and P. Fischer, *Finite-time analysis of the multiarmed bandit problem*, Machine
    Learning 47 (2002), as UCB1, with rewards in [0, 1] and c = √2; Sutton and Barto, 2nd edition, equation 2.10.
    Differences: t counts the visits of the state, so that it serves tables; ties are broken at random.

    >>> import jax.numpy as jnp
    >>> policy = UpperConfidence(2.0)
    >>> policy.probabilities(jnp.array([1.0, 0.9]), None, None, jnp.array([9, 3])).tolist()
    [0.0, 1.0]
    """

    c: float

    def __init__(self, c: Any = 2.0) -> None:
        object.__setattr__(self, "c", c)
        number(self, "c", 0.0)

    counts_visits = True

    def bounds(self, row: Array, visits: Array | None) -> Array:
        """Q + c √(ln t / N), ∞ where N is 0; (num_actions,)."""
        n = _counts(visits)
        bonus = self.c * jnp.sqrt(jnp.log(add_up(n) + 1.0) / jnp.maximum(n, 1.0))
        return jnp.where(n == 0, jnp.inf, row + bonus)

    def greedy(self, row: Array, mask: Array | None) -> Array:
        """Even weight on the best values, without any bonus."""
        return _even(best(legal_row(row, mask)))

    def probabilities(self, row: Array, mask: Array | None, clock: HasTime, visits: Array | None) -> Array:
        """Even weight on the highest bounds."""
        return _even(best(legal_row(self.bounds(row, visits), mask)))

    def sample(self, row: Array, mask: Array | None, noise: Draws, clock: HasTime, visits: Array | None) -> Array:
        """One of the actions with the highest bound."""
        return pick(best(legal_row(self.bounds(row, visits), mask)), noise.uniform(1))

    def __str__(self) -> str:
        return f"UCB (c {self.c:g})"


@description
class CountBonus:
    """The action with the highest value and a bonus that falls with the square root of its visits.

    Args:
        bonus: β ≥ 0 of an action never taken, in units of value.

    Source: the bonus of A. L. Strehl and M. L. Littman, *An analysis of model-based interval estimation for Markov
    decision processes*, Journal of Computer and System Sciences 74 (2008).  Differences: it is added where an action
    is chosen, not to the reward that is learnt from; N + 1 in place of N keeps it finite.

    >>> import jax.numpy as jnp
    >>> CountBonus(1.0).probabilities(jnp.array([1.0, 0.9]), None, None, jnp.array([8, 3])).tolist()
    [0.0, 1.0]
    """

    bonus: float

    def __init__(self, bonus: Any = 1.0) -> None:
        object.__setattr__(self, "bonus", bonus)
        number(self, "bonus", 0.0)

    counts_visits = True

    def raised(self, row: Array, visits: Array | None) -> Array:
        """Q + β / √(N + 1), (num_actions,)."""
        return row + self.bonus * jax.lax.rsqrt(_counts(visits) + 1.0)

    def greedy(self, row: Array, mask: Array | None) -> Array:
        """Even weight on the best values, without any bonus."""
        return _even(best(legal_row(row, mask)))

    def probabilities(self, row: Array, mask: Array | None, clock: HasTime, visits: Array | None) -> Array:
        """Even weight on the highest sums."""
        return _even(best(legal_row(self.raised(row, visits), mask)))

    def sample(self, row: Array, mask: Array | None, noise: Draws, clock: HasTime, visits: Array | None) -> Array:
        """One of the actions with the highest sum."""
        return pick(best(legal_row(self.raised(row, visits), mask)), noise.uniform(1))

    def __str__(self) -> str:
        return f"count bonus (β {self.bonus:g})"
