"""What an agent knows before the first step."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Agent, Spec
from qlearn.engine import noise
from qlearn.engine.vector_loop import Known, known_of
from qlearn.engine.worlds import on_device, spec_of


def first_tables(agent: Agent, environment: Any, seeds: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What an agent knows of every state before its first step, (n, S, A) float32."""
    legal = getattr(environment, "legal", None)
    mask = None if legal is None or legal.all() else jnp.asarray(legal)
    spec = (environment.num_states, environment.num_actions, environment.time_limit)
    return np.asarray(_tables()(spec, agent, mask, jnp.asarray(seeds, jnp.uint32)))


@functools.cache
def _tables() -> Any:
    """The compiled function of ``first_tables``: other numbers of an agent compile nothing."""

    def tables(sizes: tuple[int, int, int | None], agent: Agent, mask: Any, seeds: jax.Array) -> jax.Array:
        spec = Spec(*sizes, mask)
        learner = agent.learner(spec)
        zero = jnp.uint32(0)

        def one(seed: jax.Array) -> jax.Array:
            state = learner.init(noise.at(seed, noise.INITIAL, zero, zero))
            return jax.vmap(lambda s: learner.q_values(state, s))(jnp.arange(spec.num_states, dtype=jnp.int32))

        return jax.vmap(one)(seeds)

    return jax.jit(tables, static_argnums=0)


def first_knowledge(agent: Agent, environment: Any, seeds: np.ndarray[Any, Any]) -> Known:
    """What an agent with a network knows before its first step, (n, …)."""
    world = environment if hasattr(environment, "make_env") else on_device(environment)

    def one(world: Any, seed: jax.Array) -> Any:
        spec = spec_of(environment) if hasattr(environment, "make_env") else Spec.of(world)
        learner = agent.learner(spec)
        zero = jnp.uint32(0)
        return known_of(learner, spec, learner.init(noise.at(seed, noise.INITIAL, zero, zero)))

    known: Known = jax.tree.map(
        np.asarray, jax.jit(jax.vmap(functools.partial(one, world)))(jnp.asarray(seeds, jnp.uint32))
    )
    return known


def knowledge_shapes(agent: Agent, spec: Spec) -> Any:
    """The tree of what one seed knows, with shapes in place of arrays."""
    learner, zero = agent.learner(spec), jnp.uint32(0)
    knowledge = learner.knowledge
    assert knowledge is not None
    return jax.eval_shape(lambda seed: knowledge(learner.init(noise.at(seed, noise.INITIAL, zero, zero))), zero)
