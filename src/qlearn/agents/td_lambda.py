r"""TD(λ) prediction.

.. math:: \delta = R + \gamma V(S') - V(S), \qquad V \leftarrow V + \alpha\, \delta\, e

with the traces e of ``qlearn.agents.traces``, which decay by γλ a step and end with the episode.

Source: R. S. Sutton, *Learning to predict by the methods of temporal differences*, Machine Learning 3, 1988; Sutton and
Barto, 2nd edition, section 12.2.  λ = 0 is TD(0).
"""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp

from qlearn.agents.given_policy import check_fits, check_prediction, of_states, predicting
from qlearn.agents.lambda_methods import Errors, Method, Seen, lambda_learner
from qlearn.agents.learner import Learner, Spec
from qlearn.agents.traces import check_traces
from qlearn.rules.description import description
from qlearn.rules.exploration import Greedy
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import one_step


@description
class TDLambda:
    """TD(λ): the values of a given policy, with eligibility traces.

    It acts by the policy, learns V and gives it as the value of every action; ``runs.state_values`` reads it.

    Args:
        trace_decay: λ in [0, 1].
        traces: how a visit marks its state: ``"accumulating"``, ``"replacing"`` or ``"dutch"``.
        trace_steps: how many of the last steps have a trace; 0 for all, at the cost of a pass over the values a step.
        policy: the policy that is judged, (S, A) probabilities; None for all legal actions equally likely.
        learning_rate: α > 0, a number or a schedule; one that counts visits takes those of this step's state.
        discount: γ in [0, 1].
        initial_value: what every value starts with.

    Raises:
        InputError: where a number is out of range, a word unknown, or the policy none.

    >>> TDLambda(trace_decay=0.8).label
    'TD(0.8)'
    """

    trace_decay: float = 0.9
    traces: Literal["accumulating", "replacing", "dutch"] = "accumulating"
    trace_steps: int = 0
    policy: tuple[tuple[float, ...], ...] | None = None
    learning_rate: float | Schedule = 0.1
    discount: float = 1.0
    initial_value: float = 0.0

    version = 1
    predicts = True
    exploration = Greedy()  # of no meaning: it acts by the policy

    def __post_init__(self) -> None:
        check_traces(self)
        check_prediction(self)

    @property
    def label(self) -> str:
        """With its λ."""
        return f"TD({self.trace_decay:g})"

    def check(self, spec: Spec) -> None:
        """Raises InputError where the policy does not fit the environment."""
        check_fits(self, spec)

    def learner(self, spec: Spec) -> Learner:
        """The functions for values of ``spec.num_states`` states."""

        def errors(seen: Seen) -> Errors:
            certain = jnp.ones(1, jnp.float32)
            return Errors(one_step(seen.step, certain, seen.next_row, self.discount) - seen.value)

        return predicting(self, lambda_learner(self, Method(errors, self.traces), of_states(spec)), spec)
