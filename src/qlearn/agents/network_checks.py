"""Whether a model fits an environment: its input, its output, and what qlearn's updates would leave out."""

from __future__ import annotations

import re
from typing import Any

import jax

from qlearn.agents.backend import call, load_keras
from qlearn.agents.network_inputs import BATCH, InputShape, check_names, symbolic
from qlearn.errors import InputError


def complete(model: Any, input_shape: InputShape) -> None:
    """Build a model for inputs of (batch, *input_shape), or of several by name, where it is not built already.

    Raises:
        InputError: where it was built for other inputs, or cannot be built for these.
    """
    several = isinstance(input_shape, dict)
    if model.built:
        if isinstance(input_shape, dict):
            check_names(model, input_shape)
        else:
            _check_input(model, input_shape)
        return
    try:
        if isinstance(model, load_keras().Sequential) and not several:
            model.build((None, *input_shape))
        else:  # a class of the user's own may have no build: its layers are built where they are called
            model(symbolic(input_shape))
    except Exception as problem:
        one = "keras.Input(shape, name=name) for each part" if several else f"keras.Input({input_shape})"
        raise InputError(
            f"The model cannot be built for observations of shape {input_shape} ({short(problem)}); expected layers "
            f"that take them. Begin the model with {one} and mend what Keras then says."
        ) from problem


def _check_input(model: Any, input_shape: tuple[int, ...]) -> None:
    """Raises InputError where a built model wants other inputs than ``input_shape``."""
    inputs = getattr(model, "inputs", None) or []
    begin = f"Begin the model with keras.Input({input_shape})."
    if len(inputs) > 1:
        raise InputError(f"The model has {len(inputs)} inputs; expected one, the observation. {begin}")
    if not inputs:
        return
    wanted = tuple(inputs[0].shape)
    if len(wanted) != 1 + len(input_shape):
        raise InputError(
            f"The model's input has shape {wanted[1:]} after the batch; one observation has shape {input_shape}. "
            + begin
        )
    for axis, (has, needs) in enumerate(zip(wanted, (None, *input_shape), strict=True)):
        if has is not None and has != needs:
            there = "it is the batch, of any size" if axis == 0 else f"observations have {needs} there"
            entries = "1 entry" if has == 1 else f"{has} entries"
            raise InputError(f"axis {axis} of the model's input has {entries}; {there}. {begin}")


def check_output(model: Any, inputs: Any, input_shape: InputShape, num_actions: int) -> None:
    """Raises InputError where the model does not give (batch, num_actions), or has parts that no update would use."""
    output, losses = _outputs(model, inputs, input_shape)
    cure = f"make the last layer Dense({num_actions})"
    if not hasattr(output, "shape"):
        raise InputError(f"The model has several outputs; expected one, of shape (batch, {num_actions}): {cure}.")
    if len(output.shape) != 2:
        raise InputError(
            f"The model's output has {len(output.shape)} axes; expected two, (batch, {num_actions}): flatten the "
            f"features and {cure}."
        )
    if output.shape[0] != BATCH:
        raise InputError(
            f"axis 0 of the model's output is not the batch ({BATCH} observations gave {output.shape[0]} rows); "
            f"expected (batch, {num_actions}). Let every layer keep the batch apart."
        )
    if output.shape[1] != num_actions:
        raise InputError(
            f"axis 1 of the model's output has {output.shape[1]} entries; the environment has {num_actions} actions: "
            f"{cure}."
        )
    if losses:
        raise InputError(
            f"The model adds {len(losses)} losses of its own (regularizers, add_loss); an agent's loss is that of its "
            "rule alone. Leave them out; an optimizer's weight_decay does what an L2 regularizer is meant to do."
        )
    for variable in model.trainable_variables:
        if variable.constraint is not None or variable.overwrite_with_gradient:
            raise InputError(
                f"The model's variable {variable.path!r} has a constraint or a quantised gradient, which optimizers "
                "here do not see; expected plain variables. Leave it out."
            )


def _outputs(model: Any, batch: Any, input_shape: InputShape) -> tuple[Any, Any]:
    """The shapes of what the model gives while it learns: outputs and losses."""
    values = ([v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables])

    def run(inputs: Any) -> Any:
        outputs, _, losses = call(model, *values, inputs, training=True)
        return outputs, losses

    try:
        return jax.eval_shape(run, batch)
    except Exception as problem:
        raise InputError(
            f"The model fails on a batch of observations of shape {input_shape} ({short(problem)}); expected a model "
            "that Keras can run on it. Layers that draw random numbers need a keras.random.SeedGenerator."
        ) from problem


def short(problem: Exception) -> str:
    """The kind and the telling part of an error of Keras."""
    words = re.sub(r"^\s*Exception encountered when calling [^\n]*\n", "", str(problem)).split()
    text = " ".join(words).partition(" Arguments received by")[0].partition(" Example:")[0]
    return f"{type(problem).__name__}: {text[:240]}".rstrip(": .")
