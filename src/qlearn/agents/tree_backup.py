r"""n-step tree backup: off-policy without importance sampling.

.. math:: G_t = R_{t+1} + \gamma \Bigl[ \sum_{a \ne A_{t+1}} \pi(a \mid S_{t+1})\, Q(S_{t+1}, a)
          + \pi(A_{t+1} \mid S_{t+1})\, G_{t+1} \Bigr]

and :math:`\sum_a \pi(a \mid S_h) Q(S_h, a)` behind the last state, 0 after termination.  π is the target policy: the
greedy one, or the behaviour policy itself.

Source: D. Precup, R. S. Sutton and S. Singh, *Eligibility traces for off-policy policy evaluation*, ICML 2000; Sutton
and Barto, 2nd edition, section 7.5.  Differences: the next action is chosen after the update, so that n = 1 is
Q-learning (or Expected Sarsa) to the bit; the greedy target gives equal weight to equal actions where the exploration
does; where an episode is truncated, the value of the last state stays, as it was when the clock ran out.
"""

from __future__ import annotations

from typing import Literal

from qlearn.agents.learner import Learner, Spec
from qlearn.agents.n_step_methods import Method, n_step_learner, target_of
from qlearn.agents.tabular import check_tabular
from qlearn.rules.description import choice, description, whole
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.multi_step import expected_value, tree_backup
from qlearn.rules.schedules import Schedule


@description
class TreeBackup:
    """n-step tree backup on a table: learns about the target policy as far as the behaviour follows it.

    Args:
        n: steps of the return, at least 1.
        target: the policy that is learnt about: ``"greedy"``, or ``"behaviour"`` for the one that acts.
        learning_rate: α > 0, a number or a schedule.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    Raises:
        InputError: where a number is out of range or a word unknown.

    >>> TreeBackup(n=3).label
    '3-step tree backup'
    """

    n: int = 4
    target: Literal["greedy", "behaviour"] = "greedy"
    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    version = 1

    def __post_init__(self) -> None:
        whole(self, "n")
        choice(self, "target", ("greedy", "behaviour"))
        check_tabular(self)

    @property
    def label(self) -> str:
        """With its n."""
        return f"{self.n}-step tree backup"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        return n_step_learner(self, Method(expected_value, tree_backup, target=target_of(self)), spec)
