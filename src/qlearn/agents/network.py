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
from qlearn.agents.learner import Spec
from qlearn.agents.network_checks import check_output, complete
from qlearn.agents.network_config import describe, restore
from qlearn.agents.network_conv import quicken
from qlearn.agents.network_form import Form, dressed, valued
from qlearn.agents.network_inputs import InputShape, arrangement, example, shape_of, shapes_of
from qlearn.agents.noisy import dense_places, first_deviations, perturbed
from qlearn.agents.observed import inputs_of
from qlearn.environments.parts import Part
from qlearn.errors import InputError

Array = jax.Array
Builder = Callable[[Any, int], Any]
_PLAIN = Form()


class Weights(NamedTuple):
    """The arrays of one network: a JAX tree, with any axes in front that are mapped over."""

    trainable: tuple[Array, ...]  # those of the model, and after them the deviations of a noisy one
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
                ``(observation_shape, num_actions) -> keras.Model`` (the shape is a dict where observations are several
                arrays).  Weights that such a function itself sets, always to the same values, are kept: they are the
                first weights of every seed.

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

    def build(self, input_shape: InputShape, num_actions: int) -> Any:
        """A fresh model, perhaps not yet built."""
        if self.builder is None:
            return restore(self.config, self.custom)
        model = self.builder(input_shape, num_actions)
        if not isinstance(model, load_keras().Model):
            raise InputError(
                f"The function {self!r} gave {model!r}; expected a keras.Model. Let it return the model it builds."
            )
        return model

    def bind(self, spec: Spec, *, form: Form = _PLAIN) -> QFunction:
        """The network as Q function of an environment of these sizes; made once and kept.

        Args:
            spec: its sizes.  Numbers of states become one-hot vectors; arrays go in as they are, those of a dict each
                into the model's input of its name.
            form: what is added to the network: a dueling split, a distribution of returns, noise.

        Raises:
            InputError: where the model's input or output does not fit, naming the axis.
        """
        with BUILDING:
            return _bound(self, inputs_of(spec), spec.num_actions, form)

    def __repr__(self) -> str:
        return self.text


class QFunction:
    """A network bound to an environment: pure functions of :class:`Weights`, for one seed.

    Attributes:
        input_shape: of one input: the observation's, or (num_states,) for one-hot vectors; by name where there are
            several inputs.
        num_actions: A.
    """

    def __init__(self, network: Network, parts: tuple[Part, ...], num_actions: int, form: Form) -> None:
        self.input_shape = input_shape = shapes_of(parts)
        self.num_actions = num_actions
        self._parts = parts
        self._form = form
        self._make = functools.partial(_model, network, input_shape, num_actions, form)
        with on_the_host(), first_weights.recording() as record:
            self._model = self._make()
            self._starts = first_weights.starts(_variables(self._model), record, lambda: _variables(self._make()))
            quicken(self._model)
            self._places = dense_places(self._model) if form.noisy else ()
            plain = self._model if form.head == "values" else _model(network, input_shape, num_actions, _PLAIN)
        self._count = len(self._model.trainable_variables)
        self._arranged, self._dtypes = arrangement(plain, parts)
        check_output(plain, self._arranged(example(parts, self._dtypes)), input_shape, num_actions)

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
        return Weights((*values[: self._count], *first_deviations(self._places)), tuple(values[self._count :]))

    def values(self, weights: Weights, observations: Any, fractions: Array | None = None) -> Array:
        """Q of a batch of observations: (batch, *shape), (batch,) int32 states, or a dict; gives (batch, A) float32.

        With a head of another form what that gives, (batch, A, columns); ``fractions`` (batch, K) where it asks.
        """
        return self._call(weights, observations, fractions, training=False)[0]

    def noisy(self, weights: Weights, noise: Any, slot: int | Array) -> Weights:
        """The weights with noise from one slot; as they are where the form has none."""
        if not self._places:
            return weights
        means, deviations = weights.trainable[: self._count], weights.trainable[self._count :]
        drawn = perturbed(means, deviations, self._places, noise, slot)
        return weights._replace(trainable=(*drawn, *deviations))

    def row(self, weights: Weights, observation: Any) -> Array:
        """Q of one observation, (A,) float32."""
        return self.values(weights, jax.tree.map(lambda x: x[None], observation))[0]

    def train_values(
        self, weights: Weights, observations: Any, fractions: Array | None = None
    ) -> tuple[Array, Weights]:
        """The same while learning (Dropout drops, BatchNormalization takes the batch's moments).

        Returns:
            Values (batch, A), and the weights with the layers' new state; ``trainable`` is as it was.
        """
        return self._call(weights, observations, fractions, training=True)

    def model(self, weights: Weights, atoms: Any = None) -> Any:
        """A fresh, ordinary ``keras.Model`` that gives Q values, with the weights of one seed (JAX or NumPy arrays).

        Noise is left out; ``atoms`` are the values of a categorical head's.
        """
        with on_the_host():
            with first_weights.recording():
                model = self._make()
            arrays = [*weights.trainable[: self._count], *weights.other]
            for variable, value in zip(_variables(model), arrays, strict=True):
                variable.assign(np.asarray(value))
            return valued(model, self._form, atoms)

    def _call(
        self, weights: Weights, observations: Any, fractions: Array | None, *, training: bool
    ) -> tuple[Array, Weights]:
        inputs = self._inputs(observations)
        inputs = inputs if fractions is None else [inputs, fractions]
        trainable = weights.trainable[: self._count]
        outputs, other, _ = call(self._model, trainable, weights.other, inputs, training=training)
        kept = tuple(jnp.asarray(new, old.dtype) for new, old in zip(other, weights.other, strict=True))
        return outputs.astype(jnp.float32), Weights(weights.trainable, kept)

    def _inputs(self, observations: Any) -> Any:
        """What the model is called with: every part as its input of that name takes it."""
        given = observations if isinstance(observations, dict) else {self._parts[0].name: observations}
        return self._arranged({p.name: _input(p, given[p.name], self._dtypes[p.name]) for p in self._parts})


def _input(part: Part, values: Array, dtype: str) -> Array:
    if part.values:
        return jax.nn.one_hot(values, part.values, dtype=dtype)
    return jnp.asarray(values).astype(dtype).reshape(values.shape[0], *shape_of(part))


@functools.lru_cache(maxsize=128)
def _bound(network: Network, parts: tuple[Part, ...], num_actions: int, form: Form) -> QFunction:
    return QFunction(network, parts, num_actions, form)


def _model(network: Network, input_shape: InputShape, num_actions: int, form: Form) -> Any:
    model = network.build(input_shape, num_actions)
    complete(model, input_shape)
    return dressed(model, num_actions, form)


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
