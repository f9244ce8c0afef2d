"""Observations that an environment gives: what an exported model is tried on."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Spec
from qlearn.engine import noise
from qlearn.engine.worlds import on_device, spec_of
from qlearn.environments import FiniteMDP, HostEnvironment
from qlearn.environments.parts import MASK, unpacked_rows
from qlearn.environments.vector_host import VectorHost

_COPIES, _STEPS, _SEED = 8, 16, 0x0B5E
_MOST_STATES = 1024


def observations_met(environment: Any) -> Any:
    r"""A batch of observations met by actions at random; where states can be counted, numbers of states.

    Args:
        environment: any that agents train on.

    Returns:
        (batch, \*shape), (batch,) int32, or a dict of such arrays.

    Raises:
        EnvironmentFault: where the environment raised an error.

    >>> from qlearn.environments import make
    >>> observations_met(make("NChain-v0")).tolist()
    [0, 1, 2, 3, 4]
    """
    spec = spec_of(environment)
    if isinstance(environment, FiniteMDP) or (spec.observation_shape is None and not spec.parts):
        states = np.arange(spec.num_states)
        return states[:: -(-len(states) // _MOST_STATES)].astype(np.int32)
    if isinstance(environment, HostEnvironment):
        rows = _on_host(environment, spec)
        return unpacked_rows(spec.parts, rows) if spec.parts else rows
    found = _on_device(on_device(environment))
    return jax.tree.map(np.asarray, found)


def _on_host(environment: HostEnvironment, spec: Spec) -> Any:
    random = np.random.default_rng(_SEED)
    copies = 1 if environment.single else _COPIES
    host = VectorHost(environment, np.zeros(1, np.int64), copies, lambda *place: _SEED + place[1])
    seen = []
    try:
        for _ in range(_STEPS):
            seen.append(np.array(host.observations))
            known = unpacked_rows(spec.parts, seen[-1]) if spec.parts else {}
            legal = known.get(MASK, np.ones((copies, spec.num_actions), bool))
            actions = [random.choice(np.flatnonzero(row)) for row in legal]
            host.step(np.array(actions), np.ones(copies, bool))
    finally:
        host.close()
    return np.concatenate(seen)


@functools.partial(jax.jit)
def _on_device(world: Any) -> Any:
    def place(stream: int, number: Any, time: Any) -> Any:
        zero = jnp.uint32(0)
        return noise.at(jnp.uint32(_SEED), stream, number, time, environment=zero)

    def one(number: Any) -> Any:
        def step(state: Any, time: Any) -> Any:
            seen = world.observed(state)
            words = place(noise.JUDGED_BEHAVIOUR, number, time)
            legal = world.legal_actions(state) if world.masked else jnp.ones(world.num_actions, bool)
            action = jax.random.categorical(words.key(), jnp.where(legal, 0.0, -jnp.inf)).astype(jnp.int32)
            after, _, over = world.step(state, action, place(noise.ENVIRONMENT, number, time), time)
            fresh = world.reset(place(noise.JUDGED_RESET, number, time))
            return jax.tree.map(lambda a, b: jnp.where(over, a, b), fresh, after), seen

        start = world.reset(place(noise.RESET, number, jnp.uint32(0)))
        return jax.lax.scan(step, start, jnp.arange(_STEPS, dtype=jnp.uint32))[1]

    seen = jax.vmap(one)(jnp.arange(_COPIES, dtype=jnp.uint32))
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), seen)
