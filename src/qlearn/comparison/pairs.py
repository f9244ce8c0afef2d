"""Every two agents against each other, paired by seed, with Holm's correction."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from qlearn.environments.finite_mdp import FloatArray
from qlearn.statistics import MOST_WITHOUT_SIGNIFICANCE, Difference, holm, paired_difference

LEVEL = 0.95


@dataclass(frozen=True)
class Pair:
    """The mean exact value of one agent minus another's, over the same seeds.

    Args:
        first: the name of the one.
        second: the name of the other.
        difference: with its interval, correlation and what could have been detected.
        p_value: corrected by Holm's method for all pairs of the comparison; None where no test exists.
        significant: whether the corrected p-value is below 0.05; never with three runs or fewer.
    """

    first: str
    second: str
    difference: Difference
    p_value: float | None
    significant: bool


def all_pairs(names: Sequence[str], values: Sequence[FloatArray]) -> tuple[Pair, ...]:
    """Return the difference of every two agents, in the order of the agents.

    Args:
        names: one for each agent.
        values: for each agent (n,) one for each seed, the same seeds in the same order.
    """
    places = list(itertools.combinations(range(len(names)), 2))
    if not places:
        return ()
    strict = (1 - LEVEL) / len(places)  # what the most strictly tested pair has to pass
    found = [paired_difference(values[i], values[j], LEVEL, strict) for i, j in places]
    tested = [one.p_value for one in found if one.p_value is not None]
    corrected = iter(holm(tested).tolist())
    pairs = []
    for (i, j), one in zip(places, found, strict=True):
        p_value = None if one.p_value is None else float(next(corrected))
        allowed = one.n > MOST_WITHOUT_SIGNIFICANCE
        significant = allowed and p_value is not None and p_value < 1 - LEVEL
        pairs.append(Pair(names[i], names[j], one, p_value, significant))
    return tuple(pairs)
