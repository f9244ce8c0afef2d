"""Descriptions: frozen dataclasses whose numbers are leaves of a JAX tree and whose kinds are its structure.

Numbers that change no shape (a learning rate, a discount) are leaves: a new value compiles nothing, and a grid of
values is one more axis.  Everything else (counts, names, functions) is structure.  Values are checked where a user
constructs, never where JAX puts a tree together again.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Literal, TypeVar, dataclass_transform, get_origin, get_type_hints

import jax

from qlearn.errors import InputError

T = TypeVar("T")
_STRUCTURE = (int, bool, str, tuple, Literal, Callable, get_origin(Callable[..., Any]))


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,))
def description(cls: type[T]) -> type[T]:
    """Make a class a frozen dataclass (keyword arguments only) and a JAX tree.

    A field that shall be given by place is ``dataclasses.field(kw_only=False)``.

    Fields annotated ``int``, ``bool``, ``str``, ``tuple``, ``Literal`` or ``Callable`` (or those ``| None``) are
    structure; all others are leaves or trees of their own.  A class that defines ``check`` has it called on
    construction.

    >>> @description
    ... class Mine:
    ...     rate: float = 0.1
    ...     count: int = 3
    >>> jax.tree.leaves(Mine(rate=0.5))
    [0.5]
    """
    made = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    hints = get_type_hints(made)
    names = [f.name for f in dataclasses.fields(made)]  # type: ignore[arg-type]
    structure = tuple(n for n in names if _is_structure(hints[n]))
    leaves = tuple(n for n in names if n not in structure)

    def flatten(thing: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        return tuple(getattr(thing, n) for n in leaves), tuple(getattr(thing, n) for n in structure)

    def flatten_with_keys(thing: Any) -> tuple[list[tuple[Any, Any]], tuple[Any, ...]]:
        children, aux = flatten(thing)
        return [(jax.tree_util.GetAttrKey(n), c) for n, c in zip(leaves, children, strict=True)], aux

    def unflatten(aux: tuple[Any, ...], children: Any) -> Any:
        thing = object.__new__(made)
        for name, value in zip(leaves + structure, tuple(children) + aux, strict=True):
            object.__setattr__(thing, name, value)
        return thing

    jax.tree_util.register_pytree_with_keys(made, flatten_with_keys, unflatten, flatten)
    return made


def _is_structure(hint: Any) -> bool:
    options = getattr(hint, "__args__", ()) if _is_union(hint) else (hint,)
    kinds = {get_origin(o) or o for o in options if o is not type(None)}
    return bool(kinds) and kinds <= set(_STRUCTURE)


def _is_union(hint: Any) -> bool:
    import types
    from typing import Union

    return get_origin(hint) in (Union, types.UnionType)


def number(owner: object, name: str, low: float, high: float = math.inf, *, open_low: bool = False) -> None:
    """Check that a field is a finite number in [low, high] (or (low, high]) and store it as a float.

    Raises:
        InputError: naming the class, the field, the range and the value.
    """
    value = getattr(owner, name)
    try:
        converted = float(value)
    except (TypeError, ValueError):
        converted = math.nan
    if (
        isinstance(value, bool)
        or not (low <= converted <= high)
        or (open_low and converted == low)
        or math.isinf(converted)
    ):
        bracket = "(" if open_low else "["
        upper = "∞)" if math.isinf(high) else f"{high:g}]"
        raise InputError(
            f"{type(owner).__name__}: {name}={value!r} is out of range; "
            f"expected a number in {bracket}{low:g}, {upper}. Pass {name}=… inside it."
        )
    object.__setattr__(owner, name, converted)


def whole(owner: object, name: str, low: int = 1) -> None:
    """Check that a field is a whole number of at least ``low``; raises InputError."""
    value = getattr(owner, name)
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise InputError(
            f"{type(owner).__name__}: {name}={value!r} is not usable; expected a whole number of at least {low}. "
            f"Pass {name}={low} or more."
        )


def flag(owner: object, name: str) -> None:
    """Check that a field is True or False; raises InputError."""
    value = getattr(owner, name)
    if not isinstance(value, bool):
        raise InputError(
            f"{type(owner).__name__}: {name}={value!r} is not usable; expected True or False. Pass {name}=True."
        )


def choice(owner: object, name: str, options: tuple[str, ...]) -> None:
    """Check that a field is one of a few words; raises InputError."""
    value = getattr(owner, name)
    if value not in options:
        raise InputError(
            f"{type(owner).__name__}: {name}={value!r} is unknown; expected one of {', '.join(map(repr, options))}. "
            f"Pass {name}={options[0]!r}."
        )
