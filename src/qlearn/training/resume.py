"""``resume``: go on with a training that was kept in a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from qlearn.engine.worlds import spec_of
from qlearn.environments import FiniteMDP, make
from qlearn.errors import InputError, StoreError
from qlearn.training.checkpoint import Folder, read_manifest, write_manifest
from qlearn.training.log import Log, absolute
from qlearn.training.names import parse_agent, written_agent
from qlearn.training.plan import Plan
from qlearn.training.runs import Runs
from qlearn.training.saved import named
from qlearn.training.train import Progress, only


def resume(
    folder: str | os.PathLike[str],
    *,
    agent: Any = None,
    environment: Any = None,
    episodes: int | None = None,
    steps: int | None = None,
    progress: Progress = None,
    log: str | os.PathLike[str] | None = None,
) -> Runs:
    """Go on with a training that ``ql.train(…, checkpoint=folder)`` began, to the numbers that it would have come to.

    Args:
        folder: the checkpoint.
        agent: the description, where it is your own: code is never loaded from a checkpoint.
        environment: the environment, where it is your own.
        episodes: a larger budget than the one that was trained for, in episodes of each seed; or
        steps: the same in steps.  Neither goes on to the budget that was given first.
        progress: as in ``ql.train``.
        log: where to log, if elsewhere than the training did; a log that is there already is gone on with.

    Returns:
        The runs, bit for bit those of a training that was never interrupted (on one kind of CPU, with one version of
        jaxlib).  An environment that is ordinary Python and cannot be brought back to where it was begins its episode
        again; ``settings["begun_again"]`` then counts, for each seed, how often.

    Raises:
        StoreError: where the folder holds no checkpoint, or a damaged one whose older state is damaged too.
        InputError: where agent or environment is your own and was not passed, or is another one than was trained;
            where the budget is smaller, or cannot be changed.
        Interrupted: on Ctrl-C; everything is kept again.

    Warns:
        InexactResumeWarning: where episodes had to be begun again.

    >>> import qlearn as ql
    >>> half = ql.train(ql.QLearning(), "NChain-v0", episodes=2, seeds=3, checkpoint="here")
    >>> ql.resume("here", episodes=4).returns.shape
    (3, 4)
    """
    path = Path(folder)
    told = read_manifest(path)
    given = agent if agent is not None else agent_of(path, told)
    world = environment_of(path, told, environment)
    budget = _budget(told, episodes, steps)
    plan = Plan([given], world, np.array(told["seeds"], np.int64), budget, told["unit"], told["snapshots"])
    check_same_agent(path, told, given)
    further = budget != told["budget"]
    kept = Folder(path, told["every"], budget)
    kept.clear()
    if further:
        _can_go_further(told, plan)
    target = told.get("log") if log is None else log
    logged = None if target is None else Log(target, plan.seeds)
    if further or log is not None:  # before it begins: whoever goes on after an interruption goes on to this
        kept_log = told.get("log") if log is None else absolute(log)
        write_manifest(path, {**told, "budget": budget, told["unit"] + "s": budget, "log": kept_log})
    try:
        return only(plan, progress, kept, logged)
    except ValueError as error:
        raise StoreError(f"What {path} keeps does not fit this training: {error}.") from error


def agent_of(path: Path, told: dict[str, Any]) -> Any:
    """The agent that a manifest names; raises InputError where it is the user's own."""
    if told["agent_written"] is None:
        raise InputError(f"{path} keeps a training of your own agent {told['agent']!r}. Pass it: `agent=…`.")
    return parse_agent(told["agent_written"])


def environment_of(path: Path, told: dict[str, Any], given: Any) -> Any:
    """The environment that a manifest names, or the one given; raises InputError where it is another one."""
    if given is None and not told["environment_by_name"]:
        raise InputError(
            f"{path} keeps a training on your own environment {told['environment']!r}. Pass it: `environment=…`."
        )
    world = named(path, told["environment"]) if given is None else make(given)
    digest = world.digest if isinstance(world, FiniteMDP) else None
    if digest != told["model"] or world.name != told["environment"]:
        raise InputError(
            f"{path} keeps a training on {told['environment']!r}, and {world.name!r} is another problem. "
            "Pass the environment that was trained on."
        )
    return world


def check_same_agent(path: Path, told: dict[str, Any], agent: Any) -> None:
    """Raises InputError where an agent is another one than was trained."""
    now = (str(agent.label), int(agent.version), written_agent(agent))
    then = (told["agent"], told["agent_version"], told["agent_written"])
    if now != then:
        raise InputError(
            f"{path} keeps a training of {then[2] or then[0]} (version {then[1]}), and this is {now[2] or now[0]} "
            f"(version {now[1]}). Pass the agent that was trained."
        )


def _budget(told: dict[str, Any], episodes: int | None, steps: int | None) -> int:
    wanted = episodes if told["unit"] == "episode" else steps
    other = steps if told["unit"] == "episode" else episodes
    if other is not None:
        raise InputError(f"This training counts {told['unit']}s. Pass {told['unit']}s=….")
    if wanted is None:
        return int(told["budget"])
    if wanted < told["budget"] or int(wanted) != wanted:
        raise InputError(
            f"{told['unit']}s={wanted!r} is no budget beyond the {told['budget']} that were asked for first. "
            "Pass a larger whole number."
        )
    return int(wanted)


def _can_go_further(told: dict[str, Any], plan: Plan) -> None:
    if told["snapshots"]:
        raise InputError(
            "Snapshots are spread over the budget, which can therefore not be changed. Leave out the new budget."
        )
    if told["unit"] == "episode" and plan.agents[0].learner(spec_of(plan.world)).num_environments is not None:
        raise InputError(
            "Seeds of an agent with a network reach a number of episodes at different times, and only the last is kept "
            "there; a budget in episodes cannot be made larger. Train with steps=…."
        )
