r"""Radial basis functions: bumps on a grid, each the higher the nearer the observation is.

With s the observation scaled to [0, 1] and c the centres,

.. math:: x_i(s) = \exp\left( -\frac{\lVert s - c_i \rVert^2}{2 \sigma^2} \right),

divided by their sum where they are ``normalised``.

Source: R. S. Sutton and A. G. Barto, *Reinforcement learning*, 2nd edition, section 9.5.5.
"""

from __future__ import annotations

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.features.feature import Basis, Encoded, as_counts, check_box, check_fits, check_size, flat
from qlearn.agents.learner import Spec
from qlearn.rules.description import description, number
from qlearn.rules.rows import total

Array = jax.Array


@description
class RadialBasis:
    """Gaussian bumps whose centres stand on a grid, from end to end of every range.

    Args:
        centres: how many along each range, or one number for each.
        low: where the ranges begin, one number for each of an observation, in its units.
        high: where they end.
        width: σ > 0, in shares of a range; None for the distance of neighbouring centres (of the widest-set ones).
        normalised: whether the features of an observation are divided by their sum.

    Raises:
        InputError: where a number is out of range.

    >>> import jax.numpy as jnp
    >>> from qlearn.agents.learner import Spec
    >>> basis = RadialBasis(centres=5, low=(0.0,), high=(1.0,)).bind(Spec(0, 2, observation_shape=(1,)))
    >>> int(jnp.argmax(basis.encode(jnp.array([0.5])).values))
    2
    """

    centres: int | tuple[int, ...] = 5
    low: tuple[float, ...] = (0.0,)
    high: tuple[float, ...] = (1.0,)
    width: float | None = None
    normalised: bool = True

    def __post_init__(self) -> None:
        check_box(self)
        object.__setattr__(self, "centres", as_counts(self, "centres", len(self.low)))
        if self.width is None:
            counts = as_counts(self, "centres", len(self.low))
            object.__setattr__(self, "width", max(1.0 / max(count - 1, 1) for count in counts))
        number(self, "width", 0.0, open_low=True)

    def bind(self, spec: Spec) -> Basis:
        """The bumps of an environment whose observations have as many numbers as there are ranges.

        Raises:
            InputError: where they have not, or there are more bumps than memory.
        """
        check_fits(self, spec, len(self.low))
        counts = as_counts(self, "centres", len(self.low))
        size = math.prod(counts)
        check_size(self, size, "Pass fewer centres")
        lines = [np.linspace(0.0, 1.0, count) if count > 1 else np.array([0.5]) for count in counts]
        centres = jnp.asarray(np.array(list(itertools.product(*lines))), jnp.float32)  # (size, dimensions)

        def encode(observation: Array) -> Encoded:
            numbers, distance = flat(observation), jnp.zeros(size, jnp.float32)
            for j, (a, b) in enumerate(zip(self.low, self.high, strict=True)):
                distance = distance + jnp.square((numbers[j] - a) / (b - a) - centres[:, j])
            heights = jnp.exp(-0.5 * distance / jnp.square(jnp.asarray(self.width, jnp.float32)))
            if self.normalised:
                heights = heights / jnp.maximum(total(heights), 1e-30)
            return Encoded(None, heights)

        constant = (lambda value: jnp.full(size, value, jnp.float32)) if self.normalised else None
        return Basis(size, None, encode, constant)
