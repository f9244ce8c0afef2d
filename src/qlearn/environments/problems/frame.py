"""What all problems share: a name that can be typed again, the time limit, the environment to be stepped."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.naming import parse, written
from qlearn.environments.problems.catalogue import MODULE, PROBLEMS
from qlearn.errors import InputError

if TYPE_CHECKING:
    import gymnasium as gym

P = ParamSpec("P")


def problem(identity: str) -> Callable[[Callable[P, FiniteMDP]], Callable[P, FiniteMDP]]:
    """Let a function that makes a model give it the name, time limit and environment of an id of the catalogue.

    Args:
        identity: the id; the function's arguments that are not the usual ones are written behind it.
    """

    def decorate(function: Callable[P, FiniteMDP]) -> Callable[P, FiniteMDP]:
        usual = inspect.signature(function).parameters

        @functools.wraps(function)
        def make(*args: P.args, **kwargs: P.kwargs) -> FiniteMDP:
            given = inspect.signature(function).bind(*args, **kwargs).arguments
            changed = {key: value for key, value in given.items() if value != usual[key].default}
            limit = PROBLEMS[identity].time_limit
            model = _limited(function(*args, **kwargs), limit)
            return _told(model, written(identity, changed), partial(_make_env, identity, changed, limit))

        return make

    return decorate


def creator(identity: str) -> Callable[..., Any]:
    """Return the function that makes the problem of an id."""
    entry = PROBLEMS[identity]
    return getattr(importlib.import_module(f"{MODULE}.{entry.file}"), entry.function)


def model_of(identity: str, arguments: dict[str, Any], limit: int | None) -> FiniteMDP:
    """Return the model of an id with these arguments and this time limit; an unknown argument is an `InputError`."""
    from qlearn.environments.ids import LIMIT, check_keywords

    check_keywords(identity, creator(identity), arguments, also=(LIMIT,))
    return with_limit(creator(identity)(**arguments), limit)


def device_problem(identity: str, arguments: dict[str, Any]) -> Any:
    """Return a problem that has no model, but pure functions: a `JaxEnvironment`."""
    from qlearn.environments.ids import LIMIT, check_keywords, time_limit_in

    check_keywords(identity, creator(identity), arguments, also=(LIMIT,))
    given = {key: value for key, value in arguments.items() if key != LIMIT}
    made = creator(identity)(**given)
    return replace(made, time_limit=time_limit_in(arguments[LIMIT], identity)) if LIMIT in arguments else made


def with_limit(model: FiniteMDP, limit: int | None) -> FiniteMDP:
    """Return a problem's model with another time limit, which its name then tells."""
    identity, arguments = parse(model.name)
    if limit == model.time_limit:
        return model
    name = written(identity, {**arguments, "max_episode_steps": limit})
    return _told(_limited(model, limit), name, partial(_make_env, identity, arguments, limit))


def _told(model: FiniteMDP, name: str, make_env: Callable[[], gym.Env[Any, Any]]) -> FiniteMDP:
    return replace(model, name=name, make_env=make_env)


def _limited(model: FiniteMDP, limit: int | None) -> FiniteMDP:
    if limit == model.time_limit:
        return model
    changes = tuple((at, replace(other, time_limit=limit)) for at, other in model.changes)
    return replace(model, time_limit=limit, changes=changes)


def _make_env(identity: str, arguments: dict[str, Any], limit: int | None) -> gym.Env[Any, Any]:
    from qlearn.environments.toy_text import make_gymnasium

    return make_gymnasium(identity, arguments, limit)


def environment(problem: str, render_mode: str | None = None, **arguments: Any) -> gym.Env[Any, Any]:
    """Return the environment of a problem without a time limit, which Gymnasium's wrapper keeps.

    Args:
        problem: its id.
        render_mode: "ansi" or None.
        **arguments: of the problem.
    """
    from qlearn.environments.adapters import MDPEnv

    return MDPEnv(_limited(creator(problem)(**arguments), None), render_mode)


def whole(name: str, value: Any, least: int, usual: int) -> int:
    """Return a whole number; raises InputError where it is none, or below ``least``."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
        raise InputError(f"`{name}` is {value!r}; expected a whole number of at least {least}. Try {name}={usual}.")
    return int(value)


def number(name: str, value: Any, usual: float, low: float = -1e300, high: float = 1e300) -> float:
    """Return a finite number; raises InputError where it is none, or not within [low, high]."""
    fine = isinstance(value, int | float) or (hasattr(value, "__float__") and not isinstance(value, str))
    if isinstance(value, bool) or not fine or not low <= float(value) <= high:
        within = "a finite number" if low == -1e300 else f"a number from {low:g} to {high:g}"
        within = f"a number of at least {low:g}" if low > -1e300 and high == 1e300 else within
        raise InputError(f"`{name}` is {value!r}; expected {within}. Try {name}={usual:g}.")
    return float(value)


def one_of(name: str, value: Any, words: tuple[str, ...]) -> str:
    """Return one of the words; raises InputError where it is another."""
    if value not in words:
        raise InputError(f"`{name}` is {value!r}; expected one of {', '.join(map(repr, words))}. Give one of them.")
    return str(value)
