r"""The off-line λ-return algorithm, for prediction.

.. math:: G^\lambda_t = R_{t+1} + \gamma \left[ \lambda\, G^\lambda_{t+1} + (1 - \lambda)\, V(S_{t+1}) \right],
          \qquad V(S_t) \leftarrow V(S_t) + \alpha [G^\lambda_t - V(S_t)]

Nothing changes during an episode; at its end, from the first step to the last, every state moves towards its λ-return,
which is made of the values from before all these updates.  λ = 1 is Monte Carlo prediction of every visit at a constant
step size, λ = 0 a batch of TD(0) updates.

Source: C. J. C. H. Watkins, *Learning from delayed rewards*, Cambridge 1989; Sutton and Barto, 2nd edition, section
12.1.  Difference: where an episode is truncated, the return goes on with the value of the last state.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from qlearn.agents.given_policy import check_fits, check_prediction, of_states, predicting
from qlearn.agents.learner import Clock, Learner, Spec, Transition
from qlearn.agents.monte_carlo_methods import Learnt, lambda_returns_of, learn, nothing_learnt
from qlearn.agents.tabular import first_table, lane_of, rate_of
from qlearn.rules.description import description, number
from qlearn.rules.exploration import Greedy
from qlearn.rules.schedules import Schedule

Array = jax.Array


@description
class OfflineLambdaReturn:
    """The off-line λ-return algorithm: the values of a given policy, learnt at the end of every episode.

    It acts by the policy, learns V and gives it as the value of every action; ``runs.state_values`` reads it.  The
    environment needs a time limit, which sizes the memory of an episode.

    Args:
        trace_decay: λ in [0, 1].
        policy: the policy that is judged, (S, A) probabilities; None for all legal actions equally likely.
        learning_rate: α > 0, a number or a schedule; one that counts visits takes those of the state.
        discount: γ in [0, 1].
        initial_value: what every value starts with.

    Raises:
        InputError: where a number is out of range, or the policy none.

    >>> OfflineLambdaReturn(trace_decay=0.8).label
    'off-line λ-return (0.8)'
    """

    trace_decay: float = 0.9
    policy: tuple[tuple[float, ...], ...] | None = None
    learning_rate: float | Schedule = 0.1
    discount: float = 1.0
    initial_value: float = 0.0

    version = 1
    predicts = True
    exploration = Greedy()  # of no meaning: it acts by the policy

    def __post_init__(self) -> None:
        number(self, "trace_decay", 0.0, 1.0)
        check_prediction(self)

    @property
    def label(self) -> str:
        """With its λ."""
        return f"off-line λ-return ({self.trace_decay:g})"

    def check(self, spec: Spec) -> None:
        """Raises InputError where the policy does not fit the environment."""
        check_fits(self, spec)

    def learner(self, spec: Spec) -> Learner:
        """The functions for values of ``spec.num_states`` states."""
        rate, states = rate_of(self), of_states(spec)

        def init(noise: Any) -> Learnt:
            return nothing_learnt(first_table(self, states), "every")

        def act(state: Learnt, observation: Array, noise: Any, clock: Clock) -> tuple[Array, Learnt]:
            return jnp.int32(0), state

        def update(state: Learnt, trajectory: Transition, noise: Any, clock: Clock) -> Learnt:
            found = lambda_returns_of(trajectory, state.q, self.discount, self.trace_decay)
            return learn(state, trajectory, found, rate, clock)

        def q_values(state: Learnt, observation: Array) -> Array:
            return state.q[observation]

        inner = Learner(init, act, update, q_values, period="episode", lane=lane_of(states))
        return predicting(self, inner, spec)
