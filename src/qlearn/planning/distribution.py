"""The whole distribution of one episode's return, where rewards lie on a lattice.

If every reward is a whole multiple of one unit, r_i = k_i·unit, so is every return.  The joint distribution
of state and sum of rewards so far is carried forward step by step: an outcome moves its mass by k_i along the
lattice.  Nothing is ever subtracted, so every probability is accurate to a relative 1e-12 or so, however
small.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from qlearn.environments.finite_mdp import BoolArray, FiniteMDP, FloatArray, IntArray
from qlearn.errors import InputError
from qlearn.planning.backup import CSR, refuse_changes
from qlearn.planning.policies import as_probabilities, horizon_of

LARGEST_DENOMINATOR = 1_000_000
MOST_CELLS = 50_000_000  # states times lattice points held at once: 800 MB
MOST_WORK = 50_000_000_000  # multiplications: some minutes


@dataclass(frozen=True, eq=False)
class ReturnDistribution:
    """A distribution over returns.

    Args:
        support: (k,) returns, rising.
        probability: (k,) > 0, sums to 1.
    """

    support: FloatArray
    probability: FloatArray

    @property
    def mean(self) -> float:
        """The expected return."""
        return float(self.support @ self.probability)

    @property
    def variance(self) -> float:
        """The variance of the return of one episode."""
        return float((self.support - self.mean) ** 2 @ self.probability)

    @property
    def sd(self) -> float:
        """The standard deviation."""
        return math.sqrt(self.variance)

    def cdf(self, returns: ArrayLike) -> FloatArray:
        """Return the probability of a return of at most each of ``returns``."""
        below = np.concatenate([[0.0], np.cumsum(self.probability)])
        result: FloatArray = below[np.searchsorted(self.support, returns, side="right")]
        return result

    def quantile(self, share: float) -> float:
        """Return the least return that is reached with probability ``share`` in [0, 1] or more."""
        place = int(np.searchsorted(np.cumsum(self.probability), share * (1 - 1e-12)))
        return float(self.support[min(place, len(self.support) - 1)])


def return_distribution(mdp: FiniteMDP, policy: ArrayLike, horizon: int | None = None) -> ReturnDistribution:
    """Return the distribution of one episode's undiscounted return.

    Args:
        mdp: the model; its rewards must be multiples of one unit, without noise.
        policy: (S,) integers or (S, A) probabilities.
        horizon: steps after which the episode is cut; None for the time limit, or 1,000 where there is none.

    Raises:
        InputError: noisy rewards, rewards on no lattice, or a lattice too large to carry.

    >>> from qlearn.environments.finite_mdp import FiniteMDP
    >>> coin = FiniteMDP.from_gymnasium({0: {0: [(0.5, 0, 0.0, False), (0.5, 0, 2.0, False)]}})
    >>> two = return_distribution(coin, [0], horizon=2)
    >>> two.support.tolist(), two.probability.tolist()
    ([0.0, 2.0, 4.0], [0.25, 0.5, 0.25])
    """
    refuse_changes(mdp)
    weights, horizon = as_probabilities(mdp, policy), horizon_of(mdp, horizon)
    row = np.repeat(np.arange(len(mdp.offsets) - 1), np.diff(mdp.offsets))
    probability = mdp.probability * weights.ravel()[row]
    kept = np.flatnonzero(probability > 0)
    if mdp.reward_std is not None and (mdp.reward_std[kept] > 0).any():
        raise InputError(
            f"rewards of {mdp.name} carry noise, so its returns lie on no lattice; a distribution needs "
            "rewards that are multiples of one unit. Use evaluate_policy for mean and variance."
        )
    unit = lattice_unit(mdp.reward[kept])
    moves = np.rint(mdp.reward[kept] / unit).astype(np.int64)
    state, following, over = row[kept] // mdp.num_actions, mdp.next_state[kept], mdp.terminated[kept]
    low, high = _range(mdp, (state, following, over, moves), horizon)
    _refuse_large(mdp, high - low + 1, horizon, len(kept))
    steps = _steps(mdp.num_states, (state, following, over, moves), probability[kept])
    lattice = _carry(mdp.initial, steps, (low, high), horizon)
    found = np.flatnonzero(lattice)
    support: FloatArray = (found + low) * np.float64(unit)
    return ReturnDistribution(support, lattice[found])


def lattice_unit(rewards: Iterable[float]) -> float:
    """Return the greatest unit of which every reward is a whole multiple; 1 where all are 0.

    Each reward is read as the fraction nearest to it with a denominator up to a million, which must be it to
    the last bits; the unit is their greatest common divisor.

    Raises:
        InputError: naming the reward that is no such fraction.

    >>> lattice_unit([0.0, 2.0, 10.0]), lattice_unit([0.1, -0.25])
    (2.0, 0.05)
    """
    unit = Fraction(0)
    for reward in np.unique(np.asarray(list(rewards), dtype=np.float64)):
        fraction = Fraction(float(reward)).limit_denominator(LARGEST_DENOMINATOR)
        if abs(float(fraction) - reward) > 4 * np.spacing(abs(reward)):
            raise InputError(
                f"reward {float(reward)!r} is no fraction with a denominator up to {LARGEST_DENOMINATOR:,}; "
                "a distribution needs multiples of one unit. Use evaluate_policy for mean and variance."
            )
        unit = Fraction(
            math.gcd(unit.numerator * fraction.denominator, fraction.numerator * unit.denominator),
            unit.denominator * fraction.denominator,
        )
    return float(unit) if unit else 1.0


Outcomes = tuple[IntArray, IntArray, BoolArray, IntArray]


def _range(mdp: FiniteMDP, outcomes: Outcomes, horizon: int) -> tuple[int, int]:
    """Return the least and the greatest sum of moves that can occur, at any time of an episode."""
    state, following, over, moves = outcomes
    far = np.int64(2) ** 62
    bounds = []
    for sign in (1, -1):
        most = np.where(mdp.initial > 0, np.int64(0), -far)
        extreme = np.int64(0)
        for _ in range(horizon):
            sums = np.where(most[state] > -far, most[state] + sign * moves, -far)
            extreme = max(extreme, sums.max(initial=0))
            most = np.full(mdp.num_states, -far)
            np.maximum.at(most, following[~over], sums[~over])
        bounds.append(sign * int(extreme))
    return bounds[1], bounds[0]


def _refuse_large(mdp: FiniteMDP, width: int, horizon: int, outcomes: int) -> None:
    if width * mdp.num_states > MOST_CELLS or width * outcomes * horizon > MOST_WORK:
        raise InputError(
            f"the returns of {mdp.name} over {horizon} steps may take {width:,} values in each of "
            f"{mdp.num_states:,} states; too many to carry. Use evaluate_policy for mean and variance."
        )


def _steps(num_states: int, outcomes: Outcomes, probability: FloatArray) -> list[tuple[int, CSR, FloatArray]]:
    """For each move along the lattice: the chain (next, state) that goes on, and the mass that ends."""
    state, following, over, moves = outcomes
    steps = []
    for move in np.unique(moves):
        on, off = (moves == move) & ~over, (moves == move) & over
        going = sparse.coo_array((probability[on], (following[on], state[on])), shape=(num_states, num_states)).tocsr()
        ending = np.zeros(num_states)
        np.add.at(ending, state[off], probability[off])
        steps.append((int(move), going, ending))
    return steps


def _carry(
    initial: FloatArray, steps: list[tuple[int, CSR, FloatArray]], bounds: tuple[int, int], horizon: int
) -> FloatArray:
    low, high = bounds
    width = high - low + 1
    mass = np.zeros((len(initial), width))
    mass[:, -low] = initial
    finished = np.zeros(width)
    least, most = -low, -low  # where there is mass
    for _ in range(horizon):
        alive = mass[:, least : most + 1]
        new = np.zeros_like(mass)
        for move, going, ending in steps:
            # mass whose move would leave the range cannot take it: `_range` found no such sum
            first, last = max(least + move, 0), min(most + move, width - 1)
            if first > last:
                continue
            part = alive[:, first - move - least : last - move - least + 1]
            if going.nnz:
                new[:, first : last + 1] += going @ part
            if ending.any():
                finished[first : last + 1] += ending @ part
        mass = new
        held = np.flatnonzero(mass.any(axis=0))
        if len(held) == 0:
            break
        least, most = int(held[0]), int(held[-1])
    result: FloatArray = finished + mass.sum(axis=0)
    return result
