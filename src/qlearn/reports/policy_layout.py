"""Where the states of a problem lie in a picture, and which way its actions point."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from qlearn.environments import FiniteMDP

_COORDINATES = re.compile(r"\(?\s*(-?\d+)\s*,\s*(-?\d+)\s*\)?")
_MOST_GRID, _MOST_ROW = 900, 30

# (right, down) of actions that are known by name; in a row "forward" is the way of rising numbers.
_WAYS = {
    "left": (-1, 0),
    "west": (-1, 0),
    "backward": (-1, 0),
    "right": (1, 0),
    "east": (1, 0),
    "forward": (1, 0),
    "up": (0, -1),
    "north": (0, -1),
    "down": (0, 1),
    "south": (0, 1),
    "up-right": (1, -1),
    "down-right": (1, 1),
    "down-left": (-1, 1),
    "up-left": (-1, -1),
}


@dataclass(frozen=True)
class Layout:
    """Where states lie and where actions point.

    Args:
        places: for each state (column, row), rows counted downwards; None for a table of states and actions.
        ways: for each action (right, down), or None for an action that is no direction.
        columns: width of the picture in cells.
        rows: its height in cells.
    """

    places: tuple[tuple[int, int], ...] | None
    ways: tuple[tuple[int, int] | None, ...]
    columns: int
    rows: int


def layout_of(world: Any) -> Layout:
    """Return a grid where all states are named by coordinates "(row, column)", a row for short chains, else a table.

    A chain has actions that lead along it by their names, or none that points and no outcome that leads past a
    neighbour.

    >>> from qlearn.environments import make
    >>> layout_of(make("FrozenLake-v1")).rows, layout_of(make("NChain-v0")).rows
    (4, 1)
    """
    names = getattr(world, "action_names", None) or ()
    ways = tuple(_WAYS.get(name.lower()) for name in names) or (None,) * world.num_actions
    S = world.num_states
    if isinstance(world, FiniteMDP) and world.state_names is not None and S <= _MOST_GRID:
        found = [_COORDINATES.fullmatch(name) for name in world.state_names]
        pairs = [(int(m[2]), int(m[1])) for m in found if m is not None]
        if len(set(pairs)) == S:
            left, top = min(x for x, _ in pairs), min(y for _, y in pairs)
            places = tuple((x - left, y - top) for x, y in pairs)
            return Layout(places, ways, 1 + max(x for x, _ in places), 1 + max(y for _, y in places))
    along = any(ways) and all(way is None or way[1] == 0 for way in ways)
    if S <= _MOST_ROW and ((along and _keeps_its_way(world, ways)) or (not any(ways) and _goes_to_neighbours(world))):
        return Layout(tuple((s, 0) for s in range(S)), ways, S, 1)
    return Layout(None, ways, world.num_actions, S)


def _keeps_its_way(world: Any, ways: tuple[tuple[int, int] | None, ...]) -> bool:
    """Whether no action most often leads against the way that its name tells."""
    if not isinstance(world, FiniteMDP):
        return True
    for row in range(world.num_states * world.num_actions):
        state, action = divmod(row, world.num_actions)
        first, end = world.offsets[row], world.offsets[row + 1]
        way = ways[action]
        if way is not None and end > first:
            likely = first + int(world.probability[first:end].argmax())
            if way[0] * (int(world.next_state[likely]) - state) < 0:
                return False
    return True


def _goes_to_neighbours(world: Any) -> bool:
    if not isinstance(world, FiniteMDP) or world.num_states < 3:
        return False
    row = np.repeat(np.arange(len(world.offsets) - 1), np.diff(world.offsets)) // world.num_actions
    return bool((np.abs(world.next_state - row) <= 1).all())
