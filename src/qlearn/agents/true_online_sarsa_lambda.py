r"""True online Sarsa(λ).

.. math:: \delta = R + \gamma Q(S', A') - Q(S, A), \qquad
          Q \leftarrow Q + \alpha \left(\delta + Q(S, A) - Q_{old}\right) e, \qquad
          Q(S, A) \leftarrow Q(S, A) - \alpha \left(Q(S, A) - Q_{old}\right)

with dutch traces e, :math:`Q_{old}` being the value of (S, A) before the last update.  At every step its values are
those of the online λ-return algorithm, exactly.

Source: H. van Seijen and R. S. Sutton, *True online TD(λ)*, ICML 2014; H. van Seijen et al., *True online
temporal-difference learning*, JMLR 17, 2016; Sutton and Barto, 2nd edition, section 12.7.  Differences: at the first
step of an episode :math:`Q_{old} = Q(S, A)` where the book has 0 with a trace that is new, which comes to the same;
where an episode is truncated, A' is drawn for the last state but not taken.  With a step size that changes, each step
uses its own.  λ = 0 is Sarsa.
"""

from __future__ import annotations

from qlearn.agents.lambda_methods import Errors, Method, Seen, lambda_learner
from qlearn.agents.learner import Learner, Spec
from qlearn.agents.tabular import check_tabular
from qlearn.agents.traces import check_traces
from qlearn.rules.description import description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import one_step, sarsa


@description
class TrueOnlineSarsaLambda:
    """True online Sarsa(λ) on a table: the online λ-return algorithm, exactly.

    Args:
        trace_decay: λ in [0, 1].
        trace_steps: how many of the last steps have a trace; 0 for all, at the cost of a pass over the table a step.
        learning_rate: α > 0, a number or a schedule; one that counts visits takes those of this step's cell.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    Raises:
        InputError: where a number is out of range or a word unknown.

    >>> TrueOnlineSarsaLambda(trace_decay=0.8).label
    'true online Sarsa(0.8)'
    """

    trace_decay: float = 0.9
    trace_steps: int = 0
    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    version = 1

    def __post_init__(self) -> None:
        check_traces(self)
        check_tabular(self)

    @property
    def label(self) -> str:
        """With its λ."""
        return f"true online Sarsa({self.trace_decay:g})"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""

        def errors(seen: Seen) -> Errors:
            weights = sarsa(seen.next_row, seen.next_row, seen.next_action, seen.next_mask)
            delta = one_step(seen.step, weights, seen.next_row, self.discount) - seen.value
            assert seen.old is not None
            drift = seen.value - seen.old
            return Errors(delta + drift, -drift)

        return lambda_learner(self, Method(errors, "dutch", ahead=True, remembers=True), spec)
