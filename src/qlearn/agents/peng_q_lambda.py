r"""Peng's Q(λ): n-step returns of what was done, each ended with a greedy value.

.. math:: \delta' = R + \gamma \max_b Q(S', b) - Q(S, A), \qquad
          \delta = R + \gamma \max_b Q(S', b) - \max_b Q(S, b), \\
          Q \leftarrow Q + \alpha\, \delta\, e, \qquad Q(S, A) \leftarrow Q(S, A) + \alpha\, \delta'

with the traces e from before this step, which then gets its mark.  Nothing is cut; it is neither on-policy nor
off-policy, and its fixed point lies between the values of the behaviour and the optimum.  With a behaviour that is
always greedy it is Watkins's Q(λ).

Source: J. Peng and R. J. Williams, *Incremental multi-step Q-learning*, ICML 1994 and Machine Learning 22, 1996.
Difference: the paper has accumulating traces only.  λ = 0 is Q-learning.
"""

from __future__ import annotations

from typing import Literal

from qlearn.agents.lambda_methods import Errors, Method, Seen, lambda_learner
from qlearn.agents.learner import Learner, Spec
from qlearn.agents.tabular import check_tabular
from qlearn.agents.traces import check_traces
from qlearn.rules.description import description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.rows import highest, legal_row
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import one_step, q_learning


@description
class PengQLambda:
    """Peng's Q(λ) on a table: sampled steps, each followed by a greedy value.

    Args:
        trace_decay: λ in [0, 1].
        traces: how a visit marks its cell: ``"accumulating"`` or ``"replacing"``.
        trace_steps: how many of the last steps have a trace; 0 for all, at the cost of a pass over the table a step.
        learning_rate: α > 0, a number or a schedule; one that counts visits takes those of this step's cell.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    Raises:
        InputError: where a number is out of range or a word unknown.

    >>> PengQLambda(trace_decay=0.8).label
    "Peng's Q(0.8)"
    """

    trace_decay: float = 0.9
    traces: Literal["accumulating", "replacing"] = "accumulating"
    trace_steps: int = 0
    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    exempt = {  # noqa: RUF012 (a class attribute, which no field is)
        "convergence": "it comes to values between those of its behaviour and Q* (Peng and Williams 1996)",
    }
    version = 1

    def __post_init__(self) -> None:
        check_traces(self, ("accumulating", "replacing"))
        check_tabular(self)

    @property
    def label(self) -> str:
        """With its λ."""
        return f"Peng's Q({self.trace_decay:g})"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""

        def errors(seen: Seen) -> Errors:
            weights = q_learning(seen.next_row, seen.next_row, seen.next_action, seen.next_mask)
            target = one_step(seen.step, weights, seen.next_row, self.discount)
            return Errors(target - highest(legal_row(seen.row, seen.mask)), target - seen.value)

        return lambda_learner(self, Method(errors, self.traces, before=True), spec)
