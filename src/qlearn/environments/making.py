"""`ql.make`: an environment from an id, a model, a function or an instance."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from qlearn.environments.atari import atari
from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.host import (
    NO_MODEL,
    VECTORIZATIONS,
    HostEnvironment,
    Vectorization,
    host_environment,
    with_patience,
)
from qlearn.environments.ids import LIMIT, check_keywords, creator_of, find_spec, limit_of, parameters_of
from qlearn.environments.listing import DISCRETISED, NCHAIN, OURS, elsewhere, is_ours
from qlearn.environments.naming import parse, written
from qlearn.environments.problems.catalogue import PROBLEMS, problem_of
from qlearn.environments.problems.frame import device_problem, model_of
from qlearn.environments.registration import ATARI, register
from qlearn.environments.toy_text import is_toy_text, make_gymnasium, toy_text
from qlearn.errors import EnvironmentFault, InputError, QlearnError

if TYPE_CHECKING:
    import gymnasium as gym
    from gymnasium.envs.registration import EnvSpec
    from typing_extensions import TypeIs

    from qlearn.environments.jax_environment import JaxEnvironment

    Made: TypeAlias = FiniteMDP | HostEnvironment | JaxEnvironment
    Makeable: TypeAlias = str | Made | Callable[..., gym.Env[Any, Any]] | gym.Env[Any, Any]

_LOOPS = ("host", "device")
Loop: TypeAlias = Literal["host", "device"]


def make(
    environment: Makeable,
    *,
    loop: Loop | None = None,
    vectorization: Vectorization | None = None,
    patience: float | None = None,
    **arguments: Any,
) -> Made:
    """Return the model of an environment, its form on the device, or a description to step it by.

    Args:
        environment: an id, with arguments or without (``"FrozenLake-v1(map_name='8x8')"``; an id of a module
            that is not imported yet is written ``"module:Name-v0"``; ``"gymnax:…"`` and ``"pgx:…"`` are those
            libraries' environments on the device, ``"ALE/…"`` are Atari games through ALE's own vector environment,
            ``"discretised:CartPole-v1(bins=8)"`` is one whose observations are counted); a `FiniteMDP` or a
            `JaxEnvironment`, which is returned as it is;
            a function that makes a `gymnasium.Env`, or, where it has an argument called ``num_envs``, a
            `gymnasium.vector.VectorEnv`; or a `gymnasium.Env`, which can serve one seed only.
        loop: "host" steps an id as ordinary Python, also where it has a model or a form on the device; "device"
            insists on one of these.  None takes the device where there is a choice.
        vectorization: how copies are stepped on the host: "sync" (one after the other, which is usual), "async" (each
            in a process of its own) or "own" (the environment's own vector form).  It implies ``loop="host"``.
        patience: seconds that a call of the environment may take on the host; one that takes longer is ended and is a
            fault.  300 unless given.  "async" ends any call, the others what runs Python.
        **arguments: keyword arguments of the environment, over those in the id.  ``max_episode_steps`` sets
            the time limit of any id; None or -1 means none.

    Returns:
        A `FiniteMDP` for NChain, the classic problems (`ql.problems`) and Gymnasium's toy-text problems; a
        `JaxEnvironment` for CartPole-v1, Acrobot-v1 and MountainCar-v0 and for gymnax's and pgx's; a `HostEnvironment`
        for anything else with discrete actions, whose observations can be counted, are a `Box`, or a `Dict` or
        `Tuple` of such parts; its ``reason`` says why there is no model.

    Raises:
        InputError: for an unknown id or argument, with a near miss; for spaces that no agent fits, with what is
            supported; for a library that is not installed, with how to get it.
        EnvironmentFault: where the environment's own code fails while it is made.

    >>> make("NChain-v0", n=10).num_states
    10
    >>> make("CartPole-v1")
    <CartPole CartPole-v1: observes (4,), 2 actions, time limit 500>
    """
    if isinstance(environment, str):
        identity, given = parse(environment)
        given |= arguments
        patience = given.pop("patience", patience)
        how = _vectorization(given.pop("vectorization", vectorization))
        return with_patience(_from_id(identity, given, _loop(given.pop("loop", loop)), how), patience)
    _loop(loop)
    if _is_made(environment):
        options = {"loop": loop, "vectorization": vectorization, "patience": patience}
        given = {**arguments, **{name: value for name, value in options.items() if value is not None}}
        if given:
            raise InputError(
                f"{environment.name} is made already and takes no arguments, but {', '.join(given)} "
                "came with it. Pass an id, or change it with `dataclasses.replace`."
            )
        return environment
    return with_patience(_from_python(environment, arguments, loop, _vectorization(vectorization)), patience)


def _from_python(
    environment: Any, arguments: dict[str, Any], loop: Loop | None, vectorization: Vectorization | None
) -> Made:
    import gymnasium as gym

    if isinstance(environment, type) and issubclass(environment, _on_device_kind()):
        if loop == "host" or vectorization is not None:
            raise InputError(f"{environment.__name__} runs on the device only. Leave out loop and vectorization.")
        return environment(**arguments)
    if loop == "device":
        raise InputError(
            f"{environment!r} is ordinary Python, which cannot run on the device. Leave out loop='device', or write it "
            "as a JaxEnvironment."
        )
    if isinstance(environment, gym.Env):
        if arguments:
            raise InputError("An environment that is made already takes no arguments. Pass the function that makes it.")
        if vectorization not in (None, "sync"):
            raise InputError(
                f"One instance cannot be stepped with vectorization={vectorization!r}. Pass the function that makes it."
            )
        name = environment.spec.id if environment.spec is not None else type(environment.unwrapped).__name__
        reason = f"{NO_MODEL}; one instance serves one seed"
        return host_environment(name, lambda: environment, single=True, reason=reason)
    if callable(environment):
        return _from_function(environment, arguments, vectorization)
    raise InputError(
        f"{environment!r} is no environment; pass an id such as {NCHAIN!r}, a FiniteMDP, a function that "
        "makes a gymnasium.Env, or a gymnasium.Env."
    )


def _is_made(environment: Any) -> TypeIs[Made]:
    return isinstance(environment, (FiniteMDP, HostEnvironment, *_on_device_kind()))


def _on_device_kind() -> tuple[type[JaxEnvironment], ...]:
    """JaxEnvironment, where its file is loaded, and with it JAX; before that there can be none of its kind."""
    file = sys.modules.get(f"{__package__}.jax_environment")
    return () if file is None else (file.JaxEnvironment,)


def _loop(loop: Any) -> Loop | None:
    if loop is not None and loop not in _LOOPS:
        raise InputError(f"loop={loop!r} is unknown; expected 'host' or 'device'. Pass loop='host', or leave it out.")
    return loop


def _vectorization(vectorization: Any) -> Vectorization | None:
    if vectorization is not None and vectorization not in VECTORIZATIONS:
        raise InputError(
            f"vectorization={vectorization!r} is unknown; expected one of {', '.join(map(repr, VECTORIZATIONS))}. "
            "Pass vectorization='sync', or leave it out."
        )
    return vectorization


def _from_function(
    function: Callable[..., Any], arguments: dict[str, Any], vectorization: Vectorization | None
) -> HostEnvironment:
    name = getattr(function, "__name__", type(function).__name__)
    check_keywords(name, function, arguments)
    maker = partial(function, **arguments) if arguments else function
    if _makes_vectors(function) and "num_envs" not in arguments:
        from qlearn.environments.vector_single import SingleOf

        if vectorization not in (None, "own"):
            raise InputError(
                f"{name} makes vector environments, so vectorization={vectorization!r} does not fit. Leave it out."
            )
        return _described(
            written(name, arguments), partial(SingleOf, maker), vectorization="own", make_vector=_Numbered(maker)
        )
    if vectorization == "own":
        raise InputError(
            f"{name} has no vector form of its own: it has no argument `num_envs`. Pass a function of `num_envs` that "
            "makes a gymnasium.vector.VectorEnv, or vectorization='sync'."
        )
    return _described(written(name, arguments), maker, vectorization=vectorization or "sync")


def _makes_vectors(function: Callable[..., Any]) -> bool:
    import gymnasium as gym

    single = isinstance(function, type) and issubclass(function, gym.Env)
    return not single and "num_envs" in parameters_of(function)


class _Numbered:
    """A function of ``num_envs`` by keyword, as a function of one number."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, count: int) -> Any:
        return self.function(num_envs=count)


def _described(name: str, maker: Callable[[], Any], **more: Any) -> HostEnvironment:
    """Describe an environment; what its own code raises is its fault."""
    try:
        return host_environment(name, maker, **more)
    except QlearnError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
        raise EnvironmentFault(
            f"{name} failed while it was made ({what}); a function that makes an environment must return "
            "one. Mend it, or its arguments."
        ) from error


def _from_id(identity: str, arguments: dict[str, Any], loop: Loop | None, vectorization: Vectorization | None) -> Made:
    if (library := elsewhere(identity)) is not None:
        if loop == "host" or vectorization is not None:
            raise InputError(f"{identity} runs on the device only. Leave out loop and vectorization.")
        file = importlib.import_module(f"{__package__}.{library}_environment")
        return file.make(identity, arguments)
    if identity.startswith(DISCRETISED):
        from qlearn.environments.discretising import from_id

        if loop == "host" or vectorization is not None:
            raise InputError(f"{identity} runs on the device only. Leave out loop and vectorization.")
        return from_id(identity, arguments)
    if (problem := PROBLEMS.get(identity)) is not None and problem.device:
        if loop == "host" or vectorization is not None:
            raise InputError(f"{identity} runs on the device only. Leave out loop and vectorization.")
        return device_problem(identity, arguments)
    spec = find_spec(identity)
    if identity.startswith(ATARI) and vectorization in (None, "own") and loop != "device":
        return atari(spec, arguments)
    host = loop == "host" or vectorization is not None
    chosen = is_ours(spec) or is_toy_text(spec) or _is_nchain(spec) or problem_of(spec) is not None
    if chosen and not host:
        return _on_device(spec, arguments)
    if loop == "device":
        raise InputError(
            f"{spec.id} has no form on the device. Leave out loop='device' to step it as ordinary Python."
            if not chosen
            else f"vectorization={vectorization!r} is for the host, and loop='device' was asked for. Leave one out."
        )
    limit = limit_of(spec, arguments)
    check_keywords(spec.id, creator_of(spec), arguments, also=(LIMIT,))
    plain = vectorization in (None, "sync")
    how: dict[str, Any] = {} if plain else {"vectorization": vectorization}
    how |= {"loop": "host"} if chosen and plain else {}
    changed = {} if limit == spec.max_episode_steps else {LIMIT: limit}
    return _described(
        written(spec.id, {**arguments, **changed, **how}),
        partial(make_gymnasium, identity, arguments, limit),
        vectorization=vectorization or "sync",
        make_vector=_vector_form(spec, arguments, limit) if vectorization == "own" else None,
    )


def _on_device(spec: EnvSpec, arguments: dict[str, Any]) -> Made:
    """The model of an id, or our own form of it in JAX."""
    limit = limit_of(spec, arguments)
    if is_ours(spec):
        ours = OURS[spec.id]
        creator = getattr(importlib.import_module(f"{__package__}.{ours.file}"), ours.type)
        check_keywords(spec.id, creator, arguments, also=(LIMIT,), hidden=("time_limit",))
        made: Made = creator(**arguments, time_limit=limit)
        return made
    if problem_of(spec) is not None:
        return model_of(spec.id, arguments, limit)
    check_keywords(spec.id, creator_of(spec), arguments, also=(LIMIT,))
    if is_toy_text(spec):
        return toy_text(spec, arguments, limit)
    from qlearn.environments.nchain import nchain_model

    name = written(spec.id, {**arguments, **({} if limit == spec.max_episode_steps else {LIMIT: limit})})
    return nchain_model(**arguments, max_episode_steps=limit, name=name)


def _is_nchain(spec: EnvSpec) -> bool:
    return spec.id == NCHAIN and str(spec.entry_point).startswith("qlearn.")


def _vector_form(spec: EnvSpec, arguments: dict[str, Any], limit: int | None) -> Callable[[int], Any]:
    if spec.vector_entry_point is None:
        raise InputError(f"{spec.id} has no vector form of its own. Pass vectorization='sync' or 'async'.")
    # No limit is a number that is never reached: not every vector form knows a word for it.
    limited = {} if limit == spec.max_episode_steps else {LIMIT: 2**31 - 1 if limit is None else limit}
    return partial(make_vector, spec.id, {**arguments, **limited})


def make_vector(identity: str, arguments: dict[str, Any], count: int) -> Any:
    """Return Gymnasium's vector environment of ``count`` copies, in the form that the environment brings itself."""
    import gymnasium as gym

    register()
    return gym.make_vec(identity, num_envs=count, vectorization_mode="vector_entry_point", **arguments)
