r"""n-step TD prediction.

.. math:: G = \sum_{i=1}^{m} \gamma^{i-1} R_{t+i} + \gamma^{m} V(S_{t+m}), \qquad
          V(S_t) \leftarrow V(S_t) + \alpha [G - V(S_t)]

with m = n, or fewer steps at the end of an episode; after termination the last term is 0.

Source: Sutton and Barto, 2nd edition, section 7.1.  Difference: where an episode is truncated, the last term stays, as
it was when the clock ran out.  n = 1 is TD(0).
"""

from __future__ import annotations

from qlearn.agents.given_policy import check_fits, check_prediction, of_states, predicting
from qlearn.agents.learner import Learner, Spec
from qlearn.agents.n_step_methods import Method, n_step_learner
from qlearn.rules.description import description, whole
from qlearn.rules.exploration import Greedy
from qlearn.rules.multi_step import expected_value
from qlearn.rules.schedules import Schedule


@description
class NStepTD:
    """n-step TD: the values of a given policy from returns of n steps and the value after them.

    It acts by the policy, learns V and gives it as the value of every action; ``runs.state_values`` reads it.

    Args:
        n: steps of the return, at least 1.
        policy: the policy that is judged, (S, A) probabilities; None for all legal actions equally likely.
        learning_rate: α > 0, a number or a schedule; one that counts visits takes those of this step's state.
        discount: γ in [0, 1].
        initial_value: what every value starts with.

    Raises:
        InputError: where a number is out of range, a word unknown, or the policy none.

    >>> NStepTD(n=1).label
    '1-step TD'
    """

    n: int = 4
    policy: tuple[tuple[float, ...], ...] | None = None
    learning_rate: float | Schedule = 0.1
    discount: float = 1.0
    initial_value: float = 0.0

    version = 1
    predicts = True
    exploration = Greedy()  # of no meaning: it acts by the policy

    def __post_init__(self) -> None:
        whole(self, "n")
        check_prediction(self)

    @property
    def label(self) -> str:
        """With its n."""
        return f"{self.n}-step TD"

    def check(self, spec: Spec) -> None:
        """Raises InputError where the policy does not fit the environment."""
        check_fits(self, spec)

    def learner(self, spec: Spec) -> Learner:
        """The functions for values of ``spec.num_states`` states."""
        inner = n_step_learner(self, Method(value=expected_value), of_states(spec))
        return predicting(self, inner, spec)
