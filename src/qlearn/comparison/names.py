"""A name of its own for every agent of a comparison."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any


def distinct_names(agents: Sequence[Any]) -> list[str]:
    """Return the agents' labels; where several share one, with the settings in which they differ.

    >>> from qlearn.agents import QLearning
    >>> distinct_names([QLearning(learning_rate=0.1), QLearning(learning_rate=0.3)])
    ['ε-greedy Q-learning (learning_rate 0.1)', 'ε-greedy Q-learning (learning_rate 0.3)']
    >>> distinct_names([QLearning(), QLearning()])
    ['ε-greedy Q-learning #1', 'ε-greedy Q-learning #2']
    """
    labels = [str(agent.label) for agent in agents]
    names = list(labels)
    for label, count in Counter(labels).items():
        if count > 1:
            alike = [i for i, other in enumerate(labels) if other == label]
            for i, told in zip(alike, _differing([_settings(agents[i]) for i in alike]), strict=True):
                names[i] = f"{label} ({told})" if told else label
    return _numbered(names)


def _settings(agent: Any) -> dict[str, str]:
    if not dataclasses.is_dataclass(agent):
        return {}
    settings = {}
    for field in dataclasses.fields(agent):
        value = getattr(agent, field.name)
        settings[field.name] = f"{value:g}" if isinstance(value, float) else str(value)
    return settings


def _differing(settings: list[dict[str, str]]) -> list[str]:
    keys = [key for key in settings[0] if len({some.get(key) for some in settings}) > 1]
    return [", ".join(f"{key} {some[key]}" for key in keys if key in some) for some in settings]


def _numbered(names: list[str]) -> list[str]:
    total, seen, numbered = Counter(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        numbered.append(f"{name} #{seen[name]}" if total[name] > 1 else name)
    return numbered
