"""CSV files of results: any table, monitor files of Stable-Baselines3, TensorBoard's tables of CleanRL's runs."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qlearn.errors import InputError, StoreError

USUAL_LAST = 100
"""Episodes at the end of a training that make its score, as papers take them."""

CLEANRL = re.compile(r"(?P<environment>.+?)__(?P<agent>.+?)__(?P<seed>\d+)__\d+")
TENSORBOARD = {"Wall time", "Step", "Value"}
MONITOR = re.compile(r"(?P<environment>.+)_(?P<run>\d+)$")


def columns_of_files(paths: list[Path], names: Mapping[str, str]) -> tuple[dict[str, list[Any]], bool]:
    """Return the columns of all files together, and whether they hold the episodes of training runs."""
    rows: list[dict[str, Any]] = []
    kinds = set()
    for place, path in enumerate(paths):
        found, kind = _rows(path, place, names)
        rows += found
        kinds.add(kind)
    if not rows:
        raise InputError(f"{paths[0]} has no rows; expected one for each run. Look whether the file is complete.")
    if len(kinds) > 1:
        raise InputError("Some files are logs of episodes and others tables of results; read them one kind at a time.")
    return as_columns(rows), kinds == {"log"}


def as_columns(rows: Iterable[Mapping[Any, Any]]) -> dict[str, list[Any]]:
    """Return rows as columns; what a row lacks is None.

    >>> as_columns([{"a": 1}, {"a": 2, "b": 3}])
    {'a': [1, 2], 'b': [None, 3]}
    """
    kept = list(rows)
    names = list(dict.fromkeys(str(name) for row in kept for name in row))
    texts = [{str(name): value for name, value in row.items()} for row in kept]
    return {name: [row.get(name) for row in texts] for name in names}


def _rows(path: Path, place: int, names: Mapping[str, str]) -> tuple[list[dict[str, Any]], str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            first = stream.readline()
            if first.startswith("#{"):
                return _monitor(path, place, first, _table(path, stream), names), "log"
            stream.seek(0)
            found = _table(path, stream)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text ({error.reason}); expected a CSV file in UTF-8.") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}). Look at its name.") from error
    if found and set(found[0]) == TENSORBOARD:
        return _tensorboard(path, found, names), "log"
    return found, "table"


def _table(path: Path, stream: Any) -> list[dict[str, Any]]:
    try:
        reader = csv.DictReader(stream, strict=True)
        if reader.fieldnames is None:
            raise InputError(f"{path} is empty; expected a line with the columns' names and one for each run.")
        found = []
        for row in reader:
            if None in row or None in row.values():
                raise InputError(
                    f"{path}, line {reader.line_num}: expected {len(reader.fieldnames)} values, as many as columns. "
                    "Look whether the file is cut off."
                )
            found.append({str(name).strip(): value for name, value in row.items()})
    except csv.Error as error:
        raise InputError(f"{path} is no CSV file: {error}.") from None
    return found


def _monitor(
    path: Path, place: int, first: str, rows: list[dict[str, Any]], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    """One run's episodes, whose environment stands in the first line, or in the folder's name as RL Zoo makes it."""
    try:
        head = json.loads(first[1:])
    except ValueError:
        raise InputError(
            f"{path} begins like a monitor file of Stable-Baselines3, and its first line is no JSON."
        ) from None
    if rows and "r" not in rows[0]:
        raise InputError(f"{path} has no column 'r', in which a monitor file of Stable-Baselines3 holds the returns.")
    folder = MONITOR.match(path.absolute().parent.name)
    agent = path.absolute().parent.parent.name if folder else path.absolute().parent.name
    about = {
        names["agent"]: agent,
        names["environment"]: head.get("env_id") or (folder["environment"] if folder else "task"),
        names["seed"]: folder["run"] if folder else place,
    }
    return [{**about, names["score"]: row["r"]} for row in rows]


def _tensorboard(path: Path, rows: list[dict[str, Any]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """One run's episodes, whose environment, method and seed stand in the file's name."""
    found = CLEANRL.search(path.name.removeprefix("run-"))
    if found is None:
        raise InputError(
            f"{path} is a table of TensorBoard's, whose name does not say what it is of; expected "
            "run-ENVIRONMENT__METHOD__SEED__TIME….csv, as CleanRL names its runs."
        )
    about = {names[key]: found[key] for key in ("agent", "environment", "seed")}
    return [{**about, names["score"]: row["Value"]} for row in rows]
