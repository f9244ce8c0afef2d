"""What agents that keep a model of everything share: counts of what followed, mean and spread of what was paid."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Spec
from qlearn.errors import InputError

Array = jax.Array
_MOST_COUNTS = 2**28  # 1 GB of float32


class Counts(NamedTuple):
    """float32 counts are exact to 2²⁴."""

    arrivals: Array  # (S, A, S + 1): how often each state followed; the last place counts ends of episodes
    reward: Array  # (S, A): the mean of rewards
    squares: Array  # (S, A): the sum of their squared deviations from the mean
    earlier: Array  # (S, A): visits before the present plan was made

    @property
    def visits(self) -> Array:
        """(S, A), as often as something followed."""
        return jnp.sum(self.arrivals, axis=2)


def no_counts(agent: Any, spec: Spec) -> Counts:
    """Counts of 0.

    Raises:
        InputError: where they would take more than a gigabyte a seed.
    """
    shape = (spec.num_states, spec.num_actions)
    if spec.num_states**2 * spec.num_actions > _MOST_COUNTS:
        raise InputError(
            f"{type(agent).__name__} counts every (s, a, s'): {spec.num_states}² × {spec.num_actions} numbers a seed; "
            f"at most {_MOST_COUNTS:,} are expected. Use DynaQ or QLearning on a problem of this size."
        )
    zeros = jnp.zeros(shape, jnp.float32)
    return Counts(jnp.zeros((*shape, spec.num_states + 1), jnp.float32), zeros, zeros, zeros)


def counted(counts: Counts, observation: Array, action: Array, follows: Array, reward: Array) -> Counts:
    """One more outcome; ``follows`` is a state's number, or S for an end."""
    arrivals = counts.arrivals.at[observation, action, follows].add(1.0)
    before = counts.reward[observation, action]
    after = before + (reward - before) / jnp.sum(arrivals[observation, action])
    return counts._replace(
        arrivals=arrivals,
        reward=counts.reward.at[observation, action].set(after),
        squares=counts.squares.at[observation, action].add((reward - before) * (reward - after)),
    )


def doubled(counts: Counts, observation: Array, action: Array) -> Array:
    """Whether a pair has been tried as often since the present plan was made as in all time before it."""
    earlier = counts.earlier[observation, action]
    return jnp.sum(counts.arrivals[observation, action]) - earlier >= jnp.maximum(earlier, 1.0)


def legal_values(q: Array, spec: Spec) -> Array:
    """The best legal value of each state, (S,)."""
    return jnp.max(q if spec.legal is None else jnp.where(spec.legal, q, -jnp.inf), axis=1)
