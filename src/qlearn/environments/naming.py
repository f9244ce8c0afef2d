"""Names with arguments, ``FrozenLake-v1(map_name='8x8')``: read, without evaluating anything, and written."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from qlearn.errors import InputError

_FORM = re.compile(r"\s*(?P<name>[^()]*?)\s*(?:\((?P<arguments>.*)\)\s*)?", re.DOTALL)


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the arguments of ``name`` or ``name(key=value, …)``.

    Args:
        text: what the user typed; values are Python literals (numbers, quoted text, lists, True, None).

    Returns:
        The name, and the arguments as a dictionary.

    Raises:
        InputError: saying what could not be read.

    >>> parse("NChain-v0(n=10, slip=0.1)")
    ('NChain-v0', {'n': 10, 'slip': 0.1})
    """
    match = _FORM.fullmatch(text)
    if match is None or not match["name"]:
        raise InputError(f"{text!r} cannot be read; write `name` or `name(key=value, …)`.")
    name, inside = match["name"], match["arguments"]
    if not inside or not inside.strip():
        return name, {}
    try:
        call = ast.parse(f"f({inside}\n)", mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise _unreadable(text, inside) from error
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise _unreadable(text, inside)
    if call.args or any(word.arg is None for word in call.keywords):
        raise InputError(f"{text!r} has an argument without a name; write `{name}(key=value, …)`.")
    keys = [str(word.arg) for word in call.keywords]
    if len(set(keys)) < len(keys):
        raise InputError(f"{text!r} gives an argument twice; give each once.")
    return name, {str(word.arg): _literal(text, str(word.arg), word.value) for word in call.keywords}


def _unreadable(text: str, inside: str) -> InputError:
    return InputError(
        f"The arguments `{inside}` of {text!r} cannot be read; write `key=value, …` with numbers, quoted "
        "text, lists, True, False or None."
    )


def _literal(text: str, key: str, value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, MemoryError, RecursionError) as error:
        written_value = ast.unparse(value)
        hint = f" Put text into quotes: {key}='{written_value}'." if isinstance(value, ast.Name) else ""
        raise InputError(
            f"`{key}={written_value}` in {text!r} is no plain value; values are numbers, quoted text, "
            f"lists, True, False or None.{hint}"
        ) from error


def written(name: str, arguments: Mapping[str, Any]) -> str:
    """Return what `parse` reads.

    >>> written("NChain-v0", {"n": np.int64(10), "slip": 0.1})
    'NChain-v0(n=10, slip=0.1)'
    """
    if not arguments:
        return name
    return f"{name}({', '.join(f'{key}={_plain(value)!r}' for key, value in arguments.items())})"


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, bytes):
        return value.decode()
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value
