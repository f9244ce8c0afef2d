"""What holds over several tasks at once."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from qlearn.statistics import (
    Estimate,
    Improvement,
    Profile,
    aggregate_interval,
    improvement_across,
    performance_profile,
)

if TYPE_CHECKING:
    from qlearn.comparison.scores import Scores


@dataclass(frozen=True, eq=False)
class Across:
    """Statements over all tasks on which every agent has runs.

    Args:
        scores: what they are about.
    """

    scores: Scores

    @cached_property
    def interquartile_means(self) -> dict[str, Estimate] | None:
        """For each agent the interquartile mean of its normalised scores with a stratified bootstrap interval.

        None where on no task both optimum and control are known: raw scores of different tasks have no common scale.
        """
        normal = self.scores.normalised
        if normal is None:
            return None
        return {
            agent: aggregate_interval([normal.cells[agent, task].values for task in normal.tasks])
            for agent in normal.agents
        }

    @cached_property
    def improvements(self) -> dict[tuple[str, str], Improvement]:
        """For every two agents the probability that a run of the first beats one of the second, averaged over tasks."""
        scores = self.scores
        found = {}
        for first, second in itertools.combinations(scores.agents, 2):
            cells = [(scores.cells[first, task], scores.cells[second, task]) for task in scores.shared_tasks]
            if not cells:
                continue
            paired = scores.paired and all(np.array_equal(one.seeds, other.seeds) for one, other in cells)
            runs: list[tuple[ArrayLike, ArrayLike]] = [(one.values, other.values) for one, other in cells]
            found[first, second] = improvement_across(runs, paired=paired)
        return found

    def profiles(self, thresholds: ArrayLike | None = None) -> dict[str, Profile] | None:
        """For each agent the share of runs above each normalised score; None where no common scale is known.

        Args:
            thresholds: normalised scores; 101 from the lowest to the highest score unless given.
        """
        normal = self.scores.normalised
        if normal is None:
            return None
        if thresholds is None:
            everything = np.concatenate([cell.values for cell in normal.cells.values()])
            thresholds = np.linspace(min(0.0, everything.min()), max(1.0, everything.max()), 101)
        return {
            agent: performance_profile([normal.cells[agent, task].values for task in normal.tasks], thresholds)
            for agent in normal.agents
        }
