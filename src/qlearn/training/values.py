"""What a run knows, as a function of observations."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Spec
from qlearn.agents.observed import inputs_of
from qlearn.engine.worlds import spec_of
from qlearn.environments.parts import MASK
from qlearn.errors import InputError

Numbers = np.ndarray[Any, Any]


def values_of(agent: Any, environment: Any, knowledge: Any) -> Callable[[Any], Numbers]:
    """The values of an agent that keeps no table, as a function of a batch of observations.

    Args:
        agent: the description.
        environment: what it was trained on.
        knowledge: of one run.

    Returns:
        A function of observations (batch, …), or of states' numbers (batch,), that gives (batch, num_actions) float32;
        it raises InputError for another shape.
    """
    spec = spec_of(environment)
    if spec.parts:
        return functools.partial(_of_parts, agent, spec, knowledge)
    shape = () if spec.observation_shape is None else tuple(spec.observation_shape)

    def values(observations: Any) -> Numbers:
        given = np.asarray(observations)
        if given.ndim == 0 or given.shape[1:] != shape:
            raise InputError(
                f"The observations have the shape {given.shape}; expected a batch of observations of shape {shape}. "
                "Put one observation into a list."
            )
        if spec.observation_shape is None:
            return np.asarray(_values(agent, spec, knowledge, _numbers(given, spec.num_states)))
        return np.asarray(_values(agent, spec, knowledge, jnp.asarray(given, spec.observation_dtype)))

    return values


def _of_parts(agent: Any, spec: Spec, knowledge: Any, observations: Any) -> Numbers:
    """The same for observations of several arrays: a dict of batches, in which legal actions may be left out."""
    inputs = inputs_of(spec)
    given = observations if isinstance(observations, dict) else {inputs[0].name: observations}
    arrays = {part.name: np.asarray(given.get(part.name, np.empty(0, object))) for part in inputs}
    count = max((x.shape[0] for x in arrays.values() if x.ndim), default=0)
    for part in inputs:
        if arrays[part.name].shape != (count, *part.shape) or arrays[part.name].dtype == object:
            raise InputError(
                f"The observations have no {part.name!r} of shape {(count, *part.shape)}; expected a dict with "
                f"{', '.join(f'{p.name!r}: (batch, …) of {p.shape}' for p in inputs)}. Put one observation into lists."
            )
    made = {part.name: jnp.asarray(arrays[part.name], part.dtype) for part in inputs}
    if any(part.name == MASK for part in spec.parts):
        made[MASK] = jnp.ones((count, spec.num_actions), bool)
    return np.asarray(_values(agent, spec, knowledge, made))


def rows_of(table: Numbers) -> Callable[[Any], Numbers]:
    """The same for a table (S, A): a function of states' numbers (batch,)."""

    def values(states: Any) -> Numbers:
        return np.asarray(table[_numbers(np.asarray(states), len(table))], np.float32)

    return values


def _numbers(states: Numbers, num_states: int) -> Numbers:
    whole = np.issubdtype(states.dtype, np.integer)
    if not whole or states.ndim != 1 or (states.size and not (states.min() >= 0 and states.max() < num_states)):
        raise InputError(
            f"{states!r} are no states; expected whole numbers from 0 to {num_states - 1}, in a list. Pass such ones."
        )
    return states.astype(np.int32)


@functools.partial(jax.jit, static_argnames=("spec",))
def _values(agent: Any, spec: Spec, knowledge: Any, observations: Any) -> jax.Array:
    return jax.vmap(functools.partial(agent.learner(spec).q_values, knowledge))(observations)
