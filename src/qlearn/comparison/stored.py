"""A specification and a store: what is asked, as plans; what is there, as runs."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from qlearn.comparison.judging import Progress, snapshots_within
from qlearn.environments import HostEnvironment, make
from qlearn.environments.naming import parse
from qlearn.errors import InputError
from qlearn.store import Store, forget_deaths
from qlearn.training.plan import Plan, budget_of, seeds_of

if TYPE_CHECKING:
    from qlearn.comparison.specification import Specification
    from qlearn.training import Runs

Kept: TypeAlias = "str | os.PathLike[str] | Store | None"


def worlds_of(asked: Specification) -> list[Any]:
    """Make the environments of a specification."""
    worlds = [_world(one) for one in asked.environments]
    names = [world.name for world in worlds]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{name!r} is there twice; expected each environment once.")
    return worlds


def _world(environment: Any) -> Any:
    """Make one; ``module:name`` may also name a function or an environment of a module that is imported already."""
    if isinstance(environment, str):
        identity, settings = parse(environment)
        module, _, name = identity.rpartition(":")
        if module in sys.modules and hasattr(sys.modules[module], name):
            return make(getattr(sys.modules[module], name), **settings)
    return make(environment)


def plans_of(asked: Specification, worlds: list[Any]) -> list[Plan]:
    """Return what is to be trained, one plan for each environment."""
    from qlearn.training.prediction import refuse_prediction

    agents, seeds = list(asked.agents.values()), seeds_of(asked.seeds)
    for agent in agents:
        refuse_prediction(agent)
    budget, unit = budget_of(asked.episodes, asked.steps)
    many = [snapshots_within(asked.snapshots, world, len(agents) * seeds.size) for world in worlds]
    return [Plan(agents, world, seeds, budget, unit, few) for world, few in zip(worlds, many, strict=True)]


def kept_runs_of(
    asked: Specification, worlds: list[Any], store: Kept, *, progress: Progress = None, workers: int | None = 1
) -> list[list[Runs]]:
    """Return the runs of a specification, for each environment and agent; what the store lacks is computed."""
    with opened(store) as kept:
        remember(kept, asked)
        plans = plans_of(asked, worlds)
        _fill(kept, asked, worlds, workers, (1, 1))
        found = kept.runs(plans, progress=progress)
    return found


def compute_shard(
    asked: Specification,
    store: Kept,
    shard: tuple[int, int],
    *,
    progress: Progress = None,
    workers: int | None = 1,
) -> int:
    """Compute the i-th of n parts of a specification into a store, (i, n), i from 1; return how many runs that are.

    Raises:
        Interrupted, StoreError, EnvironmentFault: as `compare`.
    """
    with opened(store) as kept:
        remember(kept, asked)
        worlds = worlds_of(asked)
        plans = plans_of(asked, worlds)
        _fill(kept, asked, worlds, workers, shard)
        return kept.complete(plans, progress=progress, shard=shard)


def _fill(store: Store, asked: Specification, worlds: list[Any], workers: int | None, shard: tuple[int, int]) -> None:
    """Let processes of their own compute what is ordinary Python and has a text; the rest is done here."""
    if workers is None or workers < 2 or not any(map(_is_python, worlds)):
        if not store.worker:
            forget_deaths(store.database)
        return
    from qlearn.comparison.pool import fill

    part = tuple(text for text, world in zip(asked.environments, worlds, strict=True) if _is_python(world))
    only = replace(asked, environments=part) if shard == (1, 1) else asked
    fill(store, only, workers, shard)


def _is_python(world: Any) -> bool:
    return isinstance(world, HostEnvironment)


class _Open:
    """A store that is open while this is: one that was given stays so."""

    def __init__(self, store: Kept) -> None:
        assert store is not None
        self._given = isinstance(store, Store)
        self.store = store if isinstance(store, Store) else Store(store)

    def __enter__(self) -> Store:
        return self.store

    def __exit__(self, *_: object) -> None:
        if not self._given:
            self.store.close()


def opened(store: Kept) -> _Open:
    """Open a store for the time of a ``with``."""
    return _Open(store)


def remember(store: Store, asked: Specification) -> None:
    """Keep a specification in a store, where it has a text; that it can be written is known from here on."""
    try:
        text = asked.to_toml()
    except InputError:
        return
    store.remember(text)
