"""What the adapters to gymnax and pgx share."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from qlearn.environments.ids import LIMIT, time_limit_in
from qlearn.environments.naming import written
from qlearn.errors import InputError, nearest

Array = jax.Array


def library(name: str) -> Any:
    """Return a library that need not be installed.

    Raises:
        InputError: where it cannot be imported, with the command that installs it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        there = importlib.util.find_spec(name) is not None
        why = f"it is there but cannot be imported ({error})" if there else "it is not installed"
        raise InputError(f"{name}'s environments need {name}: {why}. Run `pip install 'qlearn[{name}]'`.") from error


def game_of(library: str, identity: str, known: Sequence[str]) -> str:
    """Return the library's own id in ``library:id``; raises an InputError with a near miss."""
    game = identity.partition(":")[2]
    if game in known:
        return game
    close = nearest(game, known).replace("'", f"'{library}:", 1)
    listed = f"; {library} has {', '.join(known)}."
    raise InputError(f"There is no environment {identity!r}{close or listed}")


def name_of(identity: str, settings: Mapping[str, Any], limit: int | None, usual: int | None) -> str:
    """Return what a user can type again."""
    return written(identity, {**settings, **({} if limit == usual else {LIMIT: limit})})


def limit_in(arguments: dict[str, Any], identity: str, usual: int | None) -> int | None:
    """Return the time limit that is asked for, taken out of the arguments."""
    return time_limit_in(arguments.pop(LIMIT), identity) if LIMIT in arguments else usual


def unknown(identity: str, key: str, accepted: Sequence[str]) -> InputError:
    """Return the error about an argument that there is not."""
    known = [*accepted, LIMIT]
    return InputError(
        f"{identity} has no argument {key!r}{nearest(key, known) or '.'} It takes {', '.join(known)}. Correct the name."
    )


@contextlib.contextmanager
def loosely() -> Iterator[None]:
    """Trace somebody else's code as JAX does by default, whatever strictness the user has set for their own."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def alike(tree: Any, shapes: Any) -> Any:
    """Return the tree with exactly these dtypes, so that it can go around a loop: Python's numbers become arrays."""
    return jax.tree.map(lambda x, like: jnp.asarray(x).astype(like.dtype).reshape(like.shape), tree, shapes)
