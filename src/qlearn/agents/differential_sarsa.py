r"""Differential Sarsa: values relative to the average reward of what it does.

.. math:: \delta = r - \bar r + Q(s', a') - Q(s, a), \qquad Q(s, a) \leftarrow Q(s, a) + \alpha \delta, \qquad
          \bar r \leftarrow \bar r + \beta \delta

with a' the action that it takes next.

Source: Sutton and Barto, 2nd edition, section 10.3, in its tabular form.  Difference: where an episode ends, the next
one's first state and action follow.
"""

from __future__ import annotations

import jax

from qlearn.agents.average_reward import AverageState, Step, average_learner, check_average
from qlearn.agents.learner import Clock, Learner, Spec
from qlearn.agents.table import read
from qlearn.agents.tabular import rate_of
from qlearn.rules.description import description, number
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule
from qlearn.xla import settle

Array = jax.Array


@description
class DifferentialSarsa:
    """Differential Sarsa on a table: the average reward of the behaviour policy itself, without a discount.

    Args:
        learning_rate: α > 0, a number or a schedule.
        gain_rate: β > 0, the step size of the gain.
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of reward.
        initial_gain: r̄ at the start, in units of reward per step.

    ``runs.extras["gain"]`` is r̄; ``q_table`` is relative to it.

    Raises:
        InputError: where a number is out of range.

    >>> DifferentialSarsa().label
    'differential Sarsa'
    """

    learning_rate: float | Schedule = 0.1
    gain_rate: float = 0.01
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0
    initial_gain: float = 0.0

    label = "differential Sarsa"
    discount = None
    version = 1

    def __post_init__(self) -> None:
        check_average(self)
        number(self, "gain_rate", 0.0, open_low=True)

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        rate = rate_of(self)

        def learn(state: AverageState, step: Step, clock: Clock) -> tuple[Array, Array]:
            s, a = step.observation, step.action
            old, future = read(state.q, s, a), read(state.q, step.next_observation, step.next_action)
            alpha = rate.value(clock, None if state.visits is None else read(state.visits, s, a))
            error = settle(step.reward - state.gain + future - old, s)
            return old + alpha * error, state.gain + self.gain_rate * error

        return average_learner(self, spec, learn, on_policy=True)
