"""One copy of a vector environment as an ordinary Gymnasium environment, for looking at it and for single games."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import iterate

from qlearn.environments.parts import MASK
from qlearn.environments.vector_own import autoreset_mode
from qlearn.errors import InputError


class SingleOf(gym.Env[Any, Any]):
    """A vector environment with one copy; after an episode it must be reset, as any environment.

    Args:
        maker: makes the vector environment of ``num_envs`` copies.
    """

    def __init__(self, maker: Callable[..., Any]) -> None:
        self._envs: Any = maker(num_envs=1)
        if not isinstance(self._envs, VectorEnv):
            name = getattr(maker, "__name__", "The function")
            raise InputError(
                f"{name} has an argument `num_envs`, but made a {type(self._envs).__name__}; expected a "
                "gymnasium.vector.VectorEnv. Return one, or rename the argument."
            )
        self.observation_space = self._envs.single_observation_space
        self.action_space = self._envs.single_action_space
        limit = getattr(self._envs.unwrapped, "max_episode_steps", None)
        self.time_limit = int(limit) if isinstance(limit, int | np.integer) and 0 < limit < 2**31 - 1 else None
        self._mode = autoreset_mode(self._envs, type(self._envs).__name__)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode."""
        super().reset(seed=seed)
        observations, info = self._envs.reset(seed=seed)
        return self._only(observations), _only_mask(info)

    def step(self, action: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Take a step; the last observation of an episode is the true one."""
        observations, rewards, terminated, truncated, info = self._envs.step(np.array([action]))
        replaced = self._mode == AutoresetMode.SAME_STEP and (bool(terminated[0]) or bool(truncated[0]))
        seen = info["final_obs"][0] if replaced else self._only(observations)
        told = info.get("final_info", {}) if replaced else info
        return seen, rewards[0], terminated[0], truncated[0], _only_mask(told)

    def close(self) -> None:
        """Close it."""
        self._envs.close()

    def _only(self, observations: Any) -> Any:
        return next(iter(iterate(self._envs.observation_space, observations)))


def _only_mask(info: dict[str, Any]) -> dict[str, Any]:
    """What of the only copy's ``info`` is of use to agents."""
    return {MASK: info[MASK][0]} if MASK in info else {}
