"""What the host loop of tables compiles: the learner's functions over a batch of whole lanes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Agent, Learner, Spec, Transition
from qlearn.agents.table import add
from qlearn.engine import noise
from qlearn.engine.device_loop import extras_of

Array = jax.Array


@functools.partial(jax.jit, static_argnames=("spec",))
def begin(agent: Agent, spec: Spec, seeds: Array) -> Any:
    """The first state of every seed."""
    learner = agent.learner(spec)
    zero = jnp.uint32(0)
    return _lanes(learner, lambda seed: learner.init(noise.at(seed, noise.INITIAL, zero, zero)))(seeds)


@functools.partial(jax.jit, static_argnames=("spec",))
def act(agent: Agent, spec: Spec, seeds: Array, state: Any, seen: Array, when: Any, legal: Array | None) -> Any:
    """An action for every seed that is live.

    ``seen`` is its observation, ``when`` (clock, live), ``legal`` what is known to be legal, (seeds, S, A), or None.
    """

    def one(seed: Array, state: Any, observation: Array, when: Any, legal: Array | None) -> Any:
        clock, live = when
        place = noise.at(seed, noise.BEHAVIOUR, clock.episode, clock.step)
        action, after = agent.learner(spec._replace(legal=legal)).act(state, observation, place, clock)
        return action, _choose(live, after, state)

    return _lanes(agent.learner(spec), one, masked=legal is not None)(seeds, state, seen, when, legal)


@functools.partial(jax.jit, static_argnames=("spec",), donate_argnums=(3, 4))
def learn(agent: Agent, spec: Spec, seeds: Array, state: Any, visits: Array, trajectory: Transition, when: Any) -> Any:
    """The update of every seed that is marked; trajectories (seeds, period), ``when`` is (clock, marked, legal)."""

    def one(seed: Array, state: Any, visits: Array, trajectory: Transition, when: Any) -> Any:
        clock, marked, legal = when
        place = noise.at(seed, noise.UPDATE, clock.episode, clock.step)
        after = agent.learner(spec._replace(legal=legal)).update(state, trajectory, place, clock)
        counted = jax.lax.fori_loop(
            0,
            trajectory.reward.shape[0],
            lambda i, v: add(v, trajectory.observation[i], trajectory.action[i], trajectory.valid[i].astype(jnp.int32)),
            visits,
        )
        return _choose(marked, after, state), _choose(marked, counted, visits)

    return _lanes(agent.learner(spec), one, masked=when[2] is not None)(seeds, state, visits, trajectory, when)


@functools.partial(jax.jit, static_argnames=("spec",))
def tables(agent: Agent, spec: Spec, state: Any) -> Array:
    """The values of every seed, (seeds, S, A)."""
    learner = agent.learner(spec)
    states = jnp.arange(spec.num_states, dtype=jnp.int32)
    return _lanes(learner, lambda s: jax.vmap(functools.partial(learner.q_values, s))(states))(state)


@functools.partial(jax.jit, static_argnames=("spec",))
def extras(agent: Agent, spec: Spec, state: Any) -> dict[str, Array]:
    """What learners tell besides their tables, (seeds,) each."""
    learner = agent.learner(spec)
    return _lanes(learner, functools.partial(extras_of, learner))(state)


def _lanes(learner: Learner, function: Callable[..., Any], *, masked: bool = False) -> Callable[..., Any]:
    """The function of one seed over a batch of whole lanes; lanes of one keep real branches.

    ``masked``: each seed knows masks of its own, where learners expect those of a model: one seed after the other.
    """
    width = 1 if masked else learner.lane
    inner = function if width == 1 else jax.vmap(function)

    def whole(*arguments: Any) -> Any:
        if width == 1:
            return jax.lax.map(lambda xs: inner(*xs), arguments)
        cut = jax.tree.map(lambda x: x.reshape(-1, width, *x.shape[1:]), arguments)
        result = jax.lax.map(lambda xs: inner(*xs), cut)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), result)

    return whole


def _choose(condition: Array, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)
