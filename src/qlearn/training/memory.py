"""What a training will take, said before it starts."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Spec
from qlearn.engine import noise
from qlearn.errors import InputError

_COPIES = 5  # of a lane: running, arrived, and what goes in and out of a call
_LANES = 2  # at once; on machines with more cores lanes are small beside the memory
_SHARE = 0.9


def refuse_what_does_not_fit(
    agents: Sequence[Any], world: Any, num_seeds: int, snapshots: int, episodes: int | None
) -> None:
    """Estimate the memory of a training and refuse what this machine does not have.

    Raises:
        InputError: naming what takes most and the setting that mends it.
    """
    whole = _physical()
    cells = world.num_states * world.num_actions
    results = num_seeds * len(agents) * (cells * (12 + 4 * snapshots) + 32 * (episodes or 1))
    states = max(_state_bytes(agent, world) for agent in agents) * _COPIES * _LANES
    if results + states <= _SHARE * whole:
        return
    what, cure = ("results of so many seeds", "Pass fewer seeds, snapshots or episodes")
    if states > results:
        what, cure = ("state of the agent", "Choose smaller settings or a smaller problem")
    raise InputError(
        f"The {what} would take about {max(results, states) / 1e9:,.0f} GB; this machine has {whole / 1e9:,.0f} GB. "
        f"{cure}."
    )


def _state_bytes(agent: Any, world: Any) -> int:
    """Bytes of a lane of this agent's states."""
    spec = Spec(world.num_states, world.num_actions, world.time_limit)
    learner = agent.learner(spec)
    begin = functools.partial(noise.at, stream=noise.INITIAL, episode=jnp.uint32(0), step=jnp.uint32(0))
    shapes = jax.eval_shape(lambda seed: learner.init(begin(seed)), jnp.uint32(0))
    sizes = [math.prod(x.shape) * x.dtype.itemsize for x in jax.tree.leaves(shapes)]
    memory = 0
    if learner.period == "episode" and world.time_limit is not None:
        memory = world.time_limit * 20
    return (sum(sizes) + memory) * learner.lane


def _physical() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):  # not told on this system: nothing is refused
        return math.inf
