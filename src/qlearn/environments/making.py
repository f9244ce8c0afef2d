"""`ql.make`: an environment from an id, a model, a function or an instance."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.host import NO_MODEL, HostEnvironment, host_environment
from qlearn.environments.naming import parse, written
from qlearn.environments.registration import register
from qlearn.environments.toy_text import SUMMARIES, is_toy_text, make_gymnasium, toy_text
from qlearn.errors import EnvironmentFault, InputError, QlearnError, nearest

if TYPE_CHECKING:
    import gymnasium as gym
    from gymnasium.envs.registration import EnvSpec

    Makeable: TypeAlias = str | FiniteMDP | HostEnvironment | Callable[..., gym.Env[Any, Any]] | gym.Env[Any, Any]

_NCHAIN = "NChain-v0"
_LIMIT = "max_episode_steps"


def make(environment: Makeable, **arguments: Any) -> FiniteMDP | HostEnvironment:
    """Return the model of an environment, or, where it is not known, a description to step it by.

    Args:
        environment: an id, with arguments or without (``"FrozenLake-v1(map_name='8x8')"``; an id of a module
            that is not imported yet is written ``"module:Name-v0"``); a `FiniteMDP`, which is returned as it
            is; a function that makes a `gymnasium.Env`; or a `gymnasium.Env`, which can serve one seed only.
        **arguments: keyword arguments of the environment, over those in the id.  ``max_episode_steps`` sets
            the time limit of any id; None or -1 means none.

    Returns:
        A `FiniteMDP` for NChain and Gymnasium's toy-text problems, a `HostEnvironment` for anything else with
        discrete actions and observations that can be counted; its ``reason`` says why there is no model.

    Raises:
        InputError: for an unknown id or argument, with a near miss; for spaces that no table fits, with who
            could serve them.
        EnvironmentFault: where the environment's own code fails while it is made.

    >>> make("NChain-v0", n=10).num_states
    10
    """
    if isinstance(environment, FiniteMDP | HostEnvironment):
        if arguments:
            raise InputError(
                f"{environment.name} is made already and takes no arguments, but {', '.join(arguments)} "
                "came with it. Pass an id, or change the model with `dataclasses.replace`."
            )
        return environment
    import gymnasium as gym

    if isinstance(environment, str):
        identity, given = parse(environment)
        return _from_id(identity, {**given, **arguments})
    if isinstance(environment, gym.Env):
        if arguments:
            raise InputError("An environment that is made already takes no arguments. Pass the function that makes it.")
        name = environment.spec.id if environment.spec is not None else type(environment.unwrapped).__name__
        reason = f"{NO_MODEL}; one instance serves one seed"
        return host_environment(name, lambda: environment, single=True, reason=reason)
    if callable(environment):
        return _from_function(environment, arguments)
    raise InputError(
        f"{environment!r} is no environment; pass an id such as {_NCHAIN!r}, a FiniteMDP, a function that "
        "makes a gymnasium.Env, or a gymnasium.Env."
    )


def _from_function(function: Callable[..., Any], arguments: dict[str, Any]) -> HostEnvironment:
    name = getattr(function, "__name__", type(function).__name__)
    _check_keywords(name, function, arguments)
    maker = partial(function, **arguments) if arguments else function
    return _described(written(name, arguments), maker)


def _described(name: str, maker: Callable[[], Any]) -> HostEnvironment:
    """Describe an environment; what its own code raises is its fault."""
    try:
        return host_environment(name, maker)
    except QlearnError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
        raise EnvironmentFault(
            f"{name} failed while it was made ({what}); a function that makes an environment must return "
            "one. Mend it, or its arguments."
        ) from error


def _from_id(identity: str, arguments: dict[str, Any]) -> FiniteMDP | HostEnvironment:
    spec = find_spec(identity)
    limit = _time_limit(arguments.pop(_LIMIT), spec.id) if _LIMIT in arguments else spec.max_episode_steps
    _check_keywords(spec.id, _creator(spec), arguments, also=(_LIMIT,))
    name = written(spec.id, {**arguments, **({} if limit == spec.max_episode_steps else {_LIMIT: limit})})
    if spec.id == _NCHAIN and str(spec.entry_point).startswith("qlearn."):
        from qlearn.environments.nchain import nchain_model

        return nchain_model(**arguments, max_episode_steps=limit, name=name)
    if is_toy_text(spec):
        return toy_text(spec, arguments, limit)
    return _described(name, partial(make_gymnasium, identity, arguments, limit))


def find_spec(identity: str) -> EnvSpec:
    """Return what an id is registered as; raise an `InputError` with the nearest id that there is."""
    import gymnasium

    register()
    module, _, name = identity.rpartition(":")
    if module:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise InputError(
                f"{identity!r} names the module {module!r}, which cannot be imported ({error}). "
                "Install it, or correct the name before the colon."
            ) from error
    if name in gymnasium.registry:
        return gymnasium.registry[name]
    raise InputError(f"There is no environment {name!r}{_suggestion(name, list(gymnasium.registry))}")


def _suggestion(name: str, known: list[str]) -> str:
    """Return another version of the same problem, else one of qlearn's with a similar name, else any."""
    from gymnasium import registry

    stem = name.lower().rpartition("-v")[0] or name.lower()
    versions = [k for k in known if k.lower().rpartition("-v")[0] == stem]
    if versions:
        newest = max(versions, key=lambda k: registry[k].version or 0)
        return f", did you mean {newest!r}?"
    return nearest(name, _own_ids()) or nearest(name, known) or f"; `qlearn envs` lists them, {_NCHAIN!r} is one."


def _creator(spec: EnvSpec) -> Any:
    from gymnasium.envs.registration import load_env_creator

    if callable(spec.entry_point):
        return spec.entry_point
    try:
        return load_env_creator(str(spec.entry_point))
    except Exception as error:
        raise EnvironmentFault(
            f"{spec.id} is registered, but its code cannot be loaded ({type(error).__name__}: {error}). "
            "Install what it needs."
        ) from error


def _check_keywords(name: str, creator: Any, arguments: dict[str, Any], also: tuple[str, ...] = ()) -> None:
    try:
        parameters = inspect.signature(creator).parameters.values()
    except (TypeError, ValueError):
        return  # written in another language; it will speak for itself
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    accepted = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL and p.name != "render_mode"] + list(also)
    for key in arguments:
        if key not in accepted:
            raise InputError(
                f"{name} has no argument {key!r}{nearest(key, accepted) or '.'} "
                f"It takes {', '.join(accepted) or 'none'}."
            )


def _time_limit(limit: Any, name: str) -> int | None:
    if limit is None or limit == -1:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise InputError(
            f"`{_LIMIT}` of {name} is {limit!r}; it must be a whole number of at least 1, or None for no limit."
        )
    return limit


@dataclass(frozen=True)
class EnvironmentSummary:
    """One line about an environment that comes with a model."""

    id: str
    summary: str
    num_states: int
    num_actions: int
    time_limit: int | None


def _own_ids() -> list[str]:
    import gymnasium

    register()
    return [_NCHAIN, *sorted(key for key, spec in gymnasium.registry.items() if is_toy_text(spec))]


def list_environments() -> list[EnvironmentSummary]:
    """Return one row for each environment that comes with a model; any other id runs without one.

    >>> list_environments()[0].id
    'NChain-v0'
    """
    chain = "Forward through a chain for a large reward, or back to the start for a small one"
    rows = []
    for identity in _own_ids():
        model = make(identity)
        summary = chain if identity == _NCHAIN else SUMMARIES.get(identity.rpartition("-v")[0], "")
        rows.append(EnvironmentSummary(identity, summary, model.num_states, model.num_actions, model.time_limit))
    return rows
