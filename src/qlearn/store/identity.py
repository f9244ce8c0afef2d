"""What a run is: everything that determines its numbers, as JSON, and the SHA-256 of that."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from typing import Any

import numpy as np

from qlearn.agents.network import Network
from qlearn.agents.optimizer import Optimizer
from qlearn.engine import VERSION
from qlearn.environments import FiniteMDP, HostEnvironment
from qlearn.errors import InputError

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=True)


def subject_of(agent: Any, world: Any, unit: str, lane: int) -> dict[str, Any]:
    """An agent on an environment, everything but the seed, as plain data.

    Args:
        agent: the description.
        world: what it runs on.
        unit: what its budget counts.
        lane: seeds in one program.

    >>> from qlearn.agents import QLearning
    >>> from qlearn.environments import make
    >>> told = subject_of(QLearning(), make("NChain-v0"), "episode", 56)
    >>> told["agent"]["kind"], told["lane"]
    ('QLearning', 56)
    """
    return {
        "agent": {**plain(agent), "version": int(agent.version)},
        "environment": _environment(world),
        "engine": VERSION,
        "lane": lane,
        "unit": unit,
    }


def digest_of(told: str) -> str:
    """The SHA-256, in hex, of a subject's text."""
    return hashlib.sha256(told.encode()).hexdigest()


def canonical(told: Any) -> str:
    """Plain data as text that is the same wherever the data are."""
    return _CANONICAL.encode(told)


def unit_of(subject: str, seed: int) -> str:
    """The identity of one run: a subject's digest and a seed.

    >>> unit_of("ab", 3) == unit_of("ab", 3), unit_of("ab", 3) == unit_of("ab", 4)
    (True, False)
    """
    return hashlib.sha256(f"{subject} {seed}".encode()).hexdigest()


def _environment(world: Any) -> dict[str, Any]:
    if isinstance(world, FiniteMDP):
        return {"kind": "model", "digest": world.digest}
    if isinstance(world, HostEnvironment):
        version = getattr(getattr(world.make_env, "func", world.make_env), "version", 1)
        own = {"vectorization": "own"} if world.vectorization == "own" else {}
        return {"kind": "python", "name": world.name, "time_limit": world.time_limit, "version": version} | own
    try:
        settings = plain(world) if dataclasses.is_dataclass(world) else {"kind": type(world).__name__}
    except InputError:  # what a library keeps in its environments; its name says all that a user chose
        settings = {"kind": type(world).__name__}
    return {**settings, "name": world.name, "version": world.version}


def plain(thing: Any) -> Any:
    """A description as JSON holds it, every setting by name.

    Raises:
        InputError: where something in it cannot be told from another one of its kind.
    """
    if thing is None or isinstance(thing, (bool, int, str)):
        return thing
    if isinstance(thing, float):
        return {"float": thing.hex()}
    if isinstance(thing, (list, tuple)):
        return [plain(one) for one in thing]
    if isinstance(thing, dict):
        return {"items": {str(key): plain(value) for key, value in thing.items()}}
    if isinstance(thing, Network):
        built = plain(thing.builder) if thing.builder is not None else json.loads(thing.config)
        return {"kind": "network", "built": built, "own": [_named(kind) for _, kind in thing.custom]}
    if isinstance(thing, Optimizer):
        return {"kind": _named(thing.kind), "rate": plain(thing.learning_rate), "config": json.loads(thing.config)}
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        fields = {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing)}
        return {"kind": type(thing).__name__} | {k: plain(v) for k, v in sorted(fields.items()) if v is not None}
    if isinstance(thing, (np.ndarray, np.generic)) or hasattr(thing, "__array__"):
        return _array(np.asarray(thing))
    if isinstance(thing, functools.partial):
        return {"call": _named(thing.func), "with": [plain(list(thing.args)), plain(thing.keywords)]}
    if callable(thing):
        return {"call": _named(thing), "version": int(getattr(thing, "version", 1))}
    raise InputError(
        f"{thing!r} in an agent's settings cannot be told from another {type(thing).__name__}, so that runs cannot be "
        "kept under a name of their own. Make its class a frozen dataclass, or leave out store=."
    )


def _array(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    if array.dtype.hasobject:
        raise InputError("An array of objects in an agent's settings cannot be kept; use numbers.")
    content = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "sha256": content}


def _named(thing: Any) -> str:
    name = getattr(thing, "__qualname__", None)
    if name is None:
        raise InputError(
            f"{thing!r} in an agent's settings has no name, so that runs cannot be kept under one. Make it a "
            "function of a module or a frozen dataclass, or leave out store=."
        )
    if "<lambda>" in name:
        raise InputError(
            f"An agent's settings hold a lambda ({name}), which cannot be told from another one. Write it as a "
            "function with a name, or leave out store=."
        )
    return f"{thing.__module__}.{name}"
