"""Heads: what a DQN knows of the return of an action: its mean, its distribution on atoms, or its quantiles.

A head says what is added to the network (``form``), what the mean of that is (``means``), how an outcome becomes a
target (``target``) and what a prediction costs (``losses``).  Which action the target is about, no head decides: the
weights come from the same rules for all of them, so that masks, double and Munchausen hold for all.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from qlearn.agents.network import QFunction, Weights
from qlearn.agents.network_form import Form
from qlearn.agents.networked import taken_values
from qlearn.rules.losses import LOSSES
from qlearn.rules.quantile import midpoints
from qlearn.rules.targets import one_step

Array = jax.Array


class Predicted(NamedTuple):
    """What a network said of a batch, with the fractions that it was asked for."""

    outputs: Array  # (batch, A) or (batch, A, columns)
    fractions: Array | None = None  # (batch, K)


class Head(Protocol):
    """What a DQN's gradient step asks of a head; ``fractions`` are drawn where it takes them as inputs."""

    @property
    def name(self) -> str:
        """What an agent with it is called."""

    @property
    def form(self) -> Form:
        """What is added to the network."""

    def fractions(self, noise: Any, slot: int | Array, batch: int, *, judge: bool) -> Array | None:
        """Fractions (batch, K) that a prediction, or a target, is drawn at; None where none are asked for."""

    def means(self, outputs: Array) -> Array:
        """Q values (batch, A)."""

    def target(self, outcomes: Any, weights: Array, evaluate: Array, extra: Array | None) -> Array:
        """What the predictions of a batch are moved towards, (batch,) or (batch, columns)."""

    def losses(self, predicted: Predicted, actions: Array, target: Array) -> tuple[Array, Array]:
        """What each prediction costs, and how wrong it is for its priority: two (batch,)."""

    def support(self) -> Array | None:
        """The values of the atoms, where there are such."""


def policy_values(head: Head, q: QFunction, weights: Weights, observations: Any) -> Array:
    """Q values (batch, A) that policies are made of, the same wherever one acts or a target chooses."""
    points = head.form.points
    if head.form.head != "implicit":
        return head.means(q.values(weights, observations))
    batch = jax.tree.leaves(observations)[0].shape[0]
    return head.means(q.values(weights, observations, jnp.broadcast_to(midpoints(points)[None], (batch, points))))


def taken_columns(outputs: Array, actions: Array) -> Array:
    """The columns of the actions taken: (batch, A, m) and (batch,) to (batch, m)."""
    return jax.vmap(taken_values, in_axes=(2, None), out_axes=1)(outputs, actions)


@dataclasses.dataclass(frozen=True)
class Values:
    """The mean return of each action, as in DQN itself.

    Args:
        loss: ``"squared"`` or ``"huber"``.
    """

    loss: Literal["squared", "huber"]

    name = "DQN"
    form = Form()

    def fractions(self, noise: Any, slot: int | Array, batch: int, *, judge: bool) -> None:
        """None: there are none."""

    def means(self, outputs: Array) -> Array:
        """The outputs themselves."""
        return outputs

    def target(self, outcomes: Any, weights: Array, evaluate: Array, extra: Array | None) -> Array:
        """``one_step``."""
        values = evaluate if extra is None else evaluate + extra
        return jax.vmap(one_step)(outcomes, weights, values, outcomes.discount)

    def losses(self, predicted: Predicted, actions: Array, target: Array) -> tuple[Array, Array]:
        """The loss of the error, and its size."""
        errors = target - taken_values(predicted.outputs, actions)
        return LOSSES[self.loss](errors), jnp.abs(errors)

    def support(self) -> None:
        """None: there are none."""
