r"""IQN's head: the quantile function of an action's return, asked at fractions that are drawn anew for every batch.

.. math:: Q(s, a) = \frac{1}{K} \sum_k Z_{\tau_k}(s, a), \qquad
          Z_\tau(s, a) = f(\psi(s) \circ \phi(\tau))_a

Source: W. Dabney, G. Ostrovski, D. Silver and R. Munos, *Implicit quantile networks for distributional reinforcement
learning*, ICML 2018.  The backup and the loss are ``qlearn.rules.quantile``; the priority of a transition is its loss.

Differences from the paper: ψ is the user's network up to its last layer and f that layer, where the paper has a hidden
layer in f; policies ask at the K midpoints (k + ½) / K, where the paper draws K fractions for each state.  So Q values
are a function of the observation alone, the one that acts, that is judged and that is taken out.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from qlearn.agents.heads import Predicted, taken_columns
from qlearn.agents.network_form import Form
from qlearn.agents.quantiles import quantile_targets
from qlearn.rules.description import description, number, whole
from qlearn.rules.quantile import quantile_huber

Array = jax.Array


@description
class ImplicitQuantiles:
    """The quantile function of the return, for ``DQN(head=…)``: IQN.

    Args:
        samples: N, fractions that a prediction is drawn at.
        target_samples: N', fractions that its target is drawn at.
        policy_samples: K, evenly spaced fractions that Q values are the mean of.
        cosines: n, by which a fraction is embedded.
        threshold: κ > 0 of the loss, in units of return.

    Raises:
        InputError: where a number is out of range.

    >>> ImplicitQuantiles(samples=8, target_samples=8).form.columns
    64
    """

    samples: int = 64
    target_samples: int = 64
    policy_samples: int = 32
    cosines: int = 64
    threshold: float = 1.0

    name = "IQN"

    def __post_init__(self) -> None:
        for field in ("samples", "target_samples", "policy_samples", "cosines"):
            whole(self, field)
        number(self, "threshold", 0.0, open_low=True)

    @property
    def form(self) -> Form:
        """Fractions as a second input."""
        return Form(head="implicit", columns=self.cosines, points=self.policy_samples)

    def support(self) -> None:
        """None: there are no atoms."""

    def fractions(self, noise: Any, slot: int | Array, batch: int, *, judge: bool) -> Array:
        """Uniform ones, for each of a batch its own, (batch, N) or (batch, N')."""
        count = self.target_samples if judge else self.samples
        return jax.random.uniform(noise.key(slot), (batch, count), jnp.float32)

    def means(self, outputs: Array) -> Array:
        """The means over the fractions, (batch, A)."""
        return jnp.mean(outputs, axis=-1)

    def target(self, outcomes: Any, weights: Array, evaluate: Array, extra: Array | None) -> Array:
        """The outcomes of every sample, (batch, N')."""
        return quantile_targets(outcomes, weights, evaluate, extra)

    def losses(self, predicted: Predicted, actions: Array, target: Array) -> tuple[Array, Array]:
        """The quantile losses, twice."""
        assert predicted.fractions is not None
        quantiles = taken_columns(predicted.outputs, actions)
        rule = jax.vmap(quantile_huber, in_axes=(0, 0, 0, None))
        losses = rule(quantiles, predicted.fractions, target, self.threshold)
        return losses, losses
