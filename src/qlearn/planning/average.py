"""The average reward per step in the long run.

Where an episode ends the next one starts, from the initial distribution, so that the process never stops; time limits
play no part.  The *gain* g(s) of a policy is the limit of its mean reward per step from s.  Gains may differ between
states (*multichain* problems: which of several regions one ends up in matters), and all of that is allowed here.

For a given policy, the recurrent classes of its chain are found exactly as strongly connected components; each has a
stationary distribution π_k and the gain π_k · r; elsewhere g is the mean over where the chain is absorbed.

The optimum comes from Howard's multichain policy iteration (Puterman 1994, section 9.2), with

    g = max_a P_a g,      h + g = max_a {r_a + P_a h : a attains the first maximum},

improving by the first equation, and by the second where the first is settled; h is 0 in one state of each recurrent
class.  Certified bound: the policy's own gain is a lower bound.  For any g', h' with g' ≥ P_a g' and
g' + h' ≥ r_a + P_a h' for *all* actions, g' is an upper bound; such a pair is (g + ε, h + M g), with M large enough for
actions that the first equation rules out, and ε the largest violation that is left, rounding included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from qlearn.environments.finite_mdp import BoolArray, FiniteMDP, FloatArray, IntArray
from qlearn.errors import InputError
from qlearn.planning.backup import CSR, UNIT_ROUNDOFF, Model, model_of
from qlearn.planning.linear import solve_chain
from qlearn.planning.policies import as_probabilities
from qlearn.planning.undiscounted import recurrent_classes, stationary

MOST_ITERATIONS = 1000
MOST_ENTRIES = 50_000_000  # of the chain in which every end leads to every start


@dataclass(frozen=True, eq=False)
class AverageReward:
    """What `long_run` returns.

    Args:
        gain: the best average reward per step, from the initial distribution.
        gains: (S,), the same from each state.
        bias: (S,), h: how much more a start in s brings in all than its gain alone; 0 in one state of each class.
        policy: (S,) actions that attain it.
        error_bound: certified, on ``gain``.
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
    from dataclasses import replace

    model = model_of(mdp)
    if not mdp.can_terminate:
        return model
    row = np.repeat(np.arange(len(model.reward)), np.diff(mdp.offsets))
    ending = np.bincount(
        row, weights=np.where(mdp.terminated, mdp.probability, 0.0), minlength=len(model.reward)
    )
    starts = np.flatnonzero(mdp.initial > 0)
    if int((ending > 0).sum()) * len(starts) > MOST_ENTRIES:
        raise InputError(
            f"{mdp.name} ends in {int((ending > 0).sum()):,} ways and starts in {len(starts):,}; joining all of them "
            "for an average reward would not fit. Judge it by its episodes instead: evaluate_policy."
        )
    restart = sparse.csr_array(ending[:, None]) @ sparse.csr_array(mdp.initial[None, :])
    return replace(model, transition=(model.transition + restart).tocsr())


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
    states = np.arange(S)
    actions = model.reward.reshape(S, A).argmax(axis=1)
    converged = False
    for _ in range(MOST_ITERATIONS):
        r, P = model.follow(actions)
        gains, bias = _evaluate(P.tocsr(), r)
        reach, worth = _looking_ahead(model, gains, bias)
        first = reach - reach[states, actions][:, None] > _slack(model, gains, 0.0)
        attains = reach >= reach.max(axis=1, keepdims=True) - _slack(model, gains, 0.0)
        candidates = np.where(attains, worth, -np.inf)
        second = candidates - candidates[states, actions][:, None] > _slack(model, bias, model.largest_reward)
        by_gain, by_bias = first.any(axis=1), second.any(axis=1) & attains[states, actions]
        if not by_gain.any():
            if not by_bias.any():
                converged = True
                break
            actions = np.where(by_bias, candidates.argmax(axis=1), actions)
        else:
            actions = np.where(by_gain, reach.argmax(axis=1), actions)
    bound = _bound(model, gains, bias, actions)
    return AverageReward(float(mdp.initial @ gains), gains, bias, actions, bound, converged)


def _looking_ahead(model: Model, gains: FloatArray, bias: FloatArray) -> tuple[FloatArray, FloatArray]:
    shape = (model.num_states, model.num_actions)
    reach = np.where(model.legal, model.expected_next(gains).reshape(shape), -np.inf)
    return reach, model.q_values(bias, 1.0)


def _slack(model: Model, values: FloatArray, reward: float) -> float:
    """What rounding may make of a comparison between two rows; the linear solves are not better than this."""
    return 1e-11 * max(float(np.max(np.abs(values))), reward, 1e-300)


def _bound(model: Model, gains: FloatArray, bias: FloatArray, actions: IntArray) -> float:
    reach, worth = _looking_ahead(model, gains, bias)
    error = model.rounding(np.abs(bias) + np.abs(gains), 1.0) + 8 * UNIT_ROUNDOFF * float(
        np.max(np.abs(bias))
    )
    states = np.arange(model.num_states)
    ruled_out: BoolArray = model.legal & (gains[:, None] - reach > _slack(model, gains, 0.0))
    excess = np.where(model.legal, worth - (gains + bias)[:, None], -np.inf)
    needed = np.where(
        ruled_out & (excess > 0), excess / np.where(ruled_out, gains[:, None] - reach, 1.0), 0.0
    )
    M = float(needed.max())
    first = float(np.where(model.legal, reach - gains[:, None], -np.inf).max())
    upper = max(0.0, float(np.where(ruled_out, -np.inf, excess).max())) + (M + 1) * max(0.0, first)
    own = float(np.max(np.abs(worth[states, actions] - gains - bias)))
    settled = float(np.max(np.abs(reach[states, actions] - gains)))
    if first > 0 or settled > 0:
        error += (M + 1) * model.rounding(gains, 1.0)
    return max(upper, own) + error
