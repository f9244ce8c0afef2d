"""What learners of average rewards share: a table relative to a gain, and a process that never stops.

Where an episode ends, the next one's first state is what follows; the step that led there is learnt from when that
state is seen.  So the gain is that of ``qlearn.planning.average_reward``.  Where an episode is truncated, its last
state is followed by what would have followed it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import count, read, read_row, settled_write, visits_of
from qlearn.agents.tabular import first_counts, first_table, lane_of
from qlearn.rules.description import number
from qlearn.rules.exploration import as_exploration
from qlearn.rules.schedules import as_schedule

Array = jax.Array


class Step(NamedTuple):
    """What is learnt from: scalars; ``next_action`` is −1 where none was chosen."""

    observation: Array
    action: Array
    reward: Array
    next_observation: Array
    next_action: Array


class AverageState(NamedTuple):
    """Values relative to the gain, the gain, and the step that ended an episode, as long as it waits."""

    q: Array  # (S, A) float32
    visits: Array | None  # (S, A) int32
    gain: Array  # float32
    next_action: Array  # int32: what Sarsa will do; −1 where none is kept
    waits: Array  # bool
    waiting: Step


Learn = Callable[[AverageState, Step, Clock], tuple[Array, Array]]


def check_average(agent: Any) -> None:
    """Check the fields that all of them share.

    Raises:
        InputError: naming the field, its range and its value.
    """
    as_schedule(agent, "learning_rate")
    as_exploration(agent)
    number(agent, "initial_value", float("-inf"))
    number(agent, "initial_gain", float("-inf"))


def average_learner(agent: Any, spec: Spec, learn: Learn, *, on_policy: bool = False) -> Learner:
    """The learner of a method whose values are relative to a gain.

    Args:
        agent: the description.
        spec: sizes.
        learn: ``(state, step, clock) -> (value of the cell, gain)``.
        on_policy: choose the next action before learning, and then take it.
    """
    explore = agent.exploration

    def init(noise: Any) -> AverageState:
        zero, none = jnp.int32(0), jnp.int32(-1)
        return AverageState(
            first_table(agent, spec),
            first_counts(agent, spec),
            jnp.asarray(agent.initial_gain, jnp.float32),
            none,
            jnp.bool_(False),
            Step(zero, zero, jnp.float32(0.0), zero, none),
        )

    def choose(state: AverageState, observation: Array, noise: Any, clock: Clock) -> Array:
        seen = visits_of(state.visits, observation)
        return explore.sample(read_row(state.q, observation), spec.mask(observation), noise, clock, seen)

    def learnt(state: AverageState, step: Step, clock: Clock, when: Array) -> AverageState:
        value, gain = learn(state, step, clock)
        value = jnp.where(when, value, read(state.q, step.observation, step.action))
        q = settled_write(state.q, step.observation, step.action, value)
        return state._replace(q=q, gain=jnp.where(when, gain, state.gain))

    def act(state: AverageState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, AverageState]:
        if on_policy:
            action = jnp.where(state.next_action >= 0, state.next_action, choose(state, observation, noise, clock))
            step = state.waiting._replace(next_observation=observation, next_action=action)
            return action, learnt(state, step, clock, state.waits)._replace(waits=jnp.bool_(False))
        step = state.waiting._replace(next_observation=observation)
        state = learnt(state, step, clock, state.waits)._replace(waits=jnp.bool_(False))
        return choose(state, observation, noise, clock), state

    def update(state: AverageState, trajectory: Transition, noise: Any, clock: Clock) -> AverageState:
        t = last(trajectory)
        state = state._replace(visits=count(state.visits, t.observation, t.action))
        action = jnp.int32(-1)
        if on_policy:
            action = choose(state, t.next_observation, noise.behaviour.ahead(), clock.ahead())
        step = Step(t.observation, t.action, t.reward, t.next_observation, action)
        state = learnt(state, step, clock, ~t.terminated)
        kept = jnp.where(t.ended, jnp.int32(-1), action)
        return state._replace(next_action=kept, waits=t.terminated, waiting=step)

    return Learner(
        init,
        act,
        update,
        lambda state, observation: state.q[observation],
        lane=lane_of(spec),
        extras=lambda state: {"gain": state.gain},
    )
