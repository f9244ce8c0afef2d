"""The optimum at discount 1, of problems whose episodes end.

**Which problems.**  Stochastic shortest paths in which every state that an episode can start in has a *proper* policy:
one that ends with probability 1.  The optimum is the best over proper policies.  Improper policies may exist, may loop
for ever without reward, and may lose without end; none of them is chosen.

1. *Rest.*  A state from which no policy ever meets a reward (a goal that loops on itself) has value 0 whatever happens;
   reaching it counts as an end.
2. *Can end.*  U is the greatest set of states with this property: using only actions that cannot leave U, every
   state of U can reach an end.  A state has a proper policy exactly if it is in U.  Actions that may leave U, and
   states outside U, get q = −∞.  If an episode can start outside U there is no optimum, and an error says so.
3. *Policy iteration over proper policies.*  The first policy takes the shortest way to an end.  Its values solve
   (I − P_π) v = r_π.  An action changes only if it is better by more than rounding.  If the new policy were not
   proper, the states in which it stays for ever would have a mean reward above 0 (Bertsekas & Tsitsiklis 1991): the
   value is infinite, and an error names them.  Otherwise values rise strictly, so the iteration ends, with
   v = T v; and a proper v = T v is the best over proper policies.

**Bound.**  Let ε bound how much any action betters v (T v ≤ v + ε, rounding included), and ρ how far v is from its
policy's equation.  Let w(s) be the longest expected time to the end of any policy that uses only *nearly tied* actions,
v(s) − q(s, a) ≤ δ.  If δ ≥ ε max w then u = v + ε w satisfies T u ≤ u, so v* ≤ v + ε w; with N the expected time under
the policy itself, |v − v_π| ≤ ρ N.  Nearly tied actions may form loops without any reward (the frozen lake without slip
has many): values are equal all over such a loop, which is therefore merged into one state first, after which w is
finite.  Where nearly tied actions form a loop whose rewards cancel instead, whether a round gains nothing or 1e-20 is
beyond double precision: then v is right for `policy`, and error_bound is infinite.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from qlearn.environments.finite_mdp import BoolArray, FiniteMDP, FloatArray, IntArray
from qlearn.errors import InputError
from qlearn.planning.backup import CSR, Model, row_max
from qlearn.planning.discounted import Optimum, check_method
from qlearn.planning.linear import can_reach, distances, solve_chain

MOST_ITERATIONS = 10_000


@dataclass(frozen=True, eq=False)
class Episodic:
    """What can end, and how.

    Args:
        model: the model with −∞ as the reward of every action that is not allowed.
        rest: (S,) bool, states from which no reward is ever met.
        inside: (S,) bool, the other states that have a proper policy.
        ends: (S·A,) bool, rows that can end the episode or come to rest.
        first: (S,) actions of a proper policy, the one with the shortest way to an end.
    """

    model: Model
    rest: BoolArray
    inside: BoolArray
    ends: BoolArray
    first: IntArray


def solve_undiscounted(mdp: FiniteMDP, model: Model, method: str) -> Optimum:
    """Return the best over proper policies, and one that attains it.

    Args:
        mdp: the problem, for its names and its first states.
        model: its rows; those of ε-soft actions, where such are optimised.
        method: "auto" or "policy_iteration".

    Raises:
        InputError: an episode may never end whatever is done, or rewards can be collected for ever.
    """
    check_method(method)
    if method not in ("auto", "policy_iteration"):
        raise InputError(
            f"method {method!r} has no stopping rule at discount 1; expected policy_iteration or auto. Give one of them."
        )
    episodic = episodic_part(model)
    _refuse_endless(mdp, episodic)
    v, actions, iterations = _policy_iteration(mdp, episodic)
    v, bound, floor = _certificate(episodic, v, actions)
    q = episodic.model.q_values(v, 1.0)
    q[~episodic.inside & ~episodic.rest] = -np.inf
    best = np.where(np.isfinite(q).any(axis=1), v, -np.inf)
    return Optimum(q, best, actions, bound, floor, iterations, "policy_iteration")


def resting(model: Model) -> BoolArray:
    """Return the states from which no policy ever meets a reward, (S,) bool."""
    lively: BoolArray = model.pays.reshape(model.num_states, -1).any(axis=1)
    return ~can_reach(_graph(model, np.ones(len(model.reward), dtype=np.bool_)), lively)


def _graph(model: Model, rows: BoolArray) -> CSR:
    """The graph of states in which an action among ``rows`` may lead from one to the next, (S, S)."""
    P = model.transition.tocoo()
    kept = rows[P.row] & (P.data > 0)
    edges = (P.row[kept] // model.num_actions, P.col[kept])
    shape = (model.num_states, model.num_states)
    return sparse.coo_array((np.ones(int(kept.sum())), edges), shape=shape).tocsr()


def _any_next(model: Model, states: BoolArray) -> BoolArray:
    """Return which rows may lead into ``states``, (S·A,) bool."""
    found: BoolArray = model.transition @ states.astype(np.float64) > 0
    return found


def episodic_part(model: Model) -> Episodic:
    """Return which states have a proper policy, which actions it may use, and the shortest way to an end."""
    S, A = model.num_states, model.num_actions
    rest = resting(model)
    legal = model.legal.ravel()
    ends = model.ends | _any_next(model, rest)
    usable = legal & ~np.repeat(rest, A)
    inside = ~rest
    while True:
        allowed = usable & ~_any_next(model, ~inside & ~rest)
        goal = (allowed & ends).reshape(S, A).any(axis=1)
        depth = distances(_graph(model, allowed), goal | rest)
        found = np.isfinite(depth) & inside
        if (found == inside).all():
            break
        inside = found
    allowed &= np.repeat(inside, A)
    rows = allowed | (legal & np.repeat(rest, A))
    limited = replace(model, reward=np.where(rows, model.reward, -np.inf))
    return Episodic(limited, rest, inside, ends, _shortest(model, allowed, ends, depth))


def _shortest(model: Model, allowed: BoolArray, ends: BoolArray, depth: FloatArray) -> IntArray:
    """In each state the lowest action that can bring the end one step nearer."""
    P = model.transition
    nearest = np.full(len(allowed), np.inf)
    filled = np.diff(P.indptr) > 0
    if filled.any():
        nearest[filled] = np.minimum.reduceat(depth[P.indices], P.indptr[:-1][filled])
    nearest[ends] = -1
    nearest[~allowed] = np.inf
    first: IntArray = nearest.reshape(model.num_states, -1).argmin(axis=1)
    lowest = model.legal.argmax(axis=1)
    return np.where(np.isfinite(nearest.reshape(model.num_states, -1)).any(axis=1), first, lowest)


def _refuse_endless(mdp: FiniteMDP, episodic: Episodic) -> None:
    endless = (mdp.initial > 0) & ~episodic.inside & ~episodic.rest
    if not endless.any():
        return
    state = mdp.state_name(int(endless.argmax()))
    why = (
        f"no policy is sure to end an episode that starts in state {state}"
        if mdp.can_terminate
        else "no outcome ends an episode"
    )
    limit = "; the time limit is no part of the model" if mdp.time_limit is not None else ""
    raise InputError(
        f"{mdp.name} has no value at discount 1: {why}{limit}, so the return may grow without end. Discount 1 needs "
        "episodes that end. Give a discount below 1, or ask for the optimum of a horizon (finite_horizon)."
    )


def _system(episodic: Episodic, actions: IntArray) -> tuple[IntArray, FloatArray, CSR]:
    """The states that a proper policy can act in, its rewards there and its chain among them."""
    states = np.flatnonzero(episodic.inside)
    r, P = episodic.model.follow(actions)
    return states, r[states], P[states][:, states].tocsr()


def _evaluate(episodic: Episodic, actions: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the values of a proper policy and the expected number of its steps, each (S,)."""
    states, r, P = _system(episodic, actions)
    solved = np.zeros((len(episodic.inside), 2))
    solved[states] = solve_chain(P, np.stack([r, np.ones(len(r))], axis=1))
    return solved[:, 0], solved[:, 1]


def _policy_iteration(mdp: FiniteMDP, episodic: Episodic) -> tuple[FloatArray, IntArray, int]:
    model, actions = episodic.model, episodic.first
    states = np.arange(model.num_states)
    frozen = np.zeros(model.num_states, dtype=np.bool_)  # where what looked better was rounding
    iteration = 0
    for iteration in range(MOST_ITERATIONS):
        v, _ = _evaluate(episodic, actions)
        q = model.q_values(v, 1.0)
        q[~episodic.inside, :] = 0.0
        best = q.argmax(axis=1)
        gain = q[states, best] - q[states, actions]
        better = (gain > 4 * model.rounding(v, 1.0)) & ~frozen
        stuck = _stays(episodic, np.where(better, best, actions))
        if stuck.any():
            _refuse_infinite(mdp, episodic, np.where(better, best, actions), stuck)
            frozen |= stuck & better
            better &= ~stuck
        if not better.any():
            break
        actions = np.where(better, best, actions)
    return v, actions, iteration + 1


def _stays(episodic: Episodic, actions: IntArray) -> BoolArray:
    """Return from which states the policy can never end, (S,) bool."""
    rows = np.arange(len(actions)) * episodic.model.num_actions + actions
    chosen = np.zeros(len(episodic.ends), dtype=np.bool_)
    chosen[rows] = True
    goal = episodic.ends[rows] & episodic.inside
    stuck: BoolArray = ~can_reach(_graph(episodic.model, chosen), goal | ~episodic.inside)
    return stuck


def _refuse_infinite(mdp: FiniteMDP, episodic: Episodic, actions: IntArray, stuck: BoolArray) -> None:
    """Raise an `InputError` if the policy gains by staying among ``stuck`` for ever; else what it gained is rounding."""
    states = np.flatnonzero(stuck)
    r, P = episodic.model.follow(actions)
    closed = P[states][:, states].tocsr()
    scale = 1e-12 * float(np.max(np.abs(r[states])))
    for _, members in recurrent_classes(closed):
        gain = float(stationary(closed[members][:, members].tocsr()) @ r[states][members])
        if gain > scale:
            name = mdp.state_name(int(states[members[0]]))
            raise InputError(
                f"{mdp.name} has an infinite value at discount 1: from state {name} a loop pays {gain:.6g} a step for "
                "ever. A value needs loops that pay nothing or cost something. Give a discount below 1, or ask for "
                "the optimum of a horizon (finite_horizon)."
            )


def recurrent_classes(P: CSR) -> list[tuple[int, IntArray]]:
    """Return the closed classes of a chain whose rows sum to 1, as (label, members)."""
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
    return weights / weights.sum()


def _certificate(episodic: Episodic, v: FloatArray, actions: IntArray) -> tuple[FloatArray, float, float]:
    """Return v (made equal over loops without reward), its error bound, and the part that rounding sets."""
    model, A = episodic.model, episodic.model.num_actions
    if not episodic.inside.any():
        return v, 0.0, 0.0
    time = _evaluate(episodic, actions)[1]
    rows = np.isfinite(model.reward) & np.repeat(episodic.inside, A)
    q = model.q_values(v, 1.0).ravel()
    error = model.rounding(v, 1.0)
    slack = np.where(rows, np.repeat(v, A) - q, np.inf)
    delta = 1e-7 * max(1e-300, model.largest_reward, float(np.max(np.abs(v))))
    near = rows & (slack <= delta)
    loops, inner = _end_components(episodic, near)
    if model.pays[inner].any():
        return v, np.inf, error * float(time.max())
    v = _equalised(v, loops)
    q = model.q_values(v, 1.0)
    own = float(np.max(np.abs(q[np.arange(len(v)), actions] - v)[episodic.inside])) + error
    gain = np.where(rows & ~inner, q.ravel() - np.repeat(v, A), -np.inf)
    epsilon = max(0.0, float(gain.max())) + error
    longest = 1.01 * _longest(episodic, near & ~inner, loops)
    bound = max(epsilon * longest, own * float(time.max()))
    return v, (bound if delta >= epsilon * longest else np.inf), error * max(longest, float(time.max()))


def _end_components(episodic: Episodic, rows: BoolArray) -> tuple[IntArray, BoolArray]:
    """Return a label for each state, shared by states between which ``rows`` can move for ever, and the rows inside."""
    model = episodic.model
    rows = rows & ~episodic.ends
    P = model.transition.tocoo()
    while True:
        _, label = csgraph.connected_components(_graph(model, rows), directed=True, connection="strong")
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
