r"""n-step Sarsa.

.. math:: G = \sum_{i=1}^{m} \gamma^{i-1} R_{t+i} + \gamma^{m} Q(S_{t+m}, A_{t+m}), \qquad
          Q(S_t, A_t) \leftarrow Q(S_t, A_t) + \alpha [G - Q(S_t, A_t)]

with m = n, or fewer steps at the end of an episode; after termination the last term is 0.

Source: Sutton and Barto, 2nd edition, section 7.2.  Difference: where an episode is truncated, the last term stays,
with an action drawn for the last state.  n = 1 is Sarsa.
"""

from __future__ import annotations

from qlearn.agents.learner import Learner, Spec
from qlearn.agents.n_step_methods import Method, n_step_learner
from qlearn.agents.tabular import check_tabular
from qlearn.rules.description import description, whole
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.multi_step import taken_value
from qlearn.rules.schedules import Schedule


@description
class NStepSarsa:
    """n-step Sarsa on a table: on-policy, towards the return of n steps and the value after them.

    Args:
        n: steps of the return, at least 1.
        learning_rate: α > 0, a number or a schedule.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    Raises:
        InputError: where a number is out of range.

    >>> NStepSarsa(n=4).label
    '4-step Sarsa'
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
        return f"{self.n}-step Sarsa"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        return n_step_learner(self, Method(value=taken_value, ahead=True), spec)
