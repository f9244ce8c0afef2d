"""Results from elsewhere as `Scores`: a table in memory, a CSV, the logs of Stable-Baselines3 and CleanRL."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qlearn.comparison.log_files import USUAL_LAST, as_columns, columns_of_files
from qlearn.comparison.scores import Cell, Scores
from qlearn.errors import InputError, nearest

FAILED = {"1", "true", "yes", "failed", "diverged"}
WORKED = {"0", "false", "no", "", "ok"}


def from_frame(  # noqa: PLR0913 - five columns and what is known beside them, all by keyword
    source: Any,
    *,
    agent: str = "agent",
    environment: str = "environment",
    seed: str = "seed",
    score: str = "score",
    failed: str | None = None,
    step: str | None = None,
    last: int | None = None,
    metric: str | None = None,
    optimum: Mapping[str, float] | None = None,
    control: Mapping[str, float] | None = None,
    paired: bool = False,
    margin: float | None = None,
) -> Scores:
    """Return results from anywhere as `Scores`, to which the same statistics and the same verdict apply.

    Args:
        source: a CSV's path; several paths; a data frame (pandas, Polars, PyArrow); a mapping of columns; or a list of
            rows that are mappings.  Among paths, monitor files of Stable-Baselines3 (as RL Zoo names their folders:
            ``ALGO/ENV_RUN/0.monitor.csv``) and episodic returns that TensorBoard wrote for CleanRL
            (``run-ENV__ALGO__SEED__TIME-tag-….csv``) are known by their form; the columns below are of all others.
        agent: the column with the method's name.
        environment: the column with the environment's name; where there is none, all is one task.
        seed: the column with the run's seed; where there is none, each row is a run.
        score: the column with the result, higher being better; empty or not finite where the run failed.
        failed: a column that is 1 (or true) where the run failed; one called ``failed`` is taken unasked.
        step: a column by which the rows of one run are ordered; their own order where none is given.
        last: where a run has several rows (episodes, evaluations), its score is the mean of the last so many; in log
            files, which hold a row an episode, 100 unless given.
        metric: what a score is; the column's name unless given.
        optimum: for each environment the best that can be had, where it is known.
        control: for each environment what acting at random gets.
        paired: whether runs of one seed met the same random numbers.  Elsewhere than in qlearn they rarely do, even
            though the seeds have the same numbers.
        margin: the largest difference that does not matter.

    Returns:
        `Scores`.

    Raises:
        InputError: a file or column that is not there, a score that is no number, or several rows of one run without
            ``last``.

    >>> rows = [{"agent": a, "seed": i, "score": i + 5 * (a == "dqn")} for a in ("dqn", "ppo") for i in range(12)]
    >>> from_frame(rows).verdict
    'Differences of mean scores of 12 independent runs each (Welch), ... dqn is better than ppo by 5 ...'
    """
    names = {"agent": agent, "environment": environment, "seed": seed, "score": score}
    notes: list[str] = []
    if isinstance(source, str | Path) or (_several(source) and all(isinstance(one, str | Path) for one in source)):
        paths = [source] if isinstance(source, str | Path) else list(source)
        columns, from_logs = columns_of_files([Path(path) for path in paths], names)
        if from_logs:
            last = last or USUAL_LAST
            notes.append(
                f"scores are the mean training return of each run's last {last} episodes, exploration included"
            )
    else:
        columns = _columns(source)
    frame = _Frame(columns, names, failed, step)
    return Scores(
        frame.cells(last),
        metric=metric or ("training return" if notes else score),
        optimum=optimum or {},
        control=control or {},
        paired=paired,
        margin=margin,
        notes=tuple(notes),
    )


class _Frame:
    """Columns by what they mean."""

    def __init__(
        self, columns: dict[str, list[Any]], names: dict[str, str], failed: str | None, step: str | None
    ) -> None:
        self.columns = columns
        for what in ("agent", "score"):
            self._need(names[what], what)
        for what, name in (("failed", failed), ("step", step)):
            if name is not None:
                self._need(name, what)
        for what, usual in (("environment", "environment"), ("seed", "seed")):
            if names[what] != usual:  # a column that was named has to be there
                self._need(names[what], what)
        n = len(columns[names["agent"]])
        if not n:
            raise InputError("The table has no rows; expected one for each run. Look whether the file is complete.")
        self.agents = [str(value) for value in columns[names["agent"]]]
        self.tasks = [str(value) for value in columns.get(names["environment"], ["task"] * n)]
        self.scores = [_number(value, row, names["score"]) for row, value in enumerate(columns[names["score"]])]
        flags = columns.get(failed or "failed", [0] * n)
        self.failed = [_flag(value, row, failed or "failed") for row, value in enumerate(flags)]
        self.steps = None if step is None else [_number(v, row, step) for row, v in enumerate(columns[step])]
        self.seeds = columns.get(names["seed"])

    def _need(self, name: str, what: str) -> None:
        if name not in self.columns:
            there = ", ".join(map(str, self.columns)) or "none"
            near = nearest(name, map(str, self.columns))
            raise InputError(
                f"There is no column {name!r} for the {what}{near or '.'} There are: {there}. "
                f"Name it: {what}=… (on the command line --{what}-column)."
            )

    def cells(self, last: int | None) -> dict[tuple[str, str], Cell]:
        """Return a cell for each agent and task; several rows of one run are made one."""
        if last is not None and (type(last) is not int or last < 1):
            raise InputError(f"last={last!r}; expected a whole number of rows, at least 1. Pass last=100.")
        runs: dict[tuple[str, str], dict[Any, list[int]]] = {}
        for row, key in enumerate(zip(self.agents, self.tasks, strict=True)):
            number = row if self.seeds is None else str(self.seeds[row])
            runs.setdefault(key, {}).setdefault(number, []).append(row)
        return {key: self._cell(key, of_seed, last) for key, of_seed in runs.items()}

    def _in_order(self, rows: list[int]) -> list[int]:
        steps = self.steps
        return rows if steps is None else sorted(rows, key=lambda row: steps[row])

    def _cell(self, key: tuple[str, str], of_seed: dict[Any, list[int]], last: int | None) -> Cell:
        values, failed = [], []
        for seed, rows in of_seed.items():
            if len(rows) > 1 and last is None:
                raise InputError(
                    f"{key[0]} on {key[1]} has {len(rows)} rows with seed {seed}; expected one for each run. Pass "
                    "last=100 (on the command line --last 100) to take the mean of the last 100 rows of each run."
                )
            kept = self._in_order(rows)[-(last or len(rows)) :]
            values.append(float(np.mean([self.scores[row] for row in kept])))
            failed.append(any(self.failed[row] for row in rows))
        return Cell.of(values, _seeds(list(of_seed)), failed)


def _seeds(given: list[Any]) -> list[int]:
    """Return seeds as whole numbers; where they are none, the runs are numbered."""
    found = [_whole(value) for value in given]
    whole = [seed for seed in found if seed is not None]
    return whole if len(whole) == len(given) == len(set(whole)) else list(range(len(given)))


def _whole(value: Any) -> int | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return int(number) if number.is_integer() and abs(number) < 2**62 else None


def _number(value: Any, row: int, column: str) -> float:
    """Return a cell as a number; what is empty or called none is no number."""
    if value is None:
        return math.nan
    text = str(value).strip()
    if text.lower() in ("", "nan", "na", "none", "null", "<na>"):
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f"Row {row + 1} has {text!r} in the column {column!r}; expected a number, or nothing where the run failed."
        ) from None


def _flag(value: Any, row: int, column: str) -> bool:
    text = str(value).strip().lower().removesuffix(".0")
    if text not in FAILED and text not in WORKED:
        raise InputError(
            f"Row {row + 1} has {value!r} in the column {column!r}; expected 1 where a run failed, else 0."
        )
    return text in FAILED


def _several(source: Any) -> bool:
    return isinstance(source, Sequence) and not isinstance(source, str | bytes) and len(source) > 0


def _columns(source: Any) -> dict[str, list[Any]]:
    """Return a table's columns by name, whatever kind of table it is."""
    if isinstance(source, Mapping):
        columns = {str(name): _listed(values) for name, values in source.items()}
    elif hasattr(source, "column_names") and hasattr(source, "to_pydict"):  # PyArrow
        columns = {str(name): list(values) for name, values in source.to_pydict().items()}
    elif hasattr(source, "columns") and hasattr(source, "__getitem__"):  # pandas, Polars
        columns = {str(name): _listed(source[name]) for name in source.columns}
    elif _several(source) and all(isinstance(row, Mapping) for row in source):
        columns = as_columns(source)
    else:
        raise InputError(
            f"A {type(source).__name__} is no table; expected a CSV's path, a data frame, columns by name, or rows."
        )
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"Columns have different lengths: {lengths}. Give each as many values.")
    return columns


def _listed(values: Any) -> list[Any]:
    return values.tolist() if hasattr(values, "tolist") else list(values)
