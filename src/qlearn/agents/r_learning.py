r"""R-learning: values relative to the average reward, which is learnt from greedy actions alone.

.. math:: Q(s, a) \leftarrow Q(s, a) + \alpha \left[ r - \rho + \max_b Q(s', b) - Q(s, a) \right]

and then, where Q(s, a) = max Q(s, ·),

.. math:: \rho \leftarrow \rho + \beta \left[ r - \rho + \max_b Q(s', b) - \max_b Q(s, b) \right]

Source: A. Schwartz, *A reinforcement learning method for maximizing undiscounted rewards*, ICML 1993, in the form of
Sutton and Barto, 1st edition, figure 6.16; S. Singh, *Reinforcement learning algorithms for average-payoff Markovian
decision processes*, AAAI 1994, compares its forms.  Difference: where an episode ends, the next one's first state
follows.
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
from qlearn.rules.rows import highest, legal_row
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import expect, q_learning
from qlearn.xla import settle

Array = jax.Array


@description
class RLearning:
    """R-learning on a table: the best average reward without a discount.

    Args:
        learning_rate: α > 0, a number or a schedule.
        gain_rate: β > 0, the step size of ρ.
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of reward.
        initial_gain: ρ at the start, in units of reward per step.

    ``runs.extras["gain"]`` is ρ; ``q_table`` is relative to it.

    Raises:
        InputError: where a number is out of range.

    >>> RLearning().label
    'R-learning'
    """

    learning_rate: float | Schedule = 0.1
    gain_rate: float = 0.01
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0
    initial_gain: float = 0.0

    label = "R-learning"
    discount = None
    version = 1

    def __post_init__(self) -> None:
        check_average(self)
        number(self, "gain_rate", 0.0, open_low=True)

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        rate = rate_of(self)

        def learn(state: AverageState, step: Step, clock: Clock) -> tuple[Array, Array]:
            s, a, then = step.observation, step.action, step.next_observation
            old, row, mask = read(state.q, s, a), read_row(state.q, then), spec.mask(then)

            def value(row: Array) -> Array:
                return expect(q_learning(row, row, jnp.int32(-1), mask), row)

            alpha = rate.value(clock, None if state.visits is None else read(state.visits, s, a))
            new = settle(old + alpha * (step.reward - state.gain + value(row) - old), s)
            here = jnp.where(jnp.arange(spec.num_actions) == a, new, read_row(state.q, s))
            top = highest(legal_row(here, spec.mask(s)))
            change = self.gain_rate * (step.reward - state.gain + value(jnp.where(then == s, here, row)) - top)
            return new, jnp.where(new == top, state.gain + change, state.gain)

        return average_learner(self, spec, learn)
