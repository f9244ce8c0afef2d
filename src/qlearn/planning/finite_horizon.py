"""The best that can be done within a given number of steps.

Backward induction, from v₀ = 0 with k steps to go:

    q_k(s, a) = r(s, a) + γ Σ_{s'} P(s'|s, a) v_{k−1}(s'),      v_k(s) = max_a q_k(s, a).

v_H(initial) is the **ceiling**: a policy that sees the clock may act differently near the end, so no policy
that does not see it can do better.  With ε > 0 the maximum becomes (1 − ε) max_a q_k + ε mean_a q_k over the
legal actions: the best that can be had while a share ε of the actions is uniform.  That is the ceiling of
what a learner earns online.

The only error is rounding, at most H times that of one backup.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qlearn.environments.finite_mdp import FiniteMDP, FloatArray, IntArray
from qlearn.errors import InputError
from qlearn.planning.backup import Model, model_of, row_max
from qlearn.planning.policies import checked_discount, horizon_of


@dataclass(frozen=True, eq=False)
class FiniteHorizonSolution:
    """What `finite_horizon` returns.

    Args:
        value: the best expected return from the initial distribution.
        v: (S,), the same from each state, with the whole horizon to go.
        q: (S, A), of the first step; −∞ where an action is not legal.  With horizon 0 it is 0.
        policy: (H, S) actions, row t for the step after t steps; None unless asked for.
        horizon: H.
        discount: γ.
        epsilon: ε.
        error_bound: on value, v and q.
    """

    value: float
    v: FloatArray
    q: FloatArray
    policy: IntArray | None
    horizon: int
    discount: float
    epsilon: float
    error_bound: float


def finite_horizon(
    mdp: FiniteMDP,
    horizon: int | None = None,
    discount: float = 1.0,
    *,
    epsilon: float = 0.0,
    policies: bool = False,
) -> FiniteHorizonSolution:
    """Return the time-dependent optimum of H steps.

    Args:
        mdp: the model; one that changes along a run is refused.
        horizon: H ≥ 0 in steps; None for the time limit, or 1,000 where there is none.
        discount: γ in [0, 1].
        epsilon: ε in [0, 1], the share of actions that is uniform over the legal ones.
        policies: whether to keep the best action of every step and state (H·S small integers; ties go to the
            lowest).

    Raises:
        InputError: horizon, discount or epsilon out of range, or a model that changes.

    >>> from qlearn.environments.finite_mdp import FiniteMDP
    >>> chain = FiniteMDP.from_arrays(P=[[[0.2, 0.8], [1, 0]], [[0, 1], [1, 0]]], R=[[0, 2], [10, 2]])
    >>> finite_horizon(chain, 1).value
    2.0
    >>> best = finite_horizon(chain, 3, policies=True)
    >>> best.policy[:, 0].tolist()
    [0, 0, 1]
    """
    model, horizon, discount = model_of(mdp), horizon_of(mdp, horizon), checked_discount(discount)
    epsilons = _checked_epsilons([epsilon])
    kept = np.empty((horizon, mdp.num_states), dtype=np.int32) if policies else None
    v = np.zeros(mdp.num_states)
    q = np.where(model.legal, 0.0, -np.inf)
    bound = 0.0
    for step in range(horizon - 1, -1, -1):
        q = model.q_values(v, discount)
        if kept is not None:
            kept[step] = q.argmax(axis=1)
        bound = discount * bound + model.rounding(v, discount)
        previous, v = v, _soft_max(model, q, float(epsilons[0]))
        if kept is None and step % 16 == 0 and np.array_equal(v, previous):
            break  # all episodes are over, or all that is left is discounted away
    value = float(mdp.initial @ v)
    return FiniteHorizonSolution(value, v, q, kept, horizon, discount, float(epsilons[0]), bound)


def _soft_max(model: Model, q: FloatArray, epsilon: float) -> FloatArray:
    best = row_max(q)
    if epsilon == 0:
        return best
    legal = model.legal
    mean = np.where(legal, q, 0.0).sum(axis=1) / legal.sum(axis=1)
    soft: FloatArray = (1 - epsilon) * best + epsilon * mean
    return soft


def _checked_epsilons(epsilons: ArrayLike) -> FloatArray:
    array = np.asarray(epsilons, dtype=np.float64)
    if array.ndim != 1 or not ((array >= 0) & (array <= 1)).all():
        raise InputError(f"epsilon is {epsilons!r}; it is a share of the actions, so give numbers in [0, 1].")
    return array


def online_ceiling(
    mdp: FiniteMDP, epsilons: ArrayLike, horizon: int | None = None, discount: float = 1.0
) -> FloatArray:
    """Return the best ε-soft value of one episode, for many ε at once: no learner earns more online.

    Args:
        mdp: the model.
        epsilons: (n,) in [0, 1], for example each episode's own ε.
        horizon: H in steps; None for the time limit, or 1,000 where there is none.
        discount: γ in [0, 1].

    Returns:
        (n,) expected returns from the initial distribution, of policies that see the clock.

    Raises:
        InputError: as `finite_horizon`.

    >>> from qlearn.environments.finite_mdp import FiniteMDP
    >>> bandit = FiniteMDP.from_arrays([[[1.0], [1.0]]], R=[[0, 1]])
    >>> online_ceiling(bandit, [0.0, 0.5, 1.0], horizon=10)
    array([10. ,  7.5,  5. ])
    """
    model, horizon, discount = model_of(mdp), horizon_of(mdp, horizon), checked_discount(discount)
    shares, places = np.unique(_checked_epsilons(epsilons), return_inverse=True)
    S, A, n = mdp.num_states, mdp.num_actions, len(shares)
    legal = model.legal[..., None]
    count = model.legal.sum(axis=1)[:, None]
    reward = model.reward[:, None]
    v = np.zeros((S, n))
    for _ in range(horizon):
        q = (reward + discount * (model.transition @ v)).reshape(S, A, n)
        best = q.max(axis=1)
        mean = np.where(legal, q, 0.0).sum(axis=1) / count
        v = (1 - shares) * best + shares * mean
    ceilings: FloatArray = (mdp.initial @ v)[places]
    return ceilings
