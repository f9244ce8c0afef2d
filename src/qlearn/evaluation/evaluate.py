"""`evaluate`: what runs or policies are worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from qlearn.agents.learner import Spec
from qlearn.agents.observed import inputs_of
from qlearn.engine.worlds import spec_of
from qlearn.environments import FiniteMDP, make
from qlearn.environments.parts import PLAIN, Part
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
        environment: what `make` takes; needed for policies.  Runs are judged on what they were trained on, or on this
            one, where it is given: it must have the same states or observations, and the same actions.
        horizon: in steps; None for the time limit, or 1,000 where there is none.
        discount: γ at which optimum and optimal policies are meant; an agent's own goes before it.

    Returns:
        A `RunsEvaluation` for runs, a `PolicyEvaluation` for a policy, a list for a list.

    Raises:
        InputError: no environment for a policy, a policy or runs that do not fit the environment, no discount where
            one is needed, or a value that does not exist.

    >>> import qlearn as ql
    >>> always_forward = ql.evaluate([0, 0, 0, 0, 0], "NChain-v0", discount=0.95)
    >>> round(always_forward.expected_return, 4), round(always_forward.sd, 1), always_forward.optimal
    (3663.6928, 279.3, True)
    """
    if hasattr(thing, "greedy_policies"):
        runs = thing if environment is None else elsewhere(thing, environment)
        found = evaluate_runs(runs, horizon=horizon, discount=discount)
        return found if runs is thing else replace(found, notes=(_moved(thing, runs), *found.notes))
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


def elsewhere(runs: Any, environment: Any) -> Any:
    """Return runs as if they had been trained on another environment with the same observations and actions.

    Raises:
        InputError: where they are not the same.
    """
    world = make(environment)
    told, given = (_sizes(spec_of(where), table=runs.knowledge is None) for where in (runs.environment, world))
    if told != given:
        raise InputError(
            f"These runs of {runs.label} were trained on {runs.environment.name} ({_words(told)}), and {world.name} "
            f"has {_words(given)}; expected the same. Leave the environment out, or pass one that they fit."
        )
    extras = {name: x for name, x in runs.extras.items() if name != "legal" or not hasattr(world, "legal")}
    return replace(runs, environment=world, extras=extras)


def _sizes(spec: Spec, *, table: bool) -> tuple[int, tuple[Part, ...]]:
    """Number of actions, and what is observed: a table knows numbers of states, whatever else comes with them."""
    seen = (Part(PLAIN, (), "int32", spec.num_states),) if table and spec.num_states else inputs_of(spec)
    return spec.num_actions, seen


def _words(sizes: tuple[int, tuple[Part, ...]]) -> str:
    one = sizes[1][0] if len(sizes[1]) == 1 else None
    seen = ", ".join(f"{part.name} {part.shape} {part.dtype}" for part in sizes[1])
    return f"{f'{one.values} states' if one is not None and one.values else seen}, {sizes[0]} actions"


def _moved(before: Any, after: Any) -> str:
    return f"trained on {before.environment.name}, judged on {after.environment.name}"


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
