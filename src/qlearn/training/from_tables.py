"""Agents written as tables of a file: ``{kind = "q-learning", learning_rate = 0.5}``.

Values are numbers, truth values, lists, tables of the same form for parts, or texts as the command line knows them
(``"epsilon-greedy(0.1)"``).  Only listed names mean anything, and nothing is evaluated.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from typing import Any

from qlearn.errors import InputError, nearest
from qlearn.training.names import called, value_of
from qlearn.training.vocabulary import AGENTS, PARTS

KIND = "kind"


def agent_of(table: Mapping[str, Any] | str, where: str) -> Any:
    """The agent that a text or a table describes.

    Args:
        table: its text, or its settings with ``kind``.
        where: how messages name it.

    Raises:
        InputError: naming what is wrong, with the nearest known name.

    >>> agent_of({"kind": "q-learning", "exploration": {"kind": "epsilon-greedy", "epsilon": 0.2}}, "[agents.a]")
    QLearning(...epsilon=Constant(start=0.2)...)
    """
    from qlearn.training.names import parse_agent

    if isinstance(table, str):
        return parse_agent(table)
    if not isinstance(table, Mapping):
        raise InputError(f'{where} is {table!r}; expected a text such as "q-learning", or a table with `kind`.')
    return _made(dict(table), AGENTS, where, "agent")


def _made(table: dict[str, Any], known: dict[str, Any], where: str, what: str) -> Any:
    kind = table.pop(KIND, None)
    if not isinstance(kind, str):
        given = nearest(KIND, table)
        raise InputError(
            f'{where} lacks `kind`{given or "."} Write which {what} it is, as kind = "{next(iter(known))}".'
        )
    name = kind.strip().replace("_", "-")
    if name not in known:
        raise InputError(
            f"{where}: {kind!r} is no known {what}{nearest(name, known) or '.'} `qlearn agents` lists them."
        )
    words = inspect.signature(known[name]).parameters
    some = {key: _value(words.get(key), value, f"{where}, {key}") for key, value in table.items()}
    try:
        return called(name, known[name], [], some)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _value(parameter: inspect.Parameter | None, value: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        return _made(dict(value), {**PARTS, **AGENTS}, where, "part")
    if isinstance(value, list):
        return tuple(_value(None, one, where) for one in value)
    if isinstance(value, (bool, int, float)):
        return value
    if not isinstance(value, str):
        raise InputError(f"{where}: {value!r} is no setting; expected numbers, texts, lists or tables.")
    if parameter is not None and isinstance(parameter.default, str):
        return value
    joined = re.sub(r"(?<=[A-Za-z])-(?=[A-Za-z])", "_", value)
    try:
        return value_of(ast.parse(joined.strip(), mode="eval").body, value)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: {value!r} cannot be read; write a name, or `name(key=value, …)`.") from error
