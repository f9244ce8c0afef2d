r"""Sarsa.

.. math:: Q(s, a) \leftarrow Q(s, a) + \alpha \left[ r + \gamma Q(s', a') - Q(s, a) \right]

a' is the action that the behaviour policy takes next; it is chosen with the values before the update.

Source: G. A. Rummery and M. Niranjan, *On-line Q-learning using connectionist systems*, Cambridge 1994; Sutton and
Barto, 2nd edition, section 6.4.  Difference: where an episode is truncated, a' is drawn for the last state but not
taken, so that the value goes on beyond the clock.
"""

from __future__ import annotations

from qlearn.agents.learner import Learner, Spec
from qlearn.agents.one_step import check_one_step, one_step_learner
from qlearn.rules.description import description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import sarsa


@description
class Sarsa:
    """Sarsa on a table: on-policy, towards the behaviour policy itself.

    Args:
        learning_rate: α > 0, a number or a schedule.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    Raises:
        InputError: where a number is out of range.

    >>> Sarsa(learning_rate=0.5, discount=1.0).label
    'Sarsa'
    """

    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    label = "Sarsa"
    version = 1

    def __post_init__(self) -> None:
        check_one_step(self)

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        return one_step_learner(self, sarsa, spec, on_policy=True)
