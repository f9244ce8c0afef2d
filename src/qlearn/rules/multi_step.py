r"""How the return of several steps goes on behind a state and action, step by step.

.. math:: G_t = R_{t+1} + \gamma \left[ u(S_{t+1}) + c(S_{t+1}, A_{t+1})\, G_{t+1} \right]

A method says, for every state on the way, what it takes from its values (u) and how much it believes what was seen
behind it (c).  n-step Sarsa takes u = 0 and c = 1; tree backup follows only as far as the target policy π would go,

.. math:: u = \sum_{a \ne A} \pi(a \mid S)\, Q(S, a), \qquad c = \pi(A \mid S),

and Q(σ) lies between the two.  Behind the last state nothing was seen: ``value`` is what stands for it.

Source: R. S. Sutton and A. G. Barto, *Reinforcement learning*, 2nd edition, sections 7.1 to 7.6.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from qlearn.rules.targets import expect, sarsa

Array = jax.Array


class Place(NamedTuple):
    """A state on the way and what was done there; of one seed."""

    row: Array  # Q(S, ·), (A,) float32, in units of value
    action: Array  # A, int32
    target: Array  # π(· | S), (A,) float32, the target policy
    sigma: Array | None = None  # σ in [0, 1]: how much is sampled; where a method has one
    ratio: Array | None = None  # ρ = π(A | S) / b(A | S) ≥ 0 with the behaviour policy b; where a method has one


class Onward(NamedTuple):
    """The return behind a state: ``fixed + share · G``."""

    fixed: Array  # u, in units of value
    share: Array  # c ≥ 0


def tree_backup(place: Place) -> Onward:
    """Precup, Sutton and Singh (2000): the target policy's way through the tree of actions.

    >>> import jax.numpy as jnp
    >>> place = Place(jnp.array([2.0, 4.0]), jnp.int32(1), jnp.array([0.5, 0.5]))
    >>> onward = tree_backup(place)
    >>> float(onward.fixed), float(onward.share)
    (1.0, 0.5)
    """
    others = jnp.where(_taken(place) > 0, 0.0, place.target)
    return Onward(expect(others, place.row), expect(_taken(place), place.target))


def q_sigma(place: Place) -> Onward:
    """De Asis et al. (2018): σ of a sample, weighted by ρ, and 1 − σ of tree backup.

    >>> import jax.numpy as jnp
    >>> one = jnp.float32(1.0)
    >>> onward = q_sigma(Place(jnp.array([2.0, 4.0]), jnp.int32(1), jnp.array([0.5, 0.5]), one, one))
    >>> float(onward.fixed), float(onward.share)  # as Sarsa
    (0.0, 1.0)
    """
    tree = tree_backup(place)
    return Onward((1.0 - _sigma(place)) * tree.fixed, _believed(place))


def q_sigma_controlled(place: Place) -> Onward:
    """Sutton and Barto, equation 7.17: the same share, and a control variate that makes up for it.

    >>> import jax.numpy as jnp
    >>> one = jnp.float32(1.0)
    >>> onward = q_sigma_controlled(Place(jnp.array([2.0, 4.0]), jnp.int32(1), jnp.array([0.5, 0.5]), one, one))
    >>> float(onward.fixed), float(onward.share)
    (-1.0, 1.0)
    """
    share = _believed(place)
    return Onward(expect(place.target, place.row) - share * taken_value(place), share)


def expected_value(place: Place) -> Array:
    """Σ π Q: the value of a state under the target policy, for the end of Expected Sarsa and tree backup."""
    return expect(place.target, place.row)


def taken_value(place: Place) -> Array:
    """Q(S, A): the value of the action that was taken, for the end of Sarsa."""
    return expect(_taken(place), place.row)


def q_sigma_value(place: Place) -> Array:
    """σ ρ Q(S, A) + (1 − σ) Σ π Q: the end of Q(σ)."""
    sigma = _sigma(place)
    assert place.ratio is not None
    return sigma * place.ratio * taken_value(place) + (1.0 - sigma) * expected_value(place)


def _taken(place: Place) -> Array:
    return sarsa(place.row, place.row, place.action, None)


def _sigma(place: Place) -> Array:
    assert place.sigma is not None, "Q(σ) needs its σ"
    return place.sigma


def _believed(place: Place) -> Array:
    """σ ρ + (1 − σ) π(A | S)."""
    sigma = _sigma(place)
    assert place.ratio is not None, "Q(σ) needs its ρ"
    return sigma * place.ratio + (1.0 - sigma) * expect(_taken(place), place.target)
