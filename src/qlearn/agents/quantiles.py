r"""QR-DQN's head: quantiles of an action's return at fixed fractions.

.. math:: Q(s, a) = \frac{1}{m} \sum_i z_i(s, a), \qquad \tau_i = \frac{i + ½}{m}

Source: W. Dabney, M. Rowland, M. G. Bellemare and R. Munos, *Distributional reinforcement learning with quantile
regression*, AAAI 2018.  The backup and the loss are ``qlearn.rules.quantile``; the priority of a transition is its
loss.  Difference from the paper: any network.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from qlearn.agents.heads import Predicted, taken_columns
from qlearn.agents.network_form import Form
from qlearn.rules.description import description, number, whole
from qlearn.rules.quantile import midpoints, quantile_huber, quantile_target

Array = jax.Array


@description
class Quantiles:
    """Quantiles of the return at fixed fractions, for ``DQN(head=…)``: QR-DQN.

    Args:
        count: how many, at least 1.
        threshold: κ > 0 of the loss, in units of return; the paper's QR-DQN-1 has 1, its QR-DQN-0 a κ near 0.

    Raises:
        InputError: where a number is out of range.

    >>> Quantiles(count=32)
    Quantiles(count=32, threshold=1.0)
    """

    count: int = 200
    threshold: float = 1.0

    name = "QR-DQN"

    def __post_init__(self) -> None:
        whole(self, "count")
        number(self, "threshold", 0.0, open_low=True)

    @property
    def form(self) -> Form:
        """``count`` columns for each action."""
        return Form(head="quantiles", columns=self.count)

    def support(self) -> None:
        """None: there are no atoms."""

    def fractions(self, noise: Any, slot: int | Array, batch: int, *, judge: bool) -> None:
        """None: they are fixed."""

    def means(self, outputs: Array) -> Array:
        """The means of the quantiles, (batch, A)."""
        return jnp.mean(outputs, axis=-1)

    def target(self, outcomes: Any, weights: Array, evaluate: Array, extra: Array | None) -> Array:
        """The outcomes of every quantile, (batch, count)."""
        return quantile_targets(outcomes, weights, evaluate, extra)

    def losses(self, predicted: Predicted, actions: Array, target: Array) -> tuple[Array, Array]:
        """The quantile losses, twice."""
        quantiles = taken_columns(predicted.outputs, actions)
        fractions = jnp.broadcast_to(midpoints(self.count)[None, :], quantiles.shape)
        losses = jax.vmap(quantile_huber, in_axes=(0, 0, 0, None))(quantiles, fractions, target, self.threshold)
        return losses, losses


def quantile_targets(outcomes: Any, weights: Array, evaluate: Array, extra: Array | None) -> Array:
    """``quantile_target`` over a batch: evaluate (batch, A, m) to (batch, m)."""

    def one(outcome: Any, weights: Array, quantiles: Array, extra: Array | None) -> Array:
        return quantile_target(outcome, weights, quantiles, outcome.discount, extra)

    return jax.vmap(one, in_axes=(0, 0, 0, None if extra is None else 0))(outcomes, weights, evaluate, extra)
