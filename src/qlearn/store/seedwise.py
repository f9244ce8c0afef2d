"""What training brought, one seed at a time and back: the arrays of a result, the facts beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from qlearn.engine.apart import is_table
from qlearn.engine.device_loop import Standing
from qlearn.engine.frozen import Frozen
from qlearn.engine.outcome import Outcome
from qlearn.engine.schedule import Job
from qlearn.engine.tables import knowledge_shapes
from qlearn.engine.vector_loop import Known
from qlearn.engine.worlds import spec_of
from qlearn.store.identity import canonical
from qlearn.store.packing import Arrays, pack, pack_rows

Numbers = np.ndarray[Any, Any]
_TABLES = {"q_table": "q_table", "visits": "visits", "snapshots": "marks.q_table", "counted": "marks.visits"}
_TREES = {"knowledge": "knowledge", "known": "marks.knowledge"}
_NAMED = {"extras": "extra.", "told": "marks.extra."}


@dataclasses.dataclass(frozen=True)
class Result:
    """One finished run.

    Args:
        facts: episodes, steps, mean online return, the step of divergence, seconds: what lists show.
        arrays: everything else.
    """

    facts: dict[str, Any]
    arrays: Arrays


def packed_results(job: Job, outcome: Outcome, seconds: float) -> list[tuple[str, bytes]]:
    """A lane's outcome by seed: facts as text, arrays as bytes.

    Args:
        job: with the lane's seeds alone.
        outcome: what they came to.
        seconds: that all of it took.
    """
    stacked = _stacked(job, outcome)
    facts = list(map(canonical, _facts(outcome, seconds / job.seeds.size)))
    counts = outcome.num_episodes.tolist()
    if len(set(counts)) == 1 and outcome.returns.shape[1] == counts[0]:
        whole = {"returns": outcome.returns, "lengths": outcome.lengths, **stacked}
        return list(zip(facts, pack_rows(whole), strict=True))
    found = []
    for i, count in enumerate(counts):
        ended = {"returns": outcome.returns[i, :count], "lengths": outcome.lengths[i, :count]}
        found.append((facts[i], pack({**ended, **{name: array[i] for name, array in stacked.items()}})))
    return found


def _stacked(job: Job, outcome: Outcome) -> Arrays:
    """What is as large for every seed, the seed axis first."""
    arrays: Arrays = {"at": np.tile(np.array(job.positions, np.int64), (job.seeds.size, 1))}
    for name, called in _TABLES.items():
        if (table := getattr(outcome, name)) is not None:
            arrays[called] = table
    for name, called in _TREES.items():
        for k, leaf in enumerate(jax.tree.leaves(getattr(outcome, name))):
            arrays[f"{called}.{k:03d}"] = np.asarray(leaf)
    for name, called in _NAMED.items():
        arrays |= {called + key: np.asarray(value) for key, value in getattr(outcome, name).items()}
    return arrays


def _facts(outcome: Outcome, seconds: float) -> list[dict[str, Any]]:
    counts = outcome.num_episodes
    online = np.empty(len(counts))
    for count in np.unique(counts):
        some = counts == count
        online[some] = outcome.returns[some, :count].mean(axis=1) if count else np.nan
    failed = [None] * len(counts) if outcome.diverged is None else outcome.diverged.tolist()
    table = outcome.q_table
    none = np.zeros((len(counts), 0, 0))
    finite = np.logical_and.reduce(np.isfinite(none if table is None else table), axis=(1, 2))
    steps = outcome.num_steps.tolist()
    return [
        {
            "episodes": count,
            "steps": steps[i],
            "online": float(online[i]) if count else None,
            "diverged_at": failed[i],
            "diverged": bool(failed[i] or not finite[i]),
            "seconds": round(seconds, 6),
        }
        for i, count in enumerate(counts.tolist())
    ]


def outcome_of(job: Job, results: Sequence[Result]) -> Outcome:
    """Results of all seeds of a job, in their order, as training would have brought them."""
    counts = np.array([len(one.arrays["returns"]) for one in results], np.int64)
    width = int(counts.max(initial=0))
    returns, lengths = np.full((len(results), width), np.nan), np.zeros((len(results), width), np.int64)
    for i, one in enumerate(results):
        returns[i, : counts[i]], lengths[i, : counts[i]] = one.arrays["returns"], one.arrays["lengths"]
    first = results[0].arrays
    places = [np.searchsorted(one.arrays["at"], job.positions) for one in results]

    def stacked(name: str) -> Numbers | None:
        if name not in first:
            return None
        if not name.startswith("marks."):
            return np.stack([one.arrays[name] for one in results])
        return np.stack([one.arrays[name][place] for one, place in zip(results, places, strict=True)])

    def tree(name: str) -> Any:
        leaves = [stacked(key) for key in sorted(key for key in first if key.startswith(f"{name}."))]
        if not leaves:
            return None
        return jax.tree.unflatten(jax.tree.structure(knowledge_shapes(job.agent, spec_of(job.environment))), leaves)

    def named(prefix: str) -> dict[str, Any]:
        return {key.removeprefix(prefix): stacked(key) for key in first if key.startswith(prefix)}

    failed = [one.facts["diverged_at"] for one in results]
    found: dict[str, Any] = {name: stacked(called) for name, called in _TABLES.items()}
    found |= {name: tree(called) for name, called in _TREES.items()}
    found |= {name: named(called) for name, called in _NAMED.items()}
    return Outcome(
        returns=returns,
        lengths=lengths,
        num_episodes=counts,
        num_steps=np.array([one.facts["steps"] for one in results], np.int64),
        diverged=None if failed[0] is None else np.array(failed, np.int64),
        complete=np.ones(len(results), bool),
        **found,
    )


def completed(job: Job, state: Mapping[str, Numbers], result: Result) -> Frozen:
    """The state that a run ended in, whole again with the result that it came to."""
    arrays, facts = result.arrays, result.facts
    whole = {**state, "history.return": arrays["returns"], "history.length": arrays["lengths"], "at": arrays["at"]}
    failed = facts["diverged_at"] or 0
    whole["done"] = np.array([facts["episodes"], facts["steps"], failed, not failed], np.int64)
    for k in range(arrays["at"].size):
        whole |= {f"mark{k}.{i}": leaf for i, leaf in enumerate(jax.tree.leaves(_mark(job, arrays, k)))}
    return whole


def _mark(job: Job, arrays: Arrays, k: int) -> Any:
    table = arrays["marks.q_table"][k] if "marks.q_table" in arrays else None
    if is_table(job):
        none = np.zeros((), np.uint32)  # the clock at a mark, which nobody reads again
        extras = {
            name.removeprefix("marks.extra."): x[k] for name, x in arrays.items() if name.startswith("marks.extra.")
        }
        return Standing(table, arrays["marks.visits"][k], none, none, extras)
    return Known([arrays[name][k] for name in sorted(arrays) if name.startswith("marks.knowledge.")], table)
