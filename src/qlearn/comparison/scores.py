"""`Scores`: agents × tasks × seeds, from a comparison, a file or anywhere, and what follows from them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.comparison.paged import write_page
from qlearn.comparison.pairs import Pair, Side, pairs_of
from qlearn.comparison.words import number
from qlearn.environments.finite_mdp import BoolArray, FloatArray, IntArray
from qlearn.errors import InputError
from qlearn.statistics import Interval, Mean, mean_interval, two_humped, wilson_interval

if TYPE_CHECKING:
    from qlearn.comparison.comparing_scores import Across


@dataclass(frozen=True, eq=False)
class Cell:
    """One agent's runs on one task.

    Args:
        seeds: (n,) int64, each once.
        values: (n,) the runs' scores, higher being better; all finite.
        failed: (n,) bool: runs that diverged or broke off; their values count like all others.
    """

    seeds: IntArray
    values: FloatArray
    failed: BoolArray

    @classmethod
    def of(cls, values: Any, seeds: Any = None, failed: Any = None) -> Cell:
        """Return a cell from what is array-like; seeds are 0 … n − 1 and no run failed unless given.

        >>> Cell.of([1.0, 3.0]).seeds.tolist()
        [0, 1]
        """
        found = np.array(values, dtype=np.float64)
        if found.ndim != 1 or len(found) == 0:
            raise InputError(f"Scores have shape {found.shape}; expected one number for each run, at least one.")
        n = len(found)
        numbers = np.arange(n) if seeds is None else np.array(seeds, dtype=np.int64)
        flags = np.zeros(n, dtype=bool) if failed is None else np.array(failed, dtype=bool)
        if numbers.shape != (n,) or flags.shape != (n,):
            raise InputError(
                f"{n} scores, {numbers.size} seeds and {flags.size} flags; expected one each for each run."
            )
        if len(np.unique(numbers)) != n:
            again = int(next(seed for seed in numbers if (numbers == seed).sum() > 1))
            raise InputError(f"Seed {again} is there twice for one agent and task; expected each run once.")
        for array in (numbers, found, flags):
            array.flags.writeable = False
        return cls(numbers, found, flags)


@dataclass(frozen=True, eq=False, repr=False)
class Scores:
    """Agents × tasks × seeds → one score a run, and what follows from them.

    Args:
        cells: for each (agent, task) its `Cell`, or its values; agents and tasks keep the order in which they first
            appear.  Cells may be missing, and differ in their seeds.  A value that is not finite counts as failed and
            as the worst that any run scored on that task, and the notes say so.
        metric: what a score is, in a word or two; higher is better.
        optimum: for each task the best that can be had, where it is known.
        control: for each task what acting at random gets, where it is known.
        paired: whether runs of one seed met the same random numbers, as in `compare`: then they are compared pair by
            pair.
        margin: the largest difference that does not matter, in the score's unit; None where none was chosen beforehand.
        notes: what has to be known about these numbers, in words.

    Raises:
        InputError: where no cell is given, or a reference is no number or belongs to no task.

    >>> scores = Scores({("a", "maze"): [1.0, 2.0, 3.0, 2.0], ("b", "maze"): [5.0, 6.0, 4.0, 5.5]})
    >>> scores.pairs[0].significant, scores.mean("b", "maze").mean
    (True, 5.125)
    """

    cells: Mapping[tuple[str, str], Any]
    metric: str = "score"
    optimum: Mapping[str, float] = field(default_factory=dict)
    control: Mapping[str, float] = field(default_factory=dict)
    paired: bool = False
    margin: float | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.cells:
            raise InputError('There are no scores; expected some. Pass {("agent", "task"): [1.0, 2.0]}.')
        cells = {key: cell if isinstance(cell, Cell) else Cell.of(cell) for key, cell in self.cells.items()}
        cells, remarks = _all_finite({(str(agent), str(task)): cell for (agent, task), cell in cells.items()})
        object.__setattr__(self, "cells", MappingProxyType(cells))
        object.__setattr__(self, "notes", (*self.notes, *(r for r in remarks if r not in self.notes)))
        for what in ("optimum", "control"):
            object.__setattr__(self, what, MappingProxyType(_references(what, getattr(self, what), self.tasks)))
        if self.margin is not None and not (np.isfinite(self.margin) and self.margin > 0):
            raise InputError(f"margin={self.margin!r}; it is the largest difference that does not matter, above 0.")

    @cached_property
    def agents(self) -> tuple[str, ...]:
        """The agents' names, in the order in which they first appear."""
        return tuple(dict.fromkeys(agent for agent, _ in self.cells))

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """The tasks' names, in the order in which they first appear."""
        return tuple(dict.fromkeys(task for _, task in self.cells))

    @property
    def fewest_runs(self) -> int:
        """The number of runs of the cell that has the fewest."""
        return min(len(cell.values) for cell in self.cells.values())

    @cached_property
    def means(self) -> dict[tuple[str, str], Mean]:
        """For each (agent, task) the mean score with its 95% interval (Student's t)."""
        return {key: mean_interval(cell.values) for key, cell in self.cells.items()}

    def mean(self, agent: str, task: str) -> Mean:
        """Return an agent's mean score on a task with its 95% interval (Student's t)."""
        return self.means[agent, task]

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The difference of every two agents on every task, corrected for all of them (Holm)."""
        sides = []
        for task in self.tasks:
            there = [Side(a, task, *self._side(a, task)) for a in self.agents if (a, task) in self.cells]
            sides += list(itertools.combinations(there, 2))
        return pairs_of(sides, margin=self.margin)

    def _side(self, agent: str, task: str) -> tuple[FloatArray, IntArray | None]:
        cell = self.cells[agent, task]
        return cell.values, cell.seeds if self.paired else None

    def failures(self, agent: str) -> tuple[int, int, Interval]:
        """Return how many of an agent's runs failed, of how many, and the share's 95% interval (Wilson)."""
        own = [cell for (name, _), cell in self.cells.items() if name == agent]
        failed, runs = sum(int(cell.failed.sum()) for cell in own), sum(len(cell.values) for cell in own)
        return failed, runs, wilson_interval(failed, runs)

    @property
    def two_humped(self) -> tuple[tuple[str, str], ...]:
        """The (agent, task) whose runs fall into two camps, for which a mean speaks badly."""
        return tuple(key for key, cell in self.cells.items() if two_humped(cell.values))

    @property
    def shared_tasks(self) -> tuple[str, ...]:
        """The tasks on which all agents have runs: what is said over all tasks is said of these."""
        return tuple(task for task in self.tasks if all((agent, task) in self.cells for agent in self.agents))

    @cached_property
    def normalised(self) -> Scores | None:
        """Scores as (value − control) / (optimum − control): 0 is acting at random, 1 the optimum.

        Only of shared tasks with both known and apart; None where there is none.
        """
        known = [
            task
            for task in self.shared_tasks
            if task in self.optimum and task in self.control and self.optimum[task] > self.control[task]
        ]
        if not known:
            return None
        cells = {}
        for (agent, task), cell in self.cells.items():
            if task in known:
                low, high = self.control[task], self.optimum[task]
                cells[agent, task] = replace(cell, values=(cell.values - low) / (high - low))
        ends: tuple[dict[str, float], dict[str, float]] = (dict.fromkeys(known, 1.0), dict.fromkeys(known, 0.0))
        return replace(self, cells=cells, metric="share", optimum=ends[0], control=ends[1], margin=None)

    @cached_property
    def across(self) -> Across:
        """What holds over all shared tasks: interquartile means, probabilities of improvement, profiles."""
        from qlearn.comparison.comparing_scores import Across

        return Across(self)

    @property
    def verdict(self) -> str:
        """What the evidence says, in plain words, and no more."""
        from qlearn.comparison.scores_verdict import scores_verdict

        return scores_verdict(self)

    def table(self) -> str:
        """Return a row for each task and agent as plain text."""
        from qlearn.comparison.scores_exports import text

        return text(self)

    def to_json(self) -> dict[str, Any]:
        """Return scores, differences and verdict as plain data."""
        from qlearn.comparison.scores_exports import as_json

        return as_json(self)

    def to_csv(self) -> str:
        """Return one line for each run, which `from_frame` reads back."""
        from qlearn.comparison.scores_exports import csv

        return csv(self)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained HTML page that works offline.

        Raises:
            StoreError: where it cannot be written.
        """
        return write_page(self, path)

    @classmethod
    def joined(cls, several: Iterable[Scores]) -> Scores:
        """Return the scores of several comparisons as one; an (agent, task) may be in one of them only."""
        parts = list(several)
        if not parts:
            raise InputError("There are no scores to join; expected at least one.")
        cells: dict[tuple[str, str], Any] = {}
        for part in parts:
            for key, cell in part.cells.items():
                if key in cells:
                    raise InputError(f"{key[0]} on {key[1]} is in two of the scores that are joined; expected once.")
                cells[key] = cell
        return cls(
            cells,
            metric=parts[0].metric,
            optimum={task: value for part in parts for task, value in part.optimum.items()},
            control={task: value for part in parts for task, value in part.control.items()},
            paired=all(part.paired for part in parts),
            margin=parts[0].margin,
            notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        )

    def __str__(self) -> str:
        return f"{self.table()}\n\n{self.verdict}"

    def __repr__(self) -> str:
        runs = sum(len(cell.values) for cell in self.cells.values())
        return f"<Scores of {len(self.agents)} agents on {len(self.tasks)} tasks, {runs} runs>"


def _all_finite(cells: dict[tuple[str, str], Cell]) -> tuple[dict[tuple[str, str], Cell], list[str]]:
    """Give runs without a number the worst that any run scored on the task: failed runs count."""
    remarks = []
    for task in dict.fromkeys(task for _, task in cells):
        on_it = [key for key in cells if key[1] == task]
        together = np.concatenate([cells[key].values for key in on_it])
        lost = int((~np.isfinite(together)).sum())
        if not lost:
            continue
        if lost == len(together):
            raise InputError(f"No run on {task} has a finite score; expected at least one.")
        worst = float(together[np.isfinite(together)].min())
        for key in on_it:
            bad = ~np.isfinite(cells[key].values)
            if bad.any():
                values = np.where(bad, worst, cells[key].values)
                cells[key] = Cell.of(values, cells[key].seeds, cells[key].failed | bad)
        runs = "1 run" if lost == 1 else f"{lost} runs"
        remarks.append(
            f"{runs} on {task} had no finite score and count as failed, with the worst score there, {number(worst)}"
        )
    return cells, remarks


def _references(what: str, given: Mapping[str, float], tasks: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for task, value in given.items():
        if task not in tasks:
            raise InputError(f"{what} names {task!r}, which is no task; there are {', '.join(tasks)}.")
        if not np.isfinite(value):
            raise InputError(f"The {what} of {task} is {value!r}; expected a finite number, or none at all.")
        found[task] = float(value)
    return found
