"""What shall be trained: the arguments of ``train``, read and checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from qlearn.agents.learner import Agent, Spec
from qlearn.engine.lane_run import Unit
from qlearn.engine.schedule import Job
from qlearn.engine.worlds import spec_of
from qlearn.environments import HostEnvironment
from qlearn.environments.parts import MASK
from qlearn.errors import InputError
from qlearn.training.memory import refuse_what_does_not_fit

Numbers = np.ndarray[Any, Any]
Seeds = int | Sequence[int] | Numbers
_MOST = 2**32 - 2
_MANY = 10_000_000  # seeds of one training


@dataclasses.dataclass(frozen=True)
class Plan:
    """What shall be trained, its arguments read.

    Raises:
        InputError: where an agent cannot learn on this environment, or the memory does not suffice.
    """

    agents: list[Any]
    world: Any
    seeds: Numbers
    budget: int
    unit: Unit
    snapshots: int
    width: int | None = None  # seeds in one program of agents with a network; None for the usual number

    def __post_init__(self) -> None:
        self.marks()
        for agent in self.agents:
            _check(agent, self.world)
        episodes = self.budget if self.unit == "episode" else None
        refuse_what_does_not_fit(self.agents, self.world, self.seeds.size, self.snapshots, episodes)

    def marks(self) -> tuple[int, ...]:
        """Where the runs are read."""
        return _marks(self.budget, self.snapshots)

    def jobs(self) -> list[Job]:
        """One for each agent."""
        numbers, marks = self.seeds.astype(np.uint32), self.marks()
        return [Job(agent, self.world, numbers, marks, self.unit, self.width) for agent in self.agents]


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def seeds_of(seeds: Seeds) -> Numbers:
    """The seeds themselves, int64; raises InputError."""
    _check_number(seeds)
    if isinstance(seeds, (int, np.integer)) and not isinstance(seeds, bool):
        if seeds < 1:
            raise InputError(f"seeds={seeds} asks for no run; expected at least 1. Pass seeds=100.")
        return np.arange(int(seeds), dtype=np.int64)
    try:
        numbers = np.asarray(seeds)
        fine = numbers.ndim == 1 and numbers.size > 0 and np.issubdtype(numbers.dtype, np.integer)
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise InputError(f"seeds={seeds!r} is not usable; expected a number of seeds or a list of whole numbers.")
    numbers = numbers.astype(np.int64)
    if numbers.min() < 0 or numbers.max() > _MOST:
        raise InputError(f"seeds reach from {numbers.min()} to {numbers.max()}; expected 0 to {_MOST}.")
    if np.unique(numbers).size != numbers.size:
        raise InputError("seeds has the same seed twice, which would count one run twice. Pass each seed once.")
    return numbers


def _check_number(seeds: Seeds) -> None:
    """Refuse more seeds than anybody can wait for, before they are written down one by one."""
    try:
        count = int(seeds) if isinstance(seeds, (int, np.integer)) else len(seeds)
    except TypeError:
        return
    if count > _MANY:
        raise InputError(f"{count:,} seeds were asked for; expected {_MANY:,} at most. Pass fewer seeds.")


def budget_of(episodes: int | None, steps: int | None) -> tuple[int, Unit]:
    """How much and in what; raises InputError."""
    if (episodes is None) == (steps is None):
        raise InputError("A training needs a budget: pass either episodes=… or steps=…, and not both.")
    name, value = ("episodes", episodes) if steps is None else ("steps", steps)
    if not _is_whole(value) or not 1 <= value <= _MOST:  # type: ignore[operator]
        raise InputError(f"{name}={value!r} is not usable; expected a whole number from 1 to {_MOST}. Pass {name}=500.")
    return int(value or 0), "episode" if steps is None else "step"


def _marks(budget: int, snapshots: int) -> tuple[int, ...]:
    if not _is_whole(snapshots) or snapshots < 0:
        raise InputError(
            f"snapshots={snapshots!r} is not usable; expected a whole number from 0 on. Pass snapshots=50."
        )
    marks = {round(budget * (i + 1) / snapshots) for i in range(snapshots)} - {0}
    return tuple(sorted(marks | {budget}))


def _seen(spec: Spec) -> str:
    """What is observed, in words."""
    if spec.parts:
        return "several arrays (" + ", ".join(f"{p.name} {p.shape}" for p in spec.parts if p.name != MASK) + ")"
    return f"arrays of shape {spec.observation_shape}"


def _check(agent: Any, world: Any) -> None:
    if isinstance(agent, type):
        raise InputError(f"{agent.__name__} is a class; expected an agent made from it. Pass {agent.__name__}(…).")
    if not isinstance(agent, Agent):
        raise InputError(
            f"{agent!r} is not an agent: it has no label, discount, version, exploration or learner(spec). "
            "Pass for example ql.QLearning(learning_rate=0.1)."
        )
    if any(leaf is agent for leaf in jax.tree.leaves(agent)):
        raise InputError(
            f"{agent.label}: {type(agent).__name__} is no tree that JAX knows, so that its numbers cannot be given to "
            "a program. Make its class (a subclass too) with @ql.agent."
        )
    spec = spec_of(world)
    if hasattr(agent, "check"):  # what only the sizes of an environment tell
        agent.check(spec)
    learner = agent.learner(spec)
    if learner.num_environments is None and spec.num_states == 0:
        raise InputError(
            f"{agent.label} has a table, and {world.name} observes {_seen(spec)}, which no "
            "table can list. Pass an agent with features or a network, such as ql.LinearSarsa or ql.DQN, or count the "
            "observations: ql.discretised(environment, bins) on the device, "
            "gymnasium.wrappers.DiscretizeObservation elsewhere."
        )
    if learner.num_environments is None and spec.parts and not isinstance(world, HostEnvironment):
        raise InputError(
            f"{agent.label} has a table, and what is legal in {world.name} is told by its `mask`, which a table does "
            "not see. Give the environment an array `legal` (num_states, num_actions) in its place."
        )
    if learner.period == "episode" and world.time_limit is None:
        raise InputError(
            f"{agent.label} learns from whole episodes, and {world.name} has no time limit that bounds them. "
            "Give it one: `dataclasses.replace(mdp, time_limit=1000)` or gymnasium's TimeLimit wrapper."
        )
