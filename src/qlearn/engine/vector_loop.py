"""The device loop of learners with a network: a lane of seeds, their environments and their networks in one program.

A replay buffer may fill most of the memory, so nothing here keeps a second copy of a carry: a call ends as soon as a
seed reaches the position where it is to be read, and the host reads what it knows there (``Learner.knowledge``).
A seed that has arrived goes on idly until the last one has; what it does then is thrown away.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Agent, Learner, Spec
from qlearn.agents.observed import inputs_of
from qlearn.engine.step import Row
from qlearn.engine.vector_step import VectorCarry, advance, begin
from qlearn.environments.parts import MASK
from qlearn.products import multiplied_out
from qlearn.xla import compiler_options, one_function, told

Array = jax.Array
NEVER = 0xFFFFFFFF


class VectorRecords(NamedTuple):
    """What ended at each step of a call, (updates, period, E) with the lane in front; the first ``updates`` count."""

    row: Row
    updates: Array
    witness: Array  # of no interest: see ``qlearn.xla.one_function``


class Known(NamedTuple):
    """What is to be known of a seed; of a lane's seeds, with their axis first."""

    knowledge: Any
    q_table: Any  # (S, A) where states can be counted, else None


def over_lane(alone: bool, function: Any, in_axes: Any = 0) -> Any:
    """The function of one seed over the lane; a lane of one has no such axis."""
    return function if alone else jax.vmap(function, in_axes=in_axes)


def position_of(carry: VectorCarry, by_steps: bool) -> Array:
    """Where a seed stands: steps, or completed episodes, over all its environments."""
    return carry.clock.total if by_steps else jnp.sum(carry.clock.episode, axis=-1, dtype=jnp.uint32)


@functools.cache
def vector_starter() -> Any:
    """The compiled function that makes a lane's first state: ``(agent, world, seeds) -> VectorCarry``."""

    def start(agent: Agent, world: Any, seeds: Array) -> VectorCarry:
        return over_lane(seeds.ndim == 0, functools.partial(begin, agent.learner(Spec.of(world)), world))(seeds)

    return jax.jit(start)


@functools.cache
def vector_runner(rows: int, by_steps: bool, fused: bool) -> Any:
    """The compiled function that runs a lane: ``(agent, world, seeds, carry, goal, limit) -> (carry, records)``.

    It makes at most ``limit`` ≤ ``rows`` updates and ends as soon as a seed is at its ``goal`` or has diverged, so that
    what is read of a seed does not depend on the length of a call.  The carry is donated: it is changed in place.
    ``fused``: the loop is one function of machine code, its matrix products multiplied out.
    """

    def run(*arguments: Any) -> tuple[VectorCarry, VectorRecords]:
        whole = one_function(functools.partial(_run, rows, by_steps, fused), fused)
        (carry, row, made), witness = whole(*arguments)
        return carry, VectorRecords(row, made, witness)

    return jax.jit(run, donate_argnums=(3,), compiler_options=compiler_options(fused))


def _run(
    rows: int, by_steps: bool, fused: bool, agent: Agent, world: Any, seeds: Array, *rest: Any
) -> tuple[VectorCarry, Row, Array]:
    """Up to ``limit`` updates of a lane: the lane, what ended at each step, and how many were made."""
    carry, goal, limit = rest
    before = carry.diverged
    learner = agent.learner(Spec.of(world))
    one_seed = functools.partial(advance, learner, world, agent.discount)
    move = over_lane(seeds.ndim == 0, multiplied_out(one_seed) if fused and told() else one_seed)
    shape = (rows, *seeds.shape, learner.period, learner.num_environments)
    empty = Row(jnp.zeros(shape, jnp.float32), jnp.zeros(shape, jnp.uint32))

    def unfinished(state: tuple[Array, VectorCarry, Row]) -> Array:
        i, carry, _ = state
        to_be_read = (position_of(carry, by_steps) >= goal) | (carry.diverged != before)
        return (i < limit) & ~jnp.any(to_be_read)

    def one(state: tuple[Array, VectorCarry, Row]) -> tuple[Array, VectorCarry, Row]:
        i, carry, records = state
        carry, row = move(seeds, carry)
        place = (i, *([jnp.uint32(0)] * (len(shape) - 1)))
        records = jax.tree.map(lambda whole, x: jax.lax.dynamic_update_slice(whole, x[None], place), records, row)
        return i + jnp.uint32(1), carry, records

    made, carry, records = jax.lax.while_loop(unfinished, one, (jnp.uint32(0), carry, empty))
    return carry, records, made


@functools.cache
def vector_reader() -> Any:
    """The compiled function that reads a lane: ``(agent, world, carry) -> Known``."""

    def read(agent: Agent, world: Any, carry: VectorCarry) -> Known:
        spec = Spec.of(world)
        learner = agent.learner(spec)
        alone = carry.diverged.ndim == 0
        result = over_lane(alone, functools.partial(known_of, learner, spec))(carry.agent)
        return jax.tree.map(lambda x: x[None], result) if alone else result

    return jax.jit(read)


def known_of(learner: Learner, spec: Spec, state: Any) -> Known:
    """What one seed knows: what its values depend on, and the values of all states where they can be counted."""
    assert learner.knowledge is not None
    knowledge = learner.knowledge(state)
    if spec.num_states == 0:
        return Known(knowledge, None)
    states: Any = jnp.arange(spec.num_states, dtype=jnp.int32)
    if spec.parts:  # with masks, on which values do not depend
        states = {inputs_of(spec)[0].name: states, MASK: jnp.ones((spec.num_states, spec.num_actions), bool)}
    return Known(knowledge, jax.vmap(functools.partial(learner.q_values, knowledge))(states))
