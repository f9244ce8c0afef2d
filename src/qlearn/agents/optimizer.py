"""Keras optimizers as pure functions; the learning rate is a number of the description."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.backend import lenient, load_keras, on_the_host
from qlearn.agents.network import Weights
from qlearn.errors import InputError

Array = jax.Array
State = tuple[Array, ...]


@dataclasses.dataclass(frozen=True, repr=False)
class Optimizer:
    """An optimizer as an agent's description keeps it; made by :meth:`of`.

    Attributes:
        learning_rate: a leaf of the JAX tree, so that a new one compiles nothing; None where the optimizer has a Keras
            schedule, which is structure.
        kind: its class.
        config: the rest of its configuration, as JSON.
    """

    learning_rate: Any
    kind: type
    config: str

    @classmethod
    def of(cls, optimizer: Any) -> Optimizer:
        """Take an optimizer's configuration as it is now; its state is not used and it is never changed.

        Args:
            optimizer: a ``keras.optimizers.Optimizer`` with a constant rate or a Keras schedule.

        Raises:
            InputError: where it is none, or has what qlearn's updates could not honour.
        """
        if isinstance(optimizer, Optimizer):
            return optimizer
        keras = load_keras()
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise InputError(
                f"{optimizer!r} is no optimizer; expected a keras.optimizers.Optimizer. "
                "Pass for example keras.optimizers.Adam(learning_rate=1e-3)."
            )
        config = optimizer.get_config()
        rate = config.pop("learning_rate")
        config.pop("name", None)
        if isinstance(rate, dict):
            config["learning_rate"], rate = rate, None
        else:
            rate = float(str(np.float32(rate)))  # Keras keeps a float32: 0.001 shall not become 0.0010000000475
        return cls(rate, type(optimizer), json.dumps(config, sort_keys=True))

    def first(self, weights: Weights) -> State:
        """The state before the first update."""
        _, first, _ = self._built(weights)
        return tuple(jnp.asarray(value) for value in first)

    def apply(self, state: State, gradients: tuple[Array, ...], weights: Weights) -> tuple[Weights, State]:
        """One update: new weights (``other`` as it was) and the new state.

        Args:
            state: of :meth:`first` or the update before.
            gradients: of ``weights.trainable``.
            weights: of one seed.
        """
        optimizer, _, place = self._built(weights)
        values = list(state)
        if place is not None:
            values.insert(place, jnp.asarray(self.learning_rate, jnp.float32))
        with lenient():
            trainable, new = optimizer.stateless_apply(values, list(gradients), list(weights.trainable))
        if place is not None:
            del new[place]
        kept = tuple(jnp.asarray(n, o.dtype) for n, o in zip(new, state, strict=True))
        return Weights(tuple(trainable), weights.other), kept

    def _built(self, weights: Weights) -> tuple[Any, list[Any], int | None]:
        layout = tuple((x.shape, str(x.dtype)) for x in weights.trainable)
        with on_the_host():
            return _built(self.kind, self.config, layout)

    def __repr__(self) -> str:
        rate = "" if self.learning_rate is None else f"{self.learning_rate:g}"
        return f"{self.kind.__name__}({rate})"


jax.tree_util.register_dataclass(Optimizer, data_fields=["learning_rate"], meta_fields=["kind", "config"])


@functools.lru_cache(maxsize=128)
def _built(kind: Any, config: str, layout: tuple[Any, ...]) -> tuple[Any, list[Any], int | None]:
    """An optimizer for such weights, the first values of its state, and the place of the learning rate among them."""
    keras = load_keras()
    settings = json.loads(config)
    constant = "learning_rate" not in settings
    if constant:
        settings["learning_rate"] = 1.0
    optimizer = kind.from_config(settings)
    optimizer.build([keras.Variable(np.zeros(shape, dtype)) for shape, dtype in layout])
    variables = optimizer.variables
    first = [np.asarray(v.value) for v in variables]
    if not constant:
        return optimizer, first, None
    place = next(i for i, v in enumerate(variables) if v is optimizer._learning_rate)
    del first[place]
    return optimizer, first, place
