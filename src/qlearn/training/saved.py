"""Runs read from a file that ``runs.save`` wrote."""

from __future__ import annotations

import os
import re
from typing import Any

import jax
import numpy as np

from qlearn.agents.learner import Knowledge
from qlearn.engine.tables import knowledge_shapes
from qlearn.engine.worlds import spec_of
from qlearn.environments import make
from qlearn.errors import InputError, StoreError
from qlearn.files import load_arrays
from qlearn.training.names import parse_agent
from qlearn.training.runs import ARRAYS, Runs
from qlearn.training.snapshots import Snapshots

Numbers = np.ndarray[Any, Any]
Path = str | os.PathLike[str]


def read_runs(path: Path, agent: Any, environment: Any) -> Runs:
    """The runs of a file; arguments and errors as of ``Runs.load``."""
    arrays, told = load_arrays(path)
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        raise StoreError(f"{path} lacks {', '.join(missing)}; expected a file written by `runs.save`.")
    settings = told["settings"]
    if agent is None:
        if settings["agent_written"] is None:
            raise InputError(f"{path} holds runs of your own agent {settings['agent']!r}. Pass it: `agent=…`.")
        agent = parse_agent(settings["agent_written"])
    world = _environment(path, settings, arrays.get("q_table"), environment)
    knowledge, along = (_tree(agent, world, arrays, name) for name in ("knowledge", "snapshot_knowledge"))
    return Runs(
        agent=agent,
        environment=world,
        snapshots=_snapshots(arrays, told["unit"], along),
        table=arrays.get("q_table"),
        counts=arrays.get("visits"),
        diverged_at=arrays.get("diverged_at"),
        knowledge=knowledge,
        extras=_named(arrays, "extra_"),
        settings=settings,
        versions=told["versions"],
        wall_time=told["wall_time"],
        complete=told["complete"],
        **{name: arrays[name] for name in ARRAYS},
    )


def _environment(path: Path, settings: dict[str, Any], table: Numbers | None, given: Any) -> Any:
    if given is None and not settings["environment_by_name"]:
        raise InputError(
            f"{path} holds runs on your own environment {settings['environment']!r}. Pass it: `environment=…`."
        )
    world = named(path, settings["environment"]) if given is None else make(given)
    found = getattr(world, "digest", None)
    if settings["model"] is not None and found is not None and found != settings["model"]:
        raise InputError(
            f"{settings['environment']!r} has another model now than when {path} was written. "
            "Pass the environment that it was trained on: `environment=…`."
        )
    spec = spec_of(world)
    shape = (spec.num_states, spec.num_actions)
    if table is not None and table.shape[1:] != shape:
        raise InputError(
            f"{path} holds values of {table.shape[1]} states and {table.shape[2]} actions, on "
            f"{settings['environment']!r}; {world.name} has {shape[0]} and {shape[1]}. Pass the environment that was "
            "trained on."
        )
    return world


def named(path: Path, name: str) -> Any:
    """The environment of a name that a file tells; raises InputError where it is not known in this process."""
    try:
        return make(name)
    except InputError as error:
        raise InputError(
            f"{path} is of the environment {name!r}, which cannot be made here: {error} Pass it: `environment=…`, or "
            "import the module that registers it (`--import MODULE` on the command line)."
        ) from error


def _snapshots(arrays: dict[str, Numbers], unit: Any, along: Knowledge | None) -> Snapshots | None:
    if unit is None:
        return None
    tables, counts = arrays.get("snapshot_tables"), arrays.get("snapshot_visits")
    extras = _named(arrays, "snapshot_extra_")
    return Snapshots(arrays["positions"], unit, tables, along, counts, extras=extras)


def _named(arrays: dict[str, Numbers], prefix: str) -> dict[str, Numbers]:
    return {name.removeprefix(prefix): x for name, x in arrays.items() if name.startswith(prefix)}


def _tree(agent: Any, environment: Any, arrays: dict[str, Numbers], name: str) -> Knowledge | None:
    """The tree of an agent's knowledge, its leaves taken from a file."""
    leaves = [arrays[key] for key in sorted(key for key in arrays if re.fullmatch(name + r"_\d+", key))]
    if not leaves:
        return None
    spec = spec_of(environment)
    shapes = jax.tree.leaves(knowledge_shapes(agent, spec))
    lead = 1 if name == "knowledge" else 2
    if [x.shape[lead:] for x in leaves] != [x.shape for x in shapes]:
        raise InputError(
            f"The weights in the file have the shapes {[x.shape[lead:] for x in leaves]}; the agent's have "
            f"{[x.shape for x in shapes]}. Pass the agent that was trained: `agent=…`."
        )
    return jax.tree.unflatten(jax.tree.structure(knowledge_shapes(agent, spec)), leaves)
