"""A function without the arguments that it does not read: in a loop on the host, every array of a call takes time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Literal


def needed(function: Callable[..., Any], *arguments: Any) -> tuple[tuple[int, ...], Callable[..., Any]]:
    """Find which arrays of its arguments a function's results depend on.

    Args:
        function: of trees of arrays; it can be traced.
        arguments: such trees; only shapes and dtypes count.

    Returns:
        The places of those arrays among ``jax.tree.leaves(arguments)``, and the compiled function of them alone.

    >>> places, less = needed(lambda a, b: a["x"] + 1, {"x": jnp.float32(1), "y": jnp.float32(2)}, jnp.float32(3))
    >>> places, float(less(jnp.float32(1)))
    ((0,), 2.0)
    """
    leaves, tree = jax.tree.flatten(arguments)
    traced = jax.make_jaxpr(function)(*arguments).jaxpr
    live = {v for v in traced.outvars if not isinstance(v, Literal)}
    for equation in reversed(traced.eqns):
        if equation.effects or not live.isdisjoint(equation.outvars):
            live.update(v for v in equation.invars if not isinstance(v, Literal))
    places = tuple(i for i, v in enumerate(traced.invars) if v in live)
    shapes = [(x.shape, x.dtype) for x in leaves]

    def less(*given: Any) -> Any:
        whole: list[Any] = [jnp.zeros(*shape) for shape in shapes]
        for place, value in zip(places, given, strict=True):
            whole[place] = value
        return function(*jax.tree.unflatten(tree, whole))

    return places, jax.jit(less)
