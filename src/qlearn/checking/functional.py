"""What environments that are functions of JAX promise."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.checking.outcome import Promise, Verdict
from qlearn.engine import noise
from qlearn.engine.vector_step import has_masks, observed
from qlearn.environments import JaxEnvironment
from qlearn.rules.rows import pick

_SEEDS, _STEPS = 16, 300


def promises_of_functions(world: JaxEnvironment) -> tuple[Promise, ...]:
    """Of an environment on the device: shapes that stay, numbers that are finite, seeds that stay apart."""
    walked = jax.jit(jax.vmap(lambda seed: _walk(world, seed)))
    seeds = jnp.arange(_SEEDS, dtype=jnp.uint32)
    one, other = (jax.tree.map(np.asarray, walked(s)) for s in (seeds, seeds[::-1]))
    seen, reward, ended = one
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    same = all(np.array_equal(a, b[::-1], equal_nan=True) for a, b in pairs)
    flat = np.concatenate([x.reshape(_SEEDS, -1).astype(np.float64) for x in jax.tree.leaves(seen)], axis=1)
    finite = bool(np.isfinite(reward).all() and np.isfinite(flat).all())
    shapes = jax.tree.map(lambda x: x.shape[2:], seen)
    fits = shapes == _declared(world) and reward.dtype == np.float32 and ended.dtype == np.bool_
    kinds = ", ".join(sorted({str(x.dtype) for x in jax.tree.leaves(seen)}))
    words = f"observations {shapes} {kinds}, rewards {reward.dtype}, ends {ended.dtype}"
    games = np.concatenate([flat, reward], axis=1)
    differ = len(np.unique(games, axis=0))
    return (
        Promise("shapes", "Observations, rewards and ends have the shapes and kinds declared.", *_told(fits, words)),
        Promise("finite", "Observations and rewards are finite.", *_told(finite, f"{_SEEDS} × {_STEPS} random steps")),
        Promise("seeds apart", "A seed's game does not depend on the seeds beside it.", *_told(same, "in two orders")),
        Promise("noise", "Seeds differ.", *_told(differ > 1, f"{differ} of {_SEEDS} games are different")),
    )


def _declared(world: JaxEnvironment) -> Any:
    """The shape of an observation, or of each of its parts."""
    if world.parts:
        return {part.name: part.shape for part in world.parts}
    return () if world.observation_shape is None else tuple(world.observation_shape)


def _told(fine: Any, words: str) -> tuple[Verdict, str]:
    return ("kept" if bool(fine) else "broken"), words


def _walk(world: JaxEnvironment, seed: Any) -> Any:
    """Random actions of one seed: observations, rewards and ends, each with the steps in front."""
    zero = jnp.uint32(0)

    def step(carry: Any, t: Any) -> Any:
        state, episode = carry
        place = noise.at(seed, noise.ENVIRONMENT, episode, t)
        word = noise.at(seed, noise.BEHAVIOUR, episode, t).uniform(0)
        action = jnp.minimum((word * world.num_actions).astype(jnp.int32), world.num_actions - 1)
        if has_masks(world):
            action = pick(world.legal_actions(state), word)
        arrived, reward, ended = world.step(state, action, place, t)
        fresh = world.reset(noise.at(seed, noise.RESET, episode + jnp.uint32(1), zero))
        after = jax.tree.map(lambda a, b: jnp.where(ended, a, b), fresh, arrived)
        return (after, episode + ended.astype(jnp.uint32)), (observed(world, arrived), reward, ended)

    first = world.reset(noise.at(seed, noise.RESET, zero, zero))
    return jax.lax.scan(step, (first, zero), jnp.arange(_STEPS, dtype=jnp.uint32))[1]
