"""A `Specification` as TOML and back.  What is read is data: nothing in it is executed or imported."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from qlearn.environments.listing import DISCRETISED, elsewhere
from qlearn.environments.naming import parse
from qlearn.environments.naming import written as written_name
from qlearn.errors import InputError, nearest
from qlearn.training import written_agent
from qlearn.training.from_tables import agent_of

if TYPE_CHECKING:
    from qlearn.comparison.specification import Specification

TOP = ("environments", "episodes", "steps", "seeds", "evaluation", "agents")
EVALUATION = ("discount", "horizon", "snapshots", "metric", "margin")
_USUAL = {"discount": None, "horizon": None, "snapshots": 50, "metric": "final", "margin": None}
_ID = "id"


def written(asked: Specification) -> str:
    """Return a specification as TOML; raise an `InputError` where something in it has no name."""
    import tomli_w

    told: dict[str, Any] = {"environments": [_environment_text(one) for one in asked.environments]}
    told |= {"episodes": asked.episodes} if asked.steps is None else {"steps": asked.steps}
    told["seeds"] = asked.seeds if isinstance(asked.seeds, int) else list(asked.seeds)
    judged = {key: getattr(asked, key) for key in EVALUATION if getattr(asked, key) != _USUAL[key]}
    told |= {"evaluation": judged} if judged else {}
    told["agents"] = {name: _agent_text(name, agent) for name, agent in asked.agents.items()}
    return tomli_w.dumps(told)


def _agent_text(name: str, agent: Any) -> str:
    text = written_agent(agent)
    if text is None:
        raise InputError(f"The agent {name!r} is your own, which no text names. Keep this specification in Python.")
    return text


def _environment_text(environment: Any) -> str:
    if not isinstance(environment, str):
        named = getattr(environment, "name", None) or getattr(environment, "__name__", environment)
        raise InputError(
            f"The environment {named!r} was made in Python, which no text names. Pass its id, or keep this "
            "specification in Python."
        )
    return environment


def read(text: str, modules: tuple[str, ...], also: tuple[str, ...]) -> dict[str, Any]:
    """Return what `Specification` is made from."""
    try:
        told = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"The specification is no TOML: {error}.") from error
    told = {key: value for key, value in told.items() if key not in also}
    _check_keys(told, TOP, "The specification")
    for key in ("environments", "agents"):
        if key not in told:
            raise InputError(f"The specification lacks `{key}`. Write {_EXAMPLE[key]}.")
    judged = told.pop("evaluation", {})
    if not isinstance(judged, Mapping):
        raise InputError(f"[evaluation] is {judged!r}; expected a table with {', '.join(EVALUATION)}.")
    _check_keys(judged, EVALUATION, "[evaluation]")
    _check_kinds({**told, **judged})
    agents = told.pop("agents")
    if not isinstance(agents, Mapping):
        raise InputError(f"[agents] is {agents!r}; expected a table of names and agents.")
    found = {name: agent_of(value, f"[agents.{name}]") for name, value in agents.items()}
    return {**told, **judged, "agents": found, "environments": _environments(told["environments"], modules)}


_EXAMPLE = {"environments": 'environments = ["NChain-v0"]', "agents": '[agents], and under it mine = "q-learning"'}
_WORDS = {int: "a whole number", float: "a number", str: "a text", list: "a list"}
_NUMBERS = {"discount": (int, float), "margin": (int, float)}
_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("episodes", "steps", "horizon", "snapshots"), (int,)),
    "metric": (str,),
    "seeds": (int, list),
    **_NUMBERS,
}


def _check_keys(told: Iterable[str], known: tuple[str, ...], where: str) -> None:
    for key in told:
        if key not in known:
            raise InputError(f"{where} has no key {key!r}{nearest(key, known) or '.'} Known are {', '.join(known)}.")


def _check_kinds(told: Mapping[str, Any]) -> None:
    for key, kinds in _KINDS.items():
        value = told.get(key)
        if key in told and (isinstance(value, bool) or not isinstance(value, kinds)):
            expected = " or ".join(
                {int: "a whole number", float: "a number", str: "a text", list: "a list"}[k] for k in kinds
            )
            raise InputError(f"`{key}` of the specification is {value!r}; expected {expected}.")


def _environments(given: Any, modules: tuple[str, ...]) -> tuple[str, ...]:
    listed = given if isinstance(given, list) else [given]
    return tuple(_environment(one, modules) for one in listed)


def _environment(given: Any, modules: tuple[str, ...]) -> str:
    if isinstance(given, Mapping):
        settings = dict(given)
        identity = settings.pop(_ID, None)
        if not isinstance(identity, str):
            raise InputError(
                f"An environment of the specification lacks `id`{nearest(_ID, settings) or '.'} Write for example "
                '{id = "FrozenLake-v1", is_slippery = false}.'
            )
        given = written_name(identity, settings)
    if not isinstance(given, str):
        raise InputError(f"{given!r} is no environment; expected an id, or a table with `id`.")
    check_imports_nothing(given, modules)
    return given


def check_imports_nothing(text: str, modules: tuple[str, ...]) -> None:
    """Raise an `InputError` where making an environment from a file's text would import code of its choosing."""
    identity, settings = parse(text)
    while identity.startswith(DISCRETISED):
        identity = identity.removeprefix(DISCRETISED)
    module, colon, _ = identity.rpartition(":")
    ours = elsewhere(identity) is not None or module == "qlearn"
    if colon and not ours and module not in modules:
        raise InputError(
            f"{text!r} of the specification names the module {module!r}; a file cannot import code. Say so on the "
            f"command line: --import {module}."
        )
    old = identity.lower().startswith("gymv2")  # these import what their argument says
    if old or any(isinstance(value, str) and ":" in value for value in settings.values()):
        raise InputError(f"{text!r} of the specification may name code to import, which a file cannot.")
