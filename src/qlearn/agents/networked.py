"""What the agents with a network have in common: checks, how they act, and what one update reads."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Spec, Transition
from qlearn.agents.network import QFunction
from qlearn.errors import InputError
from qlearn.rules.description import number
from qlearn.rules.exploration import Exploration, as_exploration
from qlearn.rules.targets import one_step, q_learning

Array = jax.Array
_LANE = 8  # wider ones were slower on a CPU, where a lane's activations then leave the first cache
_SMALL, _LARGE = 1024, 65_536  # weights


def lane_of(network: QFunction) -> int:
    """Seeds of one program: 8, or one where the network has more than 65,536 weights.

    What a seed of a large network works on fills the cache by itself, and convolutions over a lane are taken apart by
    XLA: a lane of one is 1.1 to 1.7 times as fast then, and no seeds are computed that only fill a lane up.
    """
    return 1 if network.size > _LARGE else _LANE


def small(network: QFunction) -> bool:
    """Whether a network that learns from one step at a time is sooner multiplied out than called: up to 1,024 weights.

    Then the whole loop becomes one function of machine code (``Learner.fused``).
    """
    return network.size <= _SMALL


def check_networked(agent: Any) -> None:
    """Check the fields that all agents with a network share: discount, exploration.

    Raises:
        InputError: naming the field, its range and its value.
    """
    number(agent, "discount", 0.0, 1.0)
    as_exploration(agent)
    if agent.exploration.counts_visits:
        raise InputError(
            f"{type(agent).__name__}: exploration={agent.exploration} counts the visits of each state and action, "
            "which a network does not; expected a rate that depends on time. "
            "Pass for example EpsilonGreedy(linear(1.0, 0.05, over=10_000, per='step'))."
        )


def masks(spec: Spec, observations: Any) -> Array | None:
    """The legal actions of a batch of observations, (batch, A) bool, or None where all are.

    The one place where learners with a network get them, whether a model knows them or the observations bring them.
    In every row at least one action is legal: what terminated has all of them, for nothing is made of it.
    """
    return spec.mask(observations)


def choose(exploration: Exploration, rows: Array, mask: Array | None, noise: Any, clock: Clock) -> Array:
    """An action for each of E environments, (E,) int32.

    Args:
        exploration: the behaviour policy.
        rows: the values of the actions, (E, A).
        mask: the legal ones, (E, A), or None.
        noise: fields of shape (E,).
        clock: episode and step (E,), total a scalar.
    """

    def one(row: Array, mask: Array | None, noise: Any, clock: Clock) -> Array:
        return exploration.sample(row, mask, noise, clock, None)

    axes: Any = (0, None if mask is None else 0, 0, Clock(0, 0, None))  # type: ignore[arg-type]
    return jax.vmap(one, in_axes=axes)(rows, mask, noise, clock)


def one_step_targets(transitions: Transition, weights: Array, rows: Array, discount: Any) -> Array:
    """The tables' one-step backup over a batch.

    Args:
        transitions: (batch, …).
        weights: the target policy's, (batch, A).
        rows: the values of the next observations that they are applied to, (batch, A).
        discount: γ.

    Returns:
        (batch,) float32, through which no gradient flows.
    """
    return jax.lax.stop_gradient(jax.vmap(one_step, in_axes=(0, 0, 0, None))(transitions, weights, rows, discount))


def greedy_weights(spec: Spec, observations: Array, rows: Array) -> Array:
    """The target policy of Q-learning over a batch: (batch, A) values to (batch, A) weights."""
    mask = masks(spec, observations)

    def one(row: Array, mask: Array | None) -> Array:
        return q_learning(row, row, jnp.int32(-1), mask)

    return jax.vmap(one, in_axes=(0, None if mask is None else 0))(rows, mask)


def taken_values(rows: Array, actions: Array) -> Array:
    """The values of the actions taken: (batch, A) and (batch,) int32 to (batch,).

    By comparison with every action: the gradient is a comparison too, where that of an index would be a scatter.
    """
    here = actions[:, None] == jnp.arange(rows.shape[1], dtype=jnp.int32)[None, :]
    return jnp.sum(jnp.where(here, rows, 0.0), axis=-1)


def clip(gradients: tuple[Array, ...], most: float | Array | None) -> tuple[Array, ...]:
    """Gradients scaled down, where needed, to a Euclidean norm over all of them; None leaves them.

    >>> [float(g) for g in clip((jnp.float32(3.0), jnp.float32(4.0)), 1.0)]
    [0.6000000238418579, 0.800000011920929]
    """
    if most is None:
        return gradients
    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in gradients))
    scale = most / jnp.maximum(norm, most)
    return tuple(g * scale for g in gradients)
