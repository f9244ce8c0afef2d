"""Which states have a proper policy: one that ends an episode with probability 1."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from qlearn.environments.finite_mdp import BoolArray, FloatArray, IntArray
from qlearn.planning.backup import CSR, Model
from qlearn.planning.linear import can_reach, distances, solve_chain


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


def resting(model: Model) -> BoolArray:
    """Return the states from which no policy ever meets a reward, (S,) bool."""
    lively = np.asarray(model.pays.reshape(model.num_states, -1).any(axis=1))
    return ~can_reach(action_graph(model, np.ones(len(model.reward), dtype=np.bool_)), lively)


def action_graph(model: Model, rows: BoolArray) -> CSR:
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
        depth = distances(action_graph(model, allowed), goal | rest)
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


def _system(episodic: Episodic, actions: IntArray) -> tuple[IntArray, FloatArray, CSR]:
    """The states that a proper policy can act in, its rewards there and its chain among them."""
    states = np.flatnonzero(episodic.inside)
    r, P = episodic.model.follow(actions)
    return states, r[states], P[states][:, states].tocsr()


def evaluate_proper(episodic: Episodic, actions: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the values of a proper policy and the expected number of its steps, each (S,)."""
    states, r, P = _system(episodic, actions)
    solved = np.zeros((len(episodic.inside), 2))
    solved[states] = solve_chain(P, np.stack([r, np.ones(len(r))], axis=1))
    return solved[:, 0], solved[:, 1]
