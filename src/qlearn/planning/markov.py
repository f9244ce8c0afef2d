"""Recurrent classes of a Markov chain, and where it spends its time in the long run."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csgraph

from qlearn.environments.finite_mdp import FloatArray, IntArray
from qlearn.planning.backup import CSR
from qlearn.planning.linear import solve_chain


def recurrent_classes(P: CSR) -> list[tuple[int, IntArray]]:
    """Return the closed classes of a chain whose rows sum to 1, as (label, members)."""
    P = P.copy()
    P.sum_duplicates()  # SciPy's search for strong components does not come back from doubled edges
    count, label = csgraph.connected_components(P, directed=True, connection="strong")
    edges = P.tocoo()
    leaving = (label[edges.row] != label[edges.col]) & (edges.data > 0)
    lasting = np.ones(count, dtype=np.bool_)
    lasting[label[edges.row[leaving]]] = False
    return [(int(k), np.flatnonzero(label == k)) for k in np.flatnonzero(lasting)]


def stationary(P: CSR) -> FloatArray:
    """Return the stationary distribution of an irreducible chain, (S,)."""
    n = P.shape[0]
    if n == 1:
        return np.ones(1)
    # π (I − P) = 0 with one equation replaced by a fixed first entry; then normalised
    rest = P[1:, 1:].T.tocsr()
    others = solve_chain(rest, np.asarray(P[[0], 1:].toarray()).ravel())
    weights: FloatArray = np.concatenate([[1.0], others])
    weights /= weights.sum()
    return weights
