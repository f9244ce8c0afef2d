"""What a Gymnasium space declares, as qlearn's agents take it: countable numbers, one array, or parts by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.environments.parts import MASK, PLAIN, Part, mask_part, row_bytes
from qlearn.environments.reading import Reader
from qlearn.errors import InputError

if TYPE_CHECKING:
    import gymnasium as gym

_MOST = np.iinfo(np.int32).max


def actions_of(name: str, space: gym.Space[Any]) -> tuple[int, int]:
    """The number of actions and the first of them; raises InputError where they are not `Discrete`."""
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        return int(space.n), int(space.start)
    if isinstance(space, spaces.Box):
        raise InputError(
            f"{name} has continuous actions ({space}); value-based agents choose among a countable number. "
            "Give it a few actions to choose from: gymnasium.wrappers.DiscretizeAction, or a wrapper of "
            "your own."
        )
    raise InputError(
        f"{name} has the action space {space}; every agent of qlearn needs `Discrete` actions. "
        "Number the combinations with a gymnasium.ActionWrapper."
    )


def observations_of(name: str, space: gym.Space[Any], num_actions: int, *, masked: bool) -> dict[str, Any]:
    """What a `HostEnvironment` is told about observations of this space.

    Args:
        name: of the environment, for messages.
        space: of its observations.
        num_actions: how many actions it has.
        masked: whether legal actions come with an observation, from elsewhere.

    Raises:
        InputError: where no agent could learn from it, saying what is supported.
    """
    plain = _plain(name, space)
    if plain is not None and not masked:
        return plain
    if plain is not None:
        shape, dtype = plain.get("observation_shape"), plain.get("observation_dtype", "int32")
        part = Part(PLAIN, (), "int32", plain["num_states"]) if shape is None else Part(PLAIN, shape, dtype)
        readers: tuple[Reader, ...] = (Reader(part, (), plain["sizes"], plain["starts"]),)
    else:
        plain = {"num_states": 0, "sizes": (), "starts": ()}
        readers = tuple(_readers(name, space, ()))
    parts = tuple(reader.part for reader in readers)
    if masked and all(part.name != MASK for part in parts):
        parts = (*parts, mask_part(num_actions))
    seen = [part for part in parts if part.name != MASK]
    if len(seen) == 1 and seen[0].values:  # beside its own mask: a state's number after all
        plain = plain | {"num_states": seen[0].values}
    wire = {"observation_shape": (row_bytes(parts),), "observation_dtype": "uint8"}
    return plain | wire | {"parts": parts, "readers": readers}


def _plain(name: str, space: gym.Space[Any]) -> dict[str, Any] | None:
    """Of a space that is one array, or can be counted; None for others."""
    from gymnasium import spaces

    if isinstance(space, (spaces.Box, spaces.MultiBinary)):
        return {
            "num_states": 0,
            "sizes": (),
            "starts": (),
            "observation_shape": tuple(int(n) for n in space.shape or ()),
            "observation_dtype": _dtype(np.dtype(space.dtype)),
        }
    counted = _components(space)
    if counted is None:
        return None
    sizes, starts = counted
    num_states = int(np.prod(sizes, dtype=object))
    if num_states <= _MOST:
        return {"num_states": num_states, "sizes": sizes, "starts": starts}
    if isinstance(space, spaces.Discrete):
        raise InputError(
            f"{name} has {num_states:,} different observations; at most {_MOST:,} can be counted. Give them as a `Box` "
            "or a `MultiDiscrete`, with a gymnasium.ObservationWrapper."
        )
    return None


def _components(space: gym.Space[Any]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        return (int(space.n),), (int(space.start),)
    if isinstance(space, spaces.MultiDiscrete):
        sizes, starts = np.ravel(space.nvec), np.ravel(space.start)
        return tuple(int(n) for n in sizes), tuple(int(s) for s in starts)
    if isinstance(space, spaces.Tuple) and all(isinstance(part, spaces.Discrete) for part in space.spaces):
        parts = [part for part in space.spaces if isinstance(part, spaces.Discrete)]
        return tuple(int(part.n) for part in parts), tuple(int(part.start) for part in parts)
    return None


def _readers(name: str, space: gym.Space[Any], path: tuple[str | int, ...]) -> Iterator[Reader]:
    """One for each array in a tree of spaces."""
    from gymnasium import spaces

    called = ".".join(map(str, path)) or PLAIN
    if isinstance(space, spaces.Dict):
        for key, inner in space.spaces.items():
            yield from _readers(name, inner, (*path, key))
    elif isinstance(space, spaces.Tuple):
        for place, inner in enumerate(space.spaces):
            yield from _readers(name, inner, (*path, place))
    elif called == MASK:
        yield Reader(Part(MASK, tuple(space.shape or ()), "bool"), path)
    elif isinstance(space, (spaces.Box, spaces.MultiBinary)):
        shape = tuple(int(n) for n in space.shape or ())
        yield Reader(Part(called, shape, _dtype(np.dtype(space.dtype))), path)
    elif isinstance(space, spaces.Discrete):
        yield Reader(Part(called, (), "int32", int(space.n)), path, (int(space.n),), (int(space.start),))
    elif isinstance(space, spaces.MultiDiscrete):
        sizes, starts = (tuple(int(n) for n in np.ravel(x)) for x in (space.nvec, space.start))
        yield Reader(Part(called, (sum(sizes),), "bool"), path, sizes, starts, one_hot=True)
    else:
        raise InputError(
            f"{name} has the observation space {space}{f' at {called!r}' if path else ''}; agents need `Discrete`, "
            "`MultiDiscrete`, `MultiBinary`, a `Box`, or a `Dict` or `Tuple` of these. Turn it into one of these with "
            "a gymnasium.ObservationWrapper."
        )


def _dtype(declared: np.dtype[Any]) -> str:
    if declared.kind == "f":
        return "float32"
    if declared.kind == "b":
        return "bool"
    return {"int64": "int32", "uint64": "uint32"}.get(declared.name, declared.name)
