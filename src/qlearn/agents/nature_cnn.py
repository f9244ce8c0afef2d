"""The network of the Nature paper for stacks of frames, ready to be named."""

from __future__ import annotations

import dataclasses
from typing import Any

from qlearn.agents.backend import load_keras
from qlearn.agents.convolution import convolution
from qlearn.errors import InputError


@dataclasses.dataclass(frozen=True, repr=False)
class nature_cnn:  # noqa: N801  # it is called like the function that it stands for
    """A builder for stacks of frames (frames, rows, columns) or (frames, rows, columns, 3), such as Atari's.

    Frames become channels, and their numbers, 0 to 255, are scaled to 0 to 1 where they are used; the replay keeps
    them as bytes.  Then ``convolution(32, 64, 64, kernels=(8, 4, 3), strides=(4, 2, 1), units=(512,))``.

    Args:
        units: of the dense layer before the values.
        layer_norm: whether each hidden layer is normalised before its activation.

    Raises:
        InputError: where a number is not usable, or frames have another shape.

    Source: V. Mnih et al., *Human-level control through deep reinforcement learning*, Nature 518 (2015).

    >>> nature_cnn(units=256)
    nature_cnn(units=256)
    >>> nature_cnn()((4, 84, 84), 6).output_shape
    (None, 6)
    """

    units: int = 512
    layer_norm: bool = False

    def __post_init__(self) -> None:
        self._layers()

    def __call__(self, observation_shape: Any, num_actions: int) -> Any:
        """An unshared ``keras.Sequential`` for such stacks."""
        keras = load_keras()
        layers = keras.layers
        if isinstance(observation_shape, dict) or len(observation_shape) not in (3, 4):
            raise InputError(
                f"{self!r} takes stacks of frames, (frames, rows, columns), and this environment observes "
                f"{observation_shape}. Pass convolution(…) for images of (rows, columns, channels), or stack frames: "
                "gymnasium.wrappers.FrameStackObservation."
            )
        frames, rows, columns, *colours = observation_shape
        channels = frames * (colours[0] if colours else 1)
        order = (2, 3, 1, 4)[: len(observation_shape)]
        images = self._layers()((rows, columns, channels), num_actions)
        begin = [layers.Input(observation_shape), layers.Rescaling(1 / 255), layers.Permute(order)]
        if colours:
            begin.append(layers.Reshape((rows, columns, channels)))
        return keras.Sequential([*begin, *images.layers])

    def _layers(self) -> convolution:
        kernels, strides = (8, 4, 3), (4, 2, 1)
        return convolution(32, 64, 64, kernels=kernels, strides=strides, units=self.units, layer_norm=self.layer_norm)

    def __repr__(self) -> str:
        usual = {"units": 512, "layer_norm": False}
        words = [f"{name}={getattr(self, name)!r}" for name in usual if getattr(self, name) != usual[name]]
        return f"nature_cnn({', '.join(words)})"
