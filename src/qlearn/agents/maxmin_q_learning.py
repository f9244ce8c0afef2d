r"""Maxmin Q-learning: several tables, of which the lowest is believed.

.. math:: Q^{\min}(s, a) = \min_i Q_i(s, a), \qquad
          Q_i(s, a) \leftarrow Q_i(s, a) + \alpha \left[ r + \gamma \max_b Q^{\min}(s', b) - Q_i(s, a) \right]

for one table i, drawn evenly at every step.  It acts on Q^min.  More tables turn the upward bias of the maximum into a
downward one.

Source: Q. Lan, Y. Pan, A. Fyshe and M. White, *Maxmin Q-learning: controlling the estimation bias of Q-learning*, ICLR
2020.  Difference: it learns from the step that it has just made alone, without a replay buffer.  With one table it is
Q-learning.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import count, read, read_row, settled_write, visits_of
from qlearn.agents.tabular import check_tabular, first_counts, lane_of, rate_of
from qlearn.rules.description import description, whole
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import one_step, q_learning

Array = jax.Array


class MaxminState(NamedTuple):
    """All tables, one below the other, and the visits of (s, a) where a schedule asks for them."""

    tables: Array  # (N·S, A) float32: row i·S + s is that of state s in table i
    visits: Array | None  # (S, A) int32


@description
class MaxminQLearning:
    """Maxmin Q-learning on several tables: the number of tables sets how cautious it is.

    Args:
        num_tables: N, at least 1.
        learning_rate: α > 0, a number or a schedule; a schedule counts the visits of all tables together.
        discount: γ in [0, 1].
        exploration: the behaviour policy, on the lowest values.
        initial_value: what every cell of all tables starts with, in units of value.

    Raises:
        InputError: where a number is out of range.

    >>> MaxminQLearning(num_tables=4).label
    'Maxmin Q-learning (4 tables)'
    """

    num_tables: int = 2
    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    version = 1

    def __post_init__(self) -> None:
        whole(self, "num_tables")
        check_tabular(self)

    @property
    def label(self) -> str:
        """With its number of tables."""
        return f"Maxmin Q-learning ({self.num_tables} tables)"

    def learner(self, spec: Spec) -> Learner:
        """The functions for N tables of ``spec.num_states`` × ``spec.num_actions``."""
        explore, rate, size = self.exploration, rate_of(self), spec.num_states

        def init(noise: Any) -> MaxminState:
            shape = (self.num_tables * size, spec.num_actions)
            return MaxminState(jnp.full(shape, self.initial_value, jnp.float32), first_counts(self, spec))

        def lowest(state: MaxminState, observation: Array) -> Array:
            row = read_row(state.tables, observation)
            for i in range(1, self.num_tables):
                row = jnp.minimum(row, read_row(state.tables, observation + jnp.int32(i * size)))
            return row

        def act(state: MaxminState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, MaxminState]:
            seen = visits_of(state.visits, observation)
            return explore.sample(lowest(state, observation), spec.mask(observation), noise, clock, seen), state

        def update(state: MaxminState, trajectory: Transition, noise: Any, clock: Clock) -> MaxminState:
            t = last(trajectory)
            which = jnp.floor(noise.uniform(0) * jnp.float32(self.num_tables)).astype(jnp.int32)
            place = which * jnp.int32(size) + t.observation
            row, mask = lowest(state, t.next_observation), spec.mask(t.next_observation)
            visits = count(state.visits, t.observation, t.action)
            alpha = rate.value(clock, None if visits is None else read(visits, t.observation, t.action))
            target = one_step(t, q_learning(row, row, jnp.int32(-1), mask), row, self.discount)
            old = read(state.tables, place, t.action)
            return MaxminState(settled_write(state.tables, place, t.action, old + alpha * (target - old)), visits)

        return Learner(init, act, update, lowest, lane=lane_of(spec))
