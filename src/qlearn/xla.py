"""What XLA must be told so that a loop of many short steps runs at the speed of its arithmetic on a CPU.

A step of a table agent is a few dozen operations on a lane of seeds: about a microsecond.  Left alone, XLA's CPU
runtime launches each fused kernel of the loop's body by itself, computes a value anew in every kernel that reads it,
and walks scattered writes one seed at a time.  Three things help; none changes a bit of any number:

- ``one_function``: the loop is emitted as a single function of machine code.  It is a call that is kept
  (``inlineable=false``) and marked ``xla_cpu_small_call``, what XLA itself does with loops that touch less than a
  kilobyte; nested in it only the elder emitter of loops works (``xla_cpu_use_fusion_emitters=false``).
- ``settle``: a value is computed once and kept.  It passes through a loop of one round, whose length XLA cannot see;
  the machine code has no such loop any more.
- Small tables lie with the seeds last, so that reading and writing a cell is a comparison over whole vectors
  (``qlearn.agents.table``).

``docs/decisions/0002-loops-on-a-cpu.md`` has the figures.  On other devices the first two do nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jax.experimental.xla_metadata import set_xla_metadata as _set_xla_metadata

Array = jax.Array
marked: Any = _set_xla_metadata  # it brings no types

_ATTRIBUTES = {"xla_cpu_small_call": "true", "inlineable": "false"}
_OPTIONS = {"xla_cpu_use_fusion_emitters": False}
_PLAIN = "QLEARN_PLAIN_XLA"  # for measuring, and for finding out whether one of these is to blame


def told() -> bool:
    """Whether XLA is told: on a CPU, unless the environment variable ``QLEARN_PLAIN_XLA`` is set."""
    return jax.default_backend() == "cpu" and not os.environ.get(_PLAIN)


def one_function(loop: Callable[..., Any], wanted: bool = True) -> Callable[..., tuple[Any, Array]]:
    """The same loop, emitted as a single function of machine code where that is ``wanted``.

    XLA refuses loops with matrix products, sorting, Fourier transforms, LAPACK or callbacks.

    Returns:
        A function of the same arguments that gives (result, witness).  The witness, a uint32, must leave the program:
        it reads a word of every argument, since XLA aborts where such a call has an argument that it does not need.
    """

    def inside(*arguments: Any) -> tuple[Any, Array]:
        # Only the outermost call carries the attributes: an inner call that is kept could not be fused.
        with marked(**dict.fromkeys(_ATTRIBUTES)):
            return loop(*arguments), _witness(arguments)

    def outside(*arguments: Any) -> tuple[Any, Array]:
        with marked(**_ATTRIBUTES):
            return jax.jit(inside)(*arguments)

    return outside if wanted and told() else lambda *arguments: (loop(*arguments), jnp.uint32(0))


def _witness(arguments: Any) -> Array:
    """A word that depends on every array, whatever becomes of it in the loop."""
    total = jnp.uint32(0)
    for leaf in jax.tree.leaves(arguments):
        array = jnp.asarray(leaf)
        if array.size:
            first = array.reshape(-1)[0]
            if first.dtype == jnp.bool_:
                total = total ^ first.astype(jnp.uint32)
            else:
                total = total ^ jax.lax.bitcast_convert_type(first, jnp.uint32)
    return total


def compiler_options(wanted: bool = True) -> dict[str, Any] | None:
    """What ``jax.jit`` is given for such a loop."""
    return dict(_OPTIONS) if wanted and told() else None


@custom_vmap
def settle(value: Array, witness: Array) -> Array:
    """``value``, computed once and kept for all that read it.

    Args:
        value: what one seed computes; any shape.
        witness: a scalar uint32 or int32 of the same seed that is at hand already.  It hides the number of rounds
            from XLA and changes nothing.

    >>> import jax.numpy as jnp
    >>> float(settle(jnp.float32(2.5), jnp.int32(7)))
    2.5
    """
    return value


@settle.def_vmap
def _settle_lane(axis_size: int, in_batched: list[bool], value: Array, witness: Array) -> tuple[Array, bool]:
    if not in_batched[0] or not told():
        return value, in_batched[0]
    first = witness.reshape(-1)[0]
    rounds = 1 + jax.lax.population_count(first).astype(jnp.int32) // 64  # at most 32 bits are set: one round
    kept = jax.lax.fori_loop(jnp.int32(0), rounds, lambda _, __: value, jnp.zeros_like(value))
    return kept, True
