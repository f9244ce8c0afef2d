r"""Sarsa(λ).

.. math:: \delta = R + \gamma Q(S', A') - Q(S, A), \qquad Q \leftarrow Q + \alpha\, \delta\, e

with the traces e of ``qlearn.agents.traces``, which decay by γλ a step and end with the episode.

Source: G. A. Rummery and M. Niranjan, *On-line Q-learning using connectionist systems*, Cambridge 1994; Sutton and
Barto, 2nd edition, section 12.7.  Difference: where an episode is truncated, A' is drawn for the last state but not
taken, so that the value goes on beyond the clock.  λ = 0 is Sarsa.
"""

from __future__ import annotations

from typing import Literal

from qlearn.agents.lambda_methods import Errors, Method, Seen, lambda_learner
from qlearn.agents.learner import Learner, Spec
from qlearn.agents.tabular import check_tabular
from qlearn.agents.traces import check_traces
from qlearn.rules.description import description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import one_step, sarsa


@description
class SarsaLambda:
    """Sarsa(λ) on a table: on-policy, with eligibility traces.

    Args:
        trace_decay: λ in [0, 1].
        traces: how a visit marks its cell: ``"accumulating"``, ``"replacing"`` or ``"dutch"``.
        trace_steps: how many of the last steps have a trace; 0 for all, at the cost of a pass over the table a step.
        learning_rate: α > 0, a number or a schedule; one that counts visits takes those of this step's cell.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    Raises:
        InputError: where a number is out of range or a word unknown.

    >>> SarsaLambda(trace_decay=0.8).label
    'Sarsa(0.8)'
    """

    trace_decay: float = 0.9
    traces: Literal["accumulating", "replacing", "dutch"] = "accumulating"
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
        return f"Sarsa({self.trace_decay:g})"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""

        def errors(seen: Seen) -> Errors:
            weights = sarsa(seen.next_row, seen.next_row, seen.next_action, seen.next_mask)
            return Errors(one_step(seen.step, weights, seen.next_row, self.discount) - seen.value)

        return lambda_learner(self, Method(errors, self.traces, ahead=True), spec)
