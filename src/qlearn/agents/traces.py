r"""Eligibility traces of a table: how much every cell has to do with the error of this step.

.. math:: e_0 = \kappa\, e, \qquad
          e_1(s, a) = \begin{cases} e_0(s, a) + 1 & \text{accumulating} \\ 1 & \text{replacing} \\
          (1 - \alpha)\, e_0(s, a) + 1 & \text{dutch} \end{cases}, \qquad
          Q \leftarrow Q + d\, e_1

for the cell (s, a) of this step; all other cells have :math:`e_1 = e_0`.  κ is γλ, and 0 where nothing goes on from
before: at the first step of an episode, and where a method cuts its traces.

With ``trace_steps`` = 0 every cell has a trace, so a step costs all cells: best up to a few hundred.  With k > 0 only
the last k steps have one; what is left out has decayed to less than (γλ)ᵏ of what it was, or exactly nothing in an
episode of at most k steps.  A step then costs k cells of any table.

Sources: S. P. Singh and R. S. Sutton, *Reinforcement learning with replacing eligibility traces*, Machine Learning 22,
1996; H. van Seijen and R. S. Sutton, *True online TD(λ)*, ICML 2014 (dutch).
"""

from __future__ import annotations

import functools
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from qlearn.agents.table import is_dense
from qlearn.rules.description import choice, number, whole
from qlearn.xla import settle

Array = jax.Array
Kind = Literal["accumulating", "replacing", "dutch"]
KINDS = ("accumulating", "replacing", "dutch")


class Recent(NamedTuple):
    """The last steps and how much each counts; a cell's trace is the sum of its steps."""

    states: Array  # (k,) int32, the newest last
    actions: Array  # (k,) int32
    weights: Array  # (k,) float32


class Change(NamedTuple):
    """What a step does to the values; scalars of one seed."""

    keep: Array  # κ in [0, 1]
    amount: Array  # d, in units of value: what a trace of 1 moves
    alpha: Array  # the step size, for dutch traces
    own: Array | None = None  # moves the cell of this step besides


def check_traces(agent: Any, kinds: tuple[str, ...] = KINDS) -> None:
    """Check ``trace_decay``, ``traces`` and ``trace_steps`` of a description; raises InputError."""
    number(agent, "trace_decay", 0.0, 1.0)
    whole(agent, "trace_steps", 0)
    if hasattr(agent, "traces"):
        choice(agent, "traces", kinds)


def first_traces(agent: Any, q: Array) -> Array | Recent:
    """No traces: a table (S, A), or the last ``trace_steps`` steps."""
    k = agent.trace_steps
    if not k:
        return jnp.zeros(q.shape, jnp.float32)
    none = jnp.zeros(k, jnp.int32)
    return Recent(none, none, jnp.zeros(k, jnp.float32))


def follow(
    q: Array, traces: Any, cell: tuple[Array, Array], change: Change, kind: Kind, *, before: bool = False
) -> tuple[Array, Any]:
    """One step: traces decay, the cell of this step is marked, and values move along the traces.

    Args:
        q: the table (S, A).
        traces: as ``first_traces`` made them.
        cell: (s, a) of this step, int32.
        change: how much.
        kind: how the cell is marked.
        before: whether values move along the traces as they were before the cell was marked.

    Returns:
        The table and the traces.
    """
    s, a = cell
    kept: Change = jax.tree.map(lambda x: settle(x, s), change)
    if isinstance(traces, Recent):
        return _along_recent(q, traces, s, a, kept, kind, before)
    own = jnp.float32(0.0) if kept.own is None else kept.own
    moved: tuple[Array, Array] = _whole(kind, before, kept.own is not None)(
        q, traces, s, a, kept.keep, kept.amount, kept.alpha, own
    )
    return moved


def _marked(kind: Kind, here: Array, alpha: Array) -> Array:
    if kind == "accumulating":
        return here + 1.0
    return jnp.ones_like(here) if kind == "replacing" else (1.0 - alpha) * here + 1.0


@functools.cache
def _whole(kind: Kind, before: bool, has_own: bool) -> Any:
    """The step over a whole table, in one pass; over a lane small tables lie with the seeds last."""

    def step(q: Array, e: Array, here: Array, keep: Array, amount: Array, alpha: Array, own: Array) -> Any:
        decayed = keep * e
        now = jnp.where(here, _marked(kind, decayed, alpha), decayed)
        moved = amount * (decayed if before else now)
        return q + (jnp.where(here, moved + own, moved) if has_own else moved), now

    @custom_vmap
    def one(q: Array, e: Array, s: Array, a: Array, *scalars: Array) -> Any:
        number = jnp.arange(q.size, dtype=jnp.int32).reshape(q.shape)
        return step(q, e, number == s * q.shape[1] + a, *scalars)

    @one.def_vmap
    def lane(axis_size: int, in_batched: list[bool], *arguments: Array) -> Any:
        q, e, s, a, *scalars = (
            x if batched else jnp.broadcast_to(x, (axis_size, *x.shape))
            for x, batched in zip(arguments, in_batched, strict=True)
        )
        shape, cell = q.shape[1:], s * q.shape[2] + a
        number = jnp.arange(q[0].size, dtype=jnp.int32)
        if is_dense(q[0].size):
            last = (jnp.moveaxis(q, 0, -1), jnp.moveaxis(e, 0, -1))
            here = number.reshape(*shape, 1) == cell[None, None]
            moved = step(*last, here, *(x[None, None] for x in scalars))
            return tuple(jnp.moveaxis(x, -1, 0) for x in moved), (True, True)
        here = number.reshape(1, *shape) == cell[:, None, None]
        return step(q, e, here, *(x[:, None, None] for x in scalars)), (True, True)

    return one


def _along_recent(
    q: Array, recent: Recent, s: Array, a: Array, change: Change, kind: Kind, before: bool
) -> tuple[Array, Recent]:
    """The step along the last k steps; a mark that is not 1 more makes up for what the cell has already."""
    decayed = change.keep * recent.weights
    same = ((recent.states == s) & (recent.actions == a))[1:]  # the oldest makes room
    already = jnp.sum(jnp.where(same, decayed[1:], 0.0))
    mark = _marked(kind, already, change.alpha) - already
    pushed = [
        jnp.concatenate([line[1:], jnp.asarray(new, line.dtype)[None]])
        for line, new in ((recent.states, s), (recent.actions, a), (decayed, mark))
    ]
    now = Recent(*pushed)
    states, actions, weights = (recent.states, recent.actions, decayed) if before else now
    new = q.at[states, actions].add(change.amount * weights, mode="promise_in_bounds")
    if change.own is not None:
        new = new.at[s, a].add(change.own, mode="promise_in_bounds")
    return new, now
