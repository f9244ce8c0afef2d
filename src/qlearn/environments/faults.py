"""What an environment's own code gave back, checked; each fault in words that say how to mend it.

The words go on from a place, such as ``CartPole-v1 (seed 3, episode 7, step 12)``: see `Fault`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qlearn.errors import EnvironmentFault

LARGEST = float(np.finfo(np.float32).max)

LONGEST = 10_000_000
"""Steps after which an episode that nothing limits is taken for one that never ends, where episodes are counted."""


class Fault(Exception):
    """A fault whose place is not known yet; ``str`` of it is to be put behind the place."""


class Spaces:
    """The spaces that an environment declared first, which it has to keep."""

    def __init__(self) -> None:
        self._first: tuple[Any, ...] | None = None

    def check(self, env: Any) -> None:
        """Look whether an environment still declares the same spaces; raises Fault where it does not."""
        now = (getattr(env, "observation_space", None), getattr(env, "action_space", None))
        if self._first is None:
            self._first = now
            return
        for name, first, space in zip(("observation_space", "action_space"), self._first, now, strict=True):
            if space is not first and space != first:
                raise Fault(
                    f" changed its {name} from {first} to {space}. Expected spaces that stay as they are. Mend the "
                    "environment: make another one where spaces differ."
                )


def endless() -> Fault:
    """Return what there is to say about an episode that does not end."""
    return Fault(
        f" has not ended its episode after {LONGEST:,} steps. Expected episodes that end, as the budget counts them. "
        "Pass steps=… instead, or set a time limit: wrap the environment in gymnasium.wrappers.TimeLimit."
    )


def raised(error: Exception) -> Fault:
    """Return what there is to say about an exception of the environment's own code."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, EnvironmentFault):
        return Fault(f": {error}")
    return Fault(
        f" raised {type(error).__name__}: {error}. Expected a step without errors. "
        "Mend the environment, or wrap it to catch this."
    )


def unpacked(given: Any, count: int, name: str) -> tuple[Any, ...]:
    """Return what ``step`` or ``reset`` gave, if it is as many things as Gymnasium asks for; raises Fault."""
    if not isinstance(given, tuple) or len(given) != count:
        told = f"{len(given)} values" if isinstance(given, tuple) else repr(given)
        raise Fault(f": {name}() returned {told}; Gymnasium's returns a tuple of {count}. Mend its {name}().")
    return given


def reward_of(reward: Any) -> float:
    """Return the reward as a float; raises Fault where it is no finite number of float32."""
    try:
        value = math.nan if isinstance(reward, str) else float(reward)
    except (TypeError, ValueError):
        value = math.nan
    if not abs(value) <= LARGEST:
        raise Fault(f" gave the reward {reward!r}; expected a finite number of float32. Mend its step().")
    return value


def flag_of(flag: Any, name: str) -> bool:
    """Return ``terminated`` or ``truncated`` as a bool; raises Fault where it is none."""
    if not isinstance(flag, (bool, np.bool_)):
        raise Fault(f" gave {name}={flag!r}; expected True or False. Mend its step().")
    return bool(flag)
