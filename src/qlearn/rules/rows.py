"""Arithmetic on one row of action values, in an order that no batch width changes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

Array = jax.Array
_UNROLLED = 32  # up to here actions are written out one by one, which compiles to the faster program


def legal_row(row: Array, mask: Array | None) -> Array:
    """The row with −∞ where an action is not legal."""
    return row if mask is None else jnp.where(mask, row, -jnp.inf)


def add_up(row: Array) -> Array:
    """The sum of a row from its first entry to its last (float32)."""
    if row.shape[0] > _UNROLLED:
        return jax.lax.fori_loop(1, row.shape[0], lambda i, total: total + row[i], row[0])
    total = row[0]
    for i in range(1, row.shape[0]):
        total = total + row[i]
    return total


def total(rows: Array) -> Array:
    """The sum over the first axis of (d, …), in an order that no batch width changes: 32 running sums, then one.

    XLA's own sums of many terms are refused where a loop is one function of machine code, and their order is its own.

    >>> float(total(jnp.arange(100.0)))
    4950.0
    """
    d = rows.shape[0]
    if d <= _UNROLLED:
        return add_up(rows)
    blocks = -(-d // _UNROLLED)
    padded = jnp.concatenate([rows, jnp.zeros((blocks * _UNROLLED - d, *rows.shape[1:]), rows.dtype)])

    def further(i: Array, sums: Array) -> Array:
        return sums + jax.lax.dynamic_slice_in_dim(padded, i * _UNROLLED, _UNROLLED)

    return add_up(jax.lax.fori_loop(1, blocks, further, padded[:_UNROLLED]))


def highest(row: Array) -> Array:
    """The largest entry of a row."""
    if row.shape[0] > _UNROLLED:
        return jnp.max(row)
    top = row[0]
    for i in range(1, row.shape[0]):
        top = jnp.maximum(top, row[i])
    return top


def best(row: Array) -> Array:
    """Where a row reaches its maximum, a mask of shape (num_actions,)."""
    return row == highest(row)


def pick(candidates: Array, uniform: Array) -> Array:
    """One of the marked actions, each equally likely, from one uniform number in [0, 1); int32.

    The uniform number has 24 bits, so that probabilities are exact to 2⁻²⁴.

    >>> import jax.numpy as jnp
    >>> [int(pick(jnp.array([True, False, True]), jnp.float32(u))) for u in (0.2, 0.7)]
    [0, 2]
    """
    size = candidates.shape[0]
    if size > _UNROLLED:
        rank = jnp.cumsum(candidates.astype(jnp.int32))
        chosen = jnp.floor(uniform * rank[-1].astype(jnp.float32)).astype(jnp.int32)
        return jnp.sum((rank <= chosen).astype(jnp.int32))
    ranks = [candidates[0].astype(jnp.int32)]
    for i in range(1, size):
        ranks.append(ranks[-1] + candidates[i].astype(jnp.int32))
    chosen = jnp.floor(uniform * ranks[-1].astype(jnp.float32)).astype(jnp.int32)
    action = jnp.int32(0)
    for rank in ranks[:-1]:
        action = action + (rank <= chosen).astype(jnp.int32)
    return action


def draw(probabilities: Array, uniform: Array) -> Array:
    """An action drawn from probabilities (num_actions,) with one uniform number in [0, 1); int32."""
    cumulative = jnp.cumsum(probabilities)
    last = probabilities.shape[0] - 1 - jnp.argmax((probabilities > 0)[::-1])
    return jnp.minimum(jnp.sum((cumulative <= uniform).astype(jnp.int32)), last.astype(jnp.int32))
