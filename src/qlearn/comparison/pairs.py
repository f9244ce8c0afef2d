"""Every two agents against each other on every task, with Holm's correction over all of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qlearn.environments.finite_mdp import FloatArray, IntArray
from qlearn.statistics import (
    MOST_WITHOUT_SIGNIFICANCE,
    Difference,
    Interval,
    equivalence,
    holm,
    paired_difference,
    welch_difference,
)

LEVEL = 0.95


@dataclass(frozen=True)
class Pair:
    """The mean score of one agent minus another's on one task.

    Args:
        first: the name of the one.
        second: the name of the other.
        difference: with its interval, correlation and what could have been detected.
        p_value: corrected by Holm's method for all pairs of the comparison; None where no test exists.
        significant: whether the corrected p-value is below 0.05; never with three runs or fewer.
        task: the environment's name; empty where there is one only.
        together: the interval that holds together with all others at 95% (Bonferroni); None where none exists.
        equivalent: whether the difference is shown to be smaller than the margin; None where no margin was given.
    """

    first: str
    second: str
    difference: Difference
    p_value: float | None
    significant: bool
    task: str = ""
    together: Interval | None = None
    equivalent: bool | None = None

    @property
    def at_least(self) -> float | None:
        """By how much the better is better at least, all pairs considered; None where none is better.

        Holm's test may see a difference whose joint interval still touches 0: then at least 0, the sign being known.
        """
        if not self.significant or self.together is None:
            return None
        return max(0.0, self.together.low, -self.together.high)


@dataclass(frozen=True)
class Side:
    """One agent's runs on one task.

    Args:
        name: the agent's.
        task: the environment's.
        values: (n,) finite scores.
        seeds: (n,) of the runs; None where no pairing is known.
    """

    name: str
    task: str
    values: FloatArray
    seeds: IntArray | None = None


def all_pairs(names: Sequence[str], values: Sequence[FloatArray], *, margin: float | None = None) -> tuple[Pair, ...]:
    """Return the difference of every two agents on one task, paired by seed, in the order of the agents.

    Args:
        names: one for each agent.
        values: for each agent (n,) one for each seed, the same seeds in the same order.
        margin: the largest difference that does not matter.
    """
    sides = [
        Side(name, "", np.asarray(some, dtype=np.float64), np.arange(len(some)))
        for name, some in zip(names, values, strict=True)
    ]
    return pairs_of(list(itertools.combinations(sides, 2)), margin=margin)


def pairs_of(sides: Sequence[tuple[Side, Side]], *, margin: float | None = None) -> tuple[Pair, ...]:
    """Return each difference, corrected for all of them; paired where both sides have the same seeds."""
    if not sides:
        return ()
    strict = (1 - LEVEL) / len(sides)  # what the most strictly tested pair has to pass
    matched = [_matched(first, second) for first, second in sides]
    found = [(paired_difference if paired else welch_difference)(x, y, LEVEL, strict) for x, y, paired in matched]
    tested = [one.p_value for one in found if one.p_value is not None]
    corrected = iter(holm(tested).tolist())
    pairs = []
    for (first, second), (x, y, paired), one in zip(sides, matched, found, strict=True):
        p_value = None if one.p_value is None else float(next(corrected))
        allowed = one.n > MOST_WITHOUT_SIGNIFICANCE
        significant = allowed and p_value is not None and p_value < 1 - LEVEL
        same = None
        if margin is not None:
            same = allowed and equivalence(x, y, margin, paired=paired, level=strict).equivalent
        together = one.at_level(1 - strict)
        pairs.append(Pair(first.name, second.name, one, p_value, significant, first.task, together, same))
    return tuple(pairs)


def _matched(first: Side, second: Side) -> tuple[FloatArray, FloatArray, bool]:
    """Return the values in the order of the seeds and True, where both sides have the same ones."""
    if first.seeds is None or second.seeds is None:
        return first.values, second.values, False
    one, other = np.argsort(first.seeds, kind="stable"), np.argsort(second.seeds, kind="stable")
    if not np.array_equal(first.seeds[one], second.seeds[other]):
        return first.values, second.values, False
    return first.values[one], second.values[other], True
