"""The network for images that needs no drawing: convolutions, then dense layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from qlearn.agents.backend import load_keras
from qlearn.errors import InputError


@dataclasses.dataclass(frozen=True, init=False, repr=False)
class convolution:  # noqa: N801  # it is called like the function that it stands for
    """A builder of convolutional networks, for any agent's ``model``: hashable, and printed as it is written.

    ``convolution(16)`` is Conv2D(16, 3), ReLU, Flatten, Dense(128), ReLU, Dense(num_actions), which is MinAtar's
    network; ``convolution(32, 64, 64, kernels=(8, 4, 3), strides=(4, 2, 1), units=(512,))`` is that of the Nature
    paper for stacks of four frames of 84 × 84.  Hidden layers begin as He et al. (2015) proposed for ReLU.

    Args:
        filters: of each convolution, whole numbers of at least 1; one or more.
        kernels: the side of each convolution's window; one number serves all.
        strides: by how much each window moves; one number serves all.
        units: of the dense layers between the convolutions and the values.
        layer_norm: whether each hidden layer is normalised before its activation (``LayerNormalization``, ε 1e-6).

    Raises:
        InputError: where a number is not usable, or there is not one for each convolution.

    Sources: K. Young and T. Tian, *MinAtar*, arXiv:1903.03176 (2019); V. Mnih et al., Nature 518 (2015).

    >>> convolution(16)
    convolution(16)
    >>> convolution(32, 64, kernels=(8, 4), strides=(4, 2), units=(512,), layer_norm=True)
    convolution(32, 64, kernels=(8, 4), strides=(4, 2), units=(512,), layer_norm=True)
    """

    filters: tuple[int, ...]
    kernels: tuple[int, ...]
    strides: tuple[int, ...]
    units: tuple[int, ...]
    layer_norm: bool

    def __init__(
        self,
        *filters: int,
        kernels: int | Sequence[int] = 3,
        strides: int | Sequence[int] = 1,
        units: int | Sequence[int] = (128,),
        layer_norm: bool = False,
    ) -> None:
        if not filters:
            raise InputError("convolution: there are no filters; expected at least one number. Write convolution(16).")
        object.__setattr__(self, "filters", _each("filters", filters, len(filters)))
        object.__setattr__(self, "kernels", _each("kernels", kernels, len(filters)))
        object.__setattr__(self, "strides", _each("strides", strides, len(filters)))
        object.__setattr__(self, "units", _each("units", (units,) if isinstance(units, int) else units, None))
        object.__setattr__(self, "layer_norm", bool(layer_norm))

    def __call__(self, observation_shape: tuple[int, ...], num_actions: int) -> Any:
        """An unshared ``keras.Sequential`` for images of (rows, columns, channels)."""
        keras = load_keras()
        layers = keras.layers
        if len(observation_shape) != 3:
            raise InputError(
                f"{self!r} takes images of (rows, columns, channels), and this environment observes arrays of shape "
                f"{observation_shape}. Pass mlp(128, 128), or wrap the environment."
            )
        parts = [layers.Input(observation_shape)]
        for filters, kernel, stride in zip(self.filters, self.kernels, self.strides, strict=True):
            parts += [layers.Conv2D(filters, kernel, stride, kernel_initializer="he_normal"), *self._after()]
        parts.append(layers.Flatten())
        for units in self.units:
            parts += [layers.Dense(units, kernel_initializer="he_normal"), *self._after()]
        return keras.Sequential([*parts, layers.Dense(num_actions)])

    def _after(self) -> list[Any]:
        layers = load_keras().layers
        return [layers.LayerNormalization(epsilon=1e-6), layers.ReLU()] if self.layer_norm else [layers.ReLU()]

    def __repr__(self) -> str:
        words = [str(number) for number in self.filters]
        for name, usual in (("kernels", 3), ("strides", 1)):
            numbers = getattr(self, name)
            if set(numbers) != {usual}:
                words.append(f"{name}={numbers[0] if len(set(numbers)) == 1 else numbers}")
        if self.units != (128,):
            words.append(f"units={self.units}")
        if self.layer_norm:
            words.append("layer_norm=True")
        return f"convolution({', '.join(words)})"


def _each(name: str, given: int | Sequence[int], count: int | None) -> tuple[int, ...]:
    """One number for each layer."""
    numbers = (given,) * (count or 1) if isinstance(given, int) else tuple(given)
    number: Any
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise InputError(
                f"convolution: {name}={given!r} is not usable; expected whole numbers of at least 1. "
                "Write for example convolution(32, 64, kernels=(8, 4), strides=(4, 2))."
            )
    if count is not None and len(numbers) != count:
        raise InputError(
            f"convolution: {name}={given!r} has {len(numbers)} numbers for {count} convolutions. Give one for each, "
            "or one number for all."
        )
    return numbers
