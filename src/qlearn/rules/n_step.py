r"""n-step returns, for steps that were stored one by one.

.. math:: G = \sum_{i=0}^{k-1} \gamma^i R_{t+i+1}, \qquad \text{target} = G + \gamma^k V(S_{t+k})

with k = n, or fewer steps where the episode ends before; the last term is 0 where it terminated and stays where it was
truncated.  ``one_step`` (``qlearn.rules.targets``) makes the target, given what is here in the place of one step: there
is one definition of it.

Source: R. S. Sutton and A. G. Barto, *Reinforcement learning*, 2nd edition, section 7.1.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp

Array = jax.Array


class Steps(Protocol):
    """What an n-step return asks of n steps that follow each other; every field has shape (n, ...)."""

    @property
    def reward(self) -> Array:
        """The rewards, float32."""

    @property
    def terminated(self) -> Array:
        """Whether the episode really ended with this step."""

    @property
    def truncated(self) -> Array:
        """Whether the clock ran out with this step; what follows belongs to another episode."""


class Outcome(NamedTuple):
    """What several steps came to, as if they were one; every field has the shape (...) of a single step."""

    reward: Array  # G, float32
    terminated: Array  # whether the last step that counts ended the episode
    discount: Array  # γᵏ, float32: for the value after the last step that counts
    num_steps: Array  # k, int32: steps that count


def n_step(steps: Steps, discount: float | Array) -> Outcome:
    """The outcome of up to n steps: until the first that ended the episode, for either reason.

    Args:
        steps: the first step and the n − 1 that follow it; what comes after an end is ignored.
        discount: γ in [0, 1].

    Returns:
        The outcome; n = 1 gives the step itself and γ, to the bit.

    >>> from types import SimpleNamespace
    >>> ended = jnp.array([False, True, False])
    >>> path = SimpleNamespace(reward=jnp.array([1.0, 2.0, 4.0]), terminated=ended, truncated=jnp.zeros(3, bool))
    >>> outcome = n_step(path, 0.5)
    >>> float(outcome.reward), float(outcome.discount), int(outcome.num_steps)
    (2.0, 0.25, 2)
    """
    first = steps.reward[0]
    power = jnp.broadcast_to(jnp.asarray(discount, jnp.float32), first.shape)
    begun = Outcome(first, steps.terminated[0], power, jnp.ones(first.shape, jnp.int32))
    state = begun, ~(steps.terminated[0] | steps.truncated[0])

    def longer(i: int | Array, state: tuple[Outcome, Array]) -> tuple[Outcome, Array]:
        so_far, going = state
        outcome = Outcome(
            reward=so_far.reward + jnp.where(going, so_far.discount * steps.reward[i], 0.0),
            terminated=so_far.terminated | (going & steps.terminated[i]),
            discount=jnp.where(going, so_far.discount * discount, so_far.discount),
            num_steps=so_far.num_steps + going.astype(jnp.int32),
        )
        return outcome, going & ~(steps.terminated[i] | steps.truncated[i])

    n = steps.reward.shape[0]
    if n > _WRITTEN_OUT:
        return jax.lax.fori_loop(1, n, longer, state)[0]
    for i in range(1, n):
        state = longer(i, state)
    return state[0]


_WRITTEN_OUT = 32  # steps up to which the sum is written out: beyond, compiling it would take seconds
