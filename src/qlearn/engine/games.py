"""Playing what was learnt: greedy, from weights alone, with random numbers that training never met."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Agent, Spec
from qlearn.agents.observed import unpacked
from qlearn.engine import noise
from qlearn.engine.lane_run import Numbers
from qlearn.engine.step import kahan
from qlearn.engine.vector_step import observed
from qlearn.engine.worlds import on_device, spec_of
from qlearn.environments.host import HostEnvironment
from qlearn.environments.vector_host import VectorHost

Array = jax.Array
_LONGEST = 1000  # steps, where no time limit is known


def play(
    agent: Agent | None, environment: Any, seeds: Numbers, knowledge: Any, *, games: int, horizon: int | None
) -> Numbers:
    """Undiscounted returns of games played greedily, (n, games) float64.

    Args:
        agent: the description of an agent whose values depend on what it knows; None where policies are given.
        environment: what it plays on, of any kind.
        seeds: (n,) the runs' seeds, from which the games' own random numbers follow.
        knowledge: what each run knows, a tree of arrays (n, …); without an agent policies, (n, S, A) probabilities.
        games: how many each plays.
        horizon: steps after which a game is cut; None for the time limit, or 1,000 where there is none.

    Raises:
        EnvironmentFault: where the environment raised an error or gave something impossible.
    """
    limit = horizon if horizon is not None else environment.time_limit or _LONGEST
    words = jnp.asarray(seeds.astype(np.uint32))
    if isinstance(environment, HostEnvironment):
        return _on_host(agent, environment, seeds, knowledge, games, limit)
    returns = _player(games)(agent, on_device(environment), words, knowledge, jnp.uint32(limit))
    return np.asarray(returns).astype(np.float64)


def _greedy(agent: Agent | None, spec: Spec, knowledge: Any, seen: Array, place: noise.Noise) -> Array:
    """The greedy action for one observation; ties as the agent breaks them."""
    if agent is None:
        weights = knowledge[seen]
    else:
        weights = agent.exploration.greedy(agent.learner(spec).q_values(knowledge, seen), spec.mask(seen))
    uniform = place.uniform(1)
    chosen = jnp.sum((jnp.cumsum(weights) <= uniform).astype(jnp.int32))
    last = weights.shape[0] - 1 - jnp.argmax((weights > 0)[::-1])  # what rounding leaves beyond the sum is no action
    return jnp.minimum(chosen, last.astype(jnp.int32))


@functools.cache
def _player(games: int) -> Any:
    """The compiled function that plays: ``(agent, world, seeds, knowledge, horizon) -> (n, games)`` float32."""

    def one_seed(agent: Agent | None, world: Any, seed: Array, knowledge: Any, horizon: Array) -> Array:
        spec = Spec.of(world)
        numbers, zeros = jnp.arange(games, dtype=jnp.uint32), jnp.zeros(games, jnp.uint32)
        seeds = jnp.broadcast_to(seed, numbers.shape)

        def someone(state: Any) -> Array:
            return jnp.any(state[1]) & (state[0] < horizon)

        def step(state: Any) -> Any:
            t, live, now, total, owed = state
            times = jnp.broadcast_to(t, numbers.shape)
            choose = functools.partial(_greedy, agent, spec, knowledge)
            seen = jax.vmap(functools.partial(observed, world))(now)
            action = jax.vmap(choose)(seen, noise.at(seeds, noise.JUDGED_BEHAVIOUR, numbers, times, environment=zeros))
            drawn = noise.at(seeds, noise.JUDGED_ENVIRONMENT, numbers, times, environment=zeros)
            arrived, reward, over = jax.vmap(world.step, in_axes=(0, 0, 0, None))(now, action, drawn, t)
            total, owed = kahan(total, owed, jnp.where(live, reward, 0.0))
            return t + jnp.uint32(1), live & ~over, arrived, total, owed

        start = jax.vmap(world.reset)(noise.at(seeds, noise.JUDGED_RESET, numbers, zeros, environment=zeros))
        nothing = jnp.zeros(games, jnp.float32)
        state = (jnp.uint32(0), jnp.ones(games, bool), start, nothing, nothing)
        return jax.lax.while_loop(someone, step, state)[3]

    def whole(agent: Agent | None, world: Any, seeds: Array, knowledge: Any, horizon: Array) -> Array:
        return jax.vmap(one_seed, in_axes=(None, None, 0, 0, None))(agent, world, seeds, knowledge, horizon)

    return jax.jit(whole)


def _judged_seed(seed: int, environment: int, episode: int) -> int:
    words = [noise.JUDGED_ENVIRONMENT, seed, environment, episode]
    return int(np.random.SeedSequence(words).generate_state(1)[0])


@functools.partial(jax.jit, static_argnames=("spec",))
def _actions(agent: Agent | None, spec: Spec, seeds: Array, knowledge: Any, seen: Array, t: Array) -> Array:
    def one(seed: Array, knowledge: Any, rows: Array) -> Array:
        seen, numbers = unpacked(spec.parts, rows), jnp.arange(rows.shape[0], dtype=jnp.uint32)
        place = noise.at(
            jnp.broadcast_to(seed, numbers.shape),
            noise.JUDGED_BEHAVIOUR,
            numbers,
            jnp.broadcast_to(t, numbers.shape),
            environment=jnp.zeros_like(numbers),
        )
        return jax.vmap(functools.partial(_greedy, agent, spec, knowledge))(seen, place)

    return jax.vmap(one)(seeds, knowledge, seen)


def _on_host(
    agent: Agent | None, environment: HostEnvironment, seeds: Numbers, knowledge: Any, games: int, limit: int
) -> Numbers:
    """The same where the environment is ordinary Python; one instance plays its games one after another."""
    if environment.single:
        played = [_batch(agent, environment, seeds, knowledge, (1, limit, number)) for number in range(games)]
        return np.concatenate(played, axis=1)
    return _batch(agent, environment, seeds, knowledge, (games, limit, 0))


def _batch(
    agent: Agent | None, environment: HostEnvironment, seeds: Numbers, knowledge: Any, size: tuple[int, int, int]
) -> Numbers:
    """``size``: games at once, steps at most, and the number of the first game."""
    games, limit, first = size
    spec, n = spec_of(environment), seeds.size
    words = jnp.asarray(seeds.astype(np.uint32))
    host = VectorHost(environment, seeds, games, lambda seed, copy, _: _judged_seed(seed, copy + first, 0))
    total, live = np.zeros(n * games), np.ones(n * games, bool)
    times = np.zeros(n * games, np.int64)
    try:
        t = 0
        while live.any():
            seen = np.asarray(host.observations)
            shaped = seen.reshape(n, games, *seen.shape[1:])
            given = jnp.asarray(shaped.astype(np.int32) if spec.observation_shape is None else shaped)
            actions = np.asarray(_actions(agent, spec, words, knowledge, given, jnp.uint32(t)))
            stepped = host.step(actions.reshape(-1), live)
            counted = live & np.asarray(stepped.valid)
            total[counted] += np.asarray(stepped.reward, np.float64)[counted]
            times[counted] += 1
            over = np.asarray(stepped.terminated) | np.asarray(stepped.truncated) | (times >= limit)
            live &= ~(counted & over)
            t += 1
    finally:
        host.close()
    if not math.isfinite(float(total.sum())):
        raise AssertionError("VectorHost lets no reward pass that is not finite")
    return total.reshape(n, games)
