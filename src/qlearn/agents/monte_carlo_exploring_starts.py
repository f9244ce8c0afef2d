r"""Monte Carlo control with exploring starts.

.. math:: Q(S_t, A_t) \leftarrow Q(S_t, A_t) + \alpha [G_t - Q(S_t, A_t)], \qquad G_t = R_{t+1} + \gamma G_{t+1}

The first action of an episode is drawn from all legal ones, each equally likely; then the greedy policy is followed.
Where every state can be a start, every cell is tried for ever, and nothing else need explore.

Source: Sutton and Barto, 2nd edition, section 5.3.  Differences: the start states are the environment's, so that it is
they that must reach everywhere; equal best actions are equally likely; where an episode is truncated, as by a policy
that never ends, the return goes on with the greedy value of the last state.
"""

from __future__ import annotations

from typing import Any, Literal

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition
from qlearn.agents.monte_carlo_methods import Learnt, learn, nothing_learnt, returns_of
from qlearn.agents.table import read_row, visits_of
from qlearn.agents.tabular import check_tabular, first_table, lane_of, rate_of
from qlearn.rules.description import choice, description
from qlearn.rules.exploration import Exploration, Greedy
from qlearn.rules.rows import pick
from qlearn.rules.schedules import Schedule, per_visit
from qlearn.rules.targets import expect

Array = jax.Array


@description
class MonteCarloExploringStarts:
    """Monte Carlo control with exploring starts on a table: a random first action, then the greedy policy.

    Args:
        visits: ``"first"`` or ``"every"`` visit of an episode counts.
        learning_rate: α > 0, a number or a schedule; the default averages all returns.
        discount: γ in [0, 1].
        exploration: what is followed after the first action.
        initial_value: what every cell starts with, in units of value.

    The environment needs a time limit, which sizes the memory of an episode, and starts that reach everywhere: for a
    FiniteMDP ``dataclasses.replace(mdp, initial=…)``.

    Raises:
        InputError: where a number is out of range or a word unknown.

    >>> MonteCarloExploringStarts().label
    'Monte Carlo with exploring starts'
    """

    visits: Literal["first", "every"] = "first"
    learning_rate: float | Schedule = per_visit()
    discount: float = 0.95
    exploration: Exploration = Greedy()
    initial_value: float = 0.0

    label = "Monte Carlo with exploring starts"
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
            row, mask = read_row(state.q, observation), spec.mask(observation)
            legal = jnp.ones(spec.num_actions, bool) if mask is None else mask
            followed = explore.sample(row, mask, noise, clock, visits_of(state.returns, observation))
            return jnp.where(clock.step == 0, pick(legal, noise.uniform(0)), followed), state

        def update(state: Learnt, trajectory: Transition, noise: Any, clock: Clock) -> Learnt:
            def beyond(end: Array) -> Array:
                row, mask = read_row(state.q, end), spec.mask(end)
                return expect(explore.probabilities(row, mask, clock.ahead(), visits_of(state.returns, end)), row)

            return learn(state, trajectory, returns_of(trajectory, beyond, self.discount), rate, clock)

        return Learner(
            init, act, update, lambda state, observation: state.q[observation], period="episode", lane=lane_of(spec)
        )
