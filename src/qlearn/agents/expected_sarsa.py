r"""Expected Sarsa.

.. math:: Q(s, a) \leftarrow Q(s, a) + \alpha \left[ r + \gamma \sum_b \pi(b \mid s') Q(s', b) - Q(s, a) \right]

π is the behaviour policy; with a greedy one this is Q-learning.

Source: H. van Seijen, H. van Hasselt, S. Whiteson and M. Wiering, *A theoretical and empirical analysis of Expected
Sarsa*, ADPRL 2009.  Difference from it: none.
"""

from __future__ import annotations

from qlearn.agents.learner import Learner, Spec
from qlearn.agents.one_step import check_one_step, one_step_learner
from qlearn.rules.description import description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import expected_sarsa


@description
class ExpectedSarsa:
    """Expected Sarsa on a table: on-policy, without the noise of the next action.

    Args:
        learning_rate: α > 0, a number or a schedule.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    Raises:
        InputError: where a number is out of range.

    >>> ExpectedSarsa(learning_rate=1.0, discount=0.9).label
    'Expected Sarsa'
    """

    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    label = "Expected Sarsa"
    version = 1

    def __post_init__(self) -> None:
        check_one_step(self)

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        return one_step_learner(self, expected_sarsa, spec)
