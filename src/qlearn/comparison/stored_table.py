"""Everything in a store as one table: a row for each finished run."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.environments import make
from qlearn.errors import InputError, QlearnError
from qlearn.evaluation import evaluate_runs
from qlearn.planning.policies import checked_discount
from qlearn.store import Store, groups

if TYPE_CHECKING:
    from qlearn.store import Group
    from qlearn.training import Runs

COLUMNS = (
    "agent",
    "environment",
    "seed",
    "unit",
    "budget",
    "score",
    "online_return",
    "episodes",
    "steps",
    "failed",
    "made_with",
)
FORMATS = ("csv", "json", "parquet")


def table_of(store: Store, discount: float = 0.95) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a row for each finished run, and what has to be known of them, in words.

    ``score`` is the value of the greedy policy that a run ended with, exact where the model is known and by rollouts
    elsewhere; None where the agent or the environment is your own, or is another one now than when it was run.

    Args:
        store: what is looked at.
        discount: γ by which agents without a discount of their own are judged.
    """
    checked_discount(discount)
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    for group in groups(store.database):
        if group.budget is None:
            continue
        scores: list[float | None] = [None] * len(group.seeds)
        try:
            runs = _runs(store, group)
            found = evaluate_runs(runs, discount=discount)
            scores = [float(value) for value in found.exact_return]
        except InputError as error:
            notes.append(f"{group.agent} on {group.environment} has no scores: {error}")
        rows += [
            {"agent": group.agent, "environment": group.environment, "seed": seed, "unit": group.unit}
            | {"budget": group.budget, "score": score, **told}
            for seed, score, told in zip(group.seeds, scores, store.facts(group), strict=True)
        ]
    return rows, notes


def _runs(store: Store, group: Group) -> Runs:
    from qlearn.training import parse_agent
    from qlearn.training.prediction import refuse_prediction

    try:
        agent, world = parse_agent(group.agent), make(group.environment)
    except (QlearnError, ImportError) as error:
        raise InputError(f"it cannot be made from its name ({error})") from error
    refuse_prediction(agent)
    runs = store.kept(agent, world, group)
    if runs is None:
        raise InputError("it is another one now than when it was run")
    return runs


def as_bytes(rows: list[dict[str, Any]], ending: str) -> bytes:
    """Return the table as a file of one of `FORMATS`.

    Raises:
        InputError: for Parquet without its library.
    """
    if ending == "json":
        plain = [{key: _plain(value) for key, value in row.items()} for row in rows]
        return (json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()
    if ending == "parquet":
        return _parquet(rows)
    import csv

    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if _plain(value) is None else value for key, value in row.items()} for row in rows)
    return text.getvalue().encode()


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise InputError('Parquet needs a library of its own: pip install "qlearn[parquet]".') from error
    kinds = {
        **dict.fromkeys(("agent", "environment", "unit", "made_with"), pa.string()),
        **dict.fromkeys(("seed", "budget", "episodes", "steps"), pa.int64()),
        **dict.fromkeys(("score", "online_return"), pa.float64()),
        "failed": pa.bool_(),
    }
    schema = pa.schema([(name, kinds[name]) for name in COLUMNS])
    content = pa.BufferOutputStream()
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), content)
    return bytes(content.getvalue().to_pybytes())
