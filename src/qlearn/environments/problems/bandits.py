"""A bandit: one state, several arms, and every pull is an episode of its own.

Arm a pays N(means[a], std²).  The optimum of an episode is the largest mean; what an agent regrets after T pulls is
T times that, less what it got.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import number, problem
from qlearn.errors import InputError

_MEANS = (0.2, -0.8, 1.5, 0.4, 1.2, -1.5, -0.1, -1.0, 0.8, -0.5)


def bandit(means: Sequence[float] = _MEANS, std: float | Sequence[float] = 1.0) -> FiniteMDP:
    """Return a bandit with normal rewards.

    The optimum of an episode (one pull) is max(means), at any discount.

    Args:
        means: what each arm pays on average, in units of reward; as in figure 2.1 of Sutton and Barto (2nd edition),
            read off, unless given.
        std: standard deviation of a reward ≥ 0, one number for all arms or one for each.

    Returns:
        The model; its arms are called "arm 1", "arm 2", …

    Raises:
        InputError: where means or std are no such numbers.

    >>> from qlearn.planning import solve
    >>> round(float(solve(bandit([0.2, 0.7, 0.5]), discount=1.0).v[0]), 9)
    0.7
    """
    arms = _numbers("means", means)
    if np.ndim(std) == 0:
        spread: float | tuple[float, ...] = number("std", std, 1.0, low=0.0)
    else:
        spread = _numbers("std", std, low=0.0)
        if len(spread) != len(arms):
            raise InputError(f"`std` has {len(spread)} numbers for {len(arms)} arms. Give one, or one for each arm.")
    return _bandit(means=arms, std=spread)


@problem("Bandit-v0")
def _bandit(means: tuple[float, ...] = _MEANS, std: float | tuple[float, ...] = 1.0) -> FiniteMDP:
    model = FiniteMDP.from_gymnasium(
        [[[(1.0, 0, mean, True)] for mean in means]],
        action_names=tuple(f"arm {i + 1}" for i in range(len(means))),
    )
    spread = np.broadcast_to(np.asarray(std, np.float64), len(means))
    return replace(model, reward_std=spread) if spread.any() else model


def _numbers(name: str, values: Any, low: float = -1e300) -> tuple[float, ...]:
    if isinstance(values, str) or np.ndim(values) != 1 or len(values) == 0:
        raise InputError(
            f"`{name}` is {values!r}; expected a list of numbers, one for each arm. Try {name}=[0.2, 0.7]."
        )
    return tuple(number(name, value, 0.5, low) for value in values)
