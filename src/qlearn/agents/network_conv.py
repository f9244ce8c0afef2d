"""Convolutions as matrix products, for networks that train inside a loop on a CPU.

XLA computes the gradient of a convolution within a loop (``lax.scan``, where all training here happens) by plain loops
on a CPU: for a kernel of 3 × 3 × 4 × 16 and 32 images of 10 × 10 it took 2.5 ms, outside a loop 0.25 ms.  Written as a
product of all patches (images × places, kernel size × channels) with the kernel it took 0.12 ms, the convolution itself
0.06 instead of 0.16 ms.  The sums are the same, in another order.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp

from qlearn.agents.backend import load_keras

Array = jax.Array


def quicken(model: Any) -> None:
    """Let the Conv2D and Conv3D layers of a model that qlearn made for itself compute as matrix products.

    Layers of a class that defines a convolution of its own, with groups, or with the channels first stay as they are.
    """
    kinds = load_keras().layers
    plain = kinds.Conv2D.convolution_op  # where Keras lets a layer have another one
    for layer in model._flatten_layers():  # those inside layers of the user's own too, which .layers leaves out
        if (
            isinstance(layer, (kinds.Conv2D, kinds.Conv3D))
            and type(layer).convolution_op is plain
            and layer.groups == 1
            and layer.data_format == "channels_last"
        ):
            layer.convolution_op = functools.partial(_convolution, layer)


def _convolution(layer: Any, inputs: Any, kernel: Any) -> Any:
    if jax.default_backend() != "cpu":
        return type(layer).convolution_op(layer, inputs, kernel)
    ops = load_keras().ops
    kernel = ops.convert_to_tensor(kernel)
    inputs = ops.convert_to_tensor(inputs, dtype=kernel.dtype)
    return convolve(inputs, kernel, layer.strides, layer.padding, layer.dilation_rate)


def convolve(inputs: Array, kernel: Array, strides: tuple[int, ...], padding: str, dilation: tuple[int, ...]) -> Array:
    """A convolution in any number of dimensions, as Keras means it.

    Args:
        inputs: (batch, *places, channels).
        kernel: (*sizes, channels, filters).
        strides: one for each dimension.
        padding: ``"valid"`` or ``"same"``.
        dilation: one for each dimension.

    Returns:
        (batch, *places of the output, filters).
    """
    sizes, places = kernel.shape[:-2], inputs.shape[1:-1]
    reach = [(size - 1) * step + 1 for size, step in zip(sizes, dilation, strict=True)]
    if padding == "same":
        short = [max((-(-n // s) - 1) * s + r - n, 0) for n, s, r in zip(places, strides, reach, strict=True)]
        inputs = jnp.pad(inputs, [(0, 0), *((n // 2, n - n // 2) for n in short), (0, 0)])
        places = inputs.shape[1:-1]
    ends = [(n - r) // s + 1 for n, r, s in zip(places, reach, strides, strict=True)]
    patches = []
    for offset in itertools.product(*(range(size) for size in sizes)):
        start = [at * step for at, step in zip(offset, dilation, strict=True)]
        stop = [a + (n - 1) * s + 1 for a, n, s in zip(start, ends, strides, strict=True)]
        patches.append(
            jax.lax.slice(inputs, (0, *start, 0), (inputs.shape[0], *stop, inputs.shape[-1]), (1, *strides, 1))
        )
    rows = jnp.concatenate(patches, axis=-1).reshape(-1, math.prod(kernel.shape[:-1]))
    return (rows @ kernel.reshape(-1, kernel.shape[-1])).reshape(inputs.shape[0], *ends, kernel.shape[-1])
