"""The best policy among those that must explore.

An ε-soft policy takes a uniform legal action with probability ε, whatever it would rather do.  The best one
satisfies

    v(s) = (1 − ε) max_a q(s, a) + ε mean_a q(s, a),      q(s, a) = r(s, a) + γ Σ_{s'} P(s'|s, a) v(s').

That is an ordinary problem whose rows are mixed, r'(s, a) = (1 − ε) r(s, a) + ε mean_b r(s, b) and P'
likewise, so the solvers for the optimum serve here too, with their bounds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from qlearn.environments.finite_mdp import FiniteMDP, FloatArray, IntArray
from qlearn.errors import InputError
from qlearn.planning.backup import Model, model_of
from qlearn.planning.discounted import solve_discounted
from qlearn.planning.evaluation import evaluate_policies
from qlearn.planning.finite_horizon import online_ceiling
from qlearn.planning.policies import checked_discount, checked_horizon, uniform_policy
from qlearn.planning.solve import expected_start, ties
from qlearn.planning.undiscounted import solve_undiscounted


@dataclass(frozen=True, eq=False)
class EpsilonSoft:
    """What `epsilon_soft` returns.

    Args:
        q: (S, A), the value of an action once, and of the best ε-soft policy from then on.
        v: (S,), the best ε-soft value.
        policy: (S, A) probabilities, the best ε-soft policy.
        greedy: (S,), the action that it prefers.
        value: the discounted value from the initial distribution.
        expected_return: undiscounted, of ``policy``, within the horizon; None where there is no horizon.
        ceiling: the best within the horizon of ε-soft policies that see the clock; None where there is no
            horizon.
        horizon: in steps, or None.
        error_bound: certified, on q and v.
        converged: as in `Solution`.
        epsilon: ε.
        discount: γ.
    """

    q: FloatArray
    v: FloatArray
    policy: FloatArray
    greedy: IntArray
    value: float
    expected_return: float | None
    ceiling: float | None
    horizon: int | None
    error_bound: float
    converged: bool
    epsilon: float
    discount: float


def epsilon_soft(
    mdp: FiniteMDP, epsilon: float, discount: float, horizon: int | None = None, *, tolerance: float = 1e-9
) -> EpsilonSoft:
    """Return the best ε-soft policy and its value.

    Args:
        mdp: the model; one that changes along a run is refused.
        epsilon: ε in [0, 1].
        discount: γ in [0, 1]; at 1 episodes must be able to end.
        horizon: steps within which ``expected_return`` and ``ceiling`` are meant; None for the model's time
            limit.
        tolerance: as in `solve`.

    Raises:
        InputError: as `solve`.

    >>> from qlearn.environments.finite_mdp import FiniteMDP
    >>> bandit = FiniteMDP.from_arrays([[[1.0], [1.0]]], R=[[0, 1]])
    >>> soft = epsilon_soft(bandit, 0.1, discount=0.9, horizon=100)
    >>> round(soft.value, 9), round(soft.expected_return, 9), soft.policy
    (9.5, 95.0, array([[0.05, 0.95]]))
    """
    discount = checked_discount(discount)
    if not 0 <= epsilon <= 1:
        raise InputError(f"epsilon is {epsilon!r}; it is a share of the actions, so give a number in [0, 1].")
    model = model_of(mdp)
    mixed = _mixed(model, uniform_policy(mdp), epsilon)
    optimum = (
        solve_undiscounted(mdp, mixed, "auto")
        if discount == 1
        else solve_discounted(mixed, discount, tolerance, "auto")
    )
    finite = np.where(np.isfinite(optimum.v), optimum.v, 0.0)
    q = model.q_values(finite, discount)
    greedy = ties(model, q, finite, discount)[1] if optimum.policy is None else optimum.policy
    policy = epsilon * uniform_policy(mdp)
    policy[np.arange(len(policy)), greedy] += 1 - epsilon
    steps = mdp.time_limit if horizon is None else checked_horizon(horizon)
    return EpsilonSoft(
        q=q,
        v=optimum.v,
        policy=policy,
        greedy=greedy,
        value=expected_start(mdp, optimum.v),
        expected_return=None if steps is None else float(evaluate_policies(mdp, policy[None], steps)[0]),
        ceiling=None if steps is None else float(online_ceiling(mdp, [epsilon], steps)[0]),
        horizon=steps,
        error_bound=optimum.error_bound,
        converged=optimum.error_bound <= max(tolerance, 4 * optimum.floor),
        epsilon=float(epsilon),
        discount=discount,
    )


def _mixed(model: Model, uniform: FloatArray, epsilon: float) -> Model:
    """The model whose actions are the ε-soft ones."""
    if epsilon == 0:
        return model
    S, A = uniform.shape
    legal = model.legal
    share = epsilon * uniform[:, None, :] + (1 - epsilon) * np.eye(A)  # (S, A, A): what each soft action does
    share *= legal[:, :, None]
    state, row, column = np.nonzero(share)
    entries = (share[state, row, column], (state * A + row, state * A + column))
    mixing = sparse.coo_array(entries, shape=(S * A, S * A)).tocsr()
    reward = mixing @ np.where(legal.ravel(), model.reward, 0.0)
    touched = (mixing > 0).astype(np.float64)
    return replace(
        model,
        reward=np.where(legal.ravel(), reward, -np.inf),
        transition=(mixing @ model.transition).tocsr(),
        most_outcomes=A * model.most_outcomes,
        ends=touched @ model.ends.astype(np.float64) > 0,
        pays=touched @ model.pays.astype(np.float64) > 0,
    )
