"""Many differences at once, corrected by how far the largest of them goes by chance."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlearn.statistics.intervals import as_runs
from qlearn.statistics.permutations import RESAMPLES, scaled

Array = NDArray[np.float64]


def step_down(
    tasks: Sequence[Sequence[ArrayLike]], *, paired: bool = False, resamples: int = RESAMPLES, seed: int = 0
) -> list[Array]:
    """Return corrected p-values of every two methods on every task, using how the differences hang together.

    Each difference is scaled by its standard error to tᵢ.  Signs are flipped at random: paired, of all differences of a
    seed together (exact where they are symmetric together); unpaired, of each run's deviation from its method's mean,
    stretched by √(n/(n − 1)).  With t₍₁₎ ≥ t₍₂₎ ≥ …, the corrected p₍ᵢ₎ is the share of flips in which the largest of
    t₍ᵢ₎, t₍ᵢ₊₁₎, … comes at least as far, and no smaller than p₍ᵢ₋₁₎.  As differences that share a method move
    together, this finds more than Holm's method, and the chance of any false claim stays at the level.  Of five
    pairs none can be below 2/32; six are the fewest that can tell anything at 0.05.

    Args:
        tasks: for each task the runs of each method, (n,) finite numbers.
        paired: whether run i of all methods of a task met the same random numbers.
        resamples: how many flips.
        seed: of the flips; the same seed gives the same p-values.

    Returns:
        For each task (pairs,): (first, second), (first, third), …, (second, third), …

    Raises:
        ValueError: values that are not finite, fewer than two runs, or pairs of unequal length.

    Source: J. P. Romano and M. Wolf, *Exact and approximate stepdown methods for multiple hypothesis testing* (2005);
    P. H. Westfall and S. S. Young, *Resampling-based multiple testing* (1993); flipping deviations: C. F. J. Wu (1986).

    >>> [found] = step_down([[[1.0, 2.0, 3.0, 2.5], [1.1, 2.2, 2.9, 2.4], [9.0, 8.0, 9.5, 9.1]]], paired=True)
    >>> (found < 0.2).tolist()
    [False, True, True]
    """
    random = np.random.default_rng(seed)
    seen, flipped, sizes = [], [], []
    for methods in tasks:
        runs = [as_runs(values) for values in methods]
        if min(len(x) for x in runs) < 2:
            raise ValueError("A method has one run; expected at least two of each. Give more runs.")
        one, many = (_paired if paired else _unpaired)(runs, resamples, random)
        seen.append(one)
        flipped.append(many)
        sizes.append(len(one))
    if not sum(sizes):
        return [np.empty(0) for _ in sizes]
    corrected = corrected_by_maxima(np.concatenate(seen), np.concatenate(flipped, axis=1))
    return np.split(corrected, np.cumsum(sizes)[:-1])


def corrected_by_maxima(seen: Array, flipped: Array) -> Array:
    """Return step-down p-values of (h,) distances against (resamples, h) distances by chance.

    >>> corrected_by_maxima(np.array([3.0, 1.0]), np.array([[0.0, 2.0], [1.0, 0.5], [4.0, 0.1]])).tolist()
    [0.5, 0.5]
    """
    order = np.argsort(-seen, kind="stable")
    maxima = np.maximum.accumulate(flipped[:, order[::-1]], axis=1)[:, ::-1]
    reached = (maxima >= seen[order] * (1 - 1e-12)).sum(axis=0)
    stepped = np.maximum.accumulate((1 + reached) / (1 + len(flipped)))
    corrected = np.empty_like(seen)
    corrected[order] = stepped
    return corrected


def _paired(runs: list[Array], resamples: int, random: np.random.Generator) -> tuple[Array, Array]:
    if len({len(x) for x in runs}) > 1:
        raise ValueError(f"Methods have {[len(x) for x in runs]} runs; pairs need equal numbers. Pass paired=False.")
    places = list(itertools.combinations(range(len(runs)), 2))
    d = np.array([runs[i] - runs[j] for i, j in places]).reshape(len(places), -1).T
    n = len(d)
    squares = (d**2).mean(axis=0)

    def distance(mean: Array) -> Array:
        return scaled(np.abs(mean), np.sqrt(np.maximum(squares - mean**2, 0.0) / (n - 1)))

    signs = random.integers(0, 2, (resamples, n), dtype=np.int8) * 2.0 - 1.0
    return distance(d.mean(axis=0)), distance(signs @ d / n)


def _unpaired(runs: list[Array], resamples: int, random: np.random.Generator) -> tuple[Array, Array]:
    places = list(itertools.combinations(range(len(runs)), 2))
    first, second = ([pair[k] for pair in places] for k in (0, 1))
    means, errors = np.array([x.mean() for x in runs]), np.array([x.var(ddof=1) / len(x) for x in runs])
    chance, spread = [], []
    for x in runs:
        n = len(x)
        e = (x - x.mean()) * np.sqrt(n / (n - 1))
        signs = random.integers(0, 2, (resamples, n), dtype=np.int8) * 2.0 - 1.0
        mean = signs @ e / n
        chance.append(mean)
        spread.append(np.maximum((e**2).mean() - mean**2, 0.0) / (n - 1))
    m, v = np.array(chance).T, np.array(spread).T
    seen = scaled(np.abs(means[first] - means[second]), np.sqrt(errors[first] + errors[second]))
    return seen, scaled(np.abs(m[:, first] - m[:, second]), np.sqrt(v[:, first] + v[:, second]))
