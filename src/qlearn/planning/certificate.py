"""How far the values of a proper policy may be from the optimum at discount 1.

Let ε bound how much any action betters v (T v ≤ v + ε, rounding included), and ρ how far v is
from its policy's equation.  Let w(s) be the longest expected time to the end of any policy that uses only
*nearly tied* actions, v(s) − q(s, a) ≤ δ.  If δ ≥ ε max w then u = v + ε w satisfies T u ≤ u, so v* ≤ v + ε
w; with N the expected time under the policy itself, |v − v_π| ≤ ρ N.  Nearly tied actions may form loops
without any reward (the frozen lake without slip has many): values are equal all over such a loop, which is
therefore merged into one state first, after which w is finite.  Where nearly tied actions form a loop whose
rewards cancel instead, whether a round gains nothing or 1e-20 is beyond double precision: then v is right for
`policy`, and error_bound is infinite.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from qlearn.environments.finite_mdp import BoolArray, FloatArray, IntArray
from qlearn.planning.linear import solve_chain
from qlearn.planning.proper import Episodic, action_graph, evaluate_proper


def certificate(episodic: Episodic, v: FloatArray, actions: IntArray) -> tuple[FloatArray, float]:
    """Return v (made equal over loops without reward) and its error bound."""
    model, A = episodic.model, episodic.model.num_actions
    if not episodic.inside.any():
        return v, 0.0
    time = evaluate_proper(episodic, actions)[1]
    rows = np.isfinite(model.reward) & np.repeat(episodic.inside, A)
    q = model.q_values(v, 1.0).ravel()
    error = model.rounding(v, 1.0)
    slack = np.where(rows, np.repeat(v, A) - q, np.inf)
    delta = 1e-7 * max(1e-300, model.largest_reward, float(np.max(np.abs(v))))
    near = rows & (slack <= delta)
    loops, inner = _end_components(episodic, near)
    if model.pays[inner].any():
        return v, np.inf
    v = _equalised(v, loops)
    q = model.q_values(v, 1.0)
    own = float(np.max(np.abs(q[np.arange(len(v)), actions] - v)[episodic.inside])) + error
    gain = np.where(rows & ~inner, q.ravel() - np.repeat(v, A), -np.inf)
    epsilon = max(0.0, float(gain.max())) + error
    longest = 1.01 * _longest(episodic, near & ~inner, loops)
    bound = max(epsilon * longest, own * float(time.max()))
    return v, (bound if delta >= epsilon * longest else np.inf)


def _end_components(episodic: Episodic, rows: BoolArray) -> tuple[IntArray, BoolArray]:
    """Return a label for each state, shared where ``rows`` can move to and fro for ever, and those rows."""
    model = episodic.model
    rows = rows & ~episodic.ends
    P = model.transition.tocoo()
    while True:
        _, label = csgraph.connected_components(action_graph(model, rows), directed=True, connection="strong")
        leaving = rows[P.row] & (P.data > 0) & (label[P.row // model.num_actions] != label[P.col])
        if not leaving.any():
            return label, rows
        rows = rows.copy()
        rows[P.row[leaving]] = False


def _equalised(v: FloatArray, label: IntArray) -> FloatArray:
    highest = np.full(int(label.max()) + 1, -np.inf)
    np.maximum.at(highest, label, v)
    return highest[label]


def _longest(episodic: Episodic, rows: BoolArray, label: IntArray) -> float:
    """The longest expected number of steps that ``rows`` allow, loops being merged into one state each."""
    model, A = episodic.model, episodic.model.num_actions
    count = int(label.max()) + 1
    used = np.flatnonzero(rows)
    P = model.transition[used]
    merged = sparse.csr_array((P.data, label[P.indices], P.indptr), shape=(len(used), count))
    home = label[used // A]
    chosen = np.full(count, -1)
    chosen[home[::-1]] = np.arange(len(used))[::-1]  # any choice ends, so the first will do
    acting = np.flatnonzero(chosen >= 0)
    while True:
        length = np.zeros(count)
        chain = merged[chosen[acting]][:, acting].tocsr()
        length[acting] = solve_chain(chain, np.ones(len(acting)))
        longer = 1 + merged @ length
        best = np.full(count, -np.inf)
        np.maximum.at(best, home, longer)
        better = best > length * (1 + 1e-9)
        if not better[acting].any():
            return float(length.max(initial=0.0))
        winners = np.flatnonzero((longer == best[home]) & better[home])
        chosen[home[winners]] = winners
