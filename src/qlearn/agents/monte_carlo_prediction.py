r"""Monte Carlo prediction, on-policy or off-policy.

.. math:: V(S_t) \leftarrow V(S_t) + \alpha [G_t - V(S_t)]

With α = 1/n, V is the mean of the returns that followed a state.  Where another policy b acted than the policy π that
is judged, returns are weighted by :math:`\rho_t = \prod_{k \ge t} \pi(A_k \mid S_k) / b(A_k \mid S_k)`:

.. math:: V(s) = \frac{\sum_t \rho_t G_t}{n} \;\text{(ordinary)} \qquad \text{or} \qquad
          V(s) = \frac{\sum_t \rho_t G_t}{\sum_t \rho_t} \;\text{(weighted)}

over the visits of s, the first one of an episode or every one.  The first has no bias and a variance that may be
infinite, the second a bias that goes away.

Source: Sutton and Barto, 2nd edition, sections 5.1, 5.5 and 5.6; S. P. Singh and R. S. Sutton, *Reinforcement learning
with replacing eligibility traces*, Machine Learning 22, 1996 (first and every visit).  Difference: where an episode is
truncated, the return goes on with the value of the last state.
"""

from __future__ import annotations

from typing import Any, Literal

import jax
import jax.numpy as jnp

from qlearn.agents.given_policy import (
    check_covers,
    check_fits,
    check_policy,
    check_prediction,
    probabilities,
    sample,
)
from qlearn.agents.learner import Clock, Learner, Spec, Transition
from qlearn.agents.monte_carlo_methods import Learnt, learn, nothing_learnt, returns_of
from qlearn.agents.table import read
from qlearn.agents.tabular import lane_of, rate_of
from qlearn.errors import InputError
from qlearn.rules.description import choice, description
from qlearn.rules.exploration import Greedy
from qlearn.rules.schedules import Schedule, per_visit

Array = jax.Array


@description
class MonteCarloPrediction:
    """Monte Carlo prediction: the values of a given policy as means of returns, its own or another policy's.

    It learns V and gives it as the value of every action; ``runs.state_values`` reads it.  The environment needs a time
    limit, which sizes the memory of an episode.

    Args:
        policy: the policy π that is judged, (S, A) probabilities; None for all legal actions equally likely.
        behaviour: the policy b that acts, (S, A) probabilities; None for π itself.
        importance: ``"ordinary"`` or ``"weighted"`` averages of returns; the same where π itself acts.
        visits: ``"first"`` or ``"every"`` visit of an episode counts.
        learning_rate: α > 0, a number or a schedule; the default averages all returns, as weighted averages must.
        discount: γ in [0, 1].
        initial_value: what every value starts with.

    Raises:
        InputError: where a number is out of range, a word unknown, or a policy none.

    >>> MonteCarloPrediction(visits="every").label
    'Monte Carlo prediction'
    """

    policy: tuple[tuple[float, ...], ...] | None = None
    behaviour: tuple[tuple[float, ...], ...] | None = None
    importance: Literal["ordinary", "weighted"] = "ordinary"
    visits: Literal["first", "every"] = "first"
    learning_rate: float | Schedule = per_visit()
    discount: float = 1.0
    initial_value: float = 0.0

    version = 1
    predicts = True
    exploration = Greedy()  # of no meaning: it acts by a policy

    def __post_init__(self) -> None:
        choice(self, "importance", ("ordinary", "weighted"))
        choice(self, "visits", ("first", "every"))
        check_prediction(self)
        check_policy(self, "behaviour")
        if self.importance == "weighted" and self.learning_rate != per_visit():
            raise InputError(
                f"MonteCarloPrediction: learning_rate={self.learning_rate} with importance='weighted' means nothing: "
                "such averages have weights of their own; expected it to be left out. Leave it out, or pass "
                "importance='ordinary'."
            )

    @property
    def label(self) -> str:
        """With its importance sampling."""
        return "Monte Carlo prediction" + (f", {self.importance} importance sampling" if self.behaviour else "")

    def check(self, spec: Spec) -> None:
        """Raises InputError where a policy does not fit, or the behaviour never does what the policy does."""
        check_fits(self, spec)
        check_fits(self, spec, "behaviour")
        if self.behaviour is not None:
            check_covers(self, spec)

    def learner(self, spec: Spec) -> Learner:
        """The functions for values of ``spec.num_states`` states."""
        rate, table = rate_of(self), probabilities(self.policy, spec)
        acting = table if self.behaviour is None else probabilities(self.behaviour, spec)
        ratios = None
        if self.behaviour is not None:
            ratios = jnp.where(acting > 0, table / jnp.where(acting > 0, acting, 1.0), 0.0)
        weighted = ratios is not None and self.importance == "weighted"

        def init(noise: Any) -> Learnt:
            values = jnp.full((spec.num_states, 1), self.initial_value, jnp.float32)
            return nothing_learnt(values, self.visits, weighted=weighted)

        def act(state: Learnt, observation: Array, noise: Any, clock: Clock) -> tuple[Array, Learnt]:
            return sample(acting, observation, noise), state

        def update(state: Learnt, trajectory: Transition, noise: Any, clock: Clock) -> Learnt:
            nothing = jnp.int32(0)
            found = returns_of(trajectory, lambda end: read(state.q, end, nothing), self.discount, ratios)
            whole = trajectory._replace(action=jnp.zeros_like(trajectory.action))
            return learn(state, whole, found, rate, clock)

        def q_values(state: Learnt, observation: Array) -> Array:
            return jnp.broadcast_to(state.q[observation], (spec.num_actions,))

        return Learner(init, act, update, q_values, period="episode", lane=lane_of(spec))
