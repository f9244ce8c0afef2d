"""The network that needs no drawing: dense layers, one after another."""

from __future__ import annotations

import dataclasses
from typing import Any

from qlearn.agents.backend import load_keras
from qlearn.errors import InputError


@dataclasses.dataclass(frozen=True, init=False, repr=False)
class mlp:  # noqa: N801  # it is called like the function that it stands for
    """A builder of dense networks, for any agent's ``model``: hashable, and printed as it is written.

    ``mlp(120, 84)`` is Dense(120, relu), Dense(84, relu), Dense(num_actions); Keras' own initialisers.

    Args:
        hidden: units of the hidden layers, each a whole number of at least 1; none makes a linear network.
        activation: the name of a Keras activation, for the hidden layers.
        layer_norm: whether each hidden layer is normalised before its activation (``LayerNormalization``, ε 1e-5).

    Raises:
        InputError: where a number of units is not usable.

    >>> mlp(120, 84)
    mlp(120, 84)
    >>> mlp(256, 256, layer_norm=True)
    mlp(256, 256, layer_norm=True)
    """

    hidden: tuple[int, ...]
    activation: str
    layer_norm: bool

    def __init__(self, *hidden: Any, activation: str = "relu", layer_norm: bool = False) -> None:
        for units in hidden:
            if isinstance(units, bool) or not isinstance(units, int) or units < 1:
                raise InputError(
                    f"mlp: {units!r} units are not usable; expected whole numbers of at least 1. "
                    "Write for example mlp(120, 84)."
                )
        object.__setattr__(self, "hidden", hidden)
        object.__setattr__(self, "activation", activation)
        object.__setattr__(self, "layer_norm", bool(layer_norm))

    def __call__(self, observation_shape: Any, num_actions: int) -> Any:
        """An unshared ``keras.Sequential`` for such observations; arrays of more than one axis are flattened.

        Of several arrays (a dict of shapes), a ``keras.Model`` with an input for each, put side by side.
        """
        keras = load_keras()
        if not isinstance(observation_shape, dict):
            begin = [keras.layers.Flatten()] if len(observation_shape) > 1 else []
            return keras.Sequential([keras.layers.Input(observation_shape), *begin, *self._layers(num_actions)])
        inputs = {name: keras.Input(shape, name=name) for name, shape in observation_shape.items()}
        flat = [keras.layers.Flatten()(x) if len(x.shape) > 2 else x for x in inputs.values()]
        values = keras.layers.Concatenate()(flat)
        for layer in self._layers(num_actions):
            values = layer(values)
        return keras.Model(inputs, values)

    def _layers(self, num_actions: int) -> list[Any]:
        """Hidden layers and values."""
        layers, parts = load_keras().layers, []
        for units in self.hidden:
            if self.layer_norm:
                parts += [layers.Dense(units), layers.LayerNormalization(epsilon=1e-5)]
                parts.append(layers.Activation(self.activation))
            else:
                parts.append(layers.Dense(units, self.activation))
        return [*parts, layers.Dense(num_actions)]

    def __repr__(self) -> str:
        words = [str(units) for units in self.hidden]
        if self.activation != "relu":
            words.append(f"activation={self.activation!r}")
        if self.layer_norm:
            words.append("layer_norm=True")
        return f"mlp({', '.join(words)})"
