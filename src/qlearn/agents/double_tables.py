"""What learners with two tables share: one table chooses, the other evaluates, and a fair coin says which learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import count, read, read_row, settled_write, visits_of
from qlearn.agents.tabular import first_table, lane_of, rate_of
from qlearn.rules.targets import one_step
from qlearn.xla import settle

Array = jax.Array
Weigh = Callable[[Array, "Array | None", Any, Clock, "Array | None"], Array]


class DoubleState(NamedTuple):
    """Both tables, and what schedules ask for."""

    first: Array  # (S, A) float32
    second: Array  # (S, A) float32
    visits: Array | None  # (S, A) int32, for the exploration
    updates: Array | None  # (2·S, A) int32, of the first table and then of the second, for the learning rate


def double_learner(agent: Any, spec: Spec, weigh: Weigh, *, one_table: bool = False) -> Learner:
    """The learner; it acts on the mean of both tables.

    Args:
        agent: the description.
        spec: sizes.
        weigh: ``(row of the table that learns, mask, noise, later, visits of the next state) -> weights`` over the
            next actions, which the other table evaluates; ``later`` is the clock of the next step.
        one_table: a well-known mistake (see ``qlearn.agents.faults``): the table that selects evaluates too.
    """
    explore, rate = agent.exploration, rate_of(agent)

    def init(noise: Any) -> DoubleState:
        q = first_table(agent, spec)
        visits = jnp.zeros(q.shape, jnp.int32) if explore.counts_visits else None
        updates = jnp.zeros((2 * q.shape[0], q.shape[1]), jnp.int32) if rate.counts_visits else None
        return DoubleState(q, q, visits, updates)

    def mean(state: DoubleState, observation: Array) -> Array:
        return 0.5 * (read_row(state.first, observation) + read_row(state.second, observation))

    def act(state: DoubleState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, DoubleState]:
        seen = visits_of(state.visits, observation)
        row = mean(state, observation)
        return explore.sample(row, spec.mask(observation), noise, clock, seen), state

    def update(state: DoubleState, trajectory: Transition, noise: Any, clock: Clock) -> DoubleState:
        t = last(trajectory)
        then = t.next_observation
        heads = settle(noise.bits(0), t.observation) < jnp.uint32(1 << 31)
        first, second = read_row(state.first, then), read_row(state.second, then)
        select = jnp.where(heads, first, second)
        evaluate = select if one_table else jnp.where(heads, second, first)
        visits = count(state.visits, t.observation, t.action)
        weights = weigh(select, spec.mask(then), noise, clock.ahead(), visits_of(visits, then))
        mine = jnp.where(heads, 0, spec.num_states).astype(jnp.int32) + t.observation
        updates = count(state.updates, mine, t.action)
        alpha = rate.value(clock, None if updates is None else read(updates, mine, t.action))
        target = one_step(t, weights, evaluate, agent.discount)
        olds = read(state.first, t.observation, t.action), read(state.second, t.observation, t.action)
        new = [
            jnp.where(own, old + alpha * (target - old), old) for own, old in zip((heads, ~heads), olds, strict=True)
        ]
        return DoubleState(
            settled_write(state.first, t.observation, t.action, new[0]),
            settled_write(state.second, t.observation, t.action, new[1]),
            visits,
            updates,
        )

    def q_values(state: DoubleState, observation: Array) -> Array:
        return 0.5 * (state.first[observation] + state.second[observation])

    return Learner(init, act, update, q_values, lane=lane_of(spec))
