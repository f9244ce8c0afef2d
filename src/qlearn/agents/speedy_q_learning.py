r"""Speedy Q-learning: of two successive estimates, the slow part is averaged and the fast part taken whole.

In rounds k = 0, 1, …, with α = 1 / (k + 1) and a backup T that is the mean over the samples of (s, a) in this round,

.. math:: Q_{k+1}(s, a) = Q_k(s, a) + \alpha \left[ T Q_{k-1}(s, a) - Q_k(s, a) \right]
          + (1 - \alpha) \left[ T Q_k(s, a) - T Q_{k-1}(s, a) \right], \qquad T Q = r + \gamma \max_b Q(s', b)

A round ends when every pair of state and action has been tried in it.  Next actions are judged by the estimates of the
rounds before, and chosen by the newest.

Source: M. G. Azar, R. Munos, M. Ghavamzadeh and H. J. Kappen, *Speedy Q-learning*, NIPS 2011, with its asynchronous
form.  Difference: a round waits for all legal actions of the states seen so far, since an agent does not know which
others there are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import read, read_row, settled_write, visits_of, write
from qlearn.agents.tabular import first_counts, first_table, lane_of
from qlearn.rules.description import description, number
from qlearn.rules.exploration import EpsilonGreedy, Exploration, as_exploration
from qlearn.rules.targets import one_step, q_learning
from qlearn.xla import settle

Array = jax.Array


class SpeedyState(NamedTuple):
    """Three successive estimates of every cell, (S, A) each; a cell moves on when it is first tried in a round."""

    q: Array  # float32: the newest
    one_before: Array  # float32
    two_before: Array  # float32
    round_of: Array  # int32: in which round it was tried last
    samples: Array  # int32: in that round
    backup: Array  # float32: mean backup of the estimate Q_k over them
    backup_before: Array  # float32: the same of Q_{k−1}
    known: Array  # (S, 1) int32: 1 where a state has been seen
    visits: Array | None  # int32, where the exploration asks for them
    round: Array  # int32: k
    pairs: Array  # int32: legal pairs of the states seen so far
    left: Array  # int32: those not tried in this round


@description
class SpeedyQLearning:
    """Speedy Q-learning on a table: averages like 1/n, and is not held up by it where the discount is near 1.

    Args:
        discount: γ in [0, 1].
        exploration: the behaviour policy; a round takes until it has tried everything.
        initial_value: what every cell starts with, in units of value.

    ``runs.extras["rounds"]`` counts rounds.

    Raises:
        InputError: where a number is out of range.

    >>> SpeedyQLearning(discount=0.99).label
    'Speedy Q-learning'
    """

    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.5)
    initial_value: float = 0.0

    label = "Speedy Q-learning"
    version = 1

    def __post_init__(self) -> None:
        as_exploration(self)
        number(self, "discount", 0.0, 1.0)
        number(self, "initial_value", float("-inf"))

    def learner(self, spec: Spec) -> Learner:
        """The functions for tables of ``spec.num_states`` × ``spec.num_actions``."""
        explore = self.exploration

        def init(noise: Any) -> SpeedyState:
            q, zero = first_table(self, spec), jnp.int32(0)
            counts, known = jnp.zeros(q.shape, jnp.int32), jnp.zeros((spec.num_states, 1), jnp.int32)
            zeros = jnp.zeros_like(q)
            visits = first_counts(self, spec)
            return SpeedyState(q, q, q, counts - 1, counts, zeros, zeros, known, visits, zero, zero, zero)

        def act(state: SpeedyState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, SpeedyState]:
            row, seen = read_row(state.q, observation), visits_of(state.visits, observation)
            return explore.sample(row, spec.mask(observation), noise, clock, seen), state

        def estimates(state: SpeedyState, s: Array) -> tuple[Array, Array]:
            """The rows of Q_k and Q_{k−1}: those tried in this round hold Q_{k+1} already."""
            moved = read_row(state.round_of, s) == state.round
            newest, middle = read_row(state.q, s), read_row(state.one_before, s)
            return jnp.where(moved, middle, newest), jnp.where(moved, read_row(state.two_before, s), middle)

        def update(state: SpeedyState, trajectory: Transition, noise: Any, clock: Clock) -> SpeedyState:
            t = last(trajectory)
            s, a, zero = t.observation, t.action, jnp.int32(0)
            mask = spec.mask(t.next_observation)

            def sample(row: Array) -> Array:
                return one_step(t, q_learning(row, row, jnp.int32(-1), mask), row, self.discount)

            rows = estimates(state, t.next_observation)
            fresh = settle((read(state.round_of, s, a) != state.round).astype(jnp.int32), s) == 1
            n = jnp.where(fresh, 0, read(state.samples, s, a)) + 1
            weight = 1.0 / n.astype(jnp.float32)
            means = [
                jnp.where(fresh, sample(row), old + weight * (sample(row) - old))
                for row, old in zip(rows, (read(state.backup, s, a), read(state.backup_before, s, a)), strict=True)
            ]
            newest, middle = read(state.q, s, a), read(state.one_before, s, a)
            base = jnp.where(fresh, newest, middle)  # Q_k of this cell
            alpha = 1.0 / (state.round + 1).astype(jnp.float32)
            value = base + alpha * (means[1] - base) + (1.0 - alpha) * (means[0] - means[1])
            legal = spec.mask(s)
            width = jnp.int32(spec.num_actions) if legal is None else jnp.sum(legal.astype(jnp.int32))
            new = jnp.where(read(state.known, s, zero) == 0, width, 0)
            left = state.left + new - fresh.astype(jnp.int32)
            pairs, over = state.pairs + new, left == 0
            return SpeedyState(
                q=settled_write(state.q, s, a, value),
                one_before=settled_write(state.one_before, s, a, base),
                two_before=settled_write(
                    state.two_before, s, a, jnp.where(fresh, middle, read(state.two_before, s, a))
                ),
                round_of=write(state.round_of, s, a, state.round),
                samples=write(state.samples, s, a, n),
                backup=settled_write(state.backup, s, a, means[0]),
                backup_before=settled_write(state.backup_before, s, a, means[1]),
                known=write(state.known, s, zero, jnp.int32(1)),
                visits=None if state.visits is None else write(state.visits, s, a, read(state.visits, s, a) + 1),
                round=state.round + over.astype(jnp.int32),
                pairs=pairs,
                left=jnp.where(over, pairs, left),
            )

        return Learner(
            init,
            act,
            update,
            lambda state, observation: state.q[observation],
            lane=lane_of(spec),
            extras=lambda state: {"rounds": state.round},
        )
