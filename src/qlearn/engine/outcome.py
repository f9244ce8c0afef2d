"""What the lanes of a job brought, put together: every array with the seed axis first."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol

import jax
import numpy as np

from qlearn.agents.learner import Knowledge
from qlearn.engine.device_loop import Standing
from qlearn.engine.lane_run import History, Numbers, Unit
from qlearn.engine.marks import Marks


class Budget(Protocol):
    """What is asked of a job."""

    @property
    def positions(self) -> tuple[int, ...]:
        """Where its runs are read; the last is the end."""

    @property
    def unit(self) -> Unit:
        """What positions count."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a job brought, every array with the seed axis first."""

    returns: Numbers  # (n, E) float64, NaN beyond a seed's episodes
    lengths: Numbers  # (n, E) int64
    num_episodes: Numbers  # (n,) int64
    num_steps: Numbers  # (n,) int64
    q_table: Numbers | None  # (n, S, A) float32; None where states cannot be counted
    visits: Numbers | None  # (n, S, A) int64; None for learners with a network
    snapshots: Numbers | None  # (n, k, S, A) float32, at all positions that every seed has reached
    counted: Numbers | None  # (n, k, S, A) int32: the visits there; None for learners with a network
    knowledge: Knowledge | None  # of learners with a network: (n, …)
    known: Knowledge | None  # the same at all positions that every seed has reached: (n, k, …)
    diverged: Numbers | None  # (n,) int64: the step at which it was seen, 0 where it was not; None for tables
    complete: Numbers  # (n,) bool: reached the last position
    extras: dict[str, Numbers]  # (n,) each: what learners tell besides their tables
    told: dict[str, Numbers]  # (n, k) each: the same at all positions that every seed has reached
    begun_again: Numbers | None = None  # (n,) int64: episodes that could not be gone on with in another process


@dataclasses.dataclass(frozen=True)
class TablePart:
    """What one lane of a table agent brought."""

    history: History
    standing: Standing
    tables: list[Standing]  # at the positions reached
    size: int
    complete: bool
    begun_again: Numbers | None = None  # (size,); None where that cannot be


@dataclasses.dataclass(frozen=True)
class VectorPart:
    """What one lane of an agent with a network brought."""

    history: History
    marks: Marks
    size: int
    begun_again: Numbers | None = None


def joined(job: Budget, parts: Sequence[Any]) -> Outcome:
    """The lanes of a job, one after the other."""
    most = job.positions[-1] if job.unit == "episode" else None
    rows = [part.history.tables(part.size, most) for part in parts]
    width = max(returns.shape[1] for returns, _, _ in rows)

    def widened(table: Numbers, fill: float) -> Numbers:
        return np.pad(table, ((0, 0), (0, width - table.shape[1])), constant_values=fill)

    again = [np.zeros(part.size, np.int64) if part.begun_again is None else part.begun_again for part in parts]
    join = _tables if isinstance(parts[0], TablePart) else _knowledge
    return Outcome(
        returns=np.concatenate([widened(returns, np.nan) for returns, _, _ in rows]),
        lengths=np.concatenate([widened(lengths, 0) for _, lengths, _ in rows]),
        num_episodes=np.concatenate([counts for _, _, counts in rows]).astype(np.int64),
        begun_again=np.concatenate(again),
        **join(parts),
    )


def _tables(parts: Sequence[TablePart]) -> dict[str, Any]:
    reached = min(len(part.tables) for part in parts)
    shape = parts[0].standing.q_table.shape[1:]

    def standing(name: str) -> Numbers:
        return np.concatenate([np.asarray(getattr(part.standing, name)) for part in parts])

    named = parts[0].standing.extras
    extras = {name: np.concatenate([np.asarray(p.standing.extras[name]) for p in parts]) for name in named}
    told = {
        name: np.concatenate(
            [
                np.array([s.extras[name] for s in p.tables[:reached]]).reshape(reached, p.size, *extras[name].shape[1:])
                for p in parts
            ],
            axis=1,
        ).swapaxes(0, 1)
        for name in named
    }

    def along(name: str, dtype: Any) -> Numbers:
        rows = [[getattr(standing, name) for standing in part.tables[:reached]] for part in parts]
        lanes = [np.array(row, dtype).reshape(reached, p.size, *shape) for row, p in zip(rows, parts, strict=True)]
        return np.concatenate(lanes, axis=1).swapaxes(0, 1)

    return {
        "num_steps": standing("steps").astype(np.int64),
        "q_table": standing("q_table"),
        "visits": standing("visits").astype(np.int64),
        "snapshots": along("q_table", np.float32),
        "counted": along("visits", np.int32),
        "knowledge": None,
        "known": None,
        "diverged": None,
        "complete": np.concatenate([np.full(part.size, part.complete) for part in parts]),
        "extras": extras,
        "told": told,
    }


def _knowledge(parts: Sequence[VectorPart]) -> dict[str, Any]:
    marks = [part.marks for part in parts]
    reached = min(mark.reached for mark in marks)

    def at(place: int) -> Any:
        return jax.tree.map(lambda *lanes: np.concatenate(lanes), *[mark.at(place) for mark in marks])

    end = at(-1)
    along = [at(k) for k in range(reached)]
    known = jax.tree.map(lambda *rows: np.stack(rows, axis=1), *along) if along else None
    diverged = np.concatenate([mark.diverged for mark in marks])
    return {
        "num_steps": np.concatenate([mark.steps for mark in marks]),
        "q_table": end.q_table,
        "visits": None,
        "snapshots": None if known is None else known.q_table,
        "counted": None,
        "knowledge": end.knowledge,
        "known": None if known is None else known.knowledge,
        "diverged": diverged,
        "complete": np.concatenate([mark.arrived for mark in marks]) | (diverged > 0),
        "extras": {},
        "told": {},
    }
