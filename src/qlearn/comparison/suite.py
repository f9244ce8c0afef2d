"""`Suite`: one comparison on each of several environments, and what follows from all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qlearn.comparison.paged import write_page
from qlearn.comparison.results import Comparison
from qlearn.comparison.scores import Scores

if TYPE_CHECKING:
    from qlearn.comparison.specification import Specification


@dataclass(frozen=True, eq=False, repr=False)
class Suite:
    """Agents side by side on several environments.

    Args:
        specification: what was asked.
        comparisons: one for each environment, in the order of the specification.
        wall_time: seconds, all told.
        command: the line that reproduces it; None where no line does.
    """

    specification: Specification
    comparisons: tuple[Comparison, ...]
    wall_time: float
    command: str | None = None

    @cached_property
    def scores(self) -> Scores:
        """The scores of all runs, agents × environments × seeds, in the metric of the specification."""
        return Scores.joined(one.scores for one in self.comparisons)

    @property
    def verdict(self) -> str:
        """What the evidence says over all environments, in plain words, and no more."""
        return self.scores.verdict

    @property
    def num_diverged(self) -> int:
        """Runs that diverged; they count like all others."""
        return sum(agent.num_diverged for one in self.comparisons for agent in one.agents)

    def table(self) -> str:
        """Return a row for each environment and agent as plain text."""
        return self.scores.table()

    def to_json(self) -> dict[str, Any]:
        """Return everything but the tables as plain data."""
        return {
            "environments": [one.environment.name for one in self.comparisons],
            "agents": list(self.specification.agents),
            "verdict": self.verdict,
            "scores": self.scores.to_json(),
            "comparisons": [one.to_json() for one in self.comparisons],
            "command": self.command,
            "wall_time": self.wall_time,
        }

    def to_csv(self) -> str:
        """Return one line for each run."""
        return self.scores.to_csv()

    def with_command(self, command: str | None) -> Suite:
        """Return the same with another line that reproduces it."""
        return replace(self, command=command, comparisons=tuple(replace(one, command=command) for one in self))

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained HTML page that works offline: what holds over all environments, then one by one.

        Raises:
            StoreError: where it cannot be written.
        """
        return write_page(self, path)

    def __getitem__(self, environment: str) -> Comparison:
        for one in self.comparisons:
            if one.environment.name == environment:
                return one
        raise KeyError(environment)

    def __iter__(self) -> Iterator[Comparison]:
        return iter(self.comparisons)

    def __len__(self) -> int:
        return len(self.comparisons)

    def __str__(self) -> str:
        return f"{self.table()}\n\n{self.verdict}"

    def __repr__(self) -> str:
        names = ", ".join(one.environment.name for one in self.comparisons)
        return f"<Suite of {len(self.specification.agents)} agents on {names}>"
