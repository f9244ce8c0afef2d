r"""Reward sum: the tutorial's first agent, which only adds up what each action paid.

.. math:: Q(s, a) \leftarrow Q(s, a) + r

It has no learning rate and no discount, and looks at no next state.  With greedy actions it locks each state onto the
first action that paid.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import count, read, read_row, settled_write, visits_of
from qlearn.agents.tabular import first_counts, lane_of
from qlearn.rules.description import description
from qlearn.rules.exploration import Exploration, Greedy, as_exploration

Array = jax.Array


class RewardSumState(NamedTuple):
    """The table of sums, and the visits of (s, a) where the exploration asks for them."""

    q: Array  # (S, A) float32
    visits: Array | None  # (S, A) int32


@description
class RewardSum:
    """Adds each reward to the cell of the state and the chosen action.

    Args:
        exploration: the behaviour policy; the tutorial's is greedy.

    Sums are float32: they are exact for whole rewards up to 2²⁴ and stall beyond where rewards are small.

    >>> RewardSum().label
    'reward sum'
    """

    exploration: Exploration = Greedy()

    label = "reward sum"
    discount = None
    version = 1

    def __post_init__(self) -> None:
        as_exploration(self)

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""

        def init(noise: Any) -> RewardSumState:
            return RewardSumState(jnp.zeros((spec.num_states, spec.num_actions), jnp.float32), first_counts(self, spec))

        def act(state: RewardSumState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, RewardSumState]:
            row, seen = read_row(state.q, observation), visits_of(state.visits, observation)
            return self.exploration.sample(row, spec.mask(observation), noise, clock, seen), state

        def update(state: RewardSumState, trajectory: Transition, noise: Any, clock: Clock) -> RewardSumState:
            t = last(trajectory)
            total = read(state.q, t.observation, t.action) + t.reward
            visits = count(state.visits, t.observation, t.action)
            return RewardSumState(settled_write(state.q, t.observation, t.action, total), visits)

        return Learner(init, act, update, lambda state, observation: state.q[observation], lane=lane_of(spec))
