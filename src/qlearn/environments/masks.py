"""Where an environment that is ordinary Python says which actions are legal."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from qlearn.environments.parts import MASK

if TYPE_CHECKING:
    import gymnasium as gym

METHODS = ("action_masks", "action_mask")
"""Methods (or attributes) without arguments that give a mask."""


def mask_source(env: gym.Env[Any, Any]) -> str | None:
    """Where the legal actions are told beside the observation: "info", the name of a method, or None.

    ``info["action_mask"]`` comes first, which only a reset shows: the instance that is looked at is reset once.
    A `Dict` observation with such a key tells them itself.  What fails here will fail again, and be named, in training.
    """
    from gymnasium import spaces

    if isinstance(env.observation_space, spaces.Dict) and MASK in env.observation_space.spaces:
        return None
    if getattr(env.unwrapped, "all_legal", False):  # a model of ours tells its masks even so
        return None
    try:
        given = env.reset(seed=0)
        told: Any = given[1]
        if isinstance(told, dict) and MASK in told:
            return "info"
    except Exception:
        return None
    return next((name for name in METHODS if _gives_masks(env, name)), None)


def _gives_masks(env: gym.Env[Any, Any], name: str) -> bool:
    if not env.has_wrapper_attr(name):
        return False
    found = env.get_wrapper_attr(name)
    if not callable(found):
        return found is not None
    try:
        asked = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return False
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in asked)


def mask_by_method(env: Any, name: str) -> Any:
    """What an environment, or a wrapper of it, says is legal now."""
    found = env.get_wrapper_attr(name)
    return found() if callable(found) else found
