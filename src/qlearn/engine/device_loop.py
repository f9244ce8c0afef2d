"""The device loop: a lane of seeds in one compiled program, from wherever it stands to its budget.

Seeds of a lane reach a budget of episodes at different times.  None may go on learning past it, and copying a table at
every step to hold it back would cost more than the step.  So the program runs, without looking, as many updates as no
seed can overrun (every episode has at least one step), keeps a copy of the seeds that have just arrived, and repeats.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Agent, Learner, Spec
from qlearn.agents.table import is_dense
from qlearn.engine.step import Carry, Row, advance, begin
from qlearn.engine.worlds import World
from qlearn.xla import compiler_options, one_function

Array = jax.Array


class Lane(NamedTuple):
    """A lane between two calls: ``running`` seeds go on, ``arrived`` ones stand as they were at their budget."""

    running: Carry
    arrived: Carry
    done: Array  # (lane,) bool


class Records(NamedTuple):
    """What ended at each step of a call, (steps, lane); only the first ``updates`` were made."""

    row: Row
    updates: Array
    witness: Array  # of no interest: see ``qlearn.xla.one_function``


class Standing(NamedTuple):
    """What is to be known of a lane's seeds, the seed axis first."""

    q_table: Any  # (lane, S, A) float32
    visits: Any  # (lane, S, A) int32
    episodes: Any  # (lane,) uint32
    steps: Any  # (lane,) uint32
    extras: Any  # by name, (lane,): what the learner tells besides its table


Loop = Callable[..., tuple[Lane, Row, Array]]


class Axes:
    """Where the seeds lie in each array of a carry: last in small ones, first in large ones.

    A lane of one has no such axis, so that the branches of its agent are real ones.
    """

    def __init__(self, learner: Learner, model: World) -> None:
        self.alone = learner.lane == 1
        shapes = jax.eval_shape(functools.partial(begin, learner, model), jnp.uint32(0))
        self.carry = jax.tree.map(lambda x: x.ndim if is_dense(x.size) else 0, shapes)

    def over(self, function: Any, in_axes: Any, out_axes: Any) -> Any:
        """The function of one seed over the lane."""
        return function if self.alone else jax.vmap(function, in_axes=in_axes, out_axes=out_axes)

    def choose(self, now: Array, new: Carry, old: Carry) -> Carry:
        """``new`` for the seeds marked in ``now`` (lane,), ``old`` for the others."""

        def one(axis: int, a: Array, b: Array) -> Array:
            shape = [1] * a.ndim
            if not self.alone:
                shape[axis] = -1
            return jnp.where(now.reshape(shape), a, b)

        return jax.tree.map(one, self.carry, new, old)


def extras_of(learner: Learner, state: Any) -> dict[str, Array]:
    """What a learner tells besides its table, by name; scalars."""
    return {} if learner.extras is None else learner.extras(state)


@functools.cache
def starter() -> Any:
    """The compiled function that makes a lane's first state: ``(agent, model, seeds) -> Carry``."""

    def start(agent: Agent, model: World, seeds: Array) -> Carry:
        learner = agent.learner(Spec.of(model))
        axes = Axes(learner, model)
        return axes.over(functools.partial(begin, learner, model), 0, axes.carry)(seeds)

    return jax.jit(start)


@functools.cache
def reader() -> Any:
    """The compiled function that reads a lane: ``(agent, model, carry) -> Standing``."""

    def read(agent: Agent, model: World, carry: Carry) -> Standing:
        learner = agent.learner(Spec.of(model))
        axes = Axes(learner, model)
        states = jnp.arange(model.num_states, dtype=jnp.int32)

        def one(carry: Carry) -> Standing:
            table = jax.vmap(functools.partial(learner.q_values, carry.agent))(states)
            extras = extras_of(learner, carry.agent)
            return Standing(table, carry.visits, carry.clock.episode, carry.clock.total, extras)

        standing = axes.over(one, (axes.carry,), 0)(carry)
        return jax.tree.map(lambda x: x[None], standing) if axes.alone else standing

    return jax.jit(read)


@functools.cache
def runner(loop: Loop, rows: int, by_steps: bool, fused: bool) -> Any:
    """The compiled function that runs a lane: ``(agent, model, seeds, lane, budget, limit) -> (lane, records)``.

    Args:
        loop: ``by_update``, or ``by_episode`` for agents that learn once an episode.
        rows: the most updates (or episodes) of one call, which sizes the records; ``limit`` is at most that.
        by_steps: whether ``budget`` counts steps or episodes of each seed.
        fused: whether the loop is one function of machine code.

    The lane is donated: it is changed in place.
    """

    def run(agent: Agent, model: World, seeds: Array, *rest: Any) -> tuple[Lane, Records]:
        whole = one_function(functools.partial(loop, rows, by_steps), fused)
        (lane, row, made), witness = whole(agent, model, seeds, *rest)
        return lane, Records(row, made, witness)

    return jax.jit(run, donate_argnums=(3,), compiler_options=compiler_options(fused))


def by_update(
    rows: int, by_steps: bool, agent: Agent, model: World, seeds: Array, *rest: Any
) -> tuple[Lane, Row, Array]:
    """Up to ``limit`` updates of a lane: the lane, what ended at each step, and how many were made."""
    lane, budget, limit = rest
    learner = agent.learner(Spec.of(model))
    assert isinstance(learner.period, int)
    period = jnp.uint32(learner.period)
    axes = Axes(learner, model)
    across = 0 if axes.alone else 1
    step = axes.over(functools.partial(advance, learner, model), (0, axes.carry), (axes.carry, across))
    shape = (rows * learner.period, *seeds.shape)

    def made(carry: Carry) -> Array:
        return carry.clock.total if by_steps else carry.clock.episode

    def one(i: Array, inner: tuple[Carry, Row]) -> tuple[Carry, Row]:
        running, row = step(seeds, inner[0])
        place = (i * period, *([jnp.uint32(0)] * seeds.ndim))
        put = functools.partial(jax.lax.dynamic_update_slice, start_indices=place)
        return running, jax.tree.map(put, inner[1], row)

    def unfinished(state: tuple[Array, Lane, Row]) -> Array:
        return (state[0] < limit) & jnp.any(~state[1].done)

    def stretch(state: tuple[Array, Lane, Row]) -> tuple[Array, Lane, Row]:
        i, lane, records = state
        left = jnp.min(jnp.where(lane.done, jnp.uint32(0xFFFFFFFF), budget - made(lane.running)))
        safe = left // period + jnp.minimum(left % period, jnp.uint32(1)) if by_steps else left // period
        until = i + jnp.minimum(limit - i, jnp.maximum(safe, jnp.uint32(1)))
        running, records = jax.lax.fori_loop(i, until, one, (lane.running, records))
        now = (made(running) >= budget) & ~lane.done
        keep = functools.partial(axes.choose, now)
        arrived = jax.lax.cond(jnp.any(now), keep, lambda new, old: old, running, lane.arrived)
        return until, Lane(running, arrived, lane.done | now), records

    empty = Row(jnp.zeros(shape, jnp.float32), jnp.zeros(shape, jnp.uint32))
    count, lane, records = jax.lax.while_loop(unfinished, stretch, (jnp.uint32(0), lane, empty))
    return lane, records, count
