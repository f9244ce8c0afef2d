"""A lane of tables on ordinary Python taken apart by seed, and put together again; see `qlearn.engine.apart`.

What is kept of a seed besides: ``host.…``, where it stands between a step and its update, and ``tape.…``, the actions
of its episode, one row after the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qlearn.engine.frozen import Frozen

Numbers = np.ndarray[Any, Any]
_EACH = ("gained", "seen", "live", "ended")  # a number for each seed
_TAPE = ("number", "digest", "lost")


def apart(frozen: Mapping[str, Numbers], n: int) -> list[Frozen]:
    """Where each of n seeds stands."""
    ends = np.cumsum(frozen["memory"])
    trees = [name for name in frozen if name.startswith(("state.", "visits.")) or name == "legal"]
    columns = [name for name in frozen if name.startswith("memory.")]
    found = []
    for i in range(n):
        mine = slice(int(ends[i] - frozen["memory"][i]), int(ends[i]))
        one = {f"host.{name}": frozen[name][i] for name in (*_EACH, *trees)}
        one |= {f"host.{name}": frozen[name][mine] for name in columns}
        found.append(one | {"host.clock": frozen["clock"][:, i], "host.moved": frozen["moved"]} | _tape(frozen, i))
    return [{name: np.array(value) for name, value in one.items()} for one in found]


def _tape(frozen: Mapping[str, Numbers], i: int) -> Frozen:
    """The actions of one seed's episode, without the steps that only others made."""
    start = int(frozen["tape.start"][i])
    made = frozen["tape.live"][start:, i] & ~frozen["tape.lost"][i]
    return {f"tape.{name}": frozen[f"tape.{name}"][i] for name in _TAPE} | {
        "tape.actions": frozen["tape.actions"][start:, i][made]
    }


def stage_of(state: Mapping[str, Numbers]) -> tuple[int, ...]:
    """What seeds of one lane must have in common besides: whether a step was made whose update was not."""
    return (int(state["host.moved"]),)


def together(states: Sequence[Frozen], lane: int) -> Frozen:
    """The lane of these seeds, but for its history and its marks.

    Args:
        states: of each.
        lane: seeds in one program, of which there may be several.
    """
    n, size = len(states), lane * math.ceil(len(states) / lane)

    def filled(name: str) -> Numbers:
        whole = np.stack([state[f"host.{name}"] for state in states])
        return np.concatenate([whole, np.zeros((size - n, *whole.shape[1:]), whole.dtype)])

    def repeated(name: str) -> Numbers:  # what fills a lane up is any seed's, and nobody looks at it
        return np.stack([states[i][f"host.{name}"] for i in np.resize(np.arange(n), size).tolist()])

    parts = [name.removeprefix("host.") for name in states[0] if name.startswith("host.")]
    kept = {name: filled(name) for name in _EACH} | {"clock": filled("clock").T.copy()}
    kept |= {name: repeated(name) for name in parts if name.startswith(("state.", "visits.")) or name == "legal"}
    memory = [name for name in parts if name.startswith("memory.")]
    kept |= {name: np.concatenate([state[f"host.{name}"] for state in states]) for name in memory}
    kept["memory"] = np.array([len(state[f"host.{memory[0]}"]) for state in states], np.int64)
    return kept | _tapes(states) | {"moved": states[0]["host.moved"], "begun_again": np.zeros(n, np.int64)}


def _tapes(states: Sequence[Frozen]) -> Frozen:
    """One tape of all seeds, whose episodes end at its end."""
    lengths = np.array([len(state["tape.actions"]) for state in states], np.int64)
    rows = int(lengths.max(initial=0))
    actions = np.zeros((rows, len(states)), states[0]["tape.actions"].dtype)
    live = np.zeros(actions.shape, bool)
    for i, state in enumerate(states):
        actions[rows - lengths[i] :, i], live[rows - lengths[i] :, i] = state["tape.actions"], True
    each = {f"tape.{name}": np.stack([state[f"tape.{name}"] for state in states]) for name in _TAPE}
    return {"tape.actions": actions, "tape.live": live, "tape.start": rows - lengths, **each}
