"""From tables to the greedy policies that an agent would follow."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.engine.worlds import spec_of
from qlearn.environments.parts import MASK
from qlearn.errors import InputError

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


def legal_actions(environment: Any, extras: dict[str, Numbers], given: Any = None) -> Numbers | None:
    """Which actions are legal in which state, (S, A) or (n, S, A) bool; None where all are everywhere.

    Args:
        environment: what was trained on.
        extras: of the runs; an agent with a table keeps the masks that it met.
        given: what the caller knows of them, (S, A) or (n, S, A), or None.

    Raises:
        InputError: where masks are told while the environment is played and nothing keeps them, so that a policy would
            be greedy for actions that may not be legal; or where what was given does not fit.
    """
    if given is not None:
        return _fitting(environment, given)
    found = extras.get("legal", getattr(environment, "legal", None))
    if found is None and any(part.name == MASK for part in spec_of(environment).parts):
        raise InputError(
            f"{environment.name} tells which actions are legal while it is played, and these runs have not kept it "
            "(tables do that were trained with masks); expected a mask of every state. Pass it: "
            "`runs.greedy_policies(legal=…)`, (S, A) of True and False; `ql.evaluate(runs)` plays a network with the "
            "environment's own masks."
        )
    return None if found is None else np.asarray(found, bool)


def _fitting(environment: Any, given: Any) -> Numbers:
    mask = np.asarray(given)
    shape = (environment.num_states, environment.num_actions)
    if mask.shape[-2:] != shape or mask.ndim > 3 or not (mask.dtype == bool or np.isin(mask, (0, 1)).all()):
        raise InputError(
            f"legal has the shape {mask.shape} and type {mask.dtype}; expected {shape} of True and False, where an "
            "action is legal. Pass a row for each state."
        )
    whole = mask.astype(bool)
    if not whole.any(axis=-1).all():
        raise InputError("legal has a state in which nothing is; expected at least one action in every row.")
    return whole
