"""The linear system of a Markov chain: (I − γ P) x = b.

Up to `DENSE` states it is factorised densely.  Beyond that it is factorised sparsely where states lie as on a
map, and solved iteratively (BiCGSTAB) elsewhere, unless that does not reach a residual of 1e-14 relative to
the largest entry.  A step of iterative refinement follows each factorisation.  Callers certify from the
residual of the Bellman equation, never from this solver's word.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg, sparse
from scipy.sparse import csgraph
from scipy.sparse import linalg as sparse_linalg

from qlearn.environments.finite_mdp import BoolArray, FloatArray
from qlearn.planning.backup import CSR

DENSE = 1000
RESIDUAL = 1e-14
REFINEMENTS, MOST_STEPS = 2, 500
NARROW = 50_000_000  # entries that the factors of a banded matrix may have


def solve_chain(P: CSR, b: FloatArray, discount: float = 1.0) -> FloatArray:
    """Return x with (I − γ P) x = b; the chain must be one in which every state can end where γ = 1.

    Args:
        P: sparse (S, S).
        b: (S,), or (S, k) for k right-hand sides.
        discount: γ.

    >>> solve_chain(sparse.csr_array([[0.5]]), np.array([1.0])).tolist()
    [2.0]
    """
    if len(b) == 0:
        return b.copy()
    columns = b.reshape(len(b), -1)
    if len(b) <= DENSE:
        solved = _directly(P, columns, discount)
    elif _is_narrow(P):
        solved = _factorised(P, columns, discount)
    else:
        solved = _iteratively(P, columns, discount)
    return solved.reshape(b.shape)


def _is_narrow(P: CSR) -> bool:
    """Whether a reordering brings the entries so near to the diagonal that factors stay sparse, as on a map."""
    tidy = P.copy()
    tidy.sum_duplicates()
    order = csgraph.reverse_cuthill_mckee(tidy, symmetric_mode=False)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    edges = P.tocoo()
    band = int(np.max(np.abs(place[edges.row] - place[edges.col]), initial=0))
    return len(order) * band <= NARROW


def _factorised(P: CSR, b: FloatArray, discount: float) -> FloatArray:
    matrix = sparse.eye_array(len(b), format="csc") - discount * P.tocsc()
    return _refined(P, b, discount, sparse_linalg.splu(matrix.tocsc()).solve)


def _directly(P: CSR, b: FloatArray, discount: float) -> FloatArray:
    matrix = np.eye(len(b)) - discount * P.toarray()
    factors = linalg.lu_factor(matrix, check_finite=False)
    return _refined(P, b, discount, lambda rest: linalg.lu_solve(factors, rest, check_finite=False))


def _iteratively(P: CSR, b: FloatArray, discount: float) -> FloatArray:
    matrix = (sparse.eye_array(len(b), format="csr") - discount * P).tocsr()
    columns = []
    for column in b.T:
        x = np.zeros(len(column))
        for _ in range(REFINEMENTS):
            rest = column - (x - discount * (P @ x))
            step, _ = sparse_linalg.bicgstab(matrix, rest, rtol=1e-10, maxiter=MOST_STEPS)
            x = x + step
        if not _residual(P, x, column, discount) <= RESIDUAL:
            return _factorised(P, b, discount)
        columns.append(x)
    return np.stack(columns, axis=1)


def _residual(P: CSR, x: FloatArray, b: FloatArray, discount: float) -> float:
    scale = max(float(np.max(np.abs(x))), float(np.max(np.abs(b))))
    return float(np.max(np.abs(b + discount * (P @ x) - x))) / scale if scale > 0 else 0.0


def _refined(P: CSR, b: FloatArray, discount: float, solve: Callable[[FloatArray], FloatArray]) -> FloatArray:
    x = solve(b)
    return x + solve(b + discount * (P @ x) - x)


def can_reach(graph: CSR, targets: BoolArray) -> BoolArray:
    """Return which nodes have a path to a target, (S,) bool; targets have.

    Args:
        graph: sparse (S, S), a stored positive entry being an edge.
        targets: (S,) bool.
    """
    return np.isfinite(distances(graph, targets))


def distances(graph: CSR, targets: BoolArray) -> FloatArray:
    """Return the number of edges from each node to its nearest target, (S,); infinite without a path."""
    S = len(targets)
    edges = graph.tocoo()
    kept = edges.data > 0
    # backwards, from one extra node that points at every target
    starts = np.concatenate([edges.col[kept], np.full(int(targets.sum()), S)])
    ends = np.concatenate([edges.row[kept], np.flatnonzero(targets)])
    backwards = sparse.csr_array((np.ones(len(starts)), (starts, ends)), shape=(S + 1, S + 1))
    depth: FloatArray = csgraph.dijkstra(backwards, indices=[S], unweighted=True, min_only=True)[:S] - 1
    return depth
