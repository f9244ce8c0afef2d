"""The exact value of given policies: over one episode, or for ever.

For a policy π with mean rewards r_π and transition matrix P_π (outcomes that end the episode carry no mass),
the value with k steps to go is v_k = r_π + γ P_π v_{k−1}, v₀ = 0.  The variance follows the law of total
variance outcome by outcome, which adds only non-negative terms, so that nothing cancels:

    var_k(s) = Σ_a π(a|s) Σ_i p_i [σ_i² + (r_i + γ v_{k−1}(s_i) − v_k(s))² + γ² var_{k−1}(s_i)],

σ_i being the standard deviation of the noise on the reward.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from qlearn.environments.finite_mdp import FiniteMDP, FloatArray, IntArray
from qlearn.planning.backup import CSR, model_of
from qlearn.planning.policies import (
    as_probabilities,
    as_probability_batch,
    chain,
    chains,
    checked_discount,
    chunked,
    distinct,
    horizon_of,
)

SMALL = 64  # states up to which powers of a dense matrix may be cheaper than one product a step


@dataclass(frozen=True)
class PolicyValue:
    """Mean and variance of the return of one episode."""

    mean: float
    variance: float

    @property
    def sd(self) -> float:
        """The standard deviation."""
        return math.sqrt(self.variance)


def evaluate_policy(
    mdp: FiniteMDP, policy: ArrayLike, horizon: int | None = None, discount: float = 1.0
) -> PolicyValue:
    """Return the exact mean and variance of one episode's return.

    Args:
        mdp: the model; one that changes along a run is refused.
        policy: (S,) integers or (S, A) probabilities.
        horizon: steps after which the episode is cut; None for the time limit, or 1,000 where there is none.
        discount: γ in [0, 1]; 1 by default, as returns are reported undiscounted.

    Returns:
        The mean, and the variance of a single episode's return (start, transitions and noise on rewards
        together).

    Raises:
        InputError: no policy for this model, or a model that changes.

    >>> from qlearn.environments.finite_mdp import FiniteMDP
    >>> coin = FiniteMDP.from_gymnasium({0: {0: [(0.5, 0, 0.0, False), (0.5, 0, 2.0, False)]}})
    >>> evaluate_policy(coin, [0], horizon=100)
    PolicyValue(mean=100.0, variance=100.0)
    """
    weights, horizon, discount = (
        as_probabilities(mdp, policy),
        horizon_of(mdp, horizon),
        checked_discount(discount),
    )
    r, P = chain(model_of(mdp), weights)
    state, probability, successor, kept = _outcomes(mdp, weights)
    noise = np.zeros(len(kept)) if mdp.reward_std is None else mdp.reward_std[kept] ** 2
    reward, onward = mdp.reward[kept], np.where(mdp.terminated[kept], 0.0, discount)
    gather = sparse.csr_array((probability, (state, np.arange(len(kept)))), shape=(len(r), len(kept)))
    v: FloatArray = np.zeros(len(r))
    variance: FloatArray = np.zeros(len(r))
    for step in range(horizon):
        new = np.asarray(r + discount * (P @ v))
        spread = noise + (reward + onward * v[successor] - new[state]) ** 2 + onward**2 * variance[successor]
        new_variance = np.asarray(gather @ spread)
        settled = step % 16 == 0 and np.array_equal(new, v) and np.array_equal(new_variance, variance)
        v, variance = new, new_variance
        if settled:
            break
    mean = float(mdp.initial @ v)
    return PolicyValue(mean, float(mdp.initial @ (variance + (v - mean) ** 2)))


def _outcomes(mdp: FiniteMDP, weights: FloatArray) -> tuple[IntArray, FloatArray, IntArray, IntArray]:
    """Return state, probability and next state of the outcomes that the policy can meet, and their places."""
    counts = np.diff(mdp.offsets)
    row = np.repeat(np.arange(len(counts)), counts)
    probability = mdp.probability * weights.ravel()[row]
    kept = np.flatnonzero(probability > 0)
    return row[kept] // mdp.num_actions, probability[kept], mdp.next_state[kept], kept


def evaluate_policies(
    mdp: FiniteMDP, policies: ArrayLike, horizon: int | None = None, discount: float = 1.0
) -> FloatArray:
    """Return the exact expected return of one episode for each of many policies.

    Equal policies are evaluated once.  The others become one block-diagonal sparse chain, portion by portion;
    where the problem is small and the horizon long, the map v ↦ r_π + γ P_π v is squared instead, so that H
    steps cost log₂ H products.

    Args:
        mdp: the model; one that changes along a run is refused.
        policies: (n, S, A) probabilities or (n, S) integers.
        horizon: steps after which the episode is cut; None for the time limit, or 1,000 where there is none.
        discount: γ in [0, 1].

    Returns:
        (n,) float64.

    Raises:
        InputError: naming the policy and the state in which it is none.

    >>> from qlearn.environments.finite_mdp import FiniteMDP
    >>> bandit = FiniteMDP.from_arrays([[[1.0], [1.0]]], R=[[0, 1]])
    >>> evaluate_policies(bandit, [[[1, 0]], [[0.5, 0.5]], [[0, 1]]], horizon=10)
    array([ 0.,  5., 10.])
    """
    model, horizon, discount = model_of(mdp), horizon_of(mdp, horizon), checked_discount(discount)
    weights = as_probability_batch(mdp, policies)
    kept, inverse = distinct(weights)
    weights = weights[kept]
    S = mdp.num_states
    means = np.empty(len(weights))
    for part, some in chunked(weights):
        r, P = chains(model, some)
        squaring = 2 * S**2 * max(1, horizon.bit_length()) < horizon * max(1.0, P.nnz / len(r))
        iterate = _square if S <= SMALL and squaring else _step
        means[part] = iterate(r, P, horizon, discount, S) @ mdp.initial
    return means[inverse]


def _step(r: FloatArray, P: CSR, horizon: int, discount: float, S: int) -> FloatArray:
    v: FloatArray = np.zeros(len(r))
    for step in range(horizon):
        new = P @ v
        new *= discount
        new += r
        settled = step % 16 == 0 and np.array_equal(new, v)
        v = new
        if settled:
            break
    return v.reshape(-1, S)


def _square(r: FloatArray, P: CSR, horizon: int, discount: float, S: int) -> FloatArray:
    """Apply v ↦ b + M v, ``horizon`` times, by squaring the map; its powers commute, so order is free."""
    n = len(r) // S
    M, b = np.zeros((n, S, S)), r.reshape(n, S, 1).copy()
    entries = P.tocoo()
    np.add.at(M, (entries.row // S, entries.row % S, entries.col % S), discount * entries.data)
    v = np.zeros((n, S, 1))
    while horizon:
        if horizon & 1:
            v = b + M @ v
        horizon >>= 1
        if horizon:
            b = b + M @ b
            M = M @ M
    result: FloatArray = v[:, :, 0]
    return result
