"""What exploring costs: the best that can be earned online at an agent's own ε."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.environments.finite_mdp import FloatArray, IntArray
from qlearn.evaluation import Truth
from qlearn.planning import epsilon_soft, online_ceiling

if TYPE_CHECKING:
    from qlearn.training import Runs

MOST_POINTS = 60  # episodes at which the ceiling is computed; it changes slowly


@dataclass(frozen=True, eq=False)
class Exploring:
    """What an agent that explores with ε can earn.

    Args:
        epsilon: ε in the last episode.
        best: the expected return of the best ε-soft policy at that ε and the agent's discount.
        episodes: (k,) episodes, counted from 1, at which ``ceiling`` is known; None where ε follows no clock.
        ceiling: (k,) the most that any policy can expect to earn in that episode, given its ε.
    """

    epsilon: float
    best: float
    episodes: IntArray | None
    ceiling: FloatArray | None


def exploring(runs: Runs, truth: Truth) -> Exploring | None:
    """Return what exploration leaves to be earned; None for agents without an ε, or whose ε depends on visits."""
    schedule: Any = getattr(runs.agent.exploration, "epsilon", None)
    most = int(np.max(runs.num_episodes, initial=0))
    if schedule is None or getattr(schedule, "counts_visits", True) or not hasattr(schedule, "value"):
        return None
    steps = max(int(np.max(runs.num_steps, initial=0)) - 1, 0)
    last = float(epsilons_at(schedule, np.array([max(most - 1, 0)]), steps)[0])
    soft = epsilon_soft(truth.mdp, last, truth.discount, truth.horizon)
    assert soft.expected_return is not None  # a horizon was given
    if getattr(schedule, "per", "episode") != "episode" or most == 0:
        return Exploring(last, soft.expected_return, None, None)
    episodes = np.unique(np.linspace(0, most - 1, min(most, MOST_POINTS)).round().astype(np.int64))
    ceiling = online_ceiling(truth.mdp, epsilons_at(schedule, episodes, steps), truth.horizon)
    return Exploring(last, soft.expected_return, episodes + 1, ceiling)


def epsilons_at(schedule: Any, episodes: IntArray, steps: int = 0) -> FloatArray:
    """Return ε in episodes counted from 0, after so many steps in all."""
    import jax.numpy as jnp

    clock = SimpleNamespace(episode=jnp.asarray(episodes, jnp.int32), total=jnp.full(len(episodes), steps, jnp.int32))
    value = np.asarray(schedule.value(clock, None), dtype=np.float64)
    return np.clip(np.broadcast_to(value, episodes.shape), 0.0, 1.0)
