"""The value of a given policy when nothing cuts its episodes.

For γ < 1 it solves (I − γ P_π) v = r_π.  At γ = 1 it exists in states from which the policy is sure to end,
or to come to where it meets no reward any more; elsewhere the sum of rewards has no limit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from qlearn.environments.finite_mdp import BoolArray, FiniteMDP, FloatArray
from qlearn.errors import InputError
from qlearn.planning.backup import CSR, Model, model_of
from qlearn.planning.linear import can_reach, solve_chain
from qlearn.planning.policies import as_probabilities, chain, checked_discount, reachable


def policy_value(mdp: FiniteMDP, policy: ArrayLike, discount: float) -> FloatArray:
    """Return v_π(s) = E[Σ_t γ^t r_t | s], (S,), over episodes that only the problem itself ends.

    Args:
        mdp: the model; one that changes along a run is refused.
        policy: (S,) integers or (S, A) probabilities.
        discount: γ in [0, 1].

    Returns:
        (S,) float64.  At discount 1, NaN in states where the value does not exist and that the policy cannot
        reach.

    Raises:
        InputError: no policy for this model, or a value that does not exist in a state that the policy can
            reach.

    >>> from qlearn.environments.finite_mdp import FiniteMDP
    >>> walk = FiniteMDP.from_gymnasium({0: {0: [(0.5, 0, -1.0, False), (0.5, 0, -1.0, True)]}})
    >>> policy_value(walk, [0], 1.0).tolist(), policy_value(walk, [0], 0.5).round(6).tolist()
    ([-2.0], [-1.333333])
    """
    model, discount = model_of(mdp), checked_discount(discount)
    weights = as_probabilities(mdp, policy)
    r, P = chain(model, weights)
    if discount < 1:
        return solve_chain(P, r, discount)
    rest, ends = _rest_and_ends(model, weights, P)
    sure = ~can_reach(P, ~can_reach(P, rest | ends))
    lost = reachable(model, weights[None], mdp.initial, None)[0] & ~sure
    if lost.any():
        raise InputError(
            f"the value of this policy on {mdp.name} does not exist at discount 1: from state "
            f"{mdp.state_name(int(lost.argmax()))} it may go on for ever and still meet rewards. Discount 1 "
            "needs a policy that ends. Give a discount below 1, or a horizon (evaluate_policy)."
        )
    v = np.where(sure, 0.0, np.nan)
    acting = np.flatnonzero(sure & ~rest)
    v[acting] = solve_chain(P[acting][:, acting].tocsr(), r[acting])
    return v


def _rest_and_ends(model: Model, weights: FloatArray, P: CSR) -> tuple[BoolArray, BoolArray]:
    """States from which the policy meets no reward any more, and those in which it may end the episode."""
    shape = weights.shape
    pays: BoolArray = np.asarray(((weights > 0) & model.pays.reshape(shape)).any(axis=1))
    ends: BoolArray = np.asarray(((weights > 0) & model.ends.reshape(shape)).any(axis=1))
    return ~can_reach(P, pays), ends
