r"""Differential Q-learning: values relative to the average reward, which is learnt from the same errors.

.. math:: \delta = r - \bar r + \max_b Q(s', b) - Q(s, a), \qquad Q(s, a) \leftarrow Q(s, a) + \alpha \delta, \qquad
          \bar r \leftarrow \bar r + \eta \alpha \delta

r̄ converges to the best gain, whatever the behaviour policy.  It has learnt nothing that the table has not:
r̄ = r̄₀ + η Σ (Q − Q₀).

Source: Y. Wan, A. Naik and R. S. Sutton, *Learning and planning in average-reward Markov decision processes*, ICML
2021.  Difference: where an episode ends, the next one's first state follows.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from qlearn.agents.average_reward import AverageState, Step, average_learner, check_average
from qlearn.agents.learner import Clock, Learner, Spec
from qlearn.agents.table import read, read_row
from qlearn.agents.tabular import rate_of
from qlearn.rules.description import description, number
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import expect, q_learning
from qlearn.xla import settle

Array = jax.Array


@description
class DifferentialQLearning:
    """Differential Q-learning on a table: the best average reward, off-policy and without a discount.

    Args:
        learning_rate: α > 0, a number or a schedule.
        gain_ratio: η > 0, how fast the gain is learnt in relation to values.
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of reward.
        initial_gain: r̄₀, in units of reward per step.

    ``runs.extras["gain"]`` is r̄; ``q_table`` is relative to it.

    Raises:
        InputError: where a number is out of range.

    >>> DifferentialQLearning().label
    'differential Q-learning'
    """

    learning_rate: float | Schedule = 0.1
    gain_ratio: float = 1.0
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0
    initial_gain: float = 0.0

    label = "differential Q-learning"
    discount = None
    version = 1

    def __post_init__(self) -> None:
        check_average(self)
        number(self, "gain_ratio", 0.0, open_low=True)

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        rate = rate_of(self)

        def learn(state: AverageState, step: Step, clock: Clock) -> tuple[Array, Array]:
            s, a, then = step.observation, step.action, step.next_observation
            row, old = read_row(state.q, then), read(state.q, s, a)
            future = expect(q_learning(row, row, jnp.int32(-1), spec.mask(then)), row)
            alpha = rate.value(clock, None if state.visits is None else read(state.visits, s, a))
            change = settle(alpha * (step.reward - state.gain + future - old), s)
            return old + change, state.gain + self.gain_ratio * change

        return average_learner(self, spec, learn)
