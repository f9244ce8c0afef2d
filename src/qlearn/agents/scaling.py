r"""Running scales: what observations and rewards are divided by, taken from what was met so far.

Source: B. P. Welford, *Note on a method for calculating corrected sums of squares and products*, Technometrics 4
(1962); M. Elsayed, G. Vasan and A. R. Mahmood, *Streaming deep reinforcement learning finally works*,
arXiv:2410.14606 (2024).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.backend import load_keras, on_the_host
from qlearn.agents.learner import Spec
from qlearn.agents.network_inputs import as_given, inputs_of_model
from qlearn.agents.observed import inputs_of
from qlearn.environments.parts import PLAIN

Array = jax.Array
_SMALL = 1e-8  # added to a variance before its root, as in the paper


class Moments(NamedTuple):
    """The mean and variance of what was met so far, each of the shape of one sample.

    The variance itself is kept, where the paper keeps the sum of squares: in float32 such a sum stops growing after
    some 10⁷ samples, and divided by a count that goes on it would fall for ever.
    """

    mean: Array  # float32
    variance: Array  # float32, of the sample (n − 1); 1 before there are two samples
    samples: Array  # uint32, how many

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> Moments:
        """Before the first sample.

        >>> moments = Moments.none(()).take(jnp.float32(1.0)).take(jnp.float32(3.0))
        >>> float(moments.mean), float(moments.variance)
        (2.0, 2.0)
        """
        return cls(jnp.zeros(shape, jnp.float32), jnp.ones(shape, jnp.float32), jnp.uint32(0))

    def take(self, sample: Array) -> Moments:
        """With one more sample, in one pass (Welford)."""
        count = self.samples + jnp.uint32(1)
        n = count.astype(jnp.float32)
        apart = sample - self.mean
        grown = self.variance + (apart * apart / n - self.variance / jnp.maximum(n - 1.0, 1.0))
        # The first sample has no variance, the second begins it: what was there is the 1 of before.
        begun = jnp.where(count == 2, apart * apart / 2.0, jnp.where(count < 2, 1.0, grown))
        return Moments(self.mean + apart / n, begun, count)

    def deviation(self) -> Array:
        """The standard deviation, never 0."""
        return jnp.sqrt(self.variance + _SMALL)

    def scale(self, sample: Array) -> Array:
        """A sample in standard deviations from the mean."""
        return (sample - self.mean) / self.deviation()


class RewardScale(NamedTuple):
    """The spread of the discounted return of the steps behind, by which rewards are divided; they are not centred."""

    behind: Array  # float32: Σ γᵏ r over the steps of this episode so far
    moments: Moments  # of that number, over all steps

    @classmethod
    def none(cls) -> RewardScale:
        """Before the first reward."""
        return cls(jnp.float32(0.0), Moments.none(()))

    def take(self, reward: Array, ended: Array, discount: float | Array) -> tuple[Array, RewardScale]:
        """One more reward; returns it scaled, and what is kept.

        The sum starts anew after the last step of an episode.  (In the paper's pseudocode the last reward itself
        starts it, so that the return of the whole episode is never among the samples.)
        """
        behind = discount * self.behind + reward
        moments = self.moments.take(behind)
        return reward / moments.deviation(), RewardScale(jnp.where(ended, 0.0, behind), moments)


Scales = Moments | dict[str, Moments] | None
"""Of one array, of those parts of a dict that are scaled, or of nothing."""


def first_scales(spec: Spec) -> Scales:
    """Before the first observation; numbers that are counted are never scaled, nor are legal actions."""
    moments = {part.name: Moments.none(part.shape) for part in inputs_of(spec) if not part.values}
    if spec.observation_shape is None or not moments:
        return None
    return moments if spec.parts else moments[PLAIN]


def met(scales: Scales, observation: Any) -> Scales:
    """With one more observation."""
    if scales is None:
        return None
    if isinstance(scales, dict):
        return {name: moments.take(observation[name].astype(jnp.float32)) for name, moments in scales.items()}
    return scales.take(observation.astype(jnp.float32))


class Scaling(NamedTuple):
    """What lies between an environment and the network: part of what a learner knows."""

    observations: Scales  # None where they go in as they are
    unit: Array  # float32: one unit of the network's output, in units of return

    def before(self, observations: Any) -> Any:
        """A batch of observations as the network sees it."""
        return scaled(self.observations, observations)


def scaled(scales: Scales, observations: Any) -> Any:
    """A batch of observations in standard deviations from the mean, or as it is where nothing is known of it."""
    if scales is None:
        return observations
    if isinstance(scales, dict):
        return observations | {name: scaled(moments, observations[name]) for name, moments in scales.items()}
    return jax.vmap(scales.scale)(observations.astype(jnp.float32))


def scaled_model(model: Any, scaling: Scaling) -> Any:
    """A ``keras.Model`` that takes observations as they are, and gives values in units of return.

    The model itself lies between ``Normalization`` layers and a ``Rescaling`` layer, which have no weights.

    Args:
        model: the network, built.
        scaling: of one seed, NumPy arrays.
    """
    keras = load_keras()
    unit, scales = float(scaling.unit), scaling.observations
    if scales is None and unit == 1.0:
        return model
    found = inputs_of_model(model)
    if found is None:  # a class of the user's own, of which only one array is known
        found = {PLAIN: keras.KerasTensor(model.input_shape, dtype="float32")}
    each = scales if isinstance(scales, dict) else dict.fromkeys(found, scales) if scales is not None else {}
    if len(found) == 1 and len(each) == 1:
        each = dict(zip(found, each.values(), strict=True))
    with on_the_host():
        inputs = {name: keras.Input(tensor.shape[1:], name=name, dtype=tensor.dtype) for name, tensor in found.items()}
        values = {name: _normalised(each[name], x) if name in each else x for name, x in inputs.items()}
        outputs = keras.layers.Rescaling(unit)(model(as_given(model, values)))
        return keras.Model(inputs if len(inputs) > 1 else next(iter(inputs.values())), outputs)


def _normalised(moments: Moments, values: Any) -> Any:
    mean, variance = np.asarray(moments.mean), np.asarray(moments.variance) + _SMALL
    axes = tuple(range(1, 1 + mean.ndim)) or None
    return load_keras().layers.Normalization(axes, mean=mean, variance=variance)(values)
