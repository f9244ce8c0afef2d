"""The device loop of agents that learn once an episode, as Monte Carlo methods do.

Seeds of a lane wait for each other at the end of an episode: those that have arrived stand still until the last has,
then all learn at once from the steps remembered.  The time limit sizes that memory.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Agent, Spec, Transition
from qlearn.engine import noise
from qlearn.engine.device_loop import Axes, Lane
from qlearn.engine.step import Carry, Row, interact
from qlearn.engine.worlds import World

Array = jax.Array


def by_episode(
    rows: int, by_steps: bool, agent: Agent, model: World, seeds: Array, *rest: Any
) -> tuple[Lane, Row, Array]:
    """Up to ``limit`` episodes of a lane: the lane, what each brought, and how many were made.

    With a budget of steps, a seed finishes the episode in which it is reached.
    """
    lane, budget, limit = rest
    learner = agent.learner(Spec.of(model))
    axes = Axes(learner, model)
    across = 0 if axes.alone else 1
    assert model.time_limit is not None
    walk = axes.over(functools.partial(interact, learner, model), (0, axes.carry, 0), (axes.carry, 0, 0))

    def learn(seed: Array, carry: Carry, trajectory: Transition) -> Carry:
        last = carry.clock._replace(
            episode=carry.clock.episode - jnp.uint32(1), total=carry.clock.total - jnp.uint32(1)
        )
        place = noise.at(seed, noise.UPDATE, last.episode, last.step)
        return carry._replace(agent=learner.update(carry.agent, trajectory, place, last))

    teach = axes.over(learn, (0, axes.carry, across), axes.carry)

    def episode(state: tuple[Array, Carry, Array, Row]) -> tuple[Array, Carry, Array, Row]:
        i, running, done, records = state
        carry, trajectory, row = _walk_to_end(walk, axes, model.time_limit, seeds, running, done)
        carry = axes.choose(~done, teach(seeds, carry, trajectory), carry)
        made = carry.clock.total if by_steps else carry.clock.episode
        place = (i, *([jnp.uint32(0)] * seeds.ndim))
        records = jax.tree.map(lambda whole, x: jax.lax.dynamic_update_slice(whole, x[None], place), records, row)
        return i + jnp.uint32(1), carry, done | (made >= budget), records

    def unfinished(state: tuple[Array, Carry, Array, Row]) -> Array:
        return (state[0] < limit) & jnp.any(~state[2])

    shape = (rows, *seeds.shape)
    empty = Row(jnp.zeros(shape, jnp.float32), jnp.zeros(shape, jnp.uint32))
    first = (jnp.uint32(0), lane.running, lane.done, empty)
    count, carry, done, records = jax.lax.while_loop(unfinished, episode, first)
    return Lane(carry, carry, done), records, count


def _walk_to_end(
    walk: Any, axes: Axes, limit: int | None, seeds: Array, running: Carry, done: Array
) -> tuple[Carry, Transition, Row]:
    """Every running seed to the end of its episode; the trajectory has shape (time limit, lane)."""
    assert limit is not None
    shape = jax.eval_shape(walk, seeds, running, ~done)
    memory = jax.tree.map(lambda x: jnp.zeros((limit, *x.shape), x.dtype), shape[1])
    result = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shape[2])

    def someone(state: tuple[Array, Array, Carry, Transition, Row]) -> Array:
        return jnp.any(state[1])

    def step(
        state: tuple[Array, Array, Carry, Transition, Row],
    ) -> tuple[Array, Array, Carry, Transition, Row]:
        t, live, carry, memory, result = state
        moved, transition, row = walk(seeds, carry, live)
        # The visits of one that stands still are as they were; to choose among whole tables would cost all their cells.
        kept = axes.choose(live, moved._replace(visits=carry.visits), carry)
        carry = kept._replace(visits=moved.visits)
        transition = transition._replace(valid=live)
        memory = jax.tree.map(lambda whole, x: jax.lax.dynamic_update_index_in_dim(whole, x, t, 0), memory, transition)
        ended = live & transition.ended
        result = jax.tree.map(lambda new, old: jnp.where(ended, new, old), row, result)
        return t + jnp.int32(1), live & ~ended, carry, memory, result

    _, _, carry, memory, result = jax.lax.while_loop(someone, step, (jnp.int32(0), ~done, running, memory, result))
    return carry, memory, result
