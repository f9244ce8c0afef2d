r"""Naive Q(λ): traces are never cut.

.. math:: \delta = R + \gamma \max_b Q(S', b) - Q(S, A), \qquad Q \leftarrow Q + \alpha\, \delta\, e

with the traces e of ``qlearn.agents.traces``, which decay by γλ a step whatever was explored: what follows exploratory
actions is credited to the greedy ones before them, so that it need not converge to the optimum.

Source: R. S. Sutton and A. G. Barto, *Reinforcement learning*, 1st edition 1998, section 7.6, where it is named.
Difference: the next action is chosen after the update, as in Q-learning, so that λ = 0 is Q-learning.
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
from qlearn.rules.targets import one_step, q_learning


@description
class NaiveQLambda:
    """Naive Q(λ) on a table: Q-learning with traces that exploration never cuts.

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

    >>> NaiveQLambda(trace_decay=0.8).label
    'naive Q(0.8)'
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
        return f"naive Q({self.trace_decay:g})"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""

        def errors(seen: Seen) -> Errors:
            weights = q_learning(seen.next_row, seen.next_row, seen.next_action, seen.next_mask)
            return Errors(one_step(seen.step, weights, seen.next_row, self.discount) - seen.value)

        return lambda_learner(self, Method(errors, self.traces), spec)
