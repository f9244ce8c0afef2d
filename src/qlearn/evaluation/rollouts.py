"""Where no model is known: play the greedy policy and look."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qlearn.environments import HostEnvironment
from qlearn.environments.finite_mdp import FloatArray, IntArray
from qlearn.errors import EnvironmentFault, QlearnError

GAMES = 20
"""Rollouts of each policy."""

LONGEST = 1000
"""Steps after which an episode is cut where no time limit is known."""

_FRESH = 0x60A1  # sets these streams apart from those that training resets its environments with


def rollouts(
    world: HostEnvironment,
    policies: FloatArray,
    seeds: IntArray,
    horizon: int | None,
    *,
    games: int = GAMES,
    place: int | None = None,
) -> FloatArray:
    """Return undiscounted returns of sampled episodes, (n, games).

    Args:
        world: the environment; made once, reset for every game with a seed that follows from the run's seed and the
            game, and that training did not use.
        policies: (n, S, A) probabilities.
        seeds: (n,) one for each policy.
        horizon: steps after which an episode is cut; None for the environment's own end, at most 1,000 steps.
        games: how many episodes each policy plays.
        place: of an agent among others, which then meets resets of its own; None for resets that all agents share.

    Raises:
        EnvironmentFault: where the environment raised an error or gave something impossible.
    """
    own = [_FRESH] if place is None else [_FRESH, place]
    env = world.make_env()
    try:
        return np.array(
            [
                [
                    _guarded_game(env, world, policy, np.random.SeedSequence([int(seed), game, *own]), horizon)
                    for game in range(games)
                ]
                for policy, seed in zip(policies, seeds, strict=True)
            ]
        )
    finally:
        if not world.single:
            env.close()


def _guarded_game(
    env: Any,
    world: HostEnvironment,
    policy: NDArray[np.float64],
    sequence: np.random.SeedSequence,
    horizon: int | None,
) -> float:
    """Play a game; what the environment's own code raises is its fault."""
    try:
        total = _game(env, world, policy, sequence, horizon)
    except QlearnError:
        raise
    except Exception as error:
        raise EnvironmentFault(
            f"{world.name} raised {type(error).__name__} while a learnt policy was played: {error}. Expected a step "
            "without errors. Mend the environment, or wrap it to catch this."
        ) from error
    if not math.isfinite(total):
        raise EnvironmentFault(
            f"{world.name} gave rewards that sum to {total} while a learnt policy was played; expected finite "
            "numbers. Mend its step()."
        )
    return total


def _game(
    env: Any,
    world: HostEnvironment,
    policy: NDArray[np.float64],
    sequence: np.random.SeedSequence,
    horizon: int | None,
) -> float:
    random = np.random.default_rng(sequence)
    observation, info = env.reset(seed=int(sequence.generate_state(1)[0] >> 1))
    total = 0.0
    for _ in range(LONGEST if horizon is None else horizon):
        weights = _weights(world, policy, observation, world.mask_of(env, info))
        action = min(int(np.searchsorted(np.cumsum(weights), random.random(), "right")), len(weights) - 1)
        observation, reward, terminated, truncated, info = env.step(world.decode_action(action))
        total += float(reward)
        if terminated or truncated:
            break
    return total


def _weights(world: HostEnvironment, policy: NDArray[np.float64], observation: Any, mask: Any) -> NDArray[np.float64]:
    """What a policy does now; where nothing of that is legal, as in a state that was never met, anything that is."""
    if not world.masked:
        row: NDArray[np.float64] = policy[world.encode(observation)]
        return row
    number, legal = world.numbered(observation, mask)
    allowed = np.where(legal, policy[number], 0.0)
    allowed = allowed if allowed.any() else legal.astype(np.float64)
    return allowed / allowed.sum()
