"""What the seeds of a program do together: a loop of the same length, and one question to all of them.

A branch on a seed's own state costs both sides under ``vmap``, and a loop whose length seeds do not share holds back
their whole states at every round.  Asked of all seeds together, the answer is one for the program: the branch is a
real one, and a loop's length is the same for all.  A seed's numbers must not depend on the answer: what is done for
the others has to be masked for this one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from qlearn.agents.table import is_dense

Array = jax.Array
T = TypeVar("T")


@custom_vmap
def anyone(flag: Array) -> Array:
    """Whether a flag (bool, a scalar of one seed) is up for this seed or any other of its program.

    >>> import jax, jax.numpy as jnp
    >>> jax.vmap(lambda f: anyone(f).astype(int))(jnp.array([False, True])).tolist()
    [1, 1]
    """
    return flag


@anyone.def_vmap
def _anyone_of_a_lane(axis_size: int, in_batched: list[bool], flag: Array) -> tuple[Array, bool]:
    return (jnp.any(flag) if in_batched[0] else flag), False


def repeat(rounds: Array | int, body: Callable[[Array, T, Any], T], carry: T, fixed: Any = ()) -> T:
    """``carry = body(i, carry, fixed)`` for i from 0 to ``rounds`` − 1, small arrays with the seeds last.

    ``vmap`` would lay the arrays of a loop with the seeds first, where comparing the cells of a small table takes ten
    times as long (see ``qlearn.agents.table``).

    Args:
        rounds: how many, the same for all seeds of the program (``anyone`` makes it so).
        body: of one seed; what differs from seed to seed must come through ``carry`` or ``fixed``.
        carry: a tree of arrays that changes.
        fixed: a tree of arrays that does not.

    >>> import jax.numpy as jnp
    >>> repeat(3, lambda i, total, step: total + step, jnp.float32(1.0), jnp.float32(2.0)).item()
    7.0
    """

    @custom_vmap
    def run(rounds: Array, carry: Any, fixed: Any) -> Any:
        return jax.lax.fori_loop(0, rounds, lambda i, c: body(i, c, fixed), carry)

    @run.def_vmap
    def run_lane(axis_size: int, in_batched: list[Any], rounds: Array, carry: Any, fixed: Any) -> tuple[Any, Any]:
        assert not in_batched[0], "the number of rounds must be the same for all seeds"

        def batched(x: Array, already: bool) -> Array:
            return x if already else jnp.broadcast_to(x, (axis_size, *x.shape))

        def axis_of(x: Array) -> int:  # a line is read place by place: there the seeds lie side by side
            return x.ndim - 1 if x.ndim == 2 or is_dense(x[0].size) else 0

        def laid(tree: Any, already: Any) -> tuple[Any, Any]:
            whole = jax.tree.map(batched, tree, already)
            axes = jax.tree.map(axis_of, whole)
            return jax.tree.map(lambda x, axis: jnp.moveaxis(x, 0, axis), whole, axes), axes

        (moving, axes), (still, other) = laid(carry, in_batched[1]), laid(fixed, in_batched[2])
        each = jax.vmap(body, in_axes=(None, axes, other), out_axes=axes)
        done = jax.lax.fori_loop(0, rounds, lambda i, c: each(i, c, still), moving)
        back = jax.tree.map(lambda x, axis: jnp.moveaxis(x, axis, 0), done, axes)
        return back, jax.tree.map(lambda _: True, back)

    return run(jnp.asarray(rounds, jnp.int32), carry, fixed)


@custom_vmap
def most(count: Array) -> Array:
    """The largest of a number (a scalar of one seed) over all seeds of its program: how often a shared loop must run.

    >>> import jax, jax.numpy as jnp
    >>> jax.vmap(lambda n: n * 0 + most(n))(jnp.array([2, 5])).tolist()
    [5, 5]
    """
    return count


@most.def_vmap
def _most_of_a_lane(axis_size: int, in_batched: list[bool], count: Array) -> tuple[Array, bool]:
    return (jnp.max(count) if in_batched[0] else count), False


@custom_vmap
def put(line: Array, place: Array, value: Array) -> Array:
    """A line (k,) with one place written; the place is the same for all seeds of the program.

    >>> import jax.numpy as jnp
    >>> put(jnp.zeros(3), jnp.int32(1), jnp.float32(2.0)).tolist()
    [0.0, 2.0, 0.0]
    """
    return jax.lax.dynamic_update_index_in_dim(line, value, place, 0)


@put.def_vmap
def _put_side_by_side(
    axis_size: int, in_batched: list[bool], line: Array, place: Array, value: Array
) -> tuple[Array, bool]:
    assert not in_batched[1], "the place must be the same for all seeds"
    wide = jnp.broadcast_to(line[:, None], (*line.shape, axis_size)) if not in_batched[0] else jnp.moveaxis(line, 0, -1)
    values = jnp.broadcast_to(value, (axis_size,))
    return jnp.moveaxis(jax.lax.dynamic_update_index_in_dim(wide, values, place, 0), -1, 0), True
