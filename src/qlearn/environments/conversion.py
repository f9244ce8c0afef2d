"""From other people's forms of a model to flat arrays of outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlearn.errors import InputError

IntArray: TypeAlias = NDArray[np.int64] | NDArray[np.int32]
FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]


class Outcomes(TypedDict):
    """The arrays of a model; see `FiniteMDP`."""

    num_states: int
    num_actions: int
    offsets: IntArray
    probability: FloatArray
    next_state: IntArray
    reward: FloatArray
    terminated: BoolArray


def distribution(initial: int | ArrayLike, num_states: int) -> FloatArray:
    """Return the distribution of the first state from a state or a distribution."""
    given = np.asarray(initial)
    if given.ndim:
        return given.astype(np.float64)
    if given.dtype.kind not in "iu" or not 0 <= int(given) < num_states:
        raise InputError(
            f"`initial` is {initial!r}; it must be a state from 0 to {num_states - 1}, or a probability for each."
        )
    start = np.zeros(num_states)
    start[int(given)] = 1.0
    return start


def normalized(outcomes: Outcomes) -> Outcomes:
    """Return the outcomes with each row divided by its sum."""
    offsets, probability = outcomes["offsets"], outcomes["probability"]
    lengths = np.diff(offsets)
    filled = np.flatnonzero(lengths)
    sums = np.add.reduceat(probability, offsets[filled])
    return {**outcomes, "probability": probability / np.repeat(sums, lengths[filled])}


def outcomes_from_gymnasium(P: Mapping[int, Any] | Sequence[Any]) -> Outcomes:
    """Return the outcomes of ``P[state][action] = [(probability, next_state, reward, terminated), …]``."""
    num_states = len(P)
    actions = [set(P[s]) if isinstance(P[s], Mapping) else set(range(len(P[s]))) for s in _keys(P)]
    num_actions = 1 + max((max(known, default=-1) for known in actions), default=-1)
    lengths: list[int] = []
    flat: list[tuple[float, int, float, bool]] = []
    for state in range(num_states):
        for action in range(num_actions):
            listed = P[state][action] if action in actions[state] else ()
            try:
                row = [(float(p), _whole(s), float(r), bool(t)) for p, s, r, t in listed if p != 0]
            except (TypeError, ValueError) as error:
                raise InputError(
                    f"`P[{state}, {action}]` is {listed!r}; it must be a list of "
                    "(probability, next_state, reward, terminated). Correct it."
                ) from error
            flat += row
            lengths.append(len(row))
    probability, next_state, reward, terminated = zip(*flat, strict=True) if flat else ((), (), (), ())
    return {
        "num_states": num_states,
        "num_actions": num_actions,
        "offsets": _offsets(np.array(lengths, dtype=np.int64)),
        "probability": np.array(probability, dtype=np.float64),
        "next_state": np.array(next_state, dtype=np.int64),
        "reward": np.array(reward, dtype=np.float64),
        "terminated": np.array(terminated, dtype=np.bool_),
    }


def _whole(state: Any) -> int:
    if (number := int(state)) != state:
        raise ValueError(f"{state!r} is no state")
    return number


def _keys(P: Mapping[int, Any] | Sequence[Any]) -> range:
    missing = [s for s in range(len(P)) if s not in P] if isinstance(P, Mapping) else []
    if missing or not len(P):
        raise InputError(
            f"`P` has {len(P)} states, but none with the number {missing[0] if missing else 0}; its keys "
            "must be 0, 1, 2, … without a gap. Renumber the states."
        )
    return range(len(P))


def outcomes_from_arrays(P: Any, R: Any, terminals: ArrayLike) -> Outcomes:
    """Return the outcomes of transition probabilities and rewards, dense or sparse."""
    rows, next_state, probability, (S, A) = _entries(P)
    keep = probability != 0
    if not keep.all():
        rows, next_state, probability = rows[keep], next_state[keep], probability[keep]
    reward = _rewards(R, rows, next_state, (S, A))
    ends = _mask(terminals, S)
    lengths = np.bincount(rows, minlength=S * A)
    return _with_resting_terminals(
        {
            "num_states": S,
            "num_actions": A,
            "offsets": _offsets(lengths),
            "probability": probability,
            "next_state": next_state,
            "reward": reward,
            "terminated": ends[next_state],
        },
        ends,
    )


def _mask(terminals: ArrayLike, S: int) -> BoolArray:
    """Return which states end the episode, from their numbers or from a mask."""
    given = np.asarray(terminals)
    if given.dtype == np.bool_ and given.shape == (S,):
        return given
    ends = np.zeros(S, dtype=np.bool_)
    if given.size:
        if given.dtype.kind not in "iu":
            raise InputError(f"`terminals` is {terminals!r}; it must hold state numbers, or {S} booleans. Correct it.")
        outside = given[(given < 0) | (given >= S)]
        if outside.size:
            raise InputError(f"`terminals` names state {outside.flat[0]}; states are 0 to {S - 1}. Correct it.")
        ends[given] = True
    return ends


def _with_resting_terminals(outcomes: Outcomes, ends: BoolArray) -> Outcomes:
    """Give a terminal state without outcomes one: it ends again, for nothing.  It is never taken."""
    A, lengths = outcomes["num_actions"], np.diff(outcomes["offsets"])
    bare = np.flatnonzero(ends & ~(lengths.reshape(-1, A) > 0).any(axis=1))
    if not bare.size:
        return outcomes
    cells = (bare[:, None] * A + np.arange(A)).ravel()
    where = outcomes["offsets"][cells]
    lengths[cells] = 1
    return {
        **outcomes,
        "offsets": _offsets(lengths),
        "probability": np.insert(outcomes["probability"], where, 1.0),
        "next_state": np.insert(outcomes["next_state"].astype(np.int64), where, np.repeat(bare, A)),
        "reward": np.insert(outcomes["reward"], where, 0.0),
        "terminated": np.insert(outcomes["terminated"], where, True),
    }


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    offsets = np.zeros(lengths.size + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _is_sparse(matrix: Any) -> bool:
    from scipy.sparse import issparse

    return bool(issparse(matrix))


def _entries(P: Any) -> tuple[IntArray, IntArray, FloatArray, tuple[int, int]]:
    """Return row s·A + a, next state and probability of every entry, sorted by row, and (S, A)."""
    from scipy.sparse import coo_array, csr_array, vstack

    if _is_sparse(P):
        S = P.shape[1]
        if P.shape[0] % S or not P.shape[0]:
            raise InputError(
                f"`P` has shape {P.shape}; one sparse matrix must be (S·A, S). Or give a list, one (S, S)."
            )
        A, stacked = P.shape[0] // S, csr_array(P)
    elif isinstance(P, list | tuple) and P and (_is_sparse(P[0]) or (isinstance(P[0], np.ndarray) and P[0].ndim == 2)):
        A, S = len(P), P[0].shape[0]
        for action, matrix in enumerate(P):
            if matrix.shape != (S, S):
                raise InputError(f"`P[{action}]` has shape {matrix.shape}; every action needs one matrix ({S}, {S}).")
        order = np.arange(S * A).reshape(A, S).T.ravel()  # from (a, s) to (s, a)
        stacked = csr_array(vstack([csr_array(matrix) for matrix in P], format="csr"))[order]
    else:
        dense = _numbers("P", P)
        if dense.ndim != 3 or dense.shape[0] != dense.shape[2]:
            raise InputError(
                f"`P` has shape {dense.shape}; it must be (S, A, S), or a list of one (S, S) matrix for each action."
            )
        S, A = dense.shape[:2]
        stacked = csr_array(dense.reshape(S * A, S))
    stacked.sum_duplicates()
    entries = coo_array(stacked)
    row, column = entries.coords
    return row.astype(np.int64), column, entries.data.astype(np.float64), (int(S), int(A))


def _numbers(name: str, values: Any) -> FloatArray:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"`{name}` is no array of numbers ({error}). Give rows of equal length.") from error


def _rewards(R: Any, rows: IntArray, next_state: IntArray, size: tuple[int, int]) -> FloatArray:
    """Return the reward of every outcome."""
    from scipy.sparse import csr_array

    S, A = size
    state, action = rows // A, rows % A
    if _is_sparse(R) and R.shape == (S * A, S):
        return np.asarray(csr_array(R)[rows, next_state], dtype=np.float64).ravel()
    if isinstance(R, list | tuple) and len(R) == A and all(_is_sparse(r) and r.shape == (S, S) for r in R):
        reward = np.empty(rows.size)
        for a in range(A):
            mine = action == a
            reward[mine] = np.asarray(csr_array(R[a])[state[mine], next_state[mine]]).ravel()
        return reward
    # Nested lists of shape (S, S, S) are (S, A, S), as in `P`.
    matrices = isinstance(R, list | tuple) and (A != S or isinstance(R[0], np.ndarray))
    if matrices and len(R) == A and all(np.shape(r) == (S, S) for r in R):
        return np.asarray(R, dtype=np.float64)[action, state, next_state]
    dense = _numbers("R", R.toarray() if _is_sparse(R) else R)
    if dense.shape == (S, A, S):
        return np.asarray(dense[state, action, next_state])
    if dense.shape == (S, A):
        return np.asarray(dense[state, action])
    if dense.shape in {(S,), ()}:
        return np.broadcast_to(dense, (S,))[state].astype(np.float64)
    raise InputError(
        f"`R` has shape {dense.shape}; with {S} states and {A} actions it must be a number, ({S},), ({S}, "
        f"{A}), ({S}, {A}, {S}), or in the same form as `P`."
    )
