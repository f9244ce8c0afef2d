"""Results from a file or a store, as what a page is made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qlearn.comparison import Cell, Scores, Specification, compare, from_frame
from qlearn.errors import InputError

_STORES = (".sqlite", ".db")


def results_of(path: Path) -> Any:
    """Return what a path holds: a store's last comparison, a JSON file of `qlearn compare`, or a table of runs.

    Raises:
        InputError: where it holds none of these, or a store holds no specification.
        StoreError: where it is damaged.
    """
    if not path.exists():
        raise InputError(f"{path} is not there; expected a store, a JSON file of `qlearn compare`, or a CSV file.")
    if path.is_dir() or path.suffix.lower() in _STORES:
        return _of_store(path)
    if path.suffix.lower() == ".json":
        return _of_json(path)
    return from_frame(path)


def _of_store(path: Path) -> Any:
    from qlearn.store import Store

    if path.is_dir() and not (path / "store.sqlite").exists() and (path / "store").is_dir():
        path = path / "store"  # the folder of --out
    if path.is_dir() and not (path / "store.sqlite").exists():
        raise InputError(f"{path} holds no store; expected one that `qlearn compare --store` or --out made.")
    with Store(path, write=False) as store:
        asked = store.specifications()
    if not asked:
        raise InputError(
            f"{path} holds runs of comparisons that no text describes. Write their page by `found.report`."
        )
    return compare(Specification.from_toml(asked[-1]), store=path, progress=False)


def _of_json(path: Path) -> Scores:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        scores = told.get("scores", told)
        return _of_cells(scores) if "cells" in scores else _of_agents(told)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} holds no results ({type(error).__name__}: {error}); expected what `qlearn compare --json` writes."
        ) from error


def _of_cells(told: dict[str, Any]) -> Scores:
    """What `Scores.to_json` wrote."""
    cells = {(c["agent"], c["task"]): Cell.of(c["scores"], c["seeds"], c["failed"]) for c in told["cells"]}
    return Scores(
        cells,
        metric=str(told["metric"]),
        optimum=told["optimum"],
        control=told["control"],
        paired=bool(told["paired"]),
        margin=told["margin"],
        notes=tuple(map(str, told["notes"])),
    )


def _of_agents(told: dict[str, Any]) -> Scores:
    """What `Comparison.to_json` wrote: the runs of each agent on one environment."""
    name = str(told["environment"])
    cells = {(str(agent["name"]), name): Cell.of(agent["exact_return"], told["seeds"]) for agent in told["agents"]}
    exact = told["method"] == "exact"
    return Scores(
        cells,
        metric="exact value" if exact else "value by rollouts",
        optimum={name: told["optimum"]} if exact else {},
        control={name: told["uniform"]} if exact else {},
        paired=True,
        notes=tuple(map(str, told["notes"])),
    )
