r"""Monte Carlo control, on-policy.

.. math:: Q(S_t, A_t) \leftarrow Q(S_t, A_t) + \alpha [G_t - Q(S_t, A_t)], \qquad G_t = R_{t+1} + \gamma G_{t+1}

for every visit of a state and action in the episode, or the first one only; with α = 1/n, Q is the mean of all
returns.

Source: Sutton and Barto, 2nd edition, section 5.4.  Difference: where an episode is truncated, the return goes on with
the behaviour policy's value of the last state, so that a clock is not taken for an end.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition
from qlearn.agents.table import count, read, read_row, visits_of, write
from qlearn.agents.tabular import check_tabular, first_table, lane_of, rate_of
from qlearn.rules.description import choice, description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule, per_visit
from qlearn.rules.targets import expect

Array = jax.Array


class MonteCarloState(NamedTuple):
    """The table (S, A) float32 and how many returns each cell has seen, int32."""

    q: Array
    returns: Array


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

        def init(noise: Any) -> MonteCarloState:
            q = first_table(self, spec)
            return MonteCarloState(q, jnp.zeros(q.shape, jnp.int32))

        def act(state: MonteCarloState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, MonteCarloState]:
            row, seen = read_row(state.q, observation), visits_of(state.returns, observation)
            return explore.sample(row, spec.mask(observation), noise, clock, seen), state

        def update(state: MonteCarloState, trajectory: Transition, noise: Any, clock: Clock) -> MonteCarloState:
            t = trajectory
            length = t.reward.shape[0]
            steps = jnp.arange(length, dtype=jnp.int32)
            last = jnp.maximum(jnp.sum(t.valid.astype(jnp.int32)) - 1, 0)
            end = t.next_observation[last]
            row, mask = read_row(state.q, end), spec.mask(end)
            beyond = expect(explore.probabilities(row, mask, clock.ahead(), visits_of(state.returns, end)), row)
            beyond = jnp.where(t.terminated[last], 0.0, beyond)
            returns = discounted(t.reward, t.valid, beyond, self.discount)
            counts = t.valid
            if self.visits == "first":
                seen = jnp.where(t.valid, steps, length)
                first = jnp.full(state.q.shape, length, jnp.int32).at[t.observation, t.action].min(seen)
                counts = counts & (first[t.observation, t.action] == steps)

            def learn(i: Array, state: MonteCarloState) -> MonteCarloState:
                s, a = t.observation[i], t.action[i]
                told = count(state.returns, s, a)
                assert told is not None
                old = read(state.q, s, a)
                new = old + rate.value(clock, read(told, s, a)) * (returns[i] - old)
                q = write(state.q, s, a, jnp.where(counts[i], new, old))
                return MonteCarloState(q, jnp.where(counts[i], told, state.returns))

            return jax.lax.fori_loop(0, length, learn, state)

        return Learner(
            init, act, update, lambda state, observation: state.q[observation], period="episode", lane=lane_of(spec)
        )


def discounted(rewards: Array, valid: Array, beyond: Array, discount: float | Array) -> Array:
    """The return from every step on, (T,); ``beyond`` is the value after the last valid one."""

    def back(after: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
        reward, counts = step
        here = jnp.where(counts, reward + discount * after, after)
        return here, here

    return jax.lax.scan(back, jnp.asarray(beyond, jnp.float32), (rewards, valid), reverse=True)[1]
