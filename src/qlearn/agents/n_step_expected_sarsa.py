r"""n-step Expected Sarsa.

.. math:: G = \sum_{i=1}^{m} \gamma^{i-1} R_{t+i} + \gamma^{m} \sum_a b(a \mid S_{t+m})\, Q(S_{t+m}, a)

with the behaviour policy b, m = n, or fewer steps at the end of an episode; after termination the last term is 0.

Source: Sutton and Barto, 2nd edition, equation 7.7, on-policy.  Differences: the next action is chosen after the
update, so that n = 1 is Expected Sarsa to the bit; where an episode is truncated, the last term stays.
"""

from __future__ import annotations

from qlearn.agents.learner import Learner, Spec
from qlearn.agents.n_step_methods import Method, n_step_learner
from qlearn.agents.tabular import check_tabular
from qlearn.rules.description import description, whole
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.multi_step import expected_value
from qlearn.rules.schedules import Schedule


@description
class NStepExpectedSarsa:
    """n-step Expected Sarsa on a table: n sampled steps, and the behaviour's expected value after them.

    Args:
        n: steps of the return, at least 1.
        learning_rate: α > 0, a number or a schedule.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    Raises:
        InputError: where a number is out of range.

    >>> NStepExpectedSarsa(n=3).label
    '3-step Expected Sarsa'
    """

    n: int = 4
    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    version = 1

    def __post_init__(self) -> None:
        whole(self, "n")
        check_tabular(self)

    @property
    def label(self) -> str:
        """With its n."""
        return f"{self.n}-step Expected Sarsa"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        return n_step_learner(self, Method(value=expected_value), spec)
