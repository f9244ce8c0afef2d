"""Keras optimizers as pure functions; the learning rate is a number of the description."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import warnings
from typing import Any, NamedTuple

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
            schedule, which is structure and counts updates.
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
            optimizer: a ``keras.optimizers.Optimizer`` with a constant rate > 0 or a Keras schedule.  It sees variables
                by their shapes alone: Muon treats every matrix as one, those of Embedding too.

        Raises:
            InputError: where it is none, where its rate is out of range, or where it has what an update here would
                leave out (a scaled loss, several optimizers in one, rules about the names of variables).
        """
        if isinstance(optimizer, Optimizer):
            return optimizer
        keras = load_keras()
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise InputError(
                f"{optimizer!r} is no optimizer; expected a keras.optimizers.Optimizer. "
                "Pass for example keras.optimizers.Adam(learning_rate=1e-3)."
            )
        _check(optimizer)
        with on_the_host():
            config = _config(optimizer)
            config.pop("name", None)
            rate = _rate(optimizer, config)
            made = cls(rate, type(optimizer), _text(optimizer, config))
            _check_again(made, optimizer)
        return made

    def first(self, weights: Weights) -> State:
        """The state before the first update of these weights; the learning rate is no part of it."""
        built = self._built(weights)
        return tuple(
            weights.trainable[value] if isinstance(value, int) else jnp.asarray(value) for value in built.first
        )

    def apply(self, state: State, gradients: tuple[Array, ...], weights: Weights) -> tuple[Weights, State]:
        """One update.

        Args:
            state: of :meth:`first` or of the update before.
            gradients: of ``weights.trainable``, in its order.
            weights: of one seed.

        Returns:
            The new weights (``other`` as it was) and the new state.
        """
        built = self._built(weights)
        values = list(state)
        if built.rate is not None:
            values.insert(built.rate, jnp.asarray(self.learning_rate, jnp.float32))
        with lenient():
            trainable, new = built.optimizer.stateless_apply(values, list(gradients), list(weights.trainable))
        if built.rate is not None:
            del new[built.rate]
        changed = tuple(jnp.asarray(n, o.dtype) for n, o in zip(trainable, weights.trainable, strict=True))
        kept = tuple(jnp.asarray(n, o.dtype) for n, o in zip(new, state, strict=True))
        return Weights(changed, weights.other), kept

    def _built(self, weights: Weights) -> _Built:
        layout = tuple((tuple(x.shape), str(x.dtype)) for x in weights.trainable)
        with on_the_host():
            return _built(self.kind, self.config, layout)

    def __repr__(self) -> str:
        settings = json.loads(self.config)
        rate = settings.pop("learning_rate", None)
        words = [_number(self.learning_rate) if rate is None else rate["class_name"]]
        usual = _usual(self.kind)
        words += [f"{name}={value!r}" for name, value in settings.items() if name in usual and usual[name] != value]
        return f"{self.kind.__name__}({', '.join(words)})"


jax.tree_util.register_dataclass(Optimizer, data_fields=["learning_rate"], meta_fields=["kind", "config"])


def _config(optimizer: Any) -> dict[str, Any]:
    with warnings.catch_warnings():  # Keras 3.15 reads its own variables in a way that NumPy 2 deprecates
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        return dict(optimizer.get_config())


class _Built(NamedTuple):
    optimizer: Any
    first: tuple[Any, ...]  # first values of the state: an array, or the number of the weight that one is a copy of
    rate: int | None  # the place of the learning rate among the optimizer's variables


def _check(optimizer: Any) -> None:
    """Raises InputError where an update would leave something out."""
    optimizers = load_keras().optimizers
    name = type(optimizer).__name__
    rate = getattr(optimizer, "_learning_rate", None)  # the public one is a number already where a function gives it
    refused = {
        "its learning rate is a function": callable(rate)
        and not isinstance(rate, optimizers.schedules.LearningRateSchedule),
        "it wraps other optimizers": isinstance(optimizer, (optimizers.LossScaleOptimizer, optimizers.MultiOptimizer)),
        "loss_scale_factor scales a loss that qlearn computes itself": getattr(optimizer, "loss_scale_factor", None),
        "use_ema without ema_overwrite_frequency keeps averages that nothing here would use": (
            getattr(optimizer, "use_ema", False) and not optimizer.ema_overwrite_frequency
        ),
        "exclude_layers goes by the names of layers": getattr(optimizer, "exclude_layers", None),
        "exclude_from_weight_decay goes by the names of variables": (
            getattr(optimizer, "_exclude_from_weight_decay", None)
            or getattr(optimizer, "_exclude_from_weight_decay_pattern", None)
        ),
    }
    for reason, holds in refused.items():
        if holds:
            raise InputError(
                f"The optimizer {name} cannot be used: {reason}. Expected one optimizer for all variables, on the "
                "plain loss, at a rate that is a number or a Keras schedule. Pass keras.optimizers.Adam(1e-3), say."
            )


def _rate(optimizer: Any, config: dict[str, Any]) -> float | None:
    """A constant rate, which leaves ``config``; None where a schedule stays there."""
    if isinstance(config["learning_rate"], dict):
        return None
    value = float(str(np.float32(config.pop("learning_rate"))))  # Keras keeps a float32: 0.001 is meant
    if not 0.0 < value < math.inf:
        raise InputError(
            f"{type(optimizer).__name__}: learning_rate={value:g} is out of range; expected a number in (0, ∞). "
            "Pass for example learning_rate=1e-3."
        )
    return value


def _text(optimizer: Any, config: dict[str, Any]) -> str:
    try:
        return json.dumps(config, sort_keys=True)
    except TypeError as problem:
        raise InputError(
            f"The configuration of {type(optimizer).__name__} is not plain text ({problem}); expected numbers, words, "
            "lists and dictionaries. Mend its get_config."
        ) from problem


def _check_again(made: Optimizer, optimizer: Any) -> None:
    """Raises InputError where the optimizer cannot be made again from its configuration."""
    try:
        _fresh(made.kind, made.config)
    except Exception as problem:
        raise InputError(
            f"The optimizer {type(optimizer).__name__} cannot be made again from its get_config() "
            f"({type(problem).__name__}: {problem}); expected all arguments of its constructor there. Mend it."
        ) from problem


def _fresh(kind: Any, config: str) -> Any:
    settings = json.loads(config)
    settings.setdefault("learning_rate", 1.0)  # given anew at every update
    return kind.from_config(settings)


@functools.lru_cache(maxsize=128)
def _built(kind: Any, config: str, layout: tuple[Any, ...]) -> _Built:
    """An optimizer for weights of these shapes and dtypes."""
    optimizer, weights = _fresh_for(kind, config, layout, seed=0)
    other, _ = _fresh_for(kind, config, layout, seed=1)
    rate = None
    if "learning_rate" not in json.loads(config):
        rate = next(i for i, v in enumerate(optimizer.variables) if v.name == "learning_rate")
    first: list[Any] = []
    for mine, its in zip(optimizer.variables, other.variables, strict=True):
        value = np.asarray(mine.value)
        if np.array_equal(value, np.asarray(its.value)):
            first.append(value)
            continue
        copied = [i for i, weight in enumerate(weights) if np.array_equal(weight, value)]
        if not copied:
            raise InputError(
                f"The first value of {kind.__name__}'s variable {mine.path!r} is neither a constant nor a copy of a "
                "weight; qlearn cannot make it for each seed. Expected one of keras.optimizers; pass Adam, for example."
            )
        first.append(copied[0])
    if rate is not None:
        del first[rate]
    return _Built(optimizer, tuple(first), rate)


def _fresh_for(kind: Any, config: str, layout: tuple[Any, ...], seed: int) -> tuple[Any, list[Any]]:
    """An optimizer built for random weights, and those: what of its state depends on them can be seen."""
    generator = np.random.default_rng(seed)
    weights = [generator.standard_normal(shape).astype(dtype) for shape, dtype in layout]
    optimizer = _fresh(kind, config)
    optimizer.build(
        [load_keras().Variable(weight, dtype=dtype) for weight, (_, dtype) in zip(weights, layout, strict=True)]
    )
    return optimizer, weights


@functools.cache
def _usual(kind: Any) -> dict[str, Any]:
    """The settings of an optimizer of which nothing was said; empty where something must be."""
    try:
        with on_the_host():
            return _config(kind())
    except TypeError:
        return {}


def _number(rate: Any) -> str:
    return f"{rate:g}" if isinstance(rate, (int, float)) else "…"  # an array, or what stands for one in a trace
