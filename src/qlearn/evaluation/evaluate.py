"""`evaluate`: what runs or policies are worth."""

from __future__ import annotations

from typing import Any

import numpy as np

from qlearn.environments import FiniteMDP, make
from qlearn.errors import InputError
from qlearn.evaluation.results import PolicyEvaluation
from qlearn.evaluation.runs import evaluate_runs
from qlearn.evaluation.truth import in_force, stated_horizon, truth_of
from qlearn.planning import evaluate_policies, evaluate_policy, finite_horizon, is_optimal, uniform_policy


def evaluate(thing: Any, environment: Any = None, *, horizon: int | None = None, discount: float | None = None) -> Any:
    """Return the worth of runs, of a policy, or of a list of these.

    The value of a policy is the expected undiscounted return of one episode within the horizon.  Where the model is
    known it is exact; elsewhere it is the mean of 20 rollouts on fresh environment seeds, and the result says so.

    Args:
        thing: what `train` returned; or a policy, (S,) integers or (S, A) probabilities; or a list of runs or policies.
        environment: what `make` takes; needed for policies, known to runs.
        horizon: in steps; None for the time limit, or 1,000 where there is none.
        discount: γ at which optimum and optimal policies are meant; an agent's own goes before it.

    Returns:
        A `RunsEvaluation` for runs, a `PolicyEvaluation` for a policy, a list for a list.

    Raises:
        InputError: no environment for a policy, a policy that does not fit, no discount where one is needed, or a value
            that does not exist.

    >>> import qlearn as ql
    >>> always_forward = ql.evaluate([0, 0, 0, 0, 0], "NChain-v0", discount=0.95)
    >>> round(always_forward.expected_return, 4), round(always_forward.sd, 1), always_forward.optimal
    (3663.6928, 279.3, True)
    """
    if hasattr(thing, "greedy_policies"):
        return evaluate_runs(thing, horizon=horizon, discount=discount)
    if isinstance(thing, list | tuple) and len(thing) and _is_many(thing):
        return [evaluate(one, environment, horizon=horizon, discount=discount) for one in thing]
    if environment is None:
        raise InputError(
            "A policy has a value only on an environment; expected one beside it. "
            "Pass it: `ql.evaluate(policy, 'NChain-v0')`."
        )
    world = make(environment)
    if not isinstance(world, FiniteMDP):
        raise InputError(
            f"The model of {world.name} is not known ({world.reason}), so a bare policy has no exact value. "
            "Evaluate runs instead: they are played on fresh seeds."
        )
    return _policy(np.asarray(thing), world, horizon, discount)


def _is_many(things: Any) -> bool:
    return any(hasattr(one, "greedy_policies") or (isinstance(one, np.ndarray) and one.ndim > 0) for one in things)


def _policy(policy: Any, world: FiniteMDP, horizon: int | None, discount: float | None) -> PolicyEvaluation:
    mdp, notes = in_force(world, None)
    steps, more = stated_horizon(mdp, horizon)
    value = evaluate_policy(mdp, policy, steps)
    if discount is None:
        return PolicyEvaluation(
            expected_return=value.mean,
            sd=value.sd,
            optimal=None,
            regret=None,
            optimum=None,
            ceiling=finite_horizon(mdp, steps).value,
            uniform=float(evaluate_policies(mdp, uniform_policy(mdp)[None], steps)[0]),
            horizon=steps,
            discount=None,
            notes=notes + more,
        )
    truth = truth_of(mdp, discount, steps)
    return PolicyEvaluation(
        expected_return=value.mean,
        sd=value.sd,
        optimal=bool(is_optimal(mdp, policy[None], truth.solution)[0]),
        regret=truth.optimum - value.mean,
        optimum=truth.optimum,
        ceiling=truth.ceiling,
        uniform=truth.uniform,
        horizon=steps,
        discount=truth.discount,
        notes=notes + more,
    )
