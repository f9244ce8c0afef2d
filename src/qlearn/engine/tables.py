"""Tables before the first step."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Agent, Spec
from qlearn.engine import noise


def first_tables(agent: Agent, environment: Any, seeds: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What an agent knows of every state before its first step, (n, S, A) float32."""
    legal = getattr(environment, "legal", None)
    mask = None if legal is None or legal.all() else jnp.asarray(legal)
    spec = Spec(environment.num_states, environment.num_actions, environment.time_limit, mask)
    learner = agent.learner(spec)
    zero = jnp.uint32(0)

    def one(seed: jax.Array) -> jax.Array:
        state = learner.init(noise.at(seed, noise.INITIAL, zero, zero))
        return jax.vmap(lambda s: learner.q_values(state, s))(jnp.arange(spec.num_states, dtype=jnp.int32))

    return np.asarray(jax.jit(jax.vmap(one))(jnp.asarray(seeds, jnp.uint32)))
