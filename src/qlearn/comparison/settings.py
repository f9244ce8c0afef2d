"""Hyperparameters by name: reading them, setting them, ranges and grids of them."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qlearn.errors import InputError, nearest

_DEEPEST = 4


@dataclasses.dataclass(frozen=True)
class Range:
    """Numbers from one to another.

    Args:
        low: the first.
        high: the last, above ``low``.
        count: how many a grid takes, ends included; at least 2.
        log: whether each is the same factor above the one before, which suits learning rates; both are then above 0.

    Raises:
        InputError: naming what is wrong.

    >>> [round(value, 4) for value in Range(0.001, 0.1, count=3, log=True).values()]
    [0.001, 0.01, 0.1]
    """

    low: float
    high: float
    count: int = 7
    log: bool = False

    def __post_init__(self) -> None:
        ends: tuple[Any, ...] = (self.low, self.high)
        count: Any = self.count
        if not all(isinstance(end, int | float) and math.isfinite(end) for end in ends) or not self.low < self.high:
            raise InputError(
                f"A range from {self.low!r} to {self.high!r} is none; expected two numbers, the first lower."
            )
        if self.log and self.low <= 0:
            raise InputError(f"A range by factors cannot begin at {self.low:g}; expected a number above 0.")
        if isinstance(count, bool) or not isinstance(count, int) or count < 2:
            raise InputError(f"count={self.count!r} of a range; expected a whole number of at least 2. Pass count=7.")

    def values(self) -> list[float]:
        """Return the grid's numbers, rounded to 12 digits so that they are written as they are meant."""
        space = np.geomspace if self.log else np.linspace
        return [float(f"{value:.12g}") for value in space(self.low, self.high, self.count)]


def paths_of(agent: Any) -> dict[str, Any]:
    """Return every setting of a description by its path, those of its parts too.

    >>> from qlearn.agents import QLearning
    >>> sorted(path for path in paths_of(QLearning()) if path.startswith("exploration"))
    ['exploration', 'exploration.epsilon', 'exploration.epsilon.start', ...]
    """
    return dict(_walk(agent, "", 0))


def _walk(thing: Any, prefix: str, depth: int) -> list[tuple[str, Any]]:
    if not dataclasses.is_dataclass(thing) or isinstance(thing, type) or depth > _DEEPEST:
        return []
    found = []
    for field in dataclasses.fields(thing):
        if field.init and not field.name.startswith("_"):
            value = getattr(thing, field.name)
            found.append((prefix + field.name, value))
            found += _walk(value, f"{prefix}{field.name}.", depth + 1)
    return found


def path_of(agent: Any, name: str) -> str:
    """Return the whole path of a setting: ``epsilon`` is ``exploration.epsilon`` where there is one such only.

    Raises:
        InputError: where there is none, or several.

    >>> from qlearn.agents import QLearning
    >>> path_of(QLearning(), "epsilon")
    'exploration.epsilon'
    """
    known = paths_of(agent)
    if name in known:
        return name
    ends = [path for path in known if path.endswith(f".{name}")]
    shortest = [path for path in ends if path.count(".") == min(other.count(".") for other in ends)]
    if len(shortest) == 1:
        return shortest[0]
    label = str(getattr(agent, "label", agent))
    if shortest:
        raise InputError(f"{label} has several settings {name!r}: {', '.join(shortest)}. Write the one that is meant.")
    top = [path for path in known if "." not in path]
    raise InputError(f"{label} has no setting {name!r}{nearest(name, known) or ';'} It has {', '.join(top)}.")


def with_settings(agent: Any, settings: Mapping[str, Any]) -> Any:
    """Return an agent with other settings; each is checked as if the agent were made with it.

    Args:
        agent: a description.
        settings: values by name or path.

    Raises:
        InputError: a setting that is not there, or a value that cannot be.

    >>> from qlearn.agents import QLearning
    >>> with_settings(QLearning(), {"learning_rate": 0.5, "discount": 0.9}).discount
    0.9
    """
    for name, value in settings.items():
        agent = _with(agent, path_of(agent, name).split("."), value, name)
    return agent


def _with(thing: Any, path: list[str], value: Any, name: str) -> Any:
    first, rest = path[0], path[1:]
    inner = getattr(thing, first)
    new = _with(inner, rest, value, name) if rest else value
    if not rest and isinstance(inner, float) and not _is_positive(value) and type(thing).__name__ == "Optimizer":
        raise InputError(f"{name}={value!r} is not usable; expected a number above 0. Pass {name}=0.001.")
    try:
        return dataclasses.replace(thing, **{first: new})
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{type(thing).__name__} cannot have {name}={value!r} ({error}).") from error


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def grid_of(settings: Any) -> list[dict[str, Any]]:
    """Return every combination of values, the last name's values changing fastest.

    Args:
        settings: for each name a `Range`, or the values themselves.

    Raises:
        InputError: where there is nothing to vary, or a value is there twice.

    >>> grid_of({"a": [1, 2], "b": ["x"]})
    [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'x'}]
    """
    if not isinstance(settings, Mapping) or not settings:
        raise InputError('There is nothing to vary; expected values by name. Pass {"learning_rate": [0.1, 0.3]}.')
    values = {name: _values(name, given) for name, given in settings.items()}
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def _values(name: str, given: Any) -> list[Any]:
    if isinstance(given, Range):
        return list(given.values())
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray) or len(given) == 0:
        raise InputError(f"{name}: {given!r} are no values; expected a list or a range. Pass {name}: [0.1, 0.3].")
    values = [value.item() if isinstance(value, np.generic) else value for value in given]
    words = [shown(value) for value in values]
    if len(set(words)) < len(words):
        twice = next(word for word in words if words.count(word) > 1)
        raise InputError(f"{name}: {twice} is there twice; expected each value once.")
    return values


def shown(value: Any) -> str:
    """Return a value of a setting in words.

    >>> shown(0.1), shown(3), shown(None)
    ('0.1', '3', 'None')
    """
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(getattr(value, "label", value)) if dataclasses.is_dataclass(value) else str(value)
