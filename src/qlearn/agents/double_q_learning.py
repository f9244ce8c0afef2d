r"""Double Q-learning: one table chooses the best next action, the other says what it is worth.

.. math:: Q_A(s, a) \leftarrow Q_A(s, a) + \alpha \left[ r + \gamma Q_B(s', \arg\max_b Q_A(s', b)) - Q_A(s, a) \right]

or the same with A and B exchanged, a fair coin deciding at every step.  It acts on the mean of both tables.

Source: H. van Hasselt, *Double Q-learning*, NIPS 2010.  Difference: it acts on the mean of both tables instead of
their sum, which is the same for greedy actions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import count, read, read_row, settled_write, visits_of
from qlearn.agents.tabular import check_tabular, first_counts, first_table, lane_of, rate_of
from qlearn.rules.description import description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.rows import best, legal_row, pick
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import double_q, one_step
from qlearn.xla import settle

Array = jax.Array


class DoubleState(NamedTuple):
    """Both tables (S, A) float32, and the visits of (s, a) where a schedule asks for them."""

    first: Array
    second: Array
    visits: Array | None


@description
class DoubleQLearning:
    """Double Q-learning on two tables: without the upward bias of the maximum.

    Args:
        learning_rate: α > 0, a number or a schedule.
        discount: γ in [0, 1].
        exploration: the behaviour policy, on the mean of both tables.
        initial_value: what every cell of both tables starts with, in units of value.

    Raises:
        InputError: where a number is out of range.

    >>> DoubleQLearning(learning_rate=0.1, discount=1.0).label
    'Double Q-learning'
    """

    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    label = "Double Q-learning"
    version = 1

    def __post_init__(self) -> None:
        check_tabular(self)

    def learner(self, spec: Spec) -> Learner:
        """The functions for two tables of ``spec.num_states`` × ``spec.num_actions``."""
        explore, rate = self.exploration, rate_of(self)

        def init(noise: Any) -> DoubleState:
            q = first_table(self, spec)
            return DoubleState(q, q, first_counts(self, spec))

        def mean(state: DoubleState, observation: Array) -> Array:
            return 0.5 * (read_row(state.first, observation) + read_row(state.second, observation))

        def act(state: DoubleState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, DoubleState]:
            seen = visits_of(state.visits, observation)
            row = mean(state, observation)
            return explore.sample(row, spec.mask(observation), noise, clock, seen), state

        def update(state: DoubleState, trajectory: Transition, noise: Any, clock: Clock) -> DoubleState:
            t = last(trajectory)
            heads = settle(noise.bits(0), t.observation) < jnp.uint32(1 << 31)
            first, second = (
                read_row(state.first, t.next_observation),
                read_row(state.second, t.next_observation),
            )
            select, evaluate = jnp.where(heads, first, second), jnp.where(heads, second, first)
            mask = spec.mask(t.next_observation)
            chosen = pick(best(legal_row(select, mask)), noise.uniform(1))
            weights = double_q(select, select, chosen, mask)
            visits = count(state.visits, t.observation, t.action)
            seen = None if visits is None else read(visits, t.observation, t.action)
            alpha = rate.value(clock, seen)
            target = one_step(t, weights, evaluate, self.discount)
            olds = read(state.first, t.observation, t.action), read(state.second, t.observation, t.action)
            new = [
                jnp.where(mine, old + alpha * (target - old), old)
                for mine, old in zip((heads, ~heads), olds, strict=True)
            ]
            return DoubleState(
                settled_write(state.first, t.observation, t.action, new[0]),
                settled_write(state.second, t.observation, t.action, new[1]),
                visits,
            )

        return Learner(
            init,
            act,
            update,
            lambda state, observation: 0.5 * (state.first[observation] + state.second[observation]),
            lane=lane_of(spec),
        )
