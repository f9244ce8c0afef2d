"""Rows and cells of a table (S, A), for one seed; in place, and fast over a lane of seeds.

Over a lane, a table of few cells is read and written by comparing every cell's number: whole vectors of seeds at a
time, where XLA's scatter on a CPU goes from seed to seed (measured: twice the speed of the whole step at 10 cells).
Larger tables are gathered from and scattered to.  Both give the same bits.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from qlearn.xla import settle

Array = jax.Array
DENSE = 64
"""The most cells of a table that lies with the seeds last."""

_SURE = "promise_in_bounds"  # states and actions come from the model; a check would cost a comparison a step


def is_dense(cells: int) -> bool:
    """Whether a table of so many cells is compared rather than indexed."""
    return cells <= DENSE


@custom_vmap
def read_row(table: Array, state: Array) -> Array:
    """The row of a state, (A,)."""
    return table.at[state].get(mode=_SURE)


@read_row.def_vmap
def _read_rows(axis_size: int, in_batched: list[bool], table: Array, state: Array) -> tuple[Array, bool]:
    shared = not in_batched[0]
    if not in_batched[1]:
        state = jnp.broadcast_to(state, (axis_size,))
    if shared:
        return table.at[state].get(mode=_SURE), True
    if not is_dense(table[0].size):
        return jax.vmap(lambda t, s: t.at[s].get(mode=_SURE))(table, state), True
    last = jnp.moveaxis(table, 0, -1)
    here = [state == s for s in range(last.shape[0] - 1)]
    columns = []
    for a in range(last.shape[1]):
        value = last[-1, a]
        for s, at_s in enumerate(here):
            value = jnp.where(at_s, last[s, a], value)
        columns.append(value)
    return jnp.stack(columns, axis=1), True


def entry(row: Array, action: Array) -> Array:
    """The entry of a row (A,) that belongs to an action."""
    if not is_dense(row.shape[0]):
        return row.at[action].get(mode=_SURE)
    value = row[-1]
    for a in range(row.shape[0] - 1):
        value = jnp.where(action == a, row[a], value)
    return value


def read(table: Array, state: Array, action: Array) -> Array:
    """The value of one cell."""
    if is_dense(table.size):
        return entry(read_row(table, state), action)
    return table.at[state, action].get(mode=_SURE)


@custom_vmap
def write(table: Array, state: Array, action: Array, value: Array) -> Array:
    """The table with one cell replaced."""
    return table.at[state, action].set(value, mode=_SURE)


@write.def_vmap
def _write_lane(axis_size: int, in_batched: list[bool], *arguments: Array) -> tuple[Array, bool]:
    return _change(axis_size, in_batched, "set", *arguments)


@custom_vmap
def add(table: Array, state: Array, action: Array, value: Array) -> Array:
    """The table with a number added to one cell."""
    return table.at[state, action].add(value, mode=_SURE)


@add.def_vmap
def _add_lane(axis_size: int, in_batched: list[bool], *arguments: Array) -> tuple[Array, bool]:
    return _change(axis_size, in_batched, "add", *arguments)


def _change(axis_size: int, in_batched: list[bool], how: str, *arguments: Array) -> tuple[Array, bool]:
    """One cell of each seed's table set, or added to."""
    table, state, action, value = _all_batched(axis_size, in_batched, *arguments)
    if not is_dense(table[0].size):
        cell: Any = jax.vmap(lambda t, s, a, v: getattr(t.at[s, a], how)(v, mode=_SURE))
        return cell(table, state, action, value), True
    last, new = jnp.moveaxis(table, 0, -1), value[None, None]
    changed = jnp.where(_cells(last, state, action), new if how == "set" else last + new, last)
    return jnp.moveaxis(changed, -1, 0), True


def _all_batched(axis_size: int, in_batched: list[bool], *arrays: Array) -> list[Array]:
    return [
        x if batched else jnp.broadcast_to(x, (axis_size, *x.shape))
        for x, batched in zip(arrays, in_batched, strict=True)
    ]


def _cells(last: Array, state: Array, action: Array) -> Array:
    """Which cell of a table with the seeds last (S, A, seeds) each seed means."""
    number = jnp.arange(last.shape[0] * last.shape[1], dtype=jnp.int32).reshape(*last.shape[:2], 1)
    return number == (state * last.shape[1] + action).astype(jnp.int32)[None, None]


def count(visits: Array | None, state: Array, action: Array) -> Array | None:
    """The counts with one more visit of a cell; None stays None."""
    return None if visits is None else add(visits, state, action, jnp.int32(1))


def visits_of(visits: Array | None, state: Array) -> Array | None:
    """The counts of a state's actions, (A,), or None where nothing is counted."""
    return None if visits is None else read_row(visits, state)


def settled_write(table: Array, state: Array, action: Array, value: Array) -> Array:
    """Replace one cell by a value that took some computing."""
    return write(table, state, action, settle(value, state))


def write_row(table: Array, state: Array, row: Array) -> Array:
    """The table with the row of one state replaced by ``row``, (A,)."""
    if not is_dense(table.size):
        return table.at[state].set(row, mode=_SURE)
    here = jnp.arange(table.shape[0], dtype=jnp.int32) == state
    return jnp.where(here[:, None], row[None], table)
