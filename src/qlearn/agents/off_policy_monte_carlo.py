r"""Off-policy Monte Carlo control with weighted importance sampling.

From the last step of an episode back to the first, starting with G = 0 and W = 1:

.. math:: G \leftarrow R_{t+1} + \gamma G, \quad C(S_t, A_t) \leftarrow C(S_t, A_t) + W, \quad
          Q(S_t, A_t) \leftarrow Q(S_t, A_t) + \frac{W}{C(S_t, A_t)} [G - Q(S_t, A_t)], \quad
          W \leftarrow W \frac{\pi(A_t \mid S_t)}{b(A_t \mid S_t)}

π is greedy for Q as it is being learnt, b what acted.  Once an action is not greedy W is 0, and nothing before it
learns: an episode teaches only as far back as its end was greedy.

Source: Sutton and Barto, 2nd edition, section 5.7.  Differences: the greedy target gives equal weight to equal actions
where the exploration does, where the book names one of them; where an episode is truncated, G starts with the greedy
value of the last state.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition
from qlearn.agents.monte_carlo_methods import length_of
from qlearn.agents.table import add, entry, read, read_row, settled_write, visits_of
from qlearn.agents.tabular import first_table, lane_of
from qlearn.agents.together import most, repeat
from qlearn.rules.description import description, number
from qlearn.rules.exploration import EpsilonGreedy, Exploration, as_exploration
from qlearn.rules.targets import expect
from qlearn.xla import settle

Array = jax.Array


class OffPolicyState(NamedTuple):
    """The table, the sums of weights C, and the visits where the exploration asks for them."""

    q: Array  # (S, A) float32
    weights: Array  # (S, A) float32
    visits: Array | None  # (S, A) int32


@description
class OffPolicyMonteCarlo:
    """Off-policy Monte Carlo control on a table: the greedy policy's values from another policy's episodes.

    Args:
        discount: γ in [0, 1].
        exploration: the behaviour policy, which should try every action: ε-greedy around what is learnt, or
            ``EpsilonGreedy(1.0)`` for an even one.
        initial_value: what every cell starts with, in units of value.

    The environment needs a time limit, which sizes the memory of an episode.

    Raises:
        InputError: where a number is out of range.

    >>> OffPolicyMonteCarlo().label
    'off-policy Monte Carlo'
    """

    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    label = "off-policy Monte Carlo"
    version = 1
    exempt = {  # noqa: RUF012 (a class attribute, which no field is)
        "convergence": "it does, but the weights of evenly random episodes vary so much that no useful bound is derived"
    }

    def __post_init__(self) -> None:
        as_exploration(self)
        number(self, "discount", 0.0, 1.0)
        number(self, "initial_value", float("-inf"))

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        explore = self.exploration

        def init(noise: Any) -> OffPolicyState:
            q = first_table(self, spec)
            visits = jnp.zeros(q.shape, jnp.int32) if explore.counts_visits else None
            return OffPolicyState(q, jnp.zeros(q.shape, jnp.float32), visits)

        def act(state: OffPolicyState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, OffPolicyState]:
            row, seen = read_row(state.q, observation), visits_of(state.visits, observation)
            return explore.sample(row, spec.mask(observation), noise, clock, seen), state

        def update(state: OffPolicyState, trajectory: Transition, noise: Any, clock: Clock) -> OffPolicyState:
            t, length = trajectory, length_of(trajectory)
            rounds, final = most(length), jnp.maximum(length - 1, 0)
            end = t.next_observation[final]
            row = read_row(state.q, end)
            beyond = jnp.where(t.terminated[final], 0.0, expect(explore.greedy(row, spec.mask(end)), row))

            def back(j: Array, carry: Any, fixed: Any) -> Any:
                now, after, weight = carry
                (observation, action, reward), before, length, clock = fixed
                i = rounds - 1 - j
                s, a, live = observation[i], action[i], i < length
                mask, seen = spec.mask(s), visits_of(before.visits, s)
                after = jnp.where(live, reward[i] + self.discount * after, after)
                gained = jnp.where(live, weight, 0.0)
                total = settle(read(now.weights, s, a) + gained, s)
                share = jnp.where(total > 0, gained / jnp.maximum(total, jnp.float32(1e-37)), 0.0)
                row = read_row(now.q, s)
                old = entry(row, a)
                new = settle(old + share * (after - old), s)
                row = jnp.where(jnp.arange(row.shape[0]) == a, new, row)
                acted = explore.probabilities(read_row(before.q, s), mask, clock, seen)
                ratio = entry(explore.greedy(row, mask), a) / jnp.maximum(entry(acted, a), jnp.float32(1e-30))
                weight = settle(jnp.where(live, weight * ratio, weight), s)
                visits = None if now.visits is None else add(now.visits, s, a, live.astype(jnp.int32))
                weights = settled_write(now.weights, s, a, total)
                return OffPolicyState(settled_write(now.q, s, a, new), weights, visits), after, weight

            path = (t.observation, t.action, t.reward)
            begin = (state, beyond, jnp.float32(1.0))
            learnt: tuple[OffPolicyState, Array, Array] = repeat(rounds, back, begin, (path, state, length, clock))
            return learnt[0]

        return Learner(
            init, act, update, lambda state, observation: state.q[observation], period="episode", lane=lane_of(spec)
        )
