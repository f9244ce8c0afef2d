"""The linear system of a Markov chain: (I − γ P) x = b.

Up to `DENSE` states it is factorised densely, beyond that solved iteratively (BiCGSTAB) and, where that does
not reach a residual of 1e-13 relative to the largest entry, by a sparse factorisation.  A step of iterative
refinement follows each factorisation.  Callers certify from the residual of the Bellman equation, never from
this solver's word.
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
RESIDUAL = 1e-13


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
    solved = _directly(P, columns, discount) if len(b) <= DENSE else _iteratively(P, columns, discount)
    return solved.reshape(b.shape)


def _directly(P: CSR, b: FloatArray, discount: float) -> FloatArray:
    matrix = np.eye(len(b)) - discount * P.toarray()
    factors = linalg.lu_factor(matrix, check_finite=False)
    return _refined(P, b, discount, lambda rest: linalg.lu_solve(factors, rest, check_finite=False))


def _iteratively(P: CSR, b: FloatArray, discount: float) -> FloatArray:
    matrix = (sparse.eye_array(len(b), format="csr") - discount * P).tocsr()
    columns = []
    for column in b.T:
        x, _ = sparse_linalg.bicgstab(matrix, column, rtol=RESIDUAL / 10, maxiter=1000)
        if not np.isfinite(x).all() or _residual(matrix, x, column) > RESIDUAL:
            factors = sparse_linalg.splu(matrix.tocsc())
            return _refined(P, b, discount, factors.solve)
        columns.append(x)
    return np.stack(columns, axis=1)


def _residual(matrix: CSR, x: FloatArray, b: FloatArray) -> float:
    scale = max(float(np.max(np.abs(x))), float(np.max(np.abs(b))))
    return float(np.max(np.abs(b - matrix @ x))) / scale if scale > 0 else 0.0


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
