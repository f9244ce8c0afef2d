"""What an id of Gymnasium's is registered as, and which arguments it takes; errors suggest a near miss."""

from __future__ import annotations

import importlib
import inspect
import warnings
from typing import TYPE_CHECKING, Any

from qlearn.environments.listing import NCHAIN, own_ids
from qlearn.environments.registration import ATARI, load_ale, register
from qlearn.errors import EnvironmentFault, InputError, nearest

if TYPE_CHECKING:
    from gymnasium.envs.registration import EnvSpec

LIMIT = "max_episode_steps"


def find_spec(identity: str) -> EnvSpec:
    """Return what an id is registered as; raise an `InputError` with the nearest id that there is."""
    import gymnasium

    register()
    if identity.startswith(ATARI):
        load_ale()
    module, _, name = identity.rpartition(":")
    if module:
        try:
            importlib.import_module(module)
        except Exception as error:
            raise InputError(
                f"{identity!r} names the module {module!r}, which cannot be imported "
                f"({type(error).__name__}: {error}). Install or mend it, or correct the name before the colon."
            ) from error
    if name in gymnasium.registry:
        return gymnasium.registry[name]
    raise InputError(f"There is no environment {name!r}{_suggestion(name, list(gymnasium.registry))}")


def _suggestion(name: str, known: list[str]) -> str:
    """Return another version of the same problem, else one of qlearn's with a similar name, else any."""
    from gymnasium import registry

    if name.startswith(ATARI):
        known = [game for game in known if game.startswith(ATARI) and game.endswith("-v5")]
        return nearest(name, known) or "; 'ALE/Breakout-v5' is one."
    stem = name.lower().rpartition("-v")[0] or name.lower()
    versions = [k for k in known if k.lower().rpartition("-v")[0] == stem]
    if versions:
        newest = max(versions, key=lambda k: registry[k].version or 0)
        return f", did you mean {newest!r}?"
    return nearest(name, own_ids()) or nearest(name, known) or f"; `qlearn envs` lists them, {NCHAIN!r} is one."


def creator_of(spec: EnvSpec) -> Any:
    """Return the function that makes the environment of an id."""
    from gymnasium.envs.registration import load_env_creator

    if callable(spec.entry_point):
        return spec.entry_point
    try:
        with warnings.catch_warnings():  # Box2D's module crashes where its own DeprecationWarning is made an error
            warnings.simplefilter("ignore", DeprecationWarning)
            return load_env_creator(str(spec.entry_point))
    except Exception as error:
        raise EnvironmentFault(
            f"{spec.id} is registered, but its code cannot be loaded ({type(error).__name__}: {error}). "
            "Install what it needs."
        ) from error


def parameters_of(creator: Any) -> dict[str, inspect.Parameter]:
    """Return what a function takes, by name."""
    try:
        return dict(inspect.signature(creator).parameters)
    except (TypeError, ValueError):
        return {}  # written in another language; it will speak for itself


def check_keywords(
    name: str, creator: Any, arguments: dict[str, Any], also: tuple[str, ...] = (), hidden: tuple[str, ...] = ()
) -> None:
    """Raise an `InputError` with a near miss where an argument is none of the creator's, nor in ``also``."""
    parameters = parameters_of(creator).values()
    if not parameters and not inspect.isroutine(creator) and not isinstance(creator, type):
        return
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    unlisted = ("render_mode", *hidden)
    accepted = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL and p.name not in unlisted] + list(also)
    for key in arguments:
        if key not in accepted:
            raise InputError(
                f"{name} has no argument {key!r}{nearest(key, accepted) or '.'} "
                f"It takes {', '.join(accepted) or 'none'}."
            )


def limit_of(spec: EnvSpec, arguments: dict[str, Any]) -> int | None:
    """The time limit that is asked for, taken out of the arguments, else that of the registration."""
    return time_limit_in(arguments.pop(LIMIT), spec.id) if LIMIT in arguments else spec.max_episode_steps


def time_limit_in(limit: Any, name: str) -> int | None:
    """Return the time limit that is meant; None or -1 means none."""
    if limit is None or limit == -1:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise InputError(
            f"`{LIMIT}` of {name} is {limit!r}; it must be a whole number of at least 1, or None for no limit."
        )
    return limit
