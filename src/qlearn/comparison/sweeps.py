"""What `sweep` returns: settings and what they scored, and how the best did on fresh seeds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from qlearn.comparison.paged import write_page
from qlearn.comparison.results import Comparison
from qlearn.comparison.settings import shown
from qlearn.environments.finite_mdp import BoolArray, FloatArray, IntArray
from qlearn.evaluation import Truth
from qlearn.statistics import Interval, Mean


@dataclass(frozen=True, eq=False)
class Point:
    """One method under one combination of settings.

    Args:
        method: the method's name within the sweep.
        values: of the settings that vary, by name.
        agent: the description with them.
        name: the values in words.
        scores: (n,) one for each seed, in the sweep's metric.
        mean: their mean with its 95% interval (Student's t); None where a seed has none.
        optimal: (n,) whether a run's policy is optimal; None where no model is known.
        share: Wilson's 95% interval of the share of optimal policies; None likewise.
        num_diverged: runs that diverged; they count like all others.
    """

    method: str
    values: dict[str, Any]
    agent: Any
    name: str
    scores: FloatArray
    mean: Mean | None
    optimal: BoolArray | None
    share: Interval | None
    num_diverged: int

    @property
    def score(self) -> float:
        """What settings are chosen by; below all others where a seed has no score."""
        return -np.inf if self.mean is None else self.mean.mean

    @property
    def share_optimal(self) -> float | None:
        """Share of runs whose policy is optimal."""
        return None if self.optimal is None else float(self.optimal.mean())


def best_of(points: Sequence[Point]) -> list[Point]:
    """Return each method's best setting: the highest mean, the first where several have it."""
    best: dict[str, Point] = {}
    for point in points:
        if point.method not in best or point.score > best[point.method].score:
            best[point.method] = point
    return list(best.values())


@dataclass(frozen=True, eq=False)
class Curve:
    """How one method's score goes with one setting, the others being fixed.

    Args:
        method: its name.
        fixed: the other settings' values.
        points: one for each value, in the order of the sweep.
    """

    method: str
    fixed: dict[str, Any]
    points: tuple[Point, ...]

    @property
    def name(self) -> str:
        """What it is called in a legend."""
        words = ", ".join(f"{key} {shown(value)}" for key, value in self.fixed.items())
        return f"{self.method}, {words}" if words else self.method


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """Methods under many settings.

    Args:
        environment: what they were trained on.
        points: every method under every combination of its settings.
        confirmation: the best setting of each method on fresh seeds; None where none was asked for.
        truth: optimum and uniform control; None where no model is known.
        metric: what a score is: "final" or "online".
        seeds: (n,) by which the settings are judged.
        settings: budget and horizon.
        versions: of qlearn, its parts and Python.
        notes: what has to be known about these numbers, in words.
        wall_time: seconds, all told.
        command: the line that reproduces it; None where no line does.
        study: how the settings were chosen, where not by a grid.
    """

    environment: Any
    points: tuple[Point, ...]
    confirmation: Comparison | None
    truth: Truth | None
    metric: str
    seeds: IntArray
    settings: dict[str, Any]
    versions: dict[str, str]
    notes: tuple[str, ...]
    wall_time: float
    command: str | None = None
    study: str | None = None

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """The methods' names."""
        return tuple(dict.fromkeys(point.method for point in self.points))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The settings that vary, of any method."""
        return tuple(dict.fromkeys(name for point in self.points for name in point.values))

    @cached_property
    def best(self) -> Point:
        """The setting with the highest mean of all; its score is biased upwards, as it was chosen by it."""
        return max(best_of(self.points), key=lambda point: point.score)

    @cached_property
    def bests(self) -> tuple[Point, ...]:
        """Each method's best setting."""
        return tuple(best_of(self.points))

    def curves(self, name: str) -> tuple[Curve, ...]:
        """Return a curve over one setting for each method and each combination of its other settings.

        After a search, whose combinations are all different, there is one for each method, with all that it tried.
        """
        found: dict[tuple[Any, ...], list[Point]] = {}
        for point in self.points:
            if name in point.values:
                others = tuple((key, shown(value)) for key, value in point.values.items() if key != name)
                others = others if self.study is None else ()
                found.setdefault((point.method, others), []).append(point)
        return tuple(
            Curve(method, {key: some[0].values[key] for key, _ in others}, tuple(some))
            for (method, others), some in found.items()
        )

    @property
    def verdict(self) -> str:
        """Which settings are best, as far as can be said, and what they are worth on seeds that did not choose them."""
        from qlearn.comparison.sweep_words import verdict

        return verdict(self)

    def table(self) -> str:
        """Return a row for each setting as plain text."""
        from qlearn.comparison.sweep_words import text

        return text(self)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        from qlearn.comparison.sweep_words import as_json

        return as_json(self)

    def to_csv(self) -> str:
        """Return one line for each setting and seed."""
        from qlearn.comparison.sweep_words import csv

        return csv(self)

    def with_command(self, command: str | None) -> Sweep:
        """Return the same with another line that reproduces it."""
        return replace(self, command=command)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained HTML page that works offline.

        Raises:
            StoreError: where it cannot be written.
        """
        return write_page(self, path)

    def __str__(self) -> str:
        return f"{self.table()}\n\n{self.verdict}"

    def __repr__(self) -> str:
        return f"<Sweep of {len(self.points)} settings on {self.environment.name} over {len(self.seeds)} seeds>"
