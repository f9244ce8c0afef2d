r"""Weighted Q-learning: the next state is worth the mean of its actions, each weighted by its chance of being the best.

.. math:: Q(s, a) \leftarrow Q(s, a) + \alpha \left[ r + \gamma \sum_b w_b\, Q(s', b) - Q(s, a) \right], \qquad
          w_b = \Pr\left( \theta_b = \max_c \theta_c \right), \quad \theta_b \sim N\!\left( Q(s', b), \sigma_b^2 \right)

σ_b² is the variance of the mean Q(s', b): with Q a mean of targets whose weights ω follow from the learning rates, the
weighted variance of these targets, made unbiased by 1 / (1 − Σ ω²), times Σ ω².  With α = 1/n it is S²/n.

Source: C. D'Eramo, M. Restelli and A. Nuara, *Estimating the maximum expected value through Gaussian approximation*,
ICML 2016.  Differences: the initial value counts as a first target unless the first learning rate is 1; the chances are
integrated at 32 points; where fewer than two targets are known, σ is infinite.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import count, read, read_row, settled_write, visits_of
from qlearn.agents.tabular import check_tabular, first_counts, first_table, lane_of, rate_of
from qlearn.rules.best_chances import best_chances
from qlearn.rules.description import description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import one_step
from qlearn.xla import settle

Array = jax.Array


class WeightedState(NamedTuple):
    """Values, and what their uncertainty is made of."""

    q: Array  # (S, A) float32
    spread: Array  # (S, A) float32: weighted variance of the targets
    squares: Array  # (S, A) float32: Σ ω², the sum of their squared weights; 1 where there is one
    visits: Array | None  # (S, A) int32


@description
class WeightedQLearning:
    """Weighted Q-learning on a table: between the upward bias of one maximum and the downward bias of two tables.

    Args:
        learning_rate: α in (0, 1], a number or a schedule.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    Raises:
        InputError: where a number is out of range.

    >>> WeightedQLearning().label
    'Weighted Q-learning'
    """

    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    label = "Weighted Q-learning"
    version = 1

    def __post_init__(self) -> None:
        check_tabular(self)

    def learner(self, spec: Spec) -> Learner:
        """The functions for tables of ``spec.num_states`` × ``spec.num_actions``."""
        explore, rate = self.exploration, rate_of(self)

        def init(noise: Any) -> WeightedState:
            q = first_table(self, spec)
            return WeightedState(q, jnp.zeros_like(q), jnp.ones_like(q), first_counts(self, spec))

        def act(state: WeightedState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, WeightedState]:
            row, seen = read_row(state.q, observation), visits_of(state.visits, observation)
            return explore.sample(row, spec.mask(observation), noise, clock, seen), state

        def weights(state: WeightedState, s: Array) -> Array:
            squares = read_row(state.squares, s)
            variance = squares * read_row(state.spread, s) / jnp.maximum(1.0 - squares, 1e-9)
            error = jnp.where(squares >= 1.0, jnp.inf, jnp.sqrt(variance))
            return best_chances(read_row(state.q, s), error, spec.mask(s))

        def update(state: WeightedState, trajectory: Transition, noise: Any, clock: Clock) -> WeightedState:
            t = last(trajectory)
            s, a = t.observation, t.action
            visits = count(state.visits, s, a)
            alpha = rate.value(clock, None if visits is None else read(visits, s, a))
            future = settle(weights(state, t.next_observation), s)
            target = one_step(t, future, read_row(state.q, t.next_observation), self.discount)
            old = read(state.q, s, a)
            error = settle(target - old, s)
            spread = (1.0 - alpha) * (read(state.spread, s, a) + alpha * error * error)
            squares = (1.0 - alpha) ** 2 * read(state.squares, s, a) + alpha**2
            return WeightedState(
                settled_write(state.q, s, a, old + alpha * error),
                settled_write(state.spread, s, a, spread),
                settled_write(state.squares, s, a, squares),
                visits,
            )

        return Learner(init, act, update, lambda state, observation: state.q[observation], lane=lane_of(spec))
