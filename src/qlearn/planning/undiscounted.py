"""The optimum at discount 1, of problems whose episodes end.

**Which problems.**  Stochastic shortest paths in which every state that an episode can start in has a
*proper* policy: one that ends with probability 1.  The optimum is the best over proper policies.  Improper
policies may exist, may loop for ever without reward, and may lose without end; none of them is chosen.

1. *Rest.*  A state from which no policy ever meets a reward (a goal that loops on itself) has value 0
   whatever happens; reaching it counts as an end.
2. *Can end.*  U is the greatest set of states with this property: using only actions that cannot leave U,
   every state of U can reach an end.  A state has a proper policy exactly if it is in U.  Actions that may
   leave U, and states outside U, get q = −∞.  If an episode can start outside U there is no optimum, and an
   error says so.
3. *Policy iteration over proper policies.*  The first policy takes the shortest way to an end.  Its values
   solve (I − P_π) v = r_π.  An action changes only if it is better by more than rounding.  If the new policy
   were not proper, the states in which it stays for ever would have a mean reward above 0 (Bertsekas &
   Tsitsiklis 1991): the value is infinite, and an error names them.  Otherwise values rise strictly, so the
   iteration ends, with v = T v; and a proper v = T v is the best over proper policies.

`qlearn.planning.certificate` says what bound its values have.
"""

from __future__ import annotations

import numpy as np

from qlearn.environments.finite_mdp import BoolArray, FiniteMDP, FloatArray, IntArray
from qlearn.errors import InputError
from qlearn.planning.backup import UNIT_ROUNDOFF, Model
from qlearn.planning.certificate import certificate
from qlearn.planning.discounted import Optimum, check_method
from qlearn.planning.linear import can_reach
from qlearn.planning.markov import recurrent_classes, stationary
from qlearn.planning.proper import Episodic, action_graph, episodic_part, evaluate_proper

MOST_ITERATIONS = 10_000


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
            f"method {method!r} has no stopping rule at discount 1; expected policy_iteration or auto. Give "
            "one of them, or leave it out."
        )
    episodic = episodic_part(model)
    _refuse_endless(mdp, episodic)
    v, actions, iterations = _policy_iteration(mdp, episodic)
    v, bound = certificate(episodic, v, actions)
    floor = bound if iterations < MOST_ITERATIONS else 0.0
    q = episodic.model.q_values(v, 1.0)
    q[~episodic.inside & ~episodic.rest] = -np.inf
    best = np.where(np.isfinite(q).any(axis=1), v, -np.inf)
    return Optimum(q, best, actions, bound, floor, iterations, "policy_iteration")


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
        f"{mdp.name} has no value at discount 1: {why}{limit}, so the return may grow without end. Discount "
        "1 needs episodes that end. Give a discount below 1, or ask for the optimum of a horizon "
        "(finite_horizon)."
    )


def _policy_iteration(mdp: FiniteMDP, episodic: Episodic) -> tuple[FloatArray, IntArray, int]:
    model, actions = episodic.model, episodic.first
    states = np.arange(model.num_states)
    for iteration in range(1, MOST_ITERATIONS + 1):
        v, time = evaluate_proper(episodic, actions)
        q = model.q_values(v, 1.0)
        q[~episodic.inside, :] = 0.0
        gain = q - q[states, actions][:, None]
        gain[gain <= _doubt(episodic, v, time, actions)] = 0.0
        best = gain.argmax(axis=1)
        better = gain[states, best] > 0
        while (stuck := _stays(episodic, np.where(better, best, actions))).any():
            _refuse_infinite(mdp, episodic, np.where(better, best, actions), stuck)
            better &= ~stuck  # what seemed better there was rounding
        if not better.any() or iteration == MOST_ITERATIONS:
            return v, actions, iteration
        actions = np.where(better, best, actions)
    raise AssertionError("unreachable")


def _doubt(episodic: Episodic, v: FloatArray, time: FloatArray, actions: IntArray) -> FloatArray:
    """How much an action must seem to gain before it is known to gain, (S, A).

    v errs by ρ·time at most, ρ being rounding and what the linear solve left.  Without this, actions that tie
    would be exchanged for the sake of rounding, and policies would grow ever longer detours that make v err
    ever more.
    """
    model = episodic.model
    own = model.q_values(v, 1.0)[np.arange(len(v)), actions]
    left = float(np.max(np.abs(own - v)[episodic.inside], initial=0.0))
    rho = max(left, 4 * UNIT_ROUNDOFF * float(np.max(np.abs(v))))
    later = model.expected_next(time).reshape(len(v), -1)
    return rho * (4 + later + time[:, None])


def _stays(episodic: Episodic, actions: IntArray) -> BoolArray:
    """Return from which states the policy can never end, (S,) bool."""
    rows = np.arange(len(actions)) * episodic.model.num_actions + actions
    chosen = np.zeros(len(episodic.ends), dtype=np.bool_)
    chosen[rows] = True
    goal = episodic.ends[rows] & episodic.inside
    stuck: BoolArray = ~can_reach(action_graph(episodic.model, chosen), goal | ~episodic.inside)
    return stuck


def _refuse_infinite(mdp: FiniteMDP, episodic: Episodic, actions: IntArray, stuck: BoolArray) -> None:
    """Raise an `InputError` if staying in ``stuck`` for ever pays; else what seemed a gain is rounding."""
    states = np.flatnonzero(stuck)
    r, P = episodic.model.follow(actions)
    closed = P[states][:, states].tocsr()
    scale = 1e-12 * float(np.max(np.abs(r[states])))
    for _, members in recurrent_classes(closed):
        gain = float(stationary(closed[members][:, members].tocsr()) @ r[states][members])
        if gain > scale:
            name = mdp.state_name(int(states[members[0]]))
            raise InputError(
                f"{mdp.name} has an infinite value at discount 1: from state {name} a loop pays {gain:.6g} a "
                "step for ever. A value needs loops that pay nothing or that cost. Give a discount below 1, or "
                "ask for the optimum of a horizon (finite_horizon)."
            )
