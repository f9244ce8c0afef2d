"""A learner fed with steps of our choosing, one by one, outside any loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Clock, Spec, Transition
from qlearn.checking import worlds
from qlearn.engine import noise

Numbers = np.ndarray[Any, Any]
Step = tuple[int, int, float, int, bool]
"""State, action, reward, next state, whether the episode ended there."""


def driven(agent: Any, steps: Sequence[Step]) -> list[Numbers]:
    """The table after every step, each (S, A), of an agent that learns from these steps in this order."""
    spec = Spec(worlds.STATES, worlds.ACTIONS, worlds.CLOCK)
    learner, zero = agent.learner(spec), jnp.uint32(0)
    state = learner.init(noise.at(zero, noise.INITIAL, zero, zero))
    update = jax.jit(learner.update)
    tables, episode, step = [], 0, 0
    for total, (s, a, reward, arrived, over) in enumerate(steps):
        clock = Clock(jnp.uint32(episode), jnp.uint32(step), jnp.uint32(total))
        one = Transition(
            jnp.int32(s),
            jnp.int32(a),
            jnp.float32(reward),
            jnp.int32(arrived),
            jnp.bool_(over),
            jnp.bool_(False),
            jnp.bool_(True),
        )
        place = noise.at(zero, noise.UPDATE, clock.episode, clock.step)
        state = update(state, jax.tree.map(lambda x: x[None], one), place, clock)
        tables.append(np.array([learner.q_values(state, jnp.int32(i)) for i in range(worlds.STATES)]))
        episode, step = (episode + 1, 0) if over else (episode, step + 1)
    return tables
