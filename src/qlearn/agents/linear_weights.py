"""Values that are weighted sums of features: rows and steps of the weights (d, A), for one seed.

Where features are sparse, k of d weights are gathered and added to, in place; a product with all d would cost d / k
times as much.  Sums over the k run from the first to the last, whatever the width of the lane.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from qlearn.agents.features import Basis, Encoded
from qlearn.agents.table import entry
from qlearn.rules.rows import add_up, total

Array = jax.Array
_SURE: Any = "promise_in_bounds"  # places come from the features; a check would cost a comparison each


def row_of(weights: Array, x: Encoded) -> Array:
    """The values of all actions, (A,)."""
    if x.places is not None:
        return add_up(weights.at[x.places].get(mode=_SURE))
    assert x.values is not None
    return total(x.values[:, None] * weights)


def value_of(weights: Array, x: Encoded, action: Array) -> Array:
    """The value of one action."""
    if x.places is not None:
        return add_up(weights.at[x.places, action].get(mode=_SURE))
    return entry(row_of(weights, x), action)


def step_of(basis: Basis, x: Encoded) -> Array:
    """How much each weight moves for a step of 1: (k,) of the places, or (d,)."""
    if x.places is not None:
        shared = jnp.full(x.places.shape, 1.0 / x.places.shape[0], jnp.float32)
        return shared if basis.rates is None else basis.rates.at[x.places].get(mode=_SURE)
    assert x.values is not None
    return x.values if basis.rates is None else x.values * basis.rates


def added(weights: Array, x: Encoded, action: Array, amount: Array) -> Array:
    """The weights with ``amount``, (k,) or (d,), added to those of an action's features."""
    if x.places is not None:
        return weights.at[x.places, action].add(amount, mode=_SURE)
    return weights + jnp.where(_column(weights, action), amount[:, None], 0.0)


def replaced(weights: Array, x: Encoded, action: Array, amount: Array) -> Array:
    """The weights with those of an action's active features set to ``amount``, (k,)."""
    assert x.places is not None
    return weights.at[x.places, action].set(amount, mode=_SURE)


def _column(weights: Array, action: Array) -> Array:
    """Which weights are an action's, (1, A) bool."""
    return (jnp.arange(weights.shape[1], dtype=jnp.int32) == action)[None, :]
