"""Policies as arrays, and the Markov chains that they make of a model.

A policy is (S,) integers, one action for each state, or (S, A) probabilities.  Many policies are (n, S) or
(n, S, A).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from qlearn.environments.finite_mdp import BoolArray, FiniteMDP, FloatArray, IntArray
from qlearn.errors import InputError
from qlearn.planning.backup import CSR, Model

DEFAULT_HORIZON = 1000
CHUNK = 50_000  # rows of a block matrix whose vectors still fit into a core's cache


def horizon_of(mdp: FiniteMDP, horizon: int | None) -> int:
    """Return the horizon that an evaluation uses: the one given, else the time limit, else 1,000 steps.

    >>> horizon_of(FiniteMDP.from_arrays([[[1.0]]], R=1.0), None)
    1000
    """
    if horizon is None:
        return DEFAULT_HORIZON if mdp.time_limit is None else mdp.time_limit
    return checked_horizon(horizon)


def checked_horizon(horizon: Any) -> int:
    """Return ``horizon`` as an int ≥ 0, or raise an `InputError`."""
    if (
        not isinstance(horizon, int | float | np.integer | np.floating)
        or isinstance(horizon, bool)
        or horizon % 1 != 0
        or horizon < 0
    ):
        raise InputError(f"horizon is {horizon!r}; it counts steps, so give a whole number ≥ 0.")
    return int(horizon)


def checked_discount(discount: Any) -> float:
    """Return ``discount`` as a float in [0, 1], or raise an `InputError`."""
    if not isinstance(discount, int | float | np.number) or not 0.0 <= discount <= 1.0:
        raise InputError(f"discount is {discount!r}; it must be in [0, 1]. Give 1 for undiscounted returns.")
    return float(discount)


def uniform_policy(mdp: FiniteMDP) -> FloatArray:
    """Return the policy that takes every legal action with equal probability, (S, A).

    >>> uniform_policy(FiniteMDP.from_arrays([[[1.0], [1.0]]], R=0.0))
    array([[0.5, 0.5]])
    """
    weights: FloatArray = mdp.legal / mdp.legal.sum(axis=1, keepdims=True)
    return weights


def as_probabilities(mdp: FiniteMDP, policy: ArrayLike) -> FloatArray:
    """Return one policy as probabilities (S, A).

    Args:
        mdp: the model.
        policy: (S,) integers in [0, A), or (S, A) probabilities whose rows sum to 1 ± 1e-6 (float32 rows are
            rescaled to sum to 1).

    Raises:
        InputError: naming the state in which the policy is no policy.

    >>> as_probabilities(FiniteMDP.from_arrays([[[1.0], [1.0]]], R=0.0), [1])
    array([[0., 1.]])
    """
    policy = np.asarray(policy)
    weights: FloatArray = as_probability_batch(mdp, policy[None])[0]
    return weights


def as_probability_batch(mdp: FiniteMDP, policies: ArrayLike) -> FloatArray:
    """Return many policies as probabilities (n, S, A); each is checked as `as_probabilities` does."""
    array = np.asarray(policies)
    S, A = mdp.num_states, mdp.num_actions
    if array.ndim == 2 and array.shape[1] == S and np.issubdtype(array.dtype, np.integer):
        _refuse(mdp, (array < 0) | (array >= A), f"an action outside 0 to {A - 1}")
        return _checked(mdp, (array[..., None] == np.arange(A)).astype(np.float64))
    if array.ndim != 3 or array.shape[1:] != (S, A):
        raise InputError(
            f"a policy for {mdp.name} has shape {array.shape[1:]} and dtype {array.dtype}; expected integers "
            f"({S},) or probabilities ({S}, {A}). Give one action, or one row of weights, for each state."
        )
    return _checked(mdp, array.astype(np.float64))


def _checked(mdp: FiniteMDP, weights: FloatArray) -> FloatArray:
    totals = weights.sum(axis=2)
    _refuse(mdp, ~((weights >= 0).all(axis=2)), "a weight that is negative or not a number")
    _refuse(mdp, ~(np.abs(totals - 1) <= 1e-6), "weights that do not sum to 1")
    if not mdp.legal.all():
        _refuse(mdp, ((weights > 0) & ~mdp.legal).any(axis=2), "weight on an action that is not legal there")
    if (totals != 1).any():
        weights = weights / totals[..., None]
    return weights


def _refuse(mdp: FiniteMDP, wrong: NDArray[np.bool_] | np.bool_, what: str) -> None:
    if wrong.any():
        number, state = np.argwhere(wrong)[0]
        raise InputError(
            f"policy {number} has {what} in state {mdp.state_name(int(state))}; a policy gives each state "
            "one legal action, or weights ≥ 0 on its legal actions that sum to 1. Mend that row."
        )


def chains(model: Model, weights: FloatArray) -> tuple[FloatArray, CSR]:
    """Return the Markov chains of n policies as one block-diagonal chain.

    Args:
        model: the model.
        weights: (n, S, A) probabilities.

    Returns:
        Mean rewards (n·S,) and transition matrix (n·S, n·S); block i holds policy i.
    """
    n, S, A = weights.shape
    P = model.transition
    row, action = np.nonzero(weights.reshape(n * S, A))
    weight = weights.reshape(n * S, A)[row, action]
    pair = (row % S) * A + action
    rewards = np.zeros(n * S)
    np.add.at(rewards, row, weight * model.reward[pair])
    counts = np.diff(P.indptr)[pair]
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    entry = np.arange(total) + np.repeat(P.indptr[pair] - (ends - counts), counts)
    data = P.data[entry] * np.repeat(weight, counts)
    indices = P.indices[entry] + np.repeat((row // S) * S, counts)
    per_row = np.bincount(row, weights=counts, minlength=n * S).astype(np.int64)
    dtype = np.int32 if max(total, n * S) < np.iinfo(np.int32).max else np.int64
    indptr = np.concatenate([[0], np.cumsum(per_row)]).astype(dtype)
    matrix = sparse.csr_array((data, indices.astype(dtype), indptr), shape=(n * S, n * S))
    return rewards, matrix


def chain(model: Model, weights: FloatArray) -> tuple[FloatArray, CSR]:
    """Return mean rewards (S,) and transition matrix (S, S) of one policy, ``weights`` (S, A)."""
    return chains(model, weights[None])


def distinct(weights: FloatArray) -> tuple[IntArray, IntArray]:
    """Return which of n policies to keep, and for each policy its place among those kept.

    Learnt policies repeat: on a small problem, thousands of seeds end in a few dozen policies.
    """
    places: dict[bytes, int] = {}
    kept: list[int] = []
    inverse = np.empty(len(weights), dtype=np.int64)
    for i, policy in enumerate(np.ascontiguousarray(weights)):
        key = hashlib.blake2b(policy.view(np.uint8).data, digest_size=16).digest()
        if key not in places:
            places[key] = len(kept)
            kept.append(i)
        inverse[i] = places[key]
    return np.asarray(kept, dtype=np.int64), inverse


def chunked(weights: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
    """Yield n policies in portions whose block chains stay small."""
    size = max(1, CHUNK // weights.shape[1])
    for start in range(0, len(weights), size):
        part = slice(start, min(start + size, len(weights)))
        yield part, weights[part]


def reachable(model: Model, weights: FloatArray, initial: FloatArray, steps: int | None) -> BoolArray:
    """Return which states n policies can act in, (n, S).

    Args:
        model: the model.
        weights: (n, S, A) probabilities.
        initial: (S,) distribution of the first state.
        steps: the number of actions an episode has; None for any number.
    """
    n, S, _ = weights.shape
    reached = np.tile(initial > 0, (n, 1))
    for part, some in chunked(weights):
        _, P = chains(model, some)
        onward: Any = P.T.tocsr()
        onward.data[:] = 1.0
        seen: NDArray[np.bool_] = reached[part].reshape(-1)
        frontier = seen.copy()
        left = np.inf if steps is None else steps - 1
        while left > 0 and frontier.any():
            frontier = (onward @ frontier.astype(np.float64) > 0) & ~seen
            seen |= frontier
            left -= 1
        reached[part] = seen.reshape(-1, S)
    return reached
