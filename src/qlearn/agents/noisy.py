r"""Noisy networks: weights that carry their own noise, whose size is learnt; factorised, one draw for all of a batch.

.. math::
    w = \mu^w + \sigma^w \circ f(\varepsilon^{\mathrm{in}}) f(\varepsilon^{\mathrm{out}})^\top, \quad
    b = \mu^b + \sigma^b \circ f(\varepsilon^{\mathrm{out}}), \qquad f(x) = \operatorname{sgn}(x) \sqrt{|x|}

for every ``Dense`` layer of the user's network and of what qlearn adds; μ are the layer's own weights, σ further arrays
of the learner.  So no layer is replaced, and a network is taken out with μ alone.

Source: M. Fortunato et al., *Noisy networks for exploration*, ICLR 2018, section 3.  Differences from it: μ begins by
the layer's own initialisers (the paper: uniform on ±1/√p for p inputs); σ begins at 0.5/√p as there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.backend import load_keras
from qlearn.errors import InputError

Array = jax.Array
FIRST_DEVIATION = 0.5
"""σ₀: a layer with p inputs begins with σ = σ₀ / √p."""


class Place(NamedTuple):
    """One dense layer among the trainable arrays of a network."""

    kernel: int
    bias: int | None
    shape: tuple[int, int]  # inputs, outputs


def dense_places(model: Any) -> tuple[Place, ...]:
    """Where the kernels and biases of a model's dense layers lie among its trainable variables.

    Raises:
        InputError: where there is no such layer.
    """
    keras = load_keras()
    at = {id(variable): i for i, variable in enumerate(model.trainable_variables)}
    found = {}
    for layer in model._flatten_layers():  # those inside layers of the user's own too
        if isinstance(layer, keras.layers.Dense) and id(layer.kernel) in at:
            bias = at.get(id(layer.bias)) if layer.use_bias else None
            found[at[id(layer.kernel)]] = Place(at[id(layer.kernel)], bias, tuple(layer.kernel.shape))
    if not found:
        raise InputError(
            "noisy=True adds noise to the Dense layers of a network, and this one has none that train; expected at "
            "least one. Pass noisy=False, or a network such as qlearn.mlp(120, 84)."
        )
    return tuple(found[i] for i in sorted(found))


def first_deviations(places: tuple[Place, ...]) -> tuple[Array, ...]:
    """The first σ of each layer's kernel, and of its bias where it has one."""
    deviations = []
    for place in places:
        size = jnp.float32(FIRST_DEVIATION / place.shape[0] ** 0.5)
        deviations += [jnp.full(shape, size) for shape in _shapes(place)]
    return tuple(deviations)


def perturbed(
    means: tuple[Array, ...], deviations: tuple[Array, ...], places: tuple[Place, ...], noise: Any, slot: int | Array
) -> tuple[Array, ...]:
    """The weights with noise.

    Args:
        means: μ, the trainable arrays of the network.
        deviations: σ, as ``first_deviations`` lays them out.
        places: of the dense layers.
        noise: of this seed and step.
        slot: from which all layers draw, one after another: one draw compiles once.
    """
    drawn = jax.random.normal(noise.key(slot), (sum(sum(place.shape) for place in places),), jnp.float32)
    drawn = jnp.sign(drawn) * jnp.sqrt(jnp.abs(drawn))
    weights, waiting, begin = list(means), iter(deviations), 0
    for place in places:
        inputs, outputs = place.shape
        into, out = drawn[begin : begin + inputs], drawn[begin + inputs : begin + inputs + outputs]
        begin += inputs + outputs
        weights[place.kernel] = weights[place.kernel] + next(waiting) * (into[:, None] * out[None, :])
        if place.bias is not None:
            weights[place.bias] = weights[place.bias] + next(waiting) * out
    return tuple(weights)


def _shapes(place: Place) -> list[tuple[int, ...]]:
    return [place.shape] if place.bias is None else [place.shape, place.shape[1:]]
