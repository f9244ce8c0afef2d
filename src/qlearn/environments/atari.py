"""Atari games by id, ``ALE/Breakout-v5``, through ALE's own vector environment: C++ threads, the usual preprocessing.

What agents see is a stack of four grey frames of 84 × 84 (uint8, the newest last): every fourth frame of the game, the
brighter of it and the one before.  Actions are repeated with probability 0.25 (the ``v5`` of the id; Machado et al.,
2018); rewards are clipped to [−1, 1], so that returns are too: ``reward_clipping=False`` gives the game's own points.
``episodic_life=True`` ends an episode at the loss of a life, and the game itself goes on in the next one.  ALE resets a
copy in the step that ends its episode, and gives the true last observation beside it.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

from qlearn.environments.host import HostEnvironment, host_environment
from qlearn.environments.ids import LIMIT, time_limit_in
from qlearn.environments.naming import written
from qlearn.environments.registration import load_ale
from qlearn.errors import InputError, nearest

if TYPE_CHECKING:
    from gymnasium.envs.registration import EnvSpec

_OURS = ("self", "game", "num_envs", "batch_size", "autoreset_mode", "continuous", "continuous_action_threshold")
_SEEDS = 2**31 - 2**16  # ALE takes signed numbers of 32 bits, and counts on from copy to copy
_FRAMES = "max_num_frames_per_episode"


def atari(spec: EnvSpec, arguments: dict[str, Any]) -> HostEnvironment:
    """Return a game of ALE's.

    Args:
        spec: what its id is registered as.
        arguments: those of ALE's vector environment, such as ``episodic_life``, ``reward_clipping``, ``stack_num`` or
            ``num_threads``; and ``max_episode_steps``, of the agent.

    Raises:
        InputError: for an unknown argument, with a near miss.
    """
    known = inspect.signature(load_ale().vector_env.AtariVectorEnv.__init__).parameters
    accepted = [name for name in known if name not in _OURS]
    given = dict(arguments)
    for key in given:
        if key not in accepted and key != LIMIT:
            raise InputError(
                f"{spec.id} has no argument {key!r}{nearest(key, accepted) or '.'} "
                f"It takes {', '.join([*accepted, LIMIT])}."
            )
    skip = given.get("frameskip", spec.kwargs["frameskip"])
    if LIMIT in given:
        limit = time_limit_in(given.pop(LIMIT), spec.id)
        if limit is None:
            raise InputError(f"{spec.id} always has a time limit. Pass {LIMIT}=27000, or leave it out.")
        given[_FRAMES] = limit * skip
    limit = int(given.get(_FRAMES, spec.kwargs[_FRAMES])) // int(skip)
    make_vector = partial(_copies, spec.id, given)
    return host_environment(
        written(spec.id, arguments),
        partial(_one, make_vector, limit),
        vectorization="own",
        make_vector=make_vector,
    )


def _copies(identity: str, arguments: dict[str, Any], count: int) -> Any:
    """So many copies."""
    import gymnasium as gym
    from gymnasium.vector import AutoresetMode

    load_ale()
    how = {"autoreset_mode": AutoresetMode.SAME_STEP, **arguments}
    made: Any = gym.make_vec(identity, num_envs=count, vectorization_mode="vector_entry_point", **how)
    reset = made.reset

    def seeded(*, seed: Any = None, options: Any = None) -> Any:
        return reset(seed=seed % _SEEDS if isinstance(seed, int) else seed, options=options)

    made.reset = seeded
    return made


def _one(make_vector: Any, limit: int) -> Any:
    """One copy, for looking at it and for single games."""
    from qlearn.environments.vector_single import SingleOf

    def maker(num_envs: int) -> Any:
        return make_vector(num_envs)

    made = SingleOf(maker)
    made.time_limit = limit
    return made
