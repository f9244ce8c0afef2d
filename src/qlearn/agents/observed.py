"""Observations that are dicts of arrays, inside compiled programs: packed into rows of bytes, and as networks see them.

``Spec.parts`` describes them; where it is empty, an observation is one array, and everything here leaves it alone.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Spec
from qlearn.environments.parts import MASK, PLAIN, Part

Array = jax.Array


def inputs_of(spec: Spec) -> tuple[Part, ...]:
    """What of an observation a network or features see: all but the legal actions.

    >>> [part.name for part in inputs_of(Spec(0, 2, observation_shape=(4,)))]
    ['observation']
    """
    if spec.parts:
        return tuple(part for part in spec.parts if part.name != MASK)
    if spec.observation_shape is None:
        return (Part(PLAIN, (), "int32", spec.num_states),)
    return (Part(PLAIN, tuple(spec.observation_shape), spec.observation_dtype),)


def unmasked(spec: Spec) -> Spec:
    """What features are bound to: the sizes without the legal actions, where what remains is one array or number."""
    inputs = inputs_of(spec)
    if not spec.parts or len(inputs) != 1:
        return spec
    shape = None if inputs[0].values else inputs[0].shape
    return spec._replace(parts=(), observation_shape=shape, observation_dtype=inputs[0].dtype)


def alone(observation: Any) -> Any:
    """An observation without its legal actions, where what remains is one array."""
    if not isinstance(observation, dict):
        return observation
    rest = [value for name, value in observation.items() if name != MASK]
    return rest[0] if len(rest) == 1 else {name: value for name, value in observation.items() if name != MASK}


def packed(parts: tuple[Part, ...], observations: Any) -> Array:
    """Dicts of arrays (…, *shape) as rows of bytes (…, bytes) uint8; one array stays as it is."""
    if not parts or not isinstance(observations, dict):
        rows: Array = observations
        return rows
    lead = observations[parts[0].name].ndim - len(parts[0].shape)
    return jnp.concatenate([_bytes(part, observations[part.name], lead) for part in parts], axis=-1)


def unpacked(parts: tuple[Part, ...], rows: Any) -> Any:
    """What was packed, as a dict of arrays; an observation of one array stays as it is."""
    if not parts or isinstance(rows, dict):
        return rows
    found, place = {}, 0
    for part in parts:
        found[part.name] = _array(part, rows[..., place : place + part.num_bytes])
        place += part.num_bytes
    return found


def _bytes(part: Part, values: Array, lead: int) -> Array:
    flat = values.reshape(*values.shape[:lead], math.prod(part.shape)).astype(part.dtype)
    if part.dtype == "bool":
        return flat.astype(jnp.uint8)
    cut = jax.lax.bitcast_convert_type(flat, jnp.uint8)
    return cut.reshape(*values.shape[:lead], part.num_bytes)


def _array(part: Part, rows: Array) -> Array:
    front, dtype = rows.shape[:-1], jnp.dtype(part.dtype)
    if part.dtype == "bool":
        return rows.reshape(*front, *part.shape) != 0
    if dtype.itemsize > 1:
        rows = rows.reshape(*front, part.num_bytes // dtype.itemsize, dtype.itemsize)
    return jax.lax.bitcast_convert_type(rows, dtype).reshape(*front, *part.shape)
