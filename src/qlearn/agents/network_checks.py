"""Whether a model fits an environment: its input, its output, and what qlearn's updates would leave out."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from qlearn.errors import InputError


def check_input(model: Any, input_shape: tuple[int, ...]) -> None:
    """Raises InputError where a built model wants other inputs than ``input_shape``."""
    wanted = getattr(model, "input_shape", None) if model.built else None
    if not isinstance(wanted, tuple) or not all(n is None or isinstance(n, int) for n in wanted):
        return
    if len(wanted) != 1 + len(input_shape):
        raise InputError(
            f"The model's input has shape {wanted}, the batch first; one observation has shape {input_shape}. "
            f"Begin the model with keras.Input({input_shape})."
        )
    for axis, (has, needs) in enumerate(zip(wanted, (None, *input_shape), strict=True)):
        if has is not None and has != needs:
            raise InputError(
                f"axis {axis} of the model's input has {has} entries; "
                + ("it is the batch, of any size. " if axis == 0 else f"observations have {needs} there. ")
                + f"Begin the model with keras.Input({input_shape})."
            )


def check_built(model: Any) -> None:
    """Raises InputError where parts of a model would be ignored in an update, or where it could not be built."""


def check_output(model: Any, input_shape: tuple[int, ...], num_actions: int, dtype: str) -> None:
    """Raises InputError where the model does not give (batch, num_actions)."""
    batch = 3  # a number that no other axis has by chance

    def call(inputs: Any) -> Any:
        variables = ([v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables])
        return model.stateless_call(*variables, inputs, training=False)[0]

    output = jax.eval_shape(call, jax.ShapeDtypeStruct((batch, *input_shape), jnp.dtype(dtype)))
    cure = f"make the last layer Dense({num_actions})"
    if not hasattr(output, "shape"):
        raise InputError(f"The model has several outputs; expected one, of shape (batch, {num_actions}): {cure}.")
    if len(output.shape) != 2:
        raise InputError(
            f"The model's output has {len(output.shape)} axes, {('batch', *output.shape[1:])}; expected two, "
            f"(batch, {num_actions}): flatten it and {cure}."
        )
    if output.shape[1] != num_actions:
        raise InputError(
            f"axis 1 of the model's output has {output.shape[1]} entries; the environment has {num_actions} actions: "
            f"{cure}."
        )
