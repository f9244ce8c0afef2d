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
from qlearn.agents.table import read, read_row, settled_write
from qlearn.agents.tabular import lane_of
from qlearn.rules.description import description
from qlearn.rules.exploration import Exploration, Greedy, as_exploration

Array = jax.Array


class RewardSumState(NamedTuple):
    """The table of sums, (S, A) float32."""

    q: Array


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
            return RewardSumState(jnp.zeros((spec.num_states, spec.num_actions), jnp.float32))

        def act(state: RewardSumState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, RewardSumState]:
            row = read_row(state.q, observation)
            return self.exploration.sample(row, spec.mask(observation), noise, clock, None), state

        def update(state: RewardSumState, trajectory: Transition, noise: Any, clock: Clock) -> RewardSumState:
            t = last(trajectory)
            total = read(state.q, t.observation, t.action) + t.reward
            return RewardSumState(settled_write(state.q, t.observation, t.action, total))

        return Learner(init, act, update, lambda state, observation: state.q[observation], lane=lane_of(spec))
