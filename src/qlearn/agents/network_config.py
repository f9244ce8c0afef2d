"""A Keras model as text: its configuration, with the names that Keras counts up made the same for equal models."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from qlearn.agents.backend import load_keras
from qlearn.agents.network_checks import short
from qlearn.errors import InputError

_REFERENCES = ("keras_history", "input_layers", "output_layers")


def describe(model: Any) -> tuple[str, tuple[tuple[str, type], ...]]:
    """The canonical configuration (JSON) of a model, and the classes of the user's own that it needs.

    Raises:
        InputError: where the model does not say how it was made, or cannot be made again from what it says.
    """
    keras = load_keras()
    for layer in _layers(model):
        if isinstance(layer, keras.layers.Normalization) and layer.get_config()["mean"] is None:
            raise InputError(
                f"The layer {layer.name!r} takes its mean and variance from adapt(), which no configuration keeps; "
                "expected them as numbers. Write Normalization(mean=…, variance=…)."
            )
    custom = own_classes(model)
    try:
        config = keras.saving.serialize_keras_object(model)
        config = json.loads(json.dumps({k: v for k, v in config.items() if k != "compile_config"}))
        canonical = json.dumps(with_plain_names(config), sort_keys=True)
        restore(canonical, custom)
    except Exception as problem:
        raise InputError(
            f"The model {getattr(model, 'name', model)!r} cannot be made again from its configuration "
            f"({short(problem)}); qlearn needs a fresh one for every environment. "
            "Pass a function (observation_shape, num_actions) -> keras.Model that builds it, or give its own classes a "
            "get_config."
        ) from problem
    return canonical, custom


def restore(config: str, custom: tuple[tuple[str, type], ...]) -> Any:
    """A fresh model from its configuration."""
    return load_keras().saving.deserialize_keras_object(json.loads(config), custom_objects=dict(custom), safe_mode=True)


def own_classes(model: Any) -> tuple[tuple[str, type], ...]:
    """The classes of a model and its layers that Keras does not bring, by name."""
    kinds = {type(layer) for layer in _layers(model)}
    return tuple(sorted((k.__name__, k) for k in kinds if not k.__module__.startswith("keras.")))


def _layers(model: Any) -> Iterator[Any]:
    """A model, its layers and theirs."""
    waiting = [model]
    while waiting:
        layer = waiting.pop()
        yield layer
        waiting += getattr(layer, "layers", [])


def with_plain_names(config: Any) -> Any:
    """Rename what Keras named by counting (``dense_7``) in the order of appearance."""
    names: dict[str, str] = {}
    _collect(config, names, _chosen(config))
    return _renamed(config, names)


def _chosen(part: Any) -> set[str]:
    """The names that the user chose, which no other layer may get."""
    if isinstance(part, dict):
        mine = part["config"].get("name") if isinstance(part.get("config"), dict) else None
        inner = set().union(*map(_chosen, part.values()))
        return inner | {mine} if isinstance(mine, str) and not _counted_name(part) else inner
    return set().union(*map(_chosen, part)) if isinstance(part, list) else set()


def _collect(part: Any, names: dict[str, str], taken: set[str]) -> None:
    """Give each counted name in a part its plain one, the first of its kind that is not taken."""
    if isinstance(part, dict):
        counted = _counted_name(part)
        if counted and counted[0] not in names:
            kind = counted[1]
            plain = next(n for n in _numbered(kind) if n not in taken)
            taken.add(plain)
            names[counted[0]] = plain
        for value in part.values():
            _collect(value, names, taken)
    elif isinstance(part, list):
        for value in part:
            _collect(value, names, taken)


def _numbered(kind: str) -> Iterator[str]:
    yield kind
    yield from (f"{kind}_{number}" for number in itertools.count(1))


def _counted_name(part: dict[str, Any]) -> tuple[str, str] | None:
    """(name, name without its number) where a part has the name that Keras gives to its class."""
    config = part.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    if not isinstance(name, str) or not isinstance(part.get("class_name"), str):
        return None
    kind = _snake_case(part["class_name"])
    return (name, kind) if re.fullmatch(re.escape(kind) + r"(_\d+)?", name) else None


def _renamed(part: Any, names: dict[str, str], key: str = "") -> Any:
    if isinstance(part, dict):
        return {k: _renamed(v, names, k) for k, v in part.items()}
    if isinstance(part, list):
        inner = key if key in _REFERENCES else ""
        return [_renamed(v, names, inner) for v in part]
    if isinstance(part, str) and (key == "name" or key in _REFERENCES):
        return names.get(part, part)
    return part


def _snake_case(name: str) -> str:
    """As Keras makes a layer's name from its class."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
