r"""The Fourier basis: cosines of all frequencies up to an order, in all combinations.

With s the observation scaled to [0, 1] and c every vector of whole numbers from 0 to the order,

.. math:: x_c(s) = \cos(\pi\, c^\top s), \qquad \alpha_c = \alpha / \lVert c \rVert_2, \qquad \alpha_0 = \alpha.

Source: G. Konidaris, S. Osentoski and P. Thomas, *Value function approximation in reinforcement learning using the
Fourier basis*, AAAI 2011, with its learning rate of each feature; what lies outside the ranges counts as their ends.
"""

from __future__ import annotations

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.features.feature import Basis, Encoded, as_counts, check_box, check_fits, check_size, flat
from qlearn.agents.learner import Spec
from qlearn.rules.description import description

Array = jax.Array


@description
class Fourier:
    """Cosines over the whole space: (order + 1)^d features for observations of d numbers.

    The learning rate is that of the constant feature; the others' are divided by the norm of their frequencies.

    Args:
        order: the highest frequency of each range, at least 0, or one number for each; 3 is usual.
        low: where the ranges begin, one number for each of an observation, in its units.
        high: where they end.
        scaled_rates: whether the learning rates are divided so.

    Raises:
        InputError: where a number is out of range.

    >>> import jax.numpy as jnp
    >>> from qlearn.agents.learner import Spec
    >>> basis = Fourier(order=2, low=(0.0,), high=(4.0,)).bind(Spec(0, 2, observation_shape=(1,)))
    >>> [round(float(x), 3) + 0.0 for x in basis.encode(jnp.array([1.0])).values]  # cos 0, cos π/4, cos π/2
    [1.0, 0.707, 0.0]
    """

    order: int | tuple[int, ...] = 3
    low: tuple[float, ...] = (0.0,)
    high: tuple[float, ...] = (1.0,)
    scaled_rates: bool = True

    def __post_init__(self) -> None:
        check_box(self)
        object.__setattr__(self, "order", as_counts(self, "order", len(self.low), low=0))

    def bind(self, spec: Spec) -> Basis:
        """The cosines of an environment whose observations have as many numbers as there are ranges.

        Raises:
            InputError: where they have not, or there are more cosines than memory.
        """
        check_fits(self, spec, len(self.low))
        orders = as_counts(self, "order", len(self.low), low=0)
        size = math.prod(order + 1 for order in orders)
        check_size(self, size, "Pass a lower order")
        frequencies = np.array(list(itertools.product(*(range(order + 1) for order in orders))))  # (size, dimensions)
        norms = np.linalg.norm(frequencies, axis=1)
        rates = jnp.asarray(1.0 / np.where(norms > 0, norms, 1.0), jnp.float32) if self.scaled_rates else None
        angular = jnp.asarray(math.pi * frequencies, jnp.float32)

        def encode(observation: Array) -> Encoded:
            numbers, angle = flat(observation), jnp.zeros(size, jnp.float32)
            for j, (a, b) in enumerate(zip(self.low, self.high, strict=True)):
                share = jnp.clip((numbers[j] - a) / (b - a), 0.0, 1.0)
                angle = angle + angular[:, j] * share
            return Encoded(None, jnp.cos(angle))

        first = jnp.zeros(size, jnp.float32).at[0].set(1.0)
        return Basis(size, None, encode, lambda value: first * value, rates)
