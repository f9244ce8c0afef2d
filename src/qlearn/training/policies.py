"""From tables to the greedy policies that an agent would follow."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Numbers = np.ndarray[Any, Any]


@functools.partial(jax.jit, static_argnames=("masked",))
def _policies(exploration: Any, rows: jax.Array, legal: jax.Array, masked: bool) -> jax.Array:
    def one(row: jax.Array, mask: jax.Array) -> Any:
        return exploration.greedy(row, mask if masked else None)

    return jax.vmap(one)(rows, legal)


def greedy_policies(exploration: Any, tables: Numbers, legal: Numbers | None) -> Numbers:
    """Probabilities of the greedy policy of each table, (…, S, A) float64; every row sums to 1.

    Args:
        exploration: the agent's, which says what happens at ties.
        tables: (…, S, A) float32.
        legal: (S, A) or (…, S, A) bool, or None where every action is legal everywhere.

    A row with a value that is no number (a diverged run) counts as all ties.
    """
    shape = tables.shape
    masked = legal is not None and not bool(np.all(legal))
    mask = np.ones(shape[-2:], bool) if legal is None else legal
    safe = np.where(np.isfinite(tables).all(axis=-1, keepdims=True), tables, 1.0).astype(np.float32)
    rows = safe.reshape(-1, shape[-1])
    masks = np.broadcast_to(mask, shape).reshape(rows.shape)
    weights = np.asarray(_policies(exploration, jnp.asarray(rows), jnp.asarray(masks), masked), np.float64)
    weights = np.where(weights > 0, 1.0, 0.0) * masks
    return (weights / weights.sum(axis=-1, keepdims=True)).reshape(shape)
