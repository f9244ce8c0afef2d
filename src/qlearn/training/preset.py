"""Settings known to work: kept as data, one file each, and shown to work by a certificate."""

from __future__ import annotations

import dataclasses
import importlib.resources
import tomllib
from functools import cache
from typing import Any

from qlearn.errors import InputError, nearest


@dataclasses.dataclass(frozen=True)
class Preset:
    """Settings of one agent for one environment.

    Args:
        name: of the agent, ``dqn``.
        environment: an id.
        agent: the description, as text that ``parse_agent`` reads.
        steps: the budget of each seed that the settings are meant for; schedules run over it.
        source: where the settings are from.
        claim: what the certificate shows, in words.
    """

    name: str
    environment: str
    agent: str
    steps: int
    source: str
    claim: str


@cache
def presets() -> tuple[Preset, ...]:
    """All of them, by agent and environment.

    >>> ("dqn", "CartPole-v1") in [(one.name, one.environment) for one in presets()]
    True
    """
    folder = importlib.resources.files("qlearn.training") / "preset_data"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(Preset(**tomllib.loads(file.read_text(encoding="utf-8"))) for file in files)


def find_preset(agent: str, environment: str) -> Preset:
    """The settings of an agent for an environment, budget and source with them.

    Args:
        agent: its name: ``"dqn"``, ``"pqn"``, ``"stream-q"``.
        environment: an id such as ``"CartPole-v1"``.

    Raises:
        InputError: where there are none, with the nearest that there are.
    """
    wanted = (_key(agent), _key(environment))
    for one in presets():
        if (_key(one.name), _key(one.environment)) == wanted:
            return one
    known = [f"{one.name} for {one.environment}" for one in presets()]
    asked = f"{agent} for {environment}"
    raise InputError(f"There is no preset of {asked}{nearest(asked, known) or '.'} There are: {', '.join(known)}.")


def preset(agent: str, environment: str) -> Any:
    """An agent with settings known to work on an environment; ``find_preset`` tells for how many steps.

    Args:
        agent: its name: ``"dqn"``, ``"pqn"``, ``"stream-q"``.
        environment: an id such as ``"CartPole-v1"``.

    Raises:
        InputError: where there are none, with the nearest that there are.

    >>> preset("dqn", "CartPole-v1").label
    'DQN'
    """
    from qlearn.training.names import parse_agent

    return parse_agent(find_preset(agent, environment).agent)


def _key(name: str) -> str:
    return name.replace("_", "-").lower()
