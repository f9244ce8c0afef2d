"""An agent with other settings, where it has them."""

from __future__ import annotations

import dataclasses
from typing import Any

from qlearn.agents.faults import Faulty


def fields_of(agent: Any) -> set[str]:
    """The names of an agent's settings; of a faulty agent those of the agent that has the fault."""
    agent = agent.agent if isinstance(agent, Faulty) else agent
    return (
        {field.name for field in dataclasses.fields(agent) if field.init} if dataclasses.is_dataclass(agent) else set()
    )


def altered(agent: Any, **wanted: Any) -> Any:
    """The agent with those of the settings that it has."""
    if isinstance(agent, Faulty):
        return dataclasses.replace(agent, agent=altered(agent.agent, **wanted))
    names = fields_of(agent)
    changes = {name: value for name, value in wanted.items() if name in names}
    return dataclasses.replace(agent, **changes) if changes else agent
