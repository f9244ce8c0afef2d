r"""True online TD(λ) prediction.

.. math:: \delta = R + \gamma V(S') - V(S), \qquad
          V \leftarrow V + \alpha \left(\delta + V(S) - V_{old}\right) e, \qquad
          V(S) \leftarrow V(S) - \alpha \left(V(S) - V_{old}\right)

with dutch traces e, :math:`V_{old}` being the value of S before the last update.  At every step its values are those of
the online λ-return algorithm, exactly.

Source: H. van Seijen and R. S. Sutton, *True online TD(λ)*, ICML 2014; Sutton and Barto, 2nd edition, section 12.5.
Difference: with a step size that changes, each step uses its own.  λ = 0 is TD(0).
"""

from __future__ import annotations

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
class TrueOnlineTDLambda:
    """True online TD(λ): the values of a given policy by the online λ-return algorithm, exactly.

    It acts by the policy, learns V and gives it as the value of every action; ``runs.state_values`` reads it.

    Args:
        trace_decay: λ in [0, 1].
        trace_steps: how many of the last steps have a trace; 0 for all, at the cost of a pass over the values a step.
        policy: the policy that is judged, (S, A) probabilities; None for all legal actions equally likely.
        learning_rate: α > 0, a number or a schedule; one that counts visits takes those of this step's state.
        discount: γ in [0, 1].
        initial_value: what every value starts with.

    Raises:
        InputError: where a number is out of range, a word unknown, or the policy none.

    >>> TrueOnlineTDLambda(trace_decay=0.8).label
    'true online TD(0.8)'
    """

    trace_decay: float = 0.9
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
        return f"true online TD({self.trace_decay:g})"

    def check(self, spec: Spec) -> None:
        """Raises InputError where the policy does not fit the environment."""
        check_fits(self, spec)

    def learner(self, spec: Spec) -> Learner:
        """The functions for values of ``spec.num_states`` states."""

        def errors(seen: Seen) -> Errors:
            certain = jnp.ones(1, jnp.float32)
            assert seen.old is not None
            drift = seen.value - seen.old
            return Errors(one_step(seen.step, certain, seen.next_row, self.discount) - seen.value + drift, -drift)

        method = Method(errors, "dutch", remembers=True)
        return predicting(self, lambda_learner(self, method, of_states(spec)), spec)
