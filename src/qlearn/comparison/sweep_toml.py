"""What varies, as text: ``learning_rate=0.1,0.3`` on a command line, the table ``[sweep]`` of a specification."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qlearn.comparison.settings import Range
from qlearn.comparison.specification import Specification
from qlearn.errors import InputError, nearest

TABLE = "sweep"
KEYS = ("settings", "agents", "confirm", "trials")
_RANGE = re.compile(r"(?P<low>[^,/]+?)\.\.(?P<high>[^,/]+)(?:/(?P<count>\d+))?(?P<log>/log)?")
_RANGE_KEYS = ("low", "high", "count", "log")


@dataclass(frozen=True)
class Asked:
    """A sweep as data: what is trained, and what varies for each of its agents.

    Args:
        specification: agents, one environment, budget, seeds and how they are judged.
        settings: for each agent what varies, by name.
        confirm: how many fresh seeds; None for as many as the others.
        trials: how many settings a search tries of each; None for the whole grid.
    """

    specification: Specification
    settings: tuple[dict[str, Any], ...]
    confirm: int | None = None
    trials: int | None = None


def read_settings(words: list[str]) -> dict[str, Any]:
    """Return what varies from words such as ``learning_rate=0.001..0.8/7/log`` or ``discount=0.9,0.95``.

    Raises:
        InputError: naming the word.

    >>> read_settings(["n=1,2", "learning_rate=0.1..0.5/5"])
    {'n': [1, 2], 'learning_rate': Range(low=0.1, high=0.5, count=5, log=False)}
    """
    found: dict[str, Any] = {}
    for word in words:
        name, equals, values = word.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name or not values.strip():
            raise InputError(
                f"{word!r} is no setting with values; write NAME=0.1,0.3 or NAME=0.001..0.8/7/log, without spaces."
            )
        if name in found:
            raise InputError(f"{name} is varied twice; give all its values at once.")
        found[name] = _values(name, values.strip())
    return found


def _values(name: str, text: str) -> Any:
    if found := _RANGE.fullmatch(text):
        low, high = (_number(name, found[end]) for end in ("low", "high"))
        return Range(low, high, count=int(found["count"] or 7), log=bool(found["log"]))
    return [_value(one.strip()) for one in text.split(",") if one.strip()]


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f"{name}: {text!r} is no number; a range is written low..high/count, as 0.001..0.8/7/log."
        ) from None


def _value(text: str) -> Any:
    known = {"true": True, "false": False, "none": None}
    if text.lower() in known:
        return known[text.lower()]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if isinstance(value, int | float | str) else text


def words_of(settings: Mapping[str, Any]) -> list[str]:
    """Return what ``read_settings`` reads as these settings again."""
    found = []
    for name, values in settings.items():
        if isinstance(values, Range):
            log = "/log" if values.log else ""
            found.append(f"{name}={values.low:.12g}..{values.high:.12g}/{values.count}{log}")
        else:
            found.append(f"{name}={','.join(str(value) for value in values)}")
    return found


def from_toml(text: str, modules: tuple[str, ...] = ()) -> Asked:
    r"""Read a specification with a table ``[sweep]``; nothing in it is executed.

    Raises:
        InputError: where something is missing or unknown.

    >>> asked = from_toml(
    ...     'environments = ["NChain-v0"]\n[agents]\na = "sarsa"\n[sweep.settings]\ndiscount = [0.9, 0.95]'
    ... )
    >>> asked.settings
    ({'discount': [0.9, 0.95]},)
    """
    specification = Specification.from_toml(text, modules=modules, also=[TABLE])
    told = tomllib.loads(text).get(TABLE)
    if not isinstance(told, dict):
        raise InputError(
            "The specification lacks [sweep]. Write [sweep.settings], and under it learning_rate = [0.1, 0.3]."
        )
    for key in told:
        if key not in KEYS:
            raise InputError(f"[sweep] has no key {key!r}{nearest(key, KEYS) or '.'} Known are {', '.join(KEYS)}.")
    if len(specification.environments) != 1:
        raise InputError(f"A sweep is of one environment; there are {len(specification.environments)}.")
    names = list(specification.agents)
    given = told.get("agents", {})
    for name in given:
        if name not in names:
            raise InputError(
                f"[sweep.agents] names {name!r}{nearest(name, names) or ';'} The agents are {', '.join(names)}."
            )
    shared = told.get("settings", {})
    settings = tuple(_table({**shared, **given.get(name, {})}, name) for name in names)
    for key in ("confirm", "trials"):
        if key in told and (isinstance(told[key], bool) or not isinstance(told[key], int)):
            raise InputError(f"`{key}` of [sweep] is {told[key]!r}; expected a whole number.")
    return Asked(specification, settings, told.get("confirm"), told.get("trials"))


def _table(given: Mapping[str, Any], agent: str) -> dict[str, Any]:
    if not given:
        raise InputError(
            f"[sweep] varies nothing of {agent!r}. Write [sweep.settings], and under it learning_rate = [0.1]."
        )
    found: dict[str, Any] = {}
    for name, values in given.items():
        if isinstance(values, dict):
            for key in values:
                if key not in _RANGE_KEYS:
                    raise InputError(f"{name}: a range has no key {key!r}{nearest(key, _RANGE_KEYS) or '.'}")
            if not {"low", "high"} <= values.keys():
                raise InputError(f"{name}: a range lacks low or high. Write {{low = 0.001, high = 0.8, log = true}}.")
            values = Range(**values)
        found[name] = values
    return found
