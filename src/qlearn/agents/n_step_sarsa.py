r"""n-step Sarsa.

.. math:: G = \sum_{i=1}^{m} \gamma^{i-1} R_{t+i} + \gamma^{m} Q(S_{t+m}, A_{t+m}), \qquad
          Q(S_t, A_t) \leftarrow Q(S_t, A_t) + \alpha [G - Q(S_t, A_t)]

with m = n, or fewer steps at the end of an episode; after termination the last term is 0.

Source: Sutton and Barto, 2nd edition, section 7.2.  Difference: where an episode is truncated, the last term stays,
with an action drawn for the last state.  n = 1 is Sarsa.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import count, read, read_row, settled_write, visits_of
from qlearn.agents.tabular import check_tabular, first_counts, first_table, lane_of, rate_of
from qlearn.rules.description import description, whole
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.rows import add_up
from qlearn.rules.schedules import Schedule

Array = jax.Array


class NStepState(NamedTuple):
    """The table and the last steps that wait for their return, in a ring of n places."""

    q: Array  # (S, A) float32
    visits: Array | None  # (S, A) int32
    next_action: Array  # int32; −1 where none is kept
    states: Array  # (n,) int32
    actions: Array  # (n,) int32
    rewards: Array  # (n,) float32
    oldest: Array  # int32, the place of the oldest waiting step
    waiting: Array  # int32, how many wait


@description
class NStepSarsa:
    """n-step Sarsa on a table: on-policy, towards the return of n steps and the value after them.

    Args:
        n: steps of the return, at least 1.
        learning_rate: α > 0, a number or a schedule.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    Raises:
        InputError: where a number is out of range.

    >>> NStepSarsa(n=4).label
    '4-step Sarsa'
    """

    n: int = 4
    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    version = 1

    def __post_init__(self) -> None:
        whole(self, "n")
        check_tabular(self)

    @property
    def label(self) -> str:
        """With its n."""
        return f"{self.n}-step Sarsa"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        n, explore, rate = self.n, self.exploration, rate_of(self)

        def init(noise: Any) -> NStepState:
            q = first_table(self, spec)
            ring = jnp.zeros(n, jnp.int32)
            zero = jnp.int32(0)
            visits = first_counts(self, spec)
            return NStepState(q, visits, jnp.int32(-1), ring, ring, jnp.zeros(n, jnp.float32), zero, zero)

        def choose(state: NStepState, observation: Array, noise: Any, clock: Clock) -> Array:
            seen = visits_of(state.visits, observation)
            return explore.sample(read_row(state.q, observation), spec.mask(observation), noise, clock, seen)

        def act(state: NStepState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, NStepState]:
            fresh = choose(state, observation, noise, clock)
            return jnp.where(state.next_action >= 0, state.next_action, fresh), state

        def settle_oldest(state: NStepState, bootstrap: Array, clock: Clock, when: Array) -> NStepState:
            """Update the oldest waiting step where ``when`` holds, and let it go."""
            place = (state.oldest + jnp.arange(n, dtype=jnp.int32)) % n
            reward = state.rewards[place]
            power = jnp.asarray(self.discount, jnp.float32) ** jnp.arange(n + 1, dtype=jnp.float32)
            within = jnp.arange(n, dtype=jnp.int32) < state.waiting
            target = add_up(jnp.where(within, power[:n] * reward, 0.0)) + power[state.waiting] * bootstrap
            s, a = state.states[state.oldest], state.actions[state.oldest]
            alpha = rate.value(clock, None if state.visits is None else read(state.visits, s, a))
            old = read(state.q, s, a)
            q = settled_write(state.q, s, a, jnp.where(when, old + alpha * (target - old), old))
            gone = when.astype(jnp.int32)
            return state._replace(q=q, oldest=(state.oldest + gone) % n, waiting=state.waiting - gone)

        def update(state: NStepState, trajectory: Transition, noise: Any, clock: Clock) -> NStepState:
            t = last(trajectory)
            later = clock.ahead()
            state = state._replace(visits=count(state.visits, t.observation, t.action))
            next_action = choose(state, t.next_observation, noise.behaviour.ahead(), later)
            after = read(state.q, t.next_observation, next_action)
            place = (state.oldest + state.waiting) % n
            state = state._replace(
                states=state.states.at[place].set(t.observation),
                actions=state.actions.at[place].set(t.action),
                rewards=state.rewards.at[place].set(t.reward),
                waiting=state.waiting + 1,
            )
            bootstrap = jnp.where(t.terminated, 0.0, after)
            state = settle_oldest(state, bootstrap, clock, (state.waiting == n) | t.ended)
            state = jax.lax.while_loop(  # over a lane this runs only where an episode has just ended
                lambda s: t.ended & (s.waiting > 0),
                lambda s: settle_oldest(s, bootstrap, clock, jnp.bool_(True)),
                state,
            )
            return state._replace(next_action=jnp.where(t.ended, jnp.int32(-1), next_action))

        return Learner(init, act, update, lambda state, observation: state.q[observation], lane=lane_of(spec))
