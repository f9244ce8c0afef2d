"""What determines the numbers of a page: settings, seeds, versions, and the command that makes it again."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from qlearn.comparison import Comparison
from qlearn.environments import FiniteMDP
from qlearn.reports.html import element, joined, table
from qlearn.reports.page import Section

_LONGEST = 600  # letters of one setting


def settings_section(comparison: Comparison) -> Section:
    """Return the section of a comparison."""
    settings, world = comparison.settings, comparison.environment
    unit = "steps" if settings["episodes"] is None else "episodes"
    rows = [
        ("environment", world.name),
        ("budget of each seed", f"{settings[unit]:,} {unit}"),
        ("seeds", seeds_in_words(comparison.seeds)),
        ("horizon of all values", _or_none(settings["horizon"], "steps")),
        ("snapshots for the curves", settings["snapshots"]),
        ("wall time", f"{comparison.wall_time:.1f} s, compilation and evaluation included"),
    ]
    if isinstance(world, FiniteMDP):
        size = f"{world.num_states:,} states, {world.num_actions:,} actions, {_or_none(world.time_limit, 'steps')}"
        rows[1:1] = [("its size and time limit", size), ("hash of its model", world.digest)]
    if comparison.discount is not None:
        rows.append(("discount of the optimum shown", f"{comparison.discount:g}"))
    parts = [
        table("The comparison", ("what", "setting"), rows, numbers=False),
        agents_table(comparison),
        versions_table(comparison.versions),
        *reproduced(comparison.command),
    ]
    return Section("settings", "Settings", joined(parts))


def agents_table(comparison: Comparison) -> Any:
    """Return a row for each agent with every setting that it has."""
    rows = []
    for agent in comparison.agents:
        told = agent.runs.settings
        written = told.get("agent_written") or "(your own)"
        rows.append((agent.name, written, all_settings(agent.runs.agent), told.get("agent_version"), told.get("lane")))
    head = ("agent", "as the command line writes it", "all its settings", "version", "seeds in a lane")
    return table("The agents", head, rows, numbers=False)


def all_settings(agent: Any) -> str:
    """Return every field of a description with its value; defaults too, which a later version may change."""
    if not dataclasses.is_dataclass(agent):
        return _short(repr(agent))
    found = []
    for field in dataclasses.fields(agent):
        value = getattr(agent, field.name)
        found.append(f"{field.name} {value:g}" if isinstance(value, float) else f"{field.name} {value!r}")
    return _short(", ".join(found))


def versions_table(versions: dict[str, str]) -> Any:
    """Return what the numbers were made with."""
    return table("Versions", ("part", "version"), list(versions.items()), numbers=False)


def reproduced(command: str | None) -> list[Any]:
    """Return the command, or that there is none."""
    if command is None:
        return [element("p", "An agent or the environment is your own, so no command line makes this again.")]
    return [element("h3", "To make it again"), element("pre", element("code", command), tabindex="0")]


def seeds_in_words(seeds: Any) -> str:
    """Return seeds as ranges.

    >>> seeds_in_words([0, 1, 2, 7])
    '4: 0 to 2, 7'
    """
    numbers = np.sort(np.asarray(seeds, dtype=np.int64))
    stretches = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    words = [str(part[0]) if len(part) == 1 else f"{part[0]} to {part[-1]}" for part in stretches]
    return _short(f"{len(numbers):,}: {', '.join(words)}")


def _or_none(value: Any, unit: str) -> str:
    return "none" if value is None else f"{value:,} {unit}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
