"""`solve`: one call for the optimum of a finite problem, and what a perfect learner gets."""

from __future__ import annotations

import time
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from qlearn.environments import make
from qlearn.environments.finite_mdp import BoolArray, FiniteMDP, FloatArray, IntArray
from qlearn.errors import InputError
from qlearn.planning.backup import Model, model_of, row_max
from qlearn.planning.discounted import solve_discounted
from qlearn.planning.evaluation import evaluate_policies
from qlearn.planning.finite_horizon import finite_horizon
from qlearn.planning.linear import can_reach
from qlearn.planning.policies import (
    as_probability_batch,
    chains,
    checked_discount,
    checked_horizon,
    chunked,
    distinct,
    horizon_of,
    reachable,
)
from qlearn.planning.proper import episodic_part
from qlearn.planning.solution import Solution
from qlearn.planning.undiscounted import solve_undiscounted

if TYPE_CHECKING:
    from qlearn.environments.making import Makeable

TIE = 1e-9  # relative: what the project calls an optimal action
ROUNDING_TIE = 1e-13  # relative to what a row adds up: actions that only rounding tells apart


def solve(
    environment: Makeable,
    discount: float,
    *,
    horizon: int | None = None,
    tolerance: float = 1e-9,
    method: str = "auto",
) -> Solution:
    """Return the optimum of a finite problem: Q*(s, a) = r(s, a) + γ Σ_{s'} P(s'|s, a) max_b Q*(s', b).

    Args:
        environment: a FiniteMDP, or what ``qlearn.make`` makes one of, for example ``"NChain-v0"``.  A model that
            changes along a run is refused, as each of its models has an optimum of its own.
        discount: γ in [0, 1].  At 1 episodes must be able to end: the best *proper* policy is returned, and
            an error says so where there is none (see `qlearn.planning.undiscounted`).
        horizon: steps within which ``expected_return`` and ``ceiling`` are meant; None for the model's time
            limit. It does not change q.
        tolerance: > 0, where the iterative methods stop, in units of return.
        method: "auto", "value_iteration", "policy_iteration" or "modified_policy_iteration"; at discount 1
            only "auto" and "policy_iteration".

    Returns:
        A `Solution`; its ``error_bound`` is certified (see `qlearn.planning.discounted`).

    Raises:
        InputError: an argument out of range, an environment without a model, a model that changes, or a value that
            does not exist.

    >>> solve("NChain-v0", discount=0.95).v.round(6).tolist()
    [61.379482, 64.89129, 69.51209, 75.59209, 83.59209]
    >>> chain = FiniteMDP.from_arrays(P=[[[0.2, 0.8], [1, 0]], [[0, 1], [1, 0]]], R=[[0, 2], [10, 2]])
    >>> solve(chain, discount=0.5).policy.tolist()
    [0, 0]
    >>> solve(chain, discount=0.5).v.round(6).tolist()
    [8.888889, 20.0]
    """
    started = time.perf_counter()
    mdp = _known(environment)
    model, discount = model_of(mdp), checked_discount(discount)
    if not 0 < tolerance < np.inf:
        raise InputError(f"tolerance is {tolerance!r}; it must be above 0, in units of return. Try 1e-9.")
    steps = mdp.time_limit if horizon is None else checked_horizon(horizon)
    optimum = (
        solve_undiscounted(mdp, model, method)
        if discount == 1
        else solve_discounted(model, discount, tolerance, method)
    )
    tied, lowest = ties(model, optimum.q, optimum.v, discount)
    policy = lowest if optimum.policy is None else optimum.policy
    return Solution(
        q=optimum.q,
        v=optimum.v,
        policy=policy,
        optimal_actions=tied,
        error_bound=optimum.error_bound,
        converged=optimum.error_bound <= max(tolerance, 4 * optimum.floor),
        value=expected_start(mdp, optimum.v),
        expected_return=None if steps is None else float(evaluate_policies(mdp, policy[None], steps)[0]),
        horizon=steps,
        ceiling=None if steps is None else finite_horizon(mdp, steps).value,
        method=optimum.method,
        iterations=optimum.iterations,
        discount=discount,
        tolerance=tolerance,
        wall_time=time.perf_counter() - started,
        version=_version(),
        mdp=mdp,
    )


def _known(environment: Makeable) -> FiniteMDP:
    made = make(environment)
    if not isinstance(made, FiniteMDP):
        raise InputError(
            f"The model of {made.name} is not known: {made.reason}. Only a known model has an exact solution. "
            "Pass a FiniteMDP, or train on it: `ql.train`."
        )
    return made


@cache
def _version() -> str:
    return metadata.version("qlearn")


def expected_start(mdp: FiniteMDP, v: FloatArray) -> float:
    """Return the mean of v over the first state; where no episode starts, v does not count, even at −∞."""
    starts = np.flatnonzero(mdp.initial > 0)
    return float(mdp.initial[starts] @ v[starts])


def ties(model: Model, q: FloatArray, v: FloatArray, discount: float) -> tuple[BoolArray, IntArray]:
    """Return the optimal actions, (S, A) bool, and the lowest of those that only rounding tells apart, (S,).

    The latter are compared with what a row adds up, not with its sum: where gains and losses cancel, the sum
    may be 0 and its rounding is not.
    """
    reward = np.where(model.legal, model.reward.reshape(q.shape), 0.0)
    size = model.q_values(np.abs(np.where(np.isfinite(v), v, 0.0)), discount)
    rounding = ROUNDING_TIE * row_max(np.where(model.legal, size - reward + np.abs(reward), 0.0))
    best = row_max(q)
    possible = np.isfinite(best)
    best[~possible] = 0.0
    tied: BoolArray = q >= (best - TIE * np.abs(best) - rounding)[:, None]
    lowest: IntArray = (q >= (best - rounding)[:, None]).argmax(axis=1)
    return tied, np.where(possible, lowest, model.legal.argmax(axis=1))


def optimum(mdp: FiniteMDP, discount: float, horizon: int | None = None) -> float:
    """Return what a perfect learner gets, the 100% of every comparison.

    This is the expected undiscounted return within the horizon of the policy greedy for Q* at the learner's
    discount (ties to the lowest action; at discount 1 a policy that ends).

    Args:
        mdp: the model.
        discount: γ in [0, 1], the learner's.
        horizon: in steps; None for the time limit, or 1,000 where there is none.

    Raises:
        InputError: as `solve`.

    >>> from qlearn.environments.finite_mdp import FiniteMDP
    >>> optimum(FiniteMDP.from_arrays([[[1.0], [1.0]]], R=[[0, 1]]), discount=0.9, horizon=10)
    10.0
    """
    solution = solve(mdp, discount, horizon=horizon_of(mdp, horizon))
    assert solution.expected_return is not None  # a horizon was given
    return solution.expected_return


def is_optimal(mdp: FiniteMDP, policies: ArrayLike, solution: Solution) -> BoolArray:
    """Return which of many policies are optimal.

    A policy is optimal if, in every state that it can reach from the start within an episode, each action
    that it gives weight to is within 1e-9 (relative) of max Q*.  At discount 1 it must also be sure to end:
    among tied actions there may be some that go round in circles, and such a policy gets nothing.

    Args:
        mdp: the model.
        policies: (n, S, A) probabilities or (n, S) integers.
        solution: what `solve` returned for this model at the learner's discount.

    Returns:
        (n,) bool.

    Raises:
        InputError: naming the policy and the state in which it is none.

    >>> from qlearn.environments.finite_mdp import FiniteMDP
    >>> bandit = FiniteMDP.from_arrays([[[1.0], [1.0]]], R=[[0, 1]])
    >>> is_optimal(bandit, [[0], [1]], solve(bandit, 0.9)).tolist()
    [False, True]
    """
    model = model_of(mdp)
    weights = as_probability_batch(mdp, policies)
    kept, inverse = distinct(weights)
    weights = weights[kept]
    reached = reachable(model, weights, mdp.initial, solution.horizon)
    faulty = ((weights > 0) & ~solution.optimal_actions).any(axis=2)
    optimal = np.asarray(~(faulty & reached).any(axis=1))
    if solution.discount == 1:
        optimal &= _ends(mdp, model, weights)
    return optimal[inverse]


def _ends(mdp: FiniteMDP, model: Model, weights: FloatArray) -> BoolArray:
    """Return which policies end with probability 1 from every start, (n,) bool."""
    episodic = episodic_part(model)
    reached = reachable(model, weights, mdp.initial, None)
    ends = episodic.ends.reshape(model.num_states, -1)
    sure = np.empty(len(weights), dtype=np.bool_)
    for part, some in chunked(weights):
        _, P = chains(model, some)
        goal: BoolArray = (((some > 0) & ends).any(axis=2) | episodic.rest).ravel()
        endless = (~can_reach(P, goal)).reshape(len(some), -1)
        sure[part] = ~(endless & reached[part]).any(axis=1)
    return sure
