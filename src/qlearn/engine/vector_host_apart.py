"""A lane of networks on ordinary Python taken apart by seed, and put together again; see `qlearn.engine.apart`.

What is kept of a seed besides: ``host.…``, where it stands between a step and its update, with the transitions that
wait for one; ``tape.…``, the actions since the beginning of its episodes; and ``total``, the steps that it made.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qlearn.engine.frozen import Frozen

Numbers = np.ndarray[Any, Any]
_EACH = ("largest", "gained", "diverged")  # a row for each seed
_TAPE = ("number", "digest", "lost")  # a number for each environment


def apart(frozen: Mapping[str, Numbers], n: int) -> list[Frozen]:
    """Where each of n seeds stands."""
    names = [name for name in frozen if name.startswith("state.")]
    count = frozen["now"].shape[1] // 2
    found = []
    for i in range(n):
        one = {f"host.{name}": frozen[name][i] for name in ("now", *_EACH, *names)}
        one |= {"host.moved": frozen["moved"], "total": frozen["now"][i, -1]}
        one |= _waiting(frozen, i) | _tape(frozen, slice(i * count, (i + 1) * count))
        found.append({name: np.array(value) for name, value in one.items()})
    return found


def _waiting(frozen: Mapping[str, Numbers], i: int) -> Frozen:
    """The transitions of one seed that wait: how many of each environment, and no more rows than that."""
    level = int(frozen["waiting.level"])
    held = frozen["waiting"][i] if level < 0 else np.full_like(frozen["waiting"][i], level)
    most, columns = int(held.max()), [name for name in frozen if _is_column(name)]
    kept = {f"host.{name}": frozen[name][i, :most] for name in columns}
    return kept | {"host.waiting": held, "host.room": np.array(frozen[columns[0]].shape[1])}


def _is_column(name: str) -> bool:
    return name.startswith("waiting.") and name != "waiting.level"


def _tape(frozen: Mapping[str, Numbers], mine: slice) -> Frozen:
    """The actions of one seed's episodes, without the steps that only others made."""
    lost, start = frozen["tape.lost"][mine], frozen["tape.start"][mine]
    rows = len(frozen["tape.actions"])
    first = int(start[~lost].min(initial=rows))
    actions, live = (frozen[f"tape.{name}"][first:, mine] for name in ("actions", "live"))
    made = live.any(axis=1)
    before = np.concatenate([[0], np.cumsum(made)])  # of the rows that stay, how many come before each
    return {f"tape.{name}": frozen[f"tape.{name}"][mine] for name in _TAPE} | {
        "tape.actions": actions[made],
        "tape.live": live[made],
        "tape.start": np.where(lost, 0, before[np.maximum(start - first, 0)]),
    }


def stage_of(state: Mapping[str, Numbers]) -> tuple[int, ...]:
    """What seeds of one lane must have in common: how much they learnt from, and whether an update is due to come."""
    return int(state["total"]) - int(state["host.waiting"].sum()), int(state["host.moved"])


def together(states: Sequence[Frozen], width: int) -> Frozen:
    """The lane of these seeds, but for its history and its marks.

    Args:
        states: of each.
        width: seeds in one program, of which there may be several.
    """
    n, size = len(states), width * math.ceil(len(states) / width)

    def stacked(name: str) -> Numbers:
        return np.stack([state[f"host.{name}"] for state in states])

    def repeated(name: str) -> Numbers:  # what fills a lane up is any seed's, and nobody looks at it
        return np.stack([states[i][f"host.{name}"] for i in np.resize(np.arange(n), size).tolist()])

    now = stacked("now")
    kept = {name: stacked(name) for name in _EACH} | {"waiting": stacked("waiting")}
    kept |= {"now": np.concatenate([now, np.zeros((size - n, now.shape[1]), now.dtype)])}
    kept |= {name: repeated(name) for name in _named(states[0], "state.")}
    kept |= {name: _column(states, name, size) for name in _named(states[0], "waiting.")}
    level = int(kept["waiting"].flat[0])
    kept["waiting.level"] = np.array(level if (kept["waiting"] == level).all() else -1)
    return kept | _tapes(states) | {"moved": states[0]["host.moved"], "begun_again": np.zeros(n, np.int64)}


def _named(state: Frozen, start: str) -> list[str]:
    names = [name.removeprefix("host.") for name in state if name.startswith("host.")]
    return [name for name in names if name.startswith(start)]


def _column(states: Sequence[Frozen], name: str, size: int) -> Numbers:
    """What waits, with the room that there was for more."""
    first = states[0][f"host.{name}"]
    whole = np.zeros((size, max(int(state["host.room"]) for state in states), *first.shape[1:]), first.dtype)
    for i, state in enumerate(states):
        mine = state[f"host.{name}"]
        whole[i, : len(mine)] = mine
    return whole


def _tapes(states: Sequence[Frozen]) -> Frozen:
    """One tape of all seeds, whose episodes end at its end."""
    lengths = [len(state["tape.actions"]) for state in states]
    rows, count = max(lengths), states[0]["tape.start"].size
    actions = np.zeros((rows, count * len(states)), states[0]["tape.actions"].dtype)
    live = np.zeros(actions.shape, bool)
    for i, state in enumerate(states):
        place = slice(rows - lengths[i], rows), slice(i * count, (i + 1) * count)
        actions[place], live[place] = state["tape.actions"], state["tape.live"]
    starts = [rows - length + state["tape.start"] for length, state in zip(lengths, states, strict=True)]
    each = {f"tape.{name}": np.concatenate([state[f"tape.{name}"] for state in states]) for name in _TAPE}
    return {"tape.actions": actions, "tape.live": live, "tape.start": np.concatenate(starts), **each}
