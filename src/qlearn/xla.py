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


def one_function(loop: Callable[..., Any]) -> Callable[..., Any]:
    """The same loop, emitted as a single function of machine code."""
    if not told():
        return loop

    def inside(*arguments: Any) -> Any:
        # Only the outermost call carries the attributes: an inner call that is kept could not be fused.
        with marked(**dict.fromkeys(_ATTRIBUTES)):
            return loop(*arguments)

    def outside(*arguments: Any) -> Any:
        with marked(**_ATTRIBUTES):
            return jax.jit(inside)(*arguments)

    return outside


def compiler_options() -> dict[str, Any] | None:
    """What ``jax.jit`` is given for such a loop."""
    return dict(_OPTIONS) if told() else None


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
