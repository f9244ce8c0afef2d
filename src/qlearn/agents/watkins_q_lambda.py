r"""Watkins's Q(λ): traces are cut after exploratory actions.

.. math:: \delta = R + \gamma \max_b Q(S', b) - Q(S, A), \qquad Q \leftarrow Q + \alpha\, \delta\, e

with the traces e of ``qlearn.agents.traces``, which decay by γλ where A is greedy and are cut to 0 before A where it is
not: what follows an exploratory action tells nothing about the greedy policy before it.

Source: C. J. C. H. Watkins, *Learning from delayed rewards*, Cambridge 1989; Sutton and Barto, 2nd edition, section
12.10.  Differences: the next action is chosen after the update, as in Q-learning, so that λ = 0 is Q-learning; whether
an action is greedy is asked of the values with which it was chosen, and each of equal best actions is.
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
class WatkinsQLambda:
    """Watkins's Q(λ) on a table: off-policy, traces cut after exploratory actions.

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

    >>> WatkinsQLambda(trace_decay=0.8).label
    "Watkins's Q(0.8)"
    """

    trace_decay: float = 0.9
    traces: Literal["accumulating", "replacing", "dutch"] = "accumulating"
    trace_steps: int = 0
    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    cuts_traces = True
    version = 1

    def __post_init__(self) -> None:
        check_traces(self)
        check_tabular(self)

    @property
    def label(self) -> str:
        """With its λ."""
        return f"Watkins's Q({self.trace_decay:g})"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""

        def errors(seen: Seen) -> Errors:
            weights = q_learning(seen.next_row, seen.next_row, seen.next_action, seen.next_mask)
            target = one_step(seen.step, weights, seen.next_row, self.discount)
            greedy = seen.value >= highest(legal_row(seen.row, seen.mask))
            return Errors(target - seen.value, keep=greedy)

        return lambda_learner(self, Method(errors, self.traces), spec)
