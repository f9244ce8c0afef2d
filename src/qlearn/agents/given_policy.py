"""Prediction: learning the values of a policy that is given, which acts and does not change."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Clock, Learner, Spec, Transition
from qlearn.errors import InputError
from qlearn.rules.description import number
from qlearn.rules.rows import draw
from qlearn.rules.schedules import as_schedule

Array = jax.Array
Probabilities = tuple[tuple[float, ...], ...]
_NEAR = 1e-5  # a row of probabilities may be so far from 1


def check_prediction(agent: Any) -> None:
    """Check what all agents share that predict with a table; raises InputError."""
    as_schedule(agent, "learning_rate")
    number(agent, "discount", 0.0, 1.0)
    number(agent, "initial_value", float("-inf"))
    check_policy(agent)


def check_policy(agent: Any, field: str = "policy") -> None:
    """Make a field with probabilities, (S, A) numbers of any kind, into nested tuples, which can be hashed and written.

    Raises:
        InputError: where it is no table of probabilities.
    """
    given = getattr(agent, field)
    if given is None:
        return
    try:
        table = np.asarray(given, np.float64)
        fine = table.ndim == 2 and bool((table >= 0).all()) and bool((abs(table.sum(axis=1) - 1.0) < _NEAR).all())
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise InputError(
            f"{type(agent).__name__}: {field} is no table of probabilities; expected (S, A) numbers of at least 0 "
            f"whose rows sum to 1. Pass for example {field}=np.full((S, A), 1 / A), or None for all legal actions "
            "equally likely."
        )
    object.__setattr__(agent, field, tuple(tuple(float(x) for x in row) for row in table))


def check_fits(agent: Any, spec: Spec, field: str = "policy") -> None:
    """Raises InputError where a policy has another shape than the environment."""
    given, expected = getattr(agent, field), (spec.num_states, spec.num_actions)
    if given is not None and np.shape(given) != expected:
        raise InputError(
            f"{type(agent).__name__}: {field} has the shape {np.shape(given)}; this environment has {expected[0]} "
            f"states and {expected[1]} actions. Pass probabilities of that shape."
        )


def check_covers(agent: Any, spec: Spec) -> None:
    """Raises InputError where the behaviour never does what the policy may do, so that it can learn nothing of it."""
    policy, behaviour = (np.asarray(probabilities(getattr(agent, f), spec)) for f in ("policy", "behaviour"))
    missing = np.argwhere((policy > 0) & (behaviour == 0))
    if missing.size:
        s, a = (int(i) for i in missing[0])
        raise InputError(
            f"{type(agent).__name__}: in state {s} the policy takes action {a} with probability {policy[s, a]:g}, and "
            "the behaviour never does; expected a behaviour that does all that the policy may do. Pass one with a "
            "probability above 0 there."
        )


def probabilities(policy: Probabilities | None, spec: Spec) -> Array:
    """A policy as an array, (S, A) float32; None is every legal action with equal probability."""
    if policy is not None:
        return jnp.asarray(np.array(policy, np.float32))
    if spec.legal is None:
        return jnp.full((spec.num_states, spec.num_actions), 1.0 / spec.num_actions, jnp.float32)
    legal = spec.legal.astype(jnp.float32)
    return legal / jnp.sum(legal, axis=1, keepdims=True)


def sample(table: Array, observation: Array, noise: Any) -> Array:
    """An action drawn from the probabilities of a state, int32; nothing is drawn where there is one action."""
    if table.shape[1] == 1:
        return jnp.int32(0)
    return draw(table.at[observation].get(mode="promise_in_bounds"), noise.uniform(1))


def of_states(spec: Spec) -> Spec:
    """The environment with one action, so that a table of its states and actions is one of states."""
    return spec._replace(num_actions=1, legal=None)


def predicting(agent: Any, inner: Learner, spec: Spec) -> Learner:
    """A learner that acts by ``agent.policy``; ``inner`` learns as if there were one action (``of_states``)."""
    table = probabilities(agent.policy, spec)

    def act(state: Any, observation: Array, noise: Any, clock: Clock) -> tuple[Array, Any]:
        return sample(table, observation, noise), state

    def update(state: Any, trajectory: Transition, noise: Any, clock: Clock) -> Any:
        return inner.update(state, trajectory._replace(action=jnp.zeros_like(trajectory.action)), noise, clock)

    def q_values(state: Any, observation: Array) -> Array:
        return jnp.broadcast_to(inner.q_values(state, observation), (spec.num_actions,))

    return Learner(inner.init, act, update, q_values, period=inner.period, lane=inner.lane)
