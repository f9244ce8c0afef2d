"""The average reward per step in the long run.

Where an episode ends the next one starts, from the initial distribution, so that the process never stops;
time limits play no part.  The *gain* g(s) of a policy is the limit of its mean reward per step from s.  Gains
may differ between states (*multichain* problems: which of several regions one ends up in matters), and all of
that is allowed here.

For a given policy, the recurrent classes of its chain are found exactly as strongly connected components;
each has a stationary distribution π_k and the gain π_k · r; elsewhere g is the mean over where the chain is
absorbed.

The optimum comes from Howard's multichain policy iteration (Puterman 1994, section 9.2), with

    g = max_a P_a g,      h + g = max_a {r_a + P_a h : a attains the first maximum},

improving by the first equation, and by the second where the first is settled; h is 0 in one state of each
recurrent recurrent class.

**Bound.**  For any h, min_s (r_π + P_π h − h)(s) ≤ g_π ≤ g* ≤ max_{s, a} (r_a + P_a h − h)(s), over the
states that a run can come to (Odoni 1969).  It is tight where the optimal gain is the same in all of them;
where it is not, policy iteration is as exact but no bound is given: error_bound is infinite.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from qlearn.environments.finite_mdp import BoolArray, FiniteMDP, FloatArray, IntArray
from qlearn.errors import InputError
from qlearn.planning.backup import CSR, Model, model_of
from qlearn.planning.linear import can_reach, solve_chain
from qlearn.planning.markov import recurrent_classes, stationary
from qlearn.planning.policies import as_probabilities
from qlearn.planning.proper import action_graph

MOST_ITERATIONS = 1000
MOST_ENTRIES = 50_000_000  # of the chain in which every end leads to every start


@dataclass(frozen=True, eq=False)
class AverageReward:
    """What `long_run` returns.

    Args:
        gain: the best average reward per step, from the initial distribution.
        gains: (S,), the same from each state.
        bias: (S,), h: how much more a start in s brings in all than its gain alone; 0 in one state of each
            class.
        policy: (S,) actions that attain it.
        error_bound: certified, on ``gain``; infinite where gains differ between states that a run can come
            to.
        converged: whether policy iteration came to rest.
    """

    gain: float
    gains: FloatArray
    bias: FloatArray
    policy: IntArray
    error_bound: float
    converged: bool


def average_reward(mdp: FiniteMDP, policy: ArrayLike | None = None) -> float:
    """Return the average reward per step in the long run, from the initial distribution.

    Args:
        mdp: the model; where an episode ends the next one starts, and time limits play no part.
        policy: (S,) integers or (S, A) probabilities; None for the best there is.

    Raises:
        InputError: no policy for this model, a model that changes, or a problem too large.

    >>> from qlearn.environments.finite_mdp import FiniteMDP
    >>> chain = FiniteMDP.from_arrays(P=[[[0.2, 0.8], [1, 0]], [[0, 1], [1, 0]]], R=[[0, 2], [10, 2]])
    >>> average_reward(chain), average_reward(chain, [1, 1])
    (10.0, 2.0)
    """
    if policy is None:
        return long_run(mdp).gain
    model = restarting(mdp)
    weights = as_probabilities(mdp, policy)
    S, A = weights.shape
    rows, actions = np.nonzero(weights)
    mixing = sparse.coo_array((weights[rows, actions], (rows, rows * A + actions)), shape=(S, S * A)).tocsr()
    r = mixing @ np.where(model.legal.ravel(), model.reward, 0.0)
    gains, _ = _evaluate((mixing @ model.transition).tocsr(), r)
    return float(mdp.initial @ gains)


def restarting(mdp: FiniteMDP) -> Model:
    """Return the model in which every end of an episode is followed by the start of the next."""
    model = model_of(mdp)
    if not mdp.can_terminate:
        return model
    row = np.repeat(np.arange(len(model.reward)), np.diff(mdp.offsets))
    ending = np.bincount(row, weights=np.where(mdp.terminated, mdp.probability, 0.0), minlength=len(model.reward))
    starts = np.flatnonzero(mdp.initial > 0)
    if int((ending > 0).sum()) * len(starts) > MOST_ENTRIES:
        raise InputError(
            f"{mdp.name} ends in {int((ending > 0).sum()):,} ways and starts in {len(starts):,}; joining "
            "all of them for an average reward would not fit. Judge it by its episodes instead: evaluate_policy."
        )
    ends, onto = sparse.csr_array(ending[:, None]), sparse.csr_array(mdp.initial[None, :])
    transition = sparse.csr_array(model.transition + ends @ onto)
    return replace(model, transition=transition)


def _evaluate(P: CSR, r: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return gain and bias of a chain whose rows sum to 1, (S,) each."""
    S = len(r)
    gains, bias = np.zeros(S), np.zeros(S)
    fixed = np.zeros(S, dtype=np.bool_)
    transient = np.ones(S, dtype=np.bool_)
    for _, members in recurrent_classes(P):
        gains[members] = stationary(P[members][:, members].tocsr()) @ r[members]
        fixed[members[0]] = True
        transient[members] = False
    away = np.flatnonzero(transient)
    if len(away):
        onward = P[away]
        gains[away] = solve_chain(onward[:, away].tocsr(), onward @ np.where(transient, 0.0, gains))
    free = np.flatnonzero(~fixed)
    bias[free] = solve_chain(P[free][:, free].tocsr(), (r - gains)[free])
    return gains, bias


def long_run(mdp: FiniteMDP) -> AverageReward:
    """Return the best average reward per step in the long run, with a certified bound; see the module.

    Args:
        mdp: the model; where an episode ends the next one starts, and time limits play no part.

    Raises:
        InputError: a model that changes, or a problem too large.

    >>> from qlearn.environments.finite_mdp import FiniteMDP
    >>> two_rooms = FiniteMDP.from_arrays(
    ...     P=[[[0, 1, 0], [0, 0, 1]], [[0, 1, 0], [0, 1, 0]], [[0, 0, 1], [0, 0, 1]]], R=[5, 1, 2]
    ... )
    >>> best = long_run(two_rooms)
    >>> best.gain, best.gains.tolist(), best.policy.tolist()
    (2.0, [2.0, 1.0, 2.0], [1, 0, 0])
    """
    model = restarting(mdp)
    S, A = model.num_states, model.num_actions
    actions = model.reward.reshape(S, A).argmax(axis=1)
    for iteration in range(1, MOST_ITERATIONS + 1):
        r, P = model.follow(actions)
        gains, bias = _evaluate(P.tocsr(), r)
        better, best = _improved(model, gains, bias, actions)
        converged = not better.any()
        if converged or iteration == MOST_ITERATIONS:
            break
        actions = np.where(better, best, actions)
    bound = _bound(mdp, model, gains, bias, actions)
    return AverageReward(float(mdp.initial @ gains), gains, bias, actions, bound, converged)


def _improved(model: Model, gains: FloatArray, bias: FloatArray, actions: IntArray) -> tuple[BoolArray, IntArray]:
    """Return where an action is better, by gain or, gains being settled, by bias; and which action is."""
    states, shape = np.arange(model.num_states), (model.num_states, model.num_actions)
    reach = np.where(model.legal, model.expected_next(gains).reshape(shape), -np.inf)
    slack = _slack(gains, 0.0)
    better = reach.max(axis=1) - reach[states, actions] > slack
    if better.any():
        return better, reach.argmax(axis=1)
    attains = reach >= reach.max(axis=1, keepdims=True) - slack
    worth = np.where(attains, model.q_values(bias, 1.0), -np.inf)
    gained = worth.max(axis=1) - worth[states, actions]
    return gained > _slack(bias, model.largest_reward), worth.argmax(axis=1)


def _slack(values: FloatArray, reward: float) -> float:
    """What rounding may make of a comparison between two rows; the linear solves are not better than this."""
    return 1e-11 * max(float(np.max(np.abs(values))), reward, 1e-300)


def _bound(mdp: FiniteMDP, model: Model, gains: FloatArray, bias: FloatArray, actions: IntArray) -> float:
    """The bound on the gain from the states that a run can come to, if it is the same in all of them."""
    every = np.ones(len(model.reward), dtype=np.bool_)
    inside = can_reach(action_graph(model, every).T.tocsr(), mdp.initial > 0)
    reached = gains[inside]
    if float(np.ptp(reached)) > _slack(gains, 0.0):
        return float("inf")
    change = (model.q_values(bias, 1.0) - bias[:, None])[inside]
    own = change[np.arange(len(change)), actions[inside]]
    error = 2 * model.rounding(bias, 1.0)
    gain = float(mdp.initial @ gains)
    return max(float(change.max()) - gain, gain - float(own.min()), 0.0) + error
