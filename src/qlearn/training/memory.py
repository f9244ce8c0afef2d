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
from qlearn.engine.vector_run import lane_width
from qlearn.engine.worlds import spec_of
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
    spec = spec_of(world)
    tables = num_seeds * len(agents) * spec.num_states * spec.num_actions
    results = tables * (12 + 8 * snapshots) + num_seeds * len(agents) * 32 * (episodes or 1)
    greedy = max(agents, key=lambda agent: _state_bytes(agent, spec, num_seeds))
    states = _state_bytes(greedy, spec, num_seeds)
    if results + states <= _SHARE * whole:
        return
    what, cure = ("results of so many seeds", "Pass fewer seeds, snapshots or episodes")
    if states > results:
        what, cure = ("state of the agent", "Choose smaller settings or a smaller problem")
        if hasattr(greedy, "replay"):
            what, cure = (f"replay of {greedy.replay:,} transitions", "Choose a smaller `replay=`, or fewer seeds")
    raise InputError(
        f"The {what} would take about {max(results, states) / 1e9:,.0f} GB; this machine has {whole / 1e9:,.0f} GB. "
        f"{cure}."
    )


def state_bytes(agent: Any, world: Any) -> int:
    """Bytes that the whole state of one seed takes while it learns: weights, optimizer, replay."""
    return _of_one_seed(agent, spec_of(world))


def memory_of(agent: Any, world: Any, num_seeds: int) -> int:
    """Bytes of all the states that are in memory at once."""
    return _state_bytes(agent, spec_of(world), num_seeds)


def _state_bytes(agent: Any, spec: Spec, num_seeds: int) -> int:
    """Bytes of all the states that are in memory at once."""
    learner = agent.learner(spec)
    if learner.num_environments is None:
        memory = spec.time_limit * 20 if learner.period == "episode" and spec.time_limit is not None else 0
        return (_of_one_seed(agent, spec) + memory) * learner.lane * _COPIES * _LANES
    width = lane_width(learner, num_seeds)
    at_once = min(_LANES, math.ceil(num_seeds / width))
    return _of_one_seed(agent, spec) * width * at_once  # changed in place: no copies


def _of_one_seed(agent: Any, spec: Spec) -> int:
    leaves, tree = jax.tree.flatten(agent)
    if all(isinstance(x, (bool, int, float, complex)) for x in leaves):  # numbers change no shape
        return _of_a_kind(tree, spec._replace(legal=None))
    return _traced(agent, spec)


@functools.lru_cache(maxsize=256)
def _of_a_kind(tree: Any, spec: Spec) -> int:
    return _traced(jax.tree.unflatten(tree, [0.5] * tree.num_leaves), spec)


def _traced(agent: Any, spec: Spec) -> int:
    learner = agent.learner(spec)
    begin = functools.partial(noise.at, stream=noise.INITIAL, episode=jnp.uint32(0), step=jnp.uint32(0))
    shapes = jax.eval_shape(lambda seed: learner.init(begin(seed)), jnp.uint32(0))
    return sum(math.prod(x.shape) * x.dtype.itemsize for x in jax.tree.leaves(shapes))


def _physical() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):  # not told on this system: nothing is refused
        return math.inf
