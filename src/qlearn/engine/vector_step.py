"""One update of one seed that has several environments: ``period`` steps in each, then the learner's update.

Learners with a network work so (``Learner.num_environments``).  It is ``engine.step`` with an axis of environments,
observations of any shape, and a watch over divergence; tables keep their own, whose shapes make their speed.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Transition
from qlearn.engine import noise
from qlearn.engine.step import Row, kahan
from qlearn.environments.parts import MASK

Array = jax.Array
FAR = 100.0  # times the bound that rewards allow: what no overestimation explains


class World(Protocol):
    """An environment on the device, for one seed and one copy of it."""

    num_actions: int
    time_limit: int | None

    def reset(self, noise: Any) -> Any:
        """A first state."""

    def observe(self, state: Any) -> Array:
        """What the agent sees of a state."""

    def step(self, state: Any, action: Array, noise: Any, total: Array) -> tuple[Any, Array, Array]:
        """Next state, reward (float32), terminated (bool)."""


def observed(world: Any, state: Any) -> Any:
    """What an agent is given of a state: one array, or a dict where there are parts or masks."""
    return world.observed(state) if getattr(world, "parts", ()) else world.observe(state)


def has_masks(world: Any) -> bool:
    """Whether an environment on the device itself says what is legal, so that a state may turn out without any."""
    return any(part.name == MASK for part in getattr(world, "parts", ()))


class VectorCarry(NamedTuple):
    """Everything that goes from one update to the next; arrays of the E environments have E in front."""

    agent: Any
    environment: Any
    seen: Any  # (E, …) the observations to act on: an array, or a dict of arrays
    clock: Clock  # episode and step (E,), total ()
    gained: Array  # (E,) the return of each episode so far, float32
    owed: Array  # (E,) what rounding has cut off from it
    largest: Array  # () the largest |reward| met
    diverged: Array  # () uint32: total steps when the values were found beyond all bounds; 0 where they were not
    stuck: Stuck | None = None  # where a state without a legal action was met; None where all actions are legal


class Stuck(NamedTuple):
    """Where a state without a legal action was met first: scalars, uint32."""

    found: Array  # 1 where there was one
    episode: Array
    step: Array


def begin(learner: Learner, world: Any, seed: Array) -> VectorCarry:
    """The state of a run before its first step."""
    count = _count(learner)
    zero = jnp.uint32(0)
    zeros = jnp.zeros(count, jnp.uint32)
    environment = jax.vmap(world.reset)(_noise(seed, noise.RESET, zeros, zeros))
    stuck = _stuck(Stuck(zero, zero, zero), world, environment, jnp.ones(count, bool), Clock(zeros, zeros, zero))
    return VectorCarry(
        agent=learner.init(noise.at(seed, noise.INITIAL, zero, zero)),
        environment=environment,
        seen=jax.vmap(functools.partial(observed, world))(environment),
        clock=Clock(zeros, zeros, zero),
        gained=jnp.zeros(count, jnp.float32),
        owed=jnp.zeros(count, jnp.float32),
        largest=jnp.float32(0.0),
        diverged=zero,
        stuck=stuck if has_masks(world) else None,
    )


def _stuck(before: Stuck | None, world: Any, states: Any, goes_on: Array, clock: Clock) -> Stuck | None:
    """Note the first state, of those that go on (E,), in which no action is legal."""
    if before is None or not has_masks(world):
        return None
    none = goes_on & ~jnp.any(jax.vmap(world.legal_actions)(states), axis=-1)
    place = jnp.argmax(none)
    now = Stuck(jnp.any(none).astype(jnp.uint32), clock.episode[place], clock.step[place])
    return Stuck(*(jnp.where(before.found > 0, old, new) for old, new in zip(before, now, strict=True)))


def _count(learner: Learner) -> int:
    assert learner.num_environments is not None
    return learner.num_environments


def _noise(seed: Array, stream: int, episode: Array, step: Array) -> noise.Noise:
    """The noise of every environment of a seed; all its fields have shape (E,)."""
    copies = jnp.arange(episode.shape[0], dtype=jnp.uint32)
    return noise.at(jnp.broadcast_to(seed, episode.shape), stream, episode, step, environment=copies)


def behaviour_noise(seed: Array, clock: Clock) -> noise.Noise:
    """What the behaviour policy draws from, for every environment of a seed."""
    return _noise(seed, noise.BEHAVIOUR, clock.episode, clock.step)


def update_noise(seed: Array, clock: Clock) -> noise.Noise:
    """What an update draws from: a place of its own for every total."""
    return noise.at(seed, noise.UPDATE, jnp.uint32(0), clock.total)


def interact(learner: Learner, world: Any, seed: Array, carry: VectorCarry) -> tuple[VectorCarry, Transition, Row]:
    """One step of every environment of a seed, without learning; transitions and rows have shape (E,)."""
    clock = carry.clock
    action, agent = learner.act(carry.agent, carry.seen, behaviour_noise(seed, clock), clock)
    drawn = _noise(seed, noise.ENVIRONMENT, clock.episode, clock.step)
    arrived, reward, terminated = jax.vmap(world.step, in_axes=(0, 0, 0, None))(
        carry.environment, action, drawn, clock.total
    )
    step = clock.step + jnp.uint32(1)
    limit = world.time_limit
    truncated = jnp.zeros(step.shape, bool) if limit is None else (step >= jnp.uint32(limit)) & ~terminated
    ended = terminated | truncated
    episode = clock.episode + ended.astype(jnp.uint32)
    fresh = jax.vmap(world.reset)(_noise(seed, noise.RESET, episode, jnp.zeros_like(step)))
    observe = jax.vmap(functools.partial(observed, world))
    following = observe(arrived)
    environment = _where(ended, fresh, arrived)
    gained, owed = kahan(carry.gained, carry.owed, reward)
    stuck = _stuck(carry.stuck, world, arrived, ~terminated, clock._replace(step=step))
    now = Clock(episode, jnp.where(ended, jnp.uint32(0), step), clock.total + jnp.uint32(step.shape[0]))
    after = VectorCarry(
        agent=agent,
        environment=environment,
        seen=_where(ended, observe(fresh), following),
        clock=now,
        gained=jnp.where(ended, 0.0, gained),
        owed=jnp.where(ended, 0.0, owed),
        largest=jnp.maximum(carry.largest, jnp.max(jnp.abs(reward))),
        diverged=carry.diverged,
        stuck=_stuck(stuck, world, fresh, ended, now),
    )
    valid = jnp.ones(step.shape, bool)
    transition = Transition(carry.seen, action, reward, following, terminated, truncated, valid)
    return after, transition, Row(gained, jnp.where(ended, step, jnp.uint32(0)))


def advance(learner: Learner, world: Any, discount: Any, seed: Array, carry: VectorCarry) -> tuple[VectorCarry, Row]:
    """``period`` steps of every environment and one update; the rows have shape (period, E)."""

    def body(carry: VectorCarry, _: None) -> tuple[VectorCarry, tuple[Transition, Row]]:
        after, transition, row = interact(learner, world, seed, carry)
        return after, (transition, row)

    assert isinstance(learner.period, int)
    if learner.period == 1:
        after, given = body(carry, None)
        trajectory, rows = jax.tree.map(lambda x: x[None], given)
    else:
        after, (trajectory, rows) = jax.lax.scan(body, carry, None, length=learner.period)
    clock = last_clock(after.clock, _count(learner))
    agent = learner.update(after.agent, trajectory, update_noise(seed, clock), clock)
    return watch(learner, world.time_limit, discount, after._replace(agent=agent)), rows


def last_clock(clock: Clock, count: int) -> Clock:
    """The clock of an update, from that after its last step: ``total`` is of before that step."""
    return clock._replace(total=clock.total - jnp.uint32(count))


def watch(learner: Learner, time_limit: int | None, discount: Any, carry: VectorCarry) -> VectorCarry:
    """Note the step at which the values are found infinite, not numbers, or far above what rewards allow.

    No policy is worth more than the largest |reward| times min(1 / (1 − γ), time limit).  A hundred times that is
    beyond any overestimation that training recovers from; rewards below 1 count as 1, as first weights do.
    """
    if learner.magnitude is None:
        return carry
    bound = FAR * horizon(time_limit, discount) * jnp.maximum(carry.largest, 1.0)
    fine = learner.magnitude(carry.agent) <= bound  # False for NaN
    new = (carry.diverged == jnp.uint32(0)) & ~fine
    return carry._replace(diverged=jnp.where(new, carry.clock.total, carry.diverged))


def horizon(time_limit: int | None, discount: Any) -> Any:
    """The most steps whose rewards add up in a value: min(1 / (1 − γ), time limit); 10³⁰ where nothing bounds them."""
    longest = 1e30 if time_limit is None else float(time_limit)
    if discount is None:
        return jnp.float32(longest)
    return jnp.minimum(
        1.0 / jnp.maximum(1.0 - jnp.asarray(discount, jnp.float32), 1e-30), jnp.float32(min(longest, math.inf))
    )


def _where(ended: Array, new: Any, old: Any) -> Any:
    def one(a: Array, b: Array) -> Array:
        return jnp.where(ended.reshape(ended.shape + (1,) * (a.ndim - 1)), a, b)

    return jax.tree.map(one, new, old)
