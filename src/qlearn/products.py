"""Matrix products of tiny matrices, written as multiplications and sums.

XLA emits a loop as one function of machine code only where it holds no matrix product (``qlearn.xla``); a product of a
vector with a few hundred weights is sooner multiplied out than called.  For a network of some thousand weights that
learns from one step at a time this is worth a factor of two to five (``docs/decisions/0004-loops-for-networks.md``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, jaxpr_as_fun
from jax.extend.core.primitives import dot_general_p

Array = jax.Array


def multiplied_out(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function of arrays, its matrix products written as multiplications and sums.

    Products within loops and branches stay as they are.

    >>> import jax.numpy as jnp
    >>> product = multiplied_out(jnp.matmul)
    >>> a, b = jnp.ones((1, 3)), jnp.full((3, 2), 2.0)
    >>> product(a, b).tolist(), "dot_general" in str(jax.make_jaxpr(product)(a, b))
    ([[6.0, 6.0]], False)
    """

    @functools.wraps(function)
    def other(*arguments: Any) -> Any:
        program, shape = jax.make_jaxpr(function, return_shape=True)(*arguments)
        results = _evaluated(program.jaxpr, program.consts, jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(shape), results)

    return other


def _evaluated(program: Jaxpr, constants: Any, arguments: list[Any]) -> list[Any]:
    """The results of a program, one operation after another."""
    values: dict[Any, Any] = {}

    def read(name: Any) -> Any:
        return name.val if isinstance(name, Literal) else values[name]

    values.update(zip(program.constvars, constants, strict=True))
    values.update(zip(program.invars, arguments, strict=True))
    for equation in program.eqns:
        given = [read(name) for name in equation.invars]
        inner = _inner(equation)
        if equation.primitive is dot_general_p:
            found = [_product(*given, **equation.params)]
        elif inner is not None:
            found = _evaluated(inner.jaxpr, inner.consts, given)
        else:
            found = _alone(program, equation, read)
        values.update(zip(equation.outvars, found, strict=True))
    return [read(name) for name in program.outvars]


def _alone(program: Jaxpr, equation: Any, read: Callable[[Any], Any]) -> list[Any]:
    """The results of one operation as it is: a program of its own."""
    names = list(dict.fromkeys(name for name in equation.invars if not isinstance(name, Literal)))
    whole: Any = program  # of whose methods JAX tells no types
    unnamed = whole.debug_info.with_unknown_names()
    one = whole.replace(constvars=[], invars=names, outvars=equation.outvars, eqns=[equation], debug_info=unnamed)
    return list(jaxpr_as_fun(ClosedJaxpr(one, ()))(*map(read, names)))


def _inner(equation: Any) -> ClosedJaxpr | None:
    """The program that an operation merely calls; None where it does more."""
    if equation.primitive.name in ("jit", "pjit", "closed_call"):
        return equation.params.get("jaxpr", equation.params.get("call_jaxpr"))
    if equation.primitive.name in ("custom_jvp_call", "custom_vjp_call"):
        return equation.params["call_jaxpr"]
    return None


def _product(left: Array, right: Array, *, dimension_numbers: Any, **_: Any) -> Array:
    """``dot_general``: the axes that both share come first, then those of the left, then those of the right."""
    (left_sum, right_sum), (left_batch, right_batch) = dimension_numbers
    left_free = [i for i in range(left.ndim) if i not in (*left_sum, *left_batch)]
    right_free = [i for i in range(right.ndim) if i not in (*right_sum, *right_batch)]
    one = jnp.transpose(left, (*left_batch, *left_free, *left_sum))
    two = jnp.transpose(right, (*right_batch, *right_free, *right_sum))
    batch, summed = len(left_batch), len(left_sum)
    one = one.reshape(*one.shape[: batch + len(left_free)], *([1] * len(right_free)), *one.shape[one.ndim - summed :])
    two = two.reshape(*two.shape[:batch], *([1] * len(left_free)), *two.shape[batch:])
    shape = jnp.broadcast_shapes(one.shape, two.shape)
    whole = jnp.broadcast_to(one, shape) * jnp.broadcast_to(two, shape)
    return jnp.sum(whole, axis=tuple(range(whole.ndim - summed, whole.ndim)))
