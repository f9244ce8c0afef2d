r"""C51's head: the distribution of an action's return, as probabilities of evenly spaced atoms.

.. math:: Q(s, a) = \sum_i z_i\, p_i(s, a), \qquad p(s, a) = \mathrm{softmax}(\text{columns of } a)

Source: M. G. Bellemare, W. Dabney and R. Munos, *A distributional perspective on reinforcement learning*, ICML 2017.
The backup is ``qlearn.rules.categorical``; the loss is the cross entropy, the priority of a transition the divergence,
as in M. Hessel et al., *Rainbow*, AAAI 2018.  Differences from the paper: any network; the ends of the atoms are the
user's (the paper: −10 and 10 for rewards clipped to ±1).
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from qlearn.agents.heads import Predicted, taken_columns
from qlearn.agents.network_form import Form
from qlearn.errors import InputError
from qlearn.rules.categorical import categorical_target, cross_entropy, divergence, support
from qlearn.rules.description import description, number, whole

Array = jax.Array


@description
class Categorical:
    """Probabilities of returns on atoms, for ``DQN(head=…)``: C51.

    Args:
        low: the value of the first atom, in units of return.
        high: of the last one, above ``low``.  Returns beyond the two count as theirs: choose them a little wider than
            what can be reached.
        atoms: how many, at least 2.

    Raises:
        InputError: where a number is out of range.

    >>> Categorical(0, 500)
    Categorical(low=0.0, high=500.0, atoms=51)
    """

    low: float = dataclasses.field(kw_only=False)
    high: float = dataclasses.field(kw_only=False)
    atoms: int = 51

    name = "C51"

    def __post_init__(self) -> None:
        number(self, "low", -float("inf"))
        number(self, "high", -float("inf"))
        whole(self, "atoms", 2)
        if self.high <= self.low:
            raise InputError(
                f"Categorical: high={self.high:g} is not above low={self.low:g}; expected the least and the largest "
                "return that the environment gives. Pass for example Categorical(0, 500)."
            )

    @property
    def form(self) -> Form:
        """``atoms`` columns for each action."""
        return Form(head="categorical", columns=self.atoms)

    def support(self) -> Array:
        """The values of the atoms, (atoms,) float32."""
        return support(self.low, self.high, self.atoms)

    def fractions(self, noise: Any, slot: int | Array, batch: int, *, judge: bool) -> None:
        """None: there are none."""

    def means(self, outputs: Array) -> Array:
        """Σ z p, (batch, A)."""
        return jnp.sum(jax.nn.softmax(outputs, axis=-1) * self.support()[None, None, :], axis=-1)

    def target(self, outcomes: Any, weights: Array, evaluate: Array, extra: Array | None) -> Array:
        """The distributions of the outcomes, projected on the atoms, (batch, atoms)."""

        def one(outcome: Any, weights: Array, logits: Array, extra: Array | None) -> Array:
            chances = jax.nn.softmax(logits, axis=-1)
            return categorical_target(outcome, weights, chances, self.support(), outcome.discount, extra)

        return jax.vmap(one, in_axes=(0, 0, 0, None if extra is None else 0))(outcomes, weights, evaluate, extra)

    def losses(self, predicted: Predicted, actions: Array, target: Array) -> tuple[Array, Array]:
        """The cross entropies, and the divergences."""
        logits = taken_columns(predicted.outputs, actions)
        return jax.vmap(cross_entropy)(logits, target), jax.vmap(divergence)(logits, target)
