r"""Dyna-Q: Q-learning, and more of it from a model of what happened.

After every real step of one-step Q-learning, ``planning_steps`` more on states and actions seen before, each equally
likely, with the reward and next state that followed them last.

Source: R. S. Sutton, *Integrated architectures for learning, planning, and reacting*, ICML 1990; Sutton and Barto, 2nd
edition, section 8.2.  Differences: planning draws evenly among the pairs of state and action that were seen, not
first a state and then an action; the model remembers a termination too.  With 0 planning steps it is Q-learning.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import count, read, read_row, settled_write, visits_of, write
from qlearn.agents.tabular import check_tabular, first_counts, first_table, lane_of, rate_of
from qlearn.rules.description import description, whole
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import one_step, q_learning
from qlearn.xla import settle

Array = jax.Array
_NEVER = -1


class DynaState(NamedTuple):
    """The table, the model (what followed last), and the list of cells seen so far."""

    q: Array  # (S, A) float32
    visits: Array | None  # (S, A) int32
    arrival: Array  # (S, A) int32: next state · 2 + terminated, −1 where never seen
    reward: Array  # (S, A) float32
    seen: Array  # (S·A,) int32: the cells, in the order of their first visit
    num_seen: Array  # int32


@description
class DynaQ:
    """Dyna-Q on a table, with a deterministic model.

    Args:
        planning_steps: updates from the model after every real one, at least 0.
        learning_rate: α > 0, a number or a schedule.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    Raises:
        InputError: where a number is out of range.

    >>> DynaQ(planning_steps=50).label
    'Dyna-Q (50 planning steps)'
    """

    planning_steps: int = 5
    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    version = 1

    def __post_init__(self) -> None:
        whole(self, "planning_steps", 0)
        check_tabular(self)

    @property
    def label(self) -> str:
        """With its number of planning steps."""
        return f"Dyna-Q ({self.planning_steps} planning steps)"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        explore, rate, width = self.exploration, rate_of(self), spec.num_actions

        def init(noise: Any) -> DynaState:
            shape = (spec.num_states, width)
            return DynaState(
                q=first_table(self, spec),
                visits=first_counts(self, spec),
                arrival=jnp.full(shape, _NEVER, jnp.int32),
                reward=jnp.zeros(shape, jnp.float32),
                seen=jnp.zeros(spec.num_states * width, jnp.int32),
                num_seen=jnp.int32(0),
            )

        def act(state: DynaState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, DynaState]:
            row, seen = read_row(state.q, observation), visits_of(state.visits, observation)
            return explore.sample(row, spec.mask(observation), noise, clock, seen), state

        def learn(q: Array, visits: Array | None, t: Transition, clock: Clock) -> Array:
            row, mask = read_row(q, t.next_observation), spec.mask(t.next_observation)
            target = one_step(t, q_learning(row, row, jnp.int32(-1), mask), row, self.discount)
            old = read(q, t.observation, t.action)
            alpha = rate.value(clock, None if visits is None else read(visits, t.observation, t.action))
            return settled_write(q, t.observation, t.action, old + alpha * (target - old))

        def update(state: DynaState, trajectory: Transition, noise: Any, clock: Clock) -> DynaState:
            t = last(trajectory)
            visits = count(state.visits, t.observation, t.action)
            new = read(state.arrival, t.observation, t.action) == _NEVER
            cell = jnp.where(new, t.observation * width + t.action, state.seen[state.num_seen])
            state = DynaState(
                q=learn(state.q, visits, t, clock),
                visits=visits,
                arrival=write(
                    state.arrival, t.observation, t.action, t.next_observation * 2 + t.terminated.astype(jnp.int32)
                ),
                reward=write(state.reward, t.observation, t.action, t.reward),
                seen=state.seen.at[state.num_seen].set(cell, mode="drop"),
                num_seen=state.num_seen + new.astype(jnp.int32),
            )

            def plan(i: Array, q: Array) -> Array:
                which = jnp.floor(noise.uniform_of(i + 1) * state.num_seen.astype(jnp.float32)).astype(jnp.int32)
                cell = settle(state.seen[which], t.observation)
                s, a = cell // width, cell % width
                arrival = read(state.arrival, s, a)
                again = t._replace(
                    observation=s,
                    action=a,
                    reward=read(state.reward, s, a),
                    next_observation=arrival >> 1,
                    terminated=(arrival & 1).astype(bool),
                )
                return learn(q, visits, again, clock)

            return state._replace(q=jax.lax.fori_loop(0, self.planning_steps, plan, state.q))

        return Learner(init, act, update, lambda state, observation: state.q[observation], lane=lane_of(spec))
