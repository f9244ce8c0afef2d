r"""n-step returns on linear values, and returns of whole episodes.

.. math:: G = \sum_{i=1}^{m} \gamma^{i-1} R_{t+i} + \gamma^{m} \sum_b \pi(b)\, q(S_{t+m}, b), \qquad
          w_{A_t} \leftarrow w_{A_t} + \alpha\, [G - q(S_t, A_t)]\, \rho \circ x(S_t)

with m = n, or fewer steps at the end of an episode; after termination the last term is 0, after truncation it stays.
Steps are updated in the order in which they were made.  Without an n a step waits for the end of its episode: gradient
Monte Carlo.

Source: R. S. Sutton and A. G. Barto, *Reinforcement learning*, 2nd edition, sections 9.3, 9.4 and 10.2.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.features import Basis
from qlearn.agents.linear import Moment
from qlearn.agents.linear_weights import added, step_of, value_of
from qlearn.agents.together import most
from qlearn.rules.n_step import n_step
from qlearn.rules.targets import expect, one_step
from qlearn.xla import settle

Array = jax.Array


class Waiting(NamedTuple):
    """The last steps that wait for their return, in a ring of n places."""

    observations: Array  # (n, …)
    columns: Array  # (n,) int32
    rewards: Array  # (n,) float32
    oldest: Array  # int32, the place of the oldest step
    num: Array  # int32, how many wait


class _Steps(NamedTuple):
    """Steps of which none ended an episode."""

    reward: Array
    terminated: Array
    truncated: Array


@dataclasses.dataclass(frozen=True)
class NSteps:
    """The way of n-step returns.

    Args:
        basis: the features.
        discount: γ.
        places: how many steps can wait: n, or the time limit.
        whole: whether all wait for the end of the episode.
        shape: of an observation.
        dtype: of an observation.
    """

    basis: Basis
    discount: Any
    places: int
    whole: bool
    shape: tuple[int, ...]
    dtype: str

    def first(self, weights: Array) -> Waiting:
        """Nobody waits."""
        n, zero = self.places, jnp.int32(0)
        seen = jnp.zeros((n, *self.shape), self.dtype)
        return Waiting(seen, jnp.zeros(n, jnp.int32), jnp.zeros(n, jnp.float32), zero, zero)

    def learn(self, weights: Array, memory: Waiting, moment: Moment) -> tuple[Array, Waiting]:
        """Let the step wait, and update those whose return is complete."""
        t, n = moment.transition, self.places
        place = (memory.oldest + memory.num) % n
        waiting = memory._replace(
            observations=memory.observations.at[place].set(t.observation),
            columns=memory.columns.at[place].set(moment.column),
            rewards=memory.rewards.at[place].set(t.reward),
            num=memory.num + 1,
        )
        if not self.whole:
            full = (waiting.num == n) & ~t.ended
            weights = self._settle(weights, waiting, full, self._return_of_oldest(waiting, moment), moment.rate)
            waiting = _gone(waiting, full.astype(jnp.int32), n)
        return self._end(weights, waiting, moment)

    def _return_of_oldest(self, waiting: Waiting, moment: Moment) -> Array:
        """The n-step target of the step that has waited longest; of interest where all places are taken."""
        n = self.places
        order = (waiting.oldest + jnp.arange(n, dtype=jnp.int32)) % n
        never = jnp.zeros(n, bool)
        outcome = n_step(_Steps(waiting.rewards[order], never, never), self.discount)
        return settle(one_step(outcome, moment.policy, moment.following, outcome.discount), waiting.oldest)

    def _end(self, weights: Array, waiting: Waiting, moment: Moment) -> tuple[Array, Waiting]:
        """Where the episode has ended, all that wait are updated: their returns from the last, then from the first."""
        n, ended, t = self.places, moment.transition.ended, moment.transition
        left = jnp.where(ended, waiting.num, 0)
        rounds = most(left)
        after = jnp.where(t.terminated, 0.0, expect(moment.policy, moment.following))
        goes_on = t._replace(terminated=jnp.bool_(False))

        def earlier(i: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
            returns, following = carry
            mine = i < left
            place = (waiting.oldest + jnp.maximum(left - 1 - i, 0)) % n
            one = goes_on._replace(reward=returns[place])
            total = one_step(one, jnp.ones(1, jnp.float32), following[None], self.discount)
            total = jnp.where(mine, total, following)
            return returns.at[place].set(jnp.where(mine, total, returns[place])), total

        # Returns take the rewards' place, so that nothing of the ring is copied: it is empty afterwards.
        returns, _ = jax.lax.fori_loop(0, rounds, earlier, (waiting.rewards, after))
        waiting = waiting._replace(rewards=returns)

        def later(i: Array, weights: Array) -> Array:
            mine = waiting._replace(oldest=(waiting.oldest + i) % n)
            return self._settle(weights, mine, i < left, mine.rewards[mine.oldest], moment.rate)

        weights = jax.lax.fori_loop(0, rounds, later, weights)
        return weights, _gone(waiting, left, n)

    def _settle(self, weights: Array, waiting: Waiting, when: Array, target: Array, rate: Array) -> Array:
        """Move the weights of the oldest step towards its return, where ``when`` holds."""
        x = jax.tree.map(lambda y: settle(y, waiting.oldest), self.basis.encode(waiting.observations[waiting.oldest]))
        column = waiting.columns[waiting.oldest]
        error = target - value_of(weights, x, column)
        amount = settle(jnp.where(when, rate * error, 0.0), waiting.oldest)
        return added(weights, x, column, amount * step_of(self.basis, x))


def _gone(waiting: Waiting, count: Array, n: int) -> Waiting:
    return waiting._replace(oldest=(waiting.oldest + count) % n, num=waiting.num - count)
