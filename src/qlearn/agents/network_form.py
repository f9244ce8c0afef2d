r"""What qlearn adds to a user's network: columns for a distribution of returns, fractions, a dueling split.

The last layer, a linear ``Dense(A)``, is replaced by one of the same kind and initialisers that gives more:

- *categorical* and *quantiles*: m numbers for each action, ``Dense(A m)``, shaped (A, m);
- *implicit*: one number for each action and each fraction τ that is asked for.  The features before the last layer are
  multiplied by an embedding of τ, :math:`\phi_j(\tau) = \mathrm{relu}\left(\sum_{i<n} \cos(\pi i \tau)\, w_{ij} + b_j
  \right)`, as Dabney et al. (ICML 2018, equation 4) multiply those of their convolutions;
- *dueling*: a value's columns beside the advantages', :math:`V + A - \overline{A}`, column by column.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np

from qlearn.agents.backend import load_keras
from qlearn.agents.dueling import linear_last, with_dueling_head


class Form(NamedTuple):
    """The shape of what is added; hashable, without numbers that change no shape."""

    dueling: bool = False
    head: Literal["values", "categorical", "quantiles", "implicit"] = "values"
    columns: int = 1  # atoms or quantiles of an action; cosines that a fraction is embedded by
    points: int = 1  # fractions that a mean is taken over, where they are inputs
    noisy: bool = False


def dressed(model: Any, num_actions: int, form: Form) -> Any:
    """The network that learns: the user's own where nothing is added.

    Args:
        model: built, giving (batch, A).
        num_actions: A.
        form: what is added.

    Returns:
        A model that gives (batch, A), or (batch, A, columns); *implicit* takes [observation, fractions (batch, K)] and
        gives (batch, A, K).

    Raises:
        InputError: where something is added and the model does not end in a linear ``Dense(A)``.
    """
    if form.head == "values":
        return with_dueling_head(model, num_actions) if form.dueling else model
    keras = load_keras()
    last = linear_last(model, num_actions, f"The {form.head} head replaces")
    if form.head == "implicit":
        fractions = keras.Input((None,), name=f"{last.name}_fractions")
        embedded = _like(last, last.input.shape[-1], "embedding", activation="relu")(_cosines(fractions, form.columns))
        features = keras.ops.expand_dims(last.input, 1) * embedded
        outputs = _streams(last, features, num_actions, 1, form.dueling)
        return keras.Model([inputs_of(model), fractions], keras.ops.transpose(outputs, (0, 2, 1)))
    outputs = _streams(last, last.input, num_actions, form.columns, form.dueling)
    return keras.Model(inputs_of(model), outputs)


def valued(model: Any, form: Form, atoms: Any = None) -> Any:
    """A ``keras.Model`` of observations alone that gives Q values (batch, A): the means of what ``dressed`` gives.

    Args:
        model: from ``dressed``; the result shares its variables.
        form: what was added.
        atoms: the values of the atoms of a categorical head.
    """
    ops = load_keras().ops
    if form.head == "values":
        return model
    if form.head == "categorical":
        means = ops.sum(ops.softmax(model.output, axis=-1) * np.asarray(atoms, np.float32), axis=-1)
        return load_keras().Model(inputs_of(model), means)
    if form.head == "quantiles":
        return load_keras().Model(inputs_of(model), ops.mean(model.output, axis=-1))
    seen, _ = inputs_of(model)
    fresh = load_keras().tree.map_structure(_again, seen)
    middle = (np.arange(form.points, dtype=np.float32) + 0.5) / form.points
    return load_keras().Model(fresh, ops.mean(model([fresh, _nothing(fresh) + middle]), axis=-1))


def inputs_of(model: Any) -> Any:
    """What a model takes, one tensor or a structure of several."""
    try:
        return model.input
    except AttributeError:  # Sequential says it only where it was called
        return model.inputs[0]


def _streams(last: Any, features: Any, num_actions: int, columns: int, dueling: bool) -> Any:
    """(batch, A, columns) from features (batch, d); (batch, K, A) from (batch, K, d), which has one column."""
    ops = load_keras().ops
    wide = _like(last, num_actions * columns, "columns")(features)
    value = _like(last, columns, "value")(features) if dueling else None
    axis = -1
    if len(features.shape) == 2:
        axis = 1
        wide = ops.reshape(wide, (-1, num_actions, columns))
        value = None if value is None else ops.reshape(value, (-1, 1, columns))
    return wide if value is None else value + (wide - ops.mean(wide, axis=axis, keepdims=True))


def _like(last: Any, units: int, name: str, **settings: Any) -> Any:
    """A layer with the last one's initialisers and another number of units."""
    return type(last).from_config({**last.get_config(), "units": units, "name": f"{last.name}_{name}", **settings})


def _cosines(fractions: Any, count: int) -> Any:
    ops = load_keras().ops
    return ops.cos(ops.expand_dims(fractions, -1) * (math.pi * np.arange(count, dtype=np.float32)))


def _again(tensor: Any) -> Any:
    return load_keras().Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)


def _nothing(inputs: Any) -> Any:
    """Zeros (batch, 1), by which numbers that depend on no input become a part of the model."""
    keras = load_keras()
    first = keras.tree.flatten(inputs)[0]
    flat = keras.ops.reshape(keras.ops.zeros_like(first), (-1, math.prod(first.shape[1:])))
    return keras.ops.cast(keras.ops.sum(flat, axis=1, keepdims=True), "float32")
