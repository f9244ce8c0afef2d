r"""The dueling head: a value of the state, and advantages of its actions, in place of the last layer.

.. math:: Q(s, a) = V(s) + A(s, a) - \frac{1}{|A|} \sum_b A(s, b)

Source: Z. Wang, T. Schaul, M. Hessel, H. van Hasselt, M. Lanctot and N. de Freitas, *Dueling network architectures for
deep reinforcement learning*, ICML 2016, equation 9.  Difference from it: both streams are one linear layer on the last
features of the user's own network; the paper gives each a hidden layer of its own.
"""

from __future__ import annotations

from typing import Any

from qlearn.agents.backend import load_keras
from qlearn.errors import InputError


def with_dueling_head(model: Any, num_actions: int) -> Any:
    """The same network with a dueling head, as an ordinary functional ``keras.Model``.

    Args:
        model: built, ending in a linear ``Dense(num_actions)``, which gives the advantages.  The value's layer is like
            it, with one unit.
        num_actions: A.

    Raises:
        InputError: where it ends in anything else.
    """
    keras = load_keras()
    last = linear_last(model, num_actions, "dueling=True splits")
    advantage = model.outputs[0]
    value = type(last).from_config({**last.get_config(), "units": 1, "name": f"{last.name}_value"})(last.input)
    centred = advantage - keras.ops.mean(advantage, axis=-1, keepdims=True)
    return keras.Model(model.inputs[0] if len(model.inputs) == 1 else model.input, value + centred)


def linear_last(model: Any, num_actions: int, why: str) -> Any:
    """The last layer of a network, a linear ``Dense(A)``.

    Args:
        model: built.
        num_actions: A.
        why: what is done to the layer, the beginning of a sentence.

    Raises:
        InputError: where the network ends in anything else.
    """
    keras = load_keras()
    last = _last_layer(model)
    if (
        not isinstance(last, keras.layers.Dense)
        or last.units != num_actions
        or last.activation is not keras.activations.linear
    ):
        raise InputError(
            f"{why} the last layer of a network, and this one ends in {_words(last)}; expected a Sequential or "
            f"functional model that ends in a linear Dense({num_actions}). Change the last layer, or leave the switch "
            "out."
        )
    return last


def _last_layer(model: Any) -> Any:
    """The layer whose output is the model's, or the model itself where none is."""
    outputs = getattr(model, "outputs", None)
    if not outputs or len(outputs) > 1:
        return model
    for layer in reversed(model.layers):
        try:
            if layer.output is outputs[0]:
                return layer
        except (AttributeError, ValueError):  # a layer that was called several times has no one output
            continue
    return model


def _words(layer: Any) -> str:
    units, activation = getattr(layer, "units", None), getattr(layer, "activation", None)
    if units is None:
        return f"{type(layer).__name__} {layer.name!r}"
    return f"{type(layer).__name__}({units}, {getattr(activation, '__name__', activation)!r})"
