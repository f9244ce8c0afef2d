r"""Monte Carlo control, on-policy.

.. math:: Q(S_t, A_t) \leftarrow Q(S_t, A_t) + \alpha [G_t - Q(S_t, A_t)], \qquad G_t = R_{t+1} + \gamma G_{t+1}

for every visit of a state and action in the episode, or the first one only; with α = 1/n, Q is the mean of all
returns.

Source: Sutton and Barto, 2nd edition, section 5.4.  Difference: where an episode is truncated, the return goes on with
the behaviour policy's value of the last state, so that a clock is not taken for an end.
"""

from __future__ import annotations

from typing import Any, Literal

import jax

from qlearn.agents.learner import Clock, Learner, Spec, Transition
from qlearn.agents.monte_carlo_methods import Learnt, learn, nothing_learnt, returns_of
from qlearn.agents.table import read_row, visits_of
from qlearn.agents.tabular import check_tabular, first_table, lane_of, rate_of
from qlearn.rules.description import choice, description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule, per_visit
from qlearn.rules.targets import expect

Array = jax.Array


@description
class MonteCarloControl:
    """Monte Carlo control on a table: learns from whole episodes, on-policy.

    Args:
        visits: ``"first"`` or ``"every"`` visit of an episode counts.
        learning_rate: α > 0, a number or a schedule; the default averages all returns.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    The environment needs a time limit, which sizes the memory of an episode.

    Raises:
        InputError: where a number is out of range.

    >>> MonteCarloControl().label
    'Monte Carlo control'
    """

    visits: Literal["first", "every"] = "first"
    learning_rate: float | Schedule = per_visit()
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    label = "Monte Carlo control"
    version = 1

    def __post_init__(self) -> None:
        choice(self, "visits", ("first", "every"))
        check_tabular(self)

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        explore, rate = self.exploration, rate_of(self)

        def init(noise: Any) -> Learnt:
            return nothing_learnt(first_table(self, spec), self.visits)

        def act(state: Learnt, observation: Array, noise: Any, clock: Clock) -> tuple[Array, Learnt]:
            row, seen = read_row(state.q, observation), visits_of(state.returns, observation)
            return explore.sample(row, spec.mask(observation), noise, clock, seen), state

        def update(state: Learnt, trajectory: Transition, noise: Any, clock: Clock) -> Learnt:
            def beyond(end: Array) -> Array:
                row, mask = read_row(state.q, end), spec.mask(end)
                return expect(explore.probabilities(row, mask, clock.ahead(), visits_of(state.returns, end)), row)

            return learn(state, trajectory, returns_of(trajectory, beyond, self.discount), rate, clock)

        return Learner(
            init, act, update, lambda state, observation: state.q[observation], period="episode", lane=lane_of(spec)
        )
