"""Networks as Q functions: a Keras model as a description, and as pure functions of weights."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents import network_first as first_weights
from qlearn.agents.backend import BUILDING, call, lenient, load_keras, on_the_host
from qlearn.agents.dueling import with_dueling_head
from qlearn.agents.learner import Spec
from qlearn.agents.network_checks import check_output, complete
from qlearn.agents.network_config import describe, restore
from qlearn.agents.network_conv import quicken
from qlearn.errors import InputError

Array = jax.Array
Builder = Callable[[tuple[int, ...], int], Any]


class Weights(NamedTuple):
    """The arrays of one network: a JAX tree, with any axes in front that are mapped over."""

    trainable: tuple[Array, ...]
    other: tuple[Array, ...]  # what no gradient changes: moments of BatchNormalization, seeds of Dropout


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True, repr=False)
class Network:
    """A network as an agent's description keeps it: hashable, and equal to another of the same configuration.

    Made by :meth:`of`.
    """

    builder: Builder | None
    config: str = ""
    custom: tuple[tuple[str, type], ...] = ()
    text: str = dataclasses.field(default="", compare=False)

    @classmethod
    def of(cls, model: Any) -> Network:
        """Take a model's configuration as it is now.

        Args:
            model: a ``keras.Model`` or ``keras.Sequential``, which is never changed and whose weights are **not** used
                (every seed draws its own first weights, by the model's initialisers); or a function
                ``(observation_shape, num_actions) -> keras.Model``.  Weights that such a function itself sets, always
                to the same values, are kept: they are the first weights of every seed.

        Raises:
            InputError: where it is neither, or where the model cannot be made again from its configuration.

        >>> from qlearn.agents.mlp import mlp
        >>> Network.of(mlp(10, activation="sigmoid"))
        mlp(10, activation='sigmoid')
        """
        if isinstance(model, Network):
            return model
        keras = load_keras()
        if isinstance(model, keras.Model):
            with on_the_host():
                return cls(None, *describe(model), text=_summary(model))
        if isinstance(model, Hashable) and callable(model) and not isinstance(model, (type, keras.layers.Layer)):
            return cls(model, text=getattr(model, "__name__", repr(model)))
        raise InputError(
            f"{model!r} is no network; expected a keras.Model, a keras.Sequential or a function "
            "(observation_shape, num_actions) -> keras.Model. Pass for example qlearn.mlp(120, 84)."
        )

    def build(self, input_shape: tuple[int, ...], num_actions: int) -> Any:
        """A fresh model, perhaps not yet built."""
        if self.builder is None:
            return restore(self.config, self.custom)
        model = self.builder(input_shape, num_actions)
        if not isinstance(model, load_keras().Model):
            raise InputError(
                f"The function {self!r} gave {model!r}; expected a keras.Model. Let it return the model it builds."
            )
        return model

    def bind(self, spec: Spec, *, dueling: bool = False) -> QFunction:
        """The network as Q function of an environment of these sizes; made once and kept.

        Args:
            spec: its sizes.  Numbers of states become one-hot vectors; arrays go in as they are.
            dueling: whether the last layer is split into a value and advantages.

        Raises:
            InputError: where the model's input or output does not fit, naming the axis.
        """
        shape = (spec.num_states,) if spec.observation_shape is None else tuple(spec.observation_shape)
        discrete = spec.observation_shape is None
        with BUILDING:
            return _bound(self, shape or (1,), discrete, spec.num_actions, dueling)

    def __repr__(self) -> str:
        return self.text


class QFunction:
    """A network bound to an environment: pure functions of :class:`Weights`, for one seed.

    Attributes:
        input_shape: of one input: the observation's, or (num_states,) for one-hot vectors.
        num_actions: A.
    """

    def __init__(
        self,
        network: Network,
        input_shape: tuple[int, ...],
        discrete: bool,
        num_actions: int,
        dueling: bool,
    ) -> None:
        self.input_shape = input_shape
        self.num_actions = num_actions
        self._discrete = discrete
        self._make = functools.partial(_model, network, input_shape, num_actions, dueling)
        with on_the_host(), first_weights.recording() as record:
            self._model = self._make()
            self._starts = first_weights.starts(_variables(self._model), record, lambda: _variables(self._make()))
            quicken(self._model)
        self._dtype = self._model.inputs[0].dtype if getattr(self._model, "inputs", None) else "float32"
        check_output(self._model, input_shape, num_actions, self._dtype)

    @property
    def size(self) -> int:
        """How many numbers training changes."""
        return sum(int(np.prod(variable.shape)) for variable in self._model.trainable_variables)

    def first(self, noise: Any) -> Weights:
        """First weights, by the model's initialisers, and first states of its seed generators.

        Args:
            noise: of the stream INITIAL; variable i takes the slot ``FIRST_SLOT + i``.

        Every seed draws its own, except where the user gave an initializer a seed: such weights are the same for all.
        """
        with lenient():
            values = [start(noise, first_weights.FIRST_SLOT + i) for i, start in enumerate(self._starts)]
        count = len(self._model.trainable_variables)
        return Weights(tuple(values[:count]), tuple(values[count:]))

    def values(self, weights: Weights, observations: Array, *, training: bool = False) -> Array:
        """Q of a batch of observations: (batch, *shape), or (batch,) int32 states; gives (batch, A) float32."""
        return self._call(weights, observations, training)[0]

    def train_values(self, weights: Weights, observations: Array) -> tuple[Array, Weights]:
        """The same while learning (Dropout drops, BatchNormalization takes the batch's moments).

        Returns:
            Values (batch, A), and the weights with the layers' new state; ``trainable`` is as it was.
        """
        return self._call(weights, observations, True)

    def model(self, weights: Weights) -> Any:
        """A fresh, ordinary ``keras.Model`` with the weights of one seed (JAX or NumPy arrays)."""
        with on_the_host():
            with first_weights.recording():
                model = self._make()
            arrays = [*weights.trainable, *weights.other]
            for variable, value in zip(_variables(model), arrays, strict=True):
                variable.assign(np.asarray(value))
        return model

    def _call(self, weights: Weights, observations: Array, training: bool) -> tuple[Array, Weights]:
        inputs = self._inputs(observations)
        outputs, other, _ = call(self._model, weights.trainable, weights.other, inputs, training=training)
        kept = tuple(jnp.asarray(new, old.dtype) for new, old in zip(other, weights.other, strict=True))
        return outputs.astype(jnp.float32), Weights(weights.trainable, kept)

    def _inputs(self, observations: Array) -> Array:
        if self._discrete:
            return jax.nn.one_hot(observations, self.input_shape[0], dtype=self._dtype)
        return jnp.asarray(observations).astype(self._dtype).reshape(observations.shape[0], *self.input_shape)


@functools.lru_cache(maxsize=128)
def _bound(network: Network, shape: tuple[int, ...], discrete: bool, num_actions: int, dueling: bool) -> QFunction:
    return QFunction(network, shape, discrete, num_actions, dueling)


def _model(network: Network, input_shape: tuple[int, ...], num_actions: int, dueling: bool) -> Any:
    model = network.build(input_shape, num_actions)
    complete(model, input_shape)
    return with_dueling_head(model, num_actions) if dueling else model


def _variables(model: Any) -> list[Any]:
    return [*model.trainable_variables, *model.non_trainable_variables]


def _summary(model: Any) -> str:
    return f"{type(model).__name__}({', '.join(_layer(layer) for layer in model.layers)})"


def _layer(layer: Any) -> str:
    config = layer.get_config()
    units = [str(config[name]) for name in ("units", "filters", "rate") if name in config]
    activation = config.get("activation")
    if isinstance(activation, str) and activation != "linear":
        units.append(repr(activation))
    return f"{type(layer).__name__}({', '.join(units)})" if units else type(layer).__name__
