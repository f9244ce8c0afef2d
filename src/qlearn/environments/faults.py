"""What an environment's own code gave back, checked; each fault in words that say how to mend it.

The words go on from a place, such as ``CartPole-v1 (seed 3, episode 7, step 12)``: see `Fault`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qlearn.errors import EnvironmentFault

LARGEST = float(np.finfo(np.float32).max)


class Fault(Exception):
    """A fault whose place is not known yet; ``str`` of it is to be put behind the place."""


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
