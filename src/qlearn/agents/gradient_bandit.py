r"""Gradient bandit: preferences instead of values, chosen in proportion to their exponentials.

.. math:: \pi(a) = e^{H(a)} \Big/ \sum_b e^{H(b)}, \qquad
          H(a) \leftarrow H(a) + \alpha \left[ R - \bar R \right] \left( \mathbf 1_{a = A} - \pi(a) \right)

with R̄ the mean of the rewards before this one; the first reward is its own baseline.  This is stochastic gradient
ascent on the expected reward.

Source: Sutton and Barto, 2nd edition, section 2.8, with R̄ as in its later printings: up to but not including the
present reward.  Differences: every state has preferences and a baseline of its own, so that it plays associative
bandits too; on problems of several steps it looks at the immediate reward alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import add, count, read, read_row, visits_of, write, write_row
from qlearn.agents.tabular import first_counts, first_table, lane_of, rate_of
from qlearn.rules.description import description, flag, number
from qlearn.rules.exploration import Boltzmann
from qlearn.rules.schedules import Schedule, as_schedule
from qlearn.xla import settle

Array = jax.Array


class GradientBanditState(NamedTuple):
    """Preferences, and what the baseline is made of."""

    preferences: Array  # (S, A) float32
    visits: Array | None  # (S, A) int32
    mean: Array  # (S, 1) float32: of the rewards so far
    rewards: Array  # (S, 1) int32: how many they are


@description
class GradientBandit:
    """Gradient ascent on preferences: a policy is learnt, not the worth of actions.

    Args:
        learning_rate: α > 0, a number or a schedule.
        baseline: whether rewards are taken relative to their mean so far; without, R̄ is 0.
        initial_value: what every preference starts with; only differences between preferences matter.

    ``q_table`` holds preferences, which have no unit.

    Raises:
        InputError: where a number is out of range.

    >>> GradientBandit(learning_rate=0.4, baseline=False).label
    'gradient bandit without baseline'
    """

    learning_rate: float | Schedule = 0.1
    baseline: bool = True
    initial_value: float = 0.0

    discount = 0.0
    exempt = {  # noqa: RUF012 (a class attribute, which no field is)
        "termination ends": "it learns preferences, not values",
        "truncation goes on": "it learns preferences, not values",
    }
    version = 1
    exploration = Boltzmann(1.0)

    def __post_init__(self) -> None:
        as_schedule(self, "learning_rate")
        number(self, "initial_value", float("-inf"))
        flag(self, "baseline")

    @property
    def label(self) -> str:
        """With its baseline, where it has none."""
        return "gradient bandit" if self.baseline else "gradient bandit without baseline"

    def learner(self, spec: Spec) -> Learner:
        """The functions for preferences of ``spec.num_states`` × ``spec.num_actions``."""
        policy, rate = self.exploration, rate_of(self)

        def init(noise: Any) -> GradientBanditState:
            mean = jnp.zeros((spec.num_states, 1), jnp.float32)
            return GradientBanditState(
                first_table(self, spec), first_counts(self, spec), mean, jnp.zeros(mean.shape, jnp.int32)
            )

        def act(
            state: GradientBanditState, observation: Array, noise: Any, clock: Clock
        ) -> tuple[Array, GradientBanditState]:
            row = read_row(state.preferences, observation)
            return policy.sample(row, spec.mask(observation), noise, clock, None), state

        def update(state: GradientBanditState, trajectory: Transition, noise: Any, clock: Clock) -> GradientBanditState:
            t, first = last(trajectory), jnp.int32(0)
            s, a = t.observation, t.action
            visits = count(state.visits, s, a)
            seen, mean = read(state.rewards, s, first), read(state.mean, s, first)
            base = jnp.where(seen == 0, t.reward, mean) if self.baseline else jnp.float32(0.0)
            alpha = rate.value(clock, None if visits is None else visits_of(visits, s)[a])  # type: ignore[index]
            row = read_row(state.preferences, s)
            chosen = (jnp.arange(spec.num_actions) == a).astype(jnp.float32)
            step = alpha * (t.reward - base) * (chosen - policy.probabilities(row, spec.mask(s), clock, None))
            told = mean + (t.reward - mean) / (seen + 1).astype(jnp.float32)
            return GradientBanditState(
                write_row(state.preferences, s, settle(row + step, s)),
                visits,
                write(state.mean, s, first, settle(told, s)),
                add(state.rewards, s, first, jnp.int32(1)),
            )

        return Learner(init, act, update, lambda state, observation: state.preferences[observation], lane=lane_of(spec))
