"""Compare while runs come in, batch by batch, and stop what is decided (AdaStop)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlearn.statistics.intervals import as_runs

Array = NDArray[np.float64]
Verdict = Literal["larger", "smaller", "not told apart", "open"]
PERMUTATIONS = 10_000


@dataclass(frozen=True)
class Sequential:
    """What is decided so far.

    Args:
        decisions: for every two methods: whether the mean of the first is ``"larger"`` or ``"smaller"``; ``"open"``
            while runs may still decide it; ``"not told apart"`` at the end.
        wanted: the methods of which another batch is wanted, by place; empty when all is decided.
        interim: how many batches were looked at.
        runs: how many runs of each method were made use of.
        batch: runs in a batch.
        interims: how many batches at most.
        level: the chance of any false "larger" or "smaller".
    """

    decisions: dict[tuple[int, int], Verdict]
    wanted: tuple[int, ...]
    interim: int
    runs: tuple[int, ...]
    batch: int
    interims: int
    level: float

    @property
    def finished(self) -> bool:
        """Whether no further run is wanted."""
        return not self.wanted


def compare_in_batches(
    runs: Sequence[ArrayLike],
    *,
    batch: int = 5,
    interims: int = 6,
    level: float = 0.05,
    paired: bool = False,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Sequential:
    """Decide what the batches at hand decide, and say which methods need another one.

    A group sequential permutation test.  After k batches, comparison j of methods a and b has T_j = |Σ a − Σ b| over
    all runs so far.  Permutations σ deal the runs of each batch anew (unpaired: all 2n runs of the two methods; paired:
    the two runs of each seed).  Of the permutations that were not beyond the boundary at an earlier batch, the boundary
    is the smallest b with #{max_j T_j(σ) > b} / #σ ≤ k · level / interims − what is spent, the maximum being over all
    open comparisons.  Where the largest T_j at hand is beyond it, that comparison is decided, and the boundary is drawn
    anew for the others (step-down).  The chance of any false decision is at most ``level``.

    Call it with what there is, make the batches of ``wanted``, append them, call it again.  Nothing is kept in between:
    the same runs, batch and seed give the same decisions.

    Args:
        runs: for each method its runs so far, in the order in which they were made: whole batches.  A decided method
            has stopped with fewer.
        batch: n, the runs of each method in a batch, at least 2.
        interims: K, how many batches at most, at least 1.
        level: the chance of any false decision, in (0, 1).
        paired: whether run i of all methods met the same random numbers.
        permutations: how many are drawn, the identity among them.
        seed: of the permutations.

    Returns:
        A `Sequential`.

    Raises:
        ValueError: fewer than two methods, runs that are not whole batches, or fewer than a decision had asked for.

    Source: T. Mathieu et al., *AdaStop: adaptive statistical testing for sound comparisons of deep RL agents* (2023).
    Differences: permutations are always drawn, never listed; ``paired``, for common random numbers, is ours.  Where
    means are equal and variances are not (1 : 16), unpaired, 8% instead of 5% was measured.

    >>> random = np.random.default_rng(0)
    >>> found = compare_in_batches([random.normal(0, 1, 5), random.normal(9, 1, 5), random.normal(9, 1, 5)])
    >>> found.decisions[0, 1], found.decisions[1, 2], found.wanted
    ('smaller', 'open', (1, 2))
    """
    values = [np.asarray(some, dtype=np.float64) for some in runs]
    _check(values, batch, interims, level)
    test = _Test(values, (batch, interims, level), paired, permutations, np.random.default_rng(seed))
    for k in range(interims):
        if not test.open or not test.there(k):
            break
        test.look(k)
    return test.result()


class _Test:
    """The state of the test while it goes through the batches."""

    def __init__(
        self,
        values: list[Array],
        plan: tuple[int, int, float],
        paired: bool,
        permutations: int,
        random: np.random.Generator,
    ) -> None:
        self.values, self.paired, self.permutations, self.random = values, paired, permutations, random
        self.batch, self.interims, self.level = plan
        pairs = list(itertools.combinations(range(len(values)), 2))
        self.decisions: dict[tuple[int, int], Verdict] = dict.fromkeys(pairs, "open")
        self.open = pairs
        self.sums: dict[tuple[int, int], Array] = {}
        self.spent, self.interim = 0.0, 0
        self.used = [0] * len(values)

    def there(self, k: int) -> bool:
        """Whether the methods that are still compared have their batch k; a part of them is an error."""
        needed = sorted({place for pair in self.open for place in pair})
        have = [len(self.values[place]) >= (k + 1) * self.batch for place in needed]
        if any(have) and not all(have):
            late = next(place for place, one in zip(needed, have, strict=True) if not one)
            raise ValueError(
                f"Method {late} has {len(self.values[late])} runs where {(k + 1) * self.batch} are wanted, as it is "
                "not decided yet. Make the batches of all methods in `wanted`."
            )
        return all(have)

    def look(self, k: int) -> None:
        """Add batch k to all permuted sums and decide what is beyond the boundary."""
        self.interim = k + 1
        for place in {place for pair in self.open for place in pair}:
            self.used[place] = (k + 1) * self.batch
        self._deal(k)
        allowed = (k + 1) * self.level / self.interims - self.spent
        beyond = np.zeros(self._kept(), dtype=bool)
        while self.open:
            largest = np.max([np.abs(self.sums[pair]) for pair in self.open], axis=0)
            boundary = self._boundary(largest, allowed)
            beyond = largest > boundary
            if not beyond[0]:
                break
            pair = max(self.open, key=lambda one: abs(self.sums[one][0]))
            self.decisions[pair] = "larger" if self.sums[pair][0] > 0 else "smaller"
            self.open = [one for one in self.open if one != pair]
        self.spent += float(beyond.sum()) / self.permutations
        self.sums = {pair: self.sums[pair][~beyond] for pair in self.open}
        if self.interim == self.interims:
            self.decisions |= dict.fromkeys(self.open, "not told apart")
            self.open = []

    def _kept(self) -> int:
        return len(next(iter(self.sums.values())))

    def _boundary(self, largest: Array, allowed: float) -> float:
        """The smallest value that at most the allowed share of all permutations exceeds."""
        count = int(np.floor(allowed * self.permutations + 1e-9))
        if count >= len(largest):
            return -np.inf
        boundary = float(np.partition(largest, len(largest) - 1 - count)[len(largest) - 1 - count])
        return boundary * (1 + 1e-12)  # the same sum in another order is a tie

    def _deal(self, k: int) -> None:
        """Add batch k's difference of sums under every permutation; the first is the identity."""
        n, kept = self.batch, self._kept() if self.sums else self.permutations
        block = slice(k * n, (k + 1) * n)
        if self.paired:
            signs = self.random.integers(0, 2, (kept, n)) * 2.0 - 1.0
        else:
            places = np.broadcast_to(np.arange(2 * n), (kept, 2 * n))
            signs = np.where(self.random.permuted(places, axis=1) < n, 1.0, -1.0)
        signs[0] = 1.0
        if not self.paired:
            signs[0, n:] = -1.0
        for a, b in self.open:
            x, y = self.values[a][block], self.values[b][block]
            new = signs @ (x - y) if self.paired else signs @ np.concatenate([x, y])
            self.sums[a, b] = self.sums[a, b] + new if (a, b) in self.sums else new

    def result(self) -> Sequential:
        wanted = tuple(sorted({place for pair in self.open for place in pair}))
        return Sequential(
            dict(self.decisions), wanted, self.interim, tuple(self.used), self.batch, self.interims, self.level
        )


def _check(values: list[Array], batch: int, interims: int, level: float) -> None:
    if len(values) < 2:
        raise ValueError(f"There are {len(values)} methods; expected at least two to compare.")
    if batch < 2 or interims < 1 or not 0 < level < 1:
        raise ValueError(f"batch={batch!r}, interims={interims!r}, level={level!r}; expected ≥ 2, ≥ 1 and in (0, 1).")
    for place, some in enumerate(values):
        if some.ndim != 1 or len(some) % batch:
            raise ValueError(f"Method {place} has runs of shape {some.shape}; expected whole batches of {batch}.")
        if len(some):
            as_runs(some)
