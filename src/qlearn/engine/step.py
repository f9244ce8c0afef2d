"""One update of one seed: ``period`` steps in the environment, then the learner's update."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Transition
from qlearn.agents.table import add
from qlearn.engine import noise
from qlearn.engine.worlds import World
from qlearn.xla import settle

Array = jax.Array


class Carry(NamedTuple):
    """Everything that goes from one update to the next: the whole state of a run of one seed."""

    agent: Any
    environment: Any  # its state, of which the agent sees what ``observe`` gives
    clock: Clock
    gained: Array  # the return of this episode so far, float32
    owed: Array  # what rounding has cut off from it (Kahan), float32
    visits: Array  # (S, A) int32


class Row(NamedTuple):
    """What one step adds to the records: the return and length of an episode that ended; length 0 where none did."""

    episode_return: Array
    length: Array


def begin(learner: Learner, model: World, seed: Array) -> Carry:
    """The state of a run before its first step."""
    zero = jnp.uint32(0)
    return Carry(
        agent=learner.init(noise.at(seed, noise.INITIAL, zero, zero)),
        environment=model.reset(noise.at(seed, noise.RESET, zero, zero)),
        clock=Clock(zero, zero, zero),
        gained=jnp.float32(0.0),
        owed=jnp.float32(0.0),
        visits=jnp.zeros((model.num_states, model.num_actions), jnp.int32),
    )


def interact(
    learner: Learner, model: World, seed: Array, carry: Carry, live: Array | None = None
) -> tuple[Carry, Transition, Row]:
    """One step of the environment, without learning; where ``live`` is False the step is not counted as a visit."""
    clock, state = carry.clock, carry.environment
    seen = model.observe(state)
    behaviour = noise.at(seed, noise.BEHAVIOUR, clock.episode, clock.step)
    action, agent = learner.act(carry.agent, seen, behaviour, clock)
    action = settle(action, seen)
    world = noise.at(seed, noise.ENVIRONMENT, clock.episode, clock.step)
    arrived, reward, terminated = model.step(state, action, world, clock.total)
    step = clock.step + jnp.uint32(1)
    truncated = jnp.bool_(False) if model.time_limit is None else step >= jnp.uint32(model.time_limit)
    ended = terminated | truncated
    episode = clock.episode + ended.astype(jnp.uint32)
    fresh = model.reset(noise.at(seed, noise.RESET, episode, jnp.uint32(0)))
    gained, owed = kahan(carry.gained, carry.owed, reward)
    after = Carry(
        agent=agent,
        environment=jax.tree.map(functools.partial(jnp.where, ended), fresh, arrived),
        clock=Clock(episode, jnp.where(ended, jnp.uint32(0), step), clock.total + jnp.uint32(1)),
        gained=jnp.where(ended, 0.0, gained),
        owed=jnp.where(ended, 0.0, owed),
        visits=add(carry.visits, seen, action, jnp.int32(1) if live is None else live.astype(jnp.int32)),
    )
    transition = Transition(seen, action, reward, model.observe(arrived), terminated, truncated, jnp.bool_(True))
    return after, transition, Row(gained, jnp.where(ended, step, jnp.uint32(0)))


def advance(learner: Learner, model: World, seed: Array, carry: Carry) -> tuple[Carry, Row]:
    """``period`` steps and one update; the rows have shape (period,)."""
    if learner.period == 1:
        after, transition, row = interact(learner, model, seed, carry)
        trajectory, rows = jax.tree.map(lambda x: x[None], (transition, row))
        final = carry.clock
    else:

        def body(carry: Carry, _: None) -> tuple[Carry, tuple[Transition, Row, Clock]]:
            after, transition, row = interact(learner, model, seed, carry)
            return after, (transition, row, carry.clock)

        assert isinstance(learner.period, int)
        after, (trajectory, rows, clocks) = jax.lax.scan(body, carry, None, length=learner.period)
        final = jax.tree.map(lambda x: x[-1], clocks)
    place = noise.at(seed, noise.UPDATE, final.episode, final.step)
    return after._replace(agent=learner.update(after.agent, trajectory, place, final)), rows


def kahan(total: Array, owed: Array, value: Array) -> tuple[Array, Array]:
    """Add a number to a compensated float32 sum."""
    value = value - owed
    new = total + value
    return new, (new - total) - value
