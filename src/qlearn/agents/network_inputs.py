"""How the parts of an observation reach a model: one array into its only input, several by the names of its inputs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from qlearn.agents.backend import load_keras
from qlearn.environments.parts import Part
from qlearn.errors import InputError, nearest

InputShape: TypeAlias = "tuple[int, ...] | dict[str, tuple[int, ...]]"
Arranged = Callable[[Mapping[str, Any]], Any]
BATCH = 3  # stands for any number


def shape_of(part: Part) -> tuple[int, ...]:
    """Of one part as a model takes it: a one-hot vector where it is counted, a vector of one where it is a scalar."""
    return (part.values,) if part.values else part.shape or (1,)


def shapes_of(parts: Sequence[Part]) -> InputShape:
    """Of the only part, or of all by name."""
    if len(parts) == 1:
        return shape_of(parts[0])
    return {part.name: shape_of(part) for part in parts}


def symbolic(shape: InputShape) -> Any:
    """Keras' stand-ins for inputs of these shapes, for models that take their shapes where they are called."""
    keras = load_keras()
    if isinstance(shape, dict):
        return {name: keras.KerasTensor((None, *one), dtype="float32") for name, one in shape.items()}
    return keras.KerasTensor((None, *shape), dtype="float32")


def inputs_of_model(model: Any) -> dict[str, Any] | None:
    """The inputs of a functional or sequential model by name, or None of a class that only its call knows."""
    inputs = getattr(model, "inputs", None)
    if not inputs:
        return None
    form = _form(model)
    if isinstance(form, dict):
        return dict(form)
    return {str(tensor.name): tensor for tensor in inputs}


def _form(model: Any) -> Any:
    """What a model's inputs were given as: a tensor, a list or a dict."""
    try:
        return model.input
    except (AttributeError, ValueError):  # a class that has been called in several ways
        return None


def as_given(model: Any, values: Mapping[str, Any]) -> Any:
    """What to call a model with: a dict, a list in its order, or its only input."""
    if inputs_of_model(model) is None or isinstance(_form(model), dict):
        return dict(values)
    return [values[name] for name in inputs_of_model(model) or {}] if len(values) > 1 else next(iter(values.values()))


def arrangement(model: Any, parts: Sequence[Part]) -> tuple[Arranged, dict[str, str]]:
    """How to hand parts to a model that fits them, and the dtype that each is to have."""
    inputs = inputs_of_model(model)
    only = parts[0].name
    if inputs is None:
        dtypes = {part.name: "float32" for part in parts}
        return (lambda values: values[only]) if len(parts) == 1 else dict, dtypes
    if len(parts) == 1:  # whatever its name
        ((name, tensor),) = inputs.items()
        whole = isinstance(_form(model), dict)
        return (lambda values: {name: values[only]} if whole else values[only]), {only: str(tensor.dtype)}
    return functools.partial(as_given, model), {name: str(tensor.dtype) for name, tensor in inputs.items()}


def example(parts: Sequence[Part], dtypes: Mapping[str, str]) -> dict[str, Any]:
    """The shapes of a small batch of every part."""
    struct: Any = jax.ShapeDtypeStruct  # it brings no types
    return {p.name: struct((BATCH, *shape_of(p)), jnp.dtype(dtypes[p.name])) for p in parts}


def check_names(model: Any, shape: dict[str, tuple[int, ...]]) -> None:
    """Raises InputError where a built model has other inputs than an observation of several arrays has parts."""
    inputs = inputs_of_model(model)
    if inputs is None:
        return
    begin = "Begin the model with " + ", ".join(f"keras.Input({s}, name={n!r})" for n, s in shape.items()) + "."
    for name in inputs:
        if name not in shape:
            raise InputError(
                f"The model has an input {name!r}, and observations have {', '.join(shape)}"
                f"{nearest(name, list(shape)) or '.'} {begin}"
            )
    if missing := [name for name in shape if name not in inputs]:
        raise InputError(f"The model has no input {missing[0]!r}; expected one for each part observed. {begin}")
    for name, needs in shape.items():
        has = tuple(inputs[name].shape)[1:]
        if len(has) != len(needs) or any(a is not None and a != b for a, b in zip(has, needs, strict=True)):
            raise InputError(f"The model's input {name!r} has shape {has} after the batch; it gets {needs}. {begin}")
