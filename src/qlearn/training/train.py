"""``train``: an agent, an environment, a budget and seeds; runs come back."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qlearn.agents.learner import Agent
from qlearn.engine.schedule import run
from qlearn.environments import make
from qlearn.errors import DivergenceWarning, EnvironmentFault, InexactResumeWarning, InputError, Interrupted
from qlearn.training.checkpoint import Folder, as_list, is_checkpoint, write_manifest
from qlearn.training.divergence import divergence
from qlearn.training.gathered import runs_of, settings_of, versions
from qlearn.training.interruptions import begun_again
from qlearn.training.log import Log, absolute, check_new
from qlearn.training.memory import memory_of
from qlearn.training.others import finish_others
from qlearn.training.plan import Plan, Seeds, budget_of, seeds_of
from qlearn.training.progress import Meter, stop_on_interrupt
from qlearn.training.runs import Runs

Progress = Callable[[float, str], None] | bool | None


def train(  # noqa: PLR0913 (each is one word that a user types)
    agent: Agent,
    environment: Any,
    *,
    episodes: int | None = None,
    steps: int | None = None,
    seeds: Seeds = 1,
    snapshots: int = 0,
    progress: Progress = None,
    checkpoint: str | os.PathLike[str] | None = None,
    every: float = 30.0,
    log: str | os.PathLike[str] | None = None,
) -> Runs:
    """Train an agent, once for each seed, all seeds at once.

    Args:
        agent: a description, for example ``ql.QLearning(learning_rate=0.1)``.
        environment: what ``ql.make`` takes: an id, a FiniteMDP, or a function that makes a Gymnasium environment.
        episodes: how many episodes each seed makes; or
        steps: how many steps each seed makes; an agent that learns once an episode finishes the one in which they
            run out.  Exactly one of the two.
        seeds: a number n for the seeds 0 … n−1, or the seeds themselves, whole numbers from 0 to 2³² − 2.
        snapshots: how many times, evenly spread over the budget, the tables are kept besides the start.
        progress: None for a bar where standard error is a terminal, False for none, or a function of (share done,
            words).
        checkpoint: a folder in which everything is kept now and then, and where training stops, so that ``ql.resume``
            goes on to the same numbers, to the bit.  SIGTERM then stops as Ctrl-C does.  Environments that are
            ordinary Python are brought back by playing the actions of their episodes again (docs/checkpoints.md).
        every: seconds between two checkpoints; they are rarer where writing would take a twentieth of the time.
        log: a folder for curves: ``episodes.csv`` gets a line for every episode as it ends (seed, episode, steps,
            length, return, wall_time); ``"tensorboard:folder"`` writes TensorBoard's files too.  A resumed training
            goes on with its log, and every episode keeps exactly one line.

    Returns:
        The runs.  A seed's numbers depend on nothing but the agent, the environment, the budget and the seed: not on
        the seeds beside it, nor on threads or interruptions.

    Raises:
        InputError: where an argument is wrong, or the agent cannot learn on this environment.
        EnvironmentFault: where the environment raised an error, gave something impossible or took too long.  The other
            seeds are trained to the end first, and are its ``runs``; a checkpoint keeps all seeds as they were last
            kept, and ``ql.resume`` goes on with them when the environment is mended.
        Interrupted: on Ctrl-C; its ``runs`` hold what was complete.
        StoreError: where the checkpoint cannot be written.

    Warns:
        DivergenceWarning: where runs of an agent with a network diverged; it says at which step, and what to try.

    >>> import qlearn as ql
    >>> runs = ql.train(ql.QLearning(learning_rate=0.1), "NChain-v0", episodes=2, seeds=3)
    >>> runs.returns.shape, runs.q_table.shape
    ((3, 2), (3, 5, 2))
    """
    numbers, (budget, unit) = seeds_of(seeds), budget_of(episodes, steps)
    plan = Plan([agent], make(environment), numbers, budget, unit, snapshots)
    if log is not None:
        check_new(log)
    folder = None if checkpoint is None else begun(plan, checkpoint, every, log)
    return only(plan, progress, folder, None if log is None else Log(log, plan.seeds))


def train_many(
    agents: Sequence[Agent],
    environment: Any,
    *,
    episodes: int | None = None,
    steps: int | None = None,
    seeds: Seeds = 1,
    snapshots: int = 0,
    progress: Progress = None,
) -> list[Runs]:
    """Train several agents on one environment, all at once over all cores; arguments as for :func:`train`.

    Raises:
        Interrupted: on Ctrl-C; its ``runs`` is a list with what was complete of each agent.
    """
    numbers, (budget, unit) = seeds_of(seeds), budget_of(episodes, steps)
    return carried_out(Plan(list(agents), make(environment), numbers, budget, unit, snapshots), progress)


def only(plan: Plan, progress: Progress, folder: Folder | None, log: Log | None = None) -> Runs:
    """Carry out a plan with one agent; where an environment fails under one seed, the others are trained to the end.

    What the folder keeps is then as it was before the fault: all seeds, which go on when the environment is mended.
    """
    again = "" if folder is None else f" To go on: ql.resume({str(folder.path)!r})."
    try:
        return carried_out(plan, progress, folder, log)[0]
    except Interrupted as stopped:
        raise Interrupted(f"{stopped}{again}", stopped.runs[0]) from None
    except EnvironmentFault as caught:
        fault = caught
    try:
        finish_others(plan, fault, lambda left: carried_out(left, progress, log=None if log is None else log.again()))
    except Interrupted as stopped:
        raise Interrupted(f"{fault} The other seeds were interrupted.{again}", stopped.runs[0]) from fault
    if again:
        fault.add_note(f"{again.strip()} That begins where all seeds were last kept.")
    raise fault


def carried_out(plan: Plan, progress: Progress, folder: Folder | None = None, log: Log | None = None) -> list[Runs]:
    """Train all agents of a plan; with a folder, everything is kept there now and then; a log is of one agent."""
    jobs, began, stop = plan.jobs(), time.perf_counter(), threading.Event()
    whole = plan.budget * plan.seeds.size * len(plan.agents)
    note = _note(plan.agents, plan.world, plan.seeds.size)
    with Meter(progress, whole, note) as meter, stop_on_interrupt(stop, also_on_termination=folder is not None):
        outcomes = run(jobs, stop, meter.add, folder, log)
    took = time.perf_counter() - began
    snapshots, budget = plan.snapshots, plan.budget
    result = [runs_of(job, outcome, snapshots, budget, took) for job, outcome in zip(jobs, outcomes, strict=True)]
    for runs in result:
        if told := divergence(runs):
            warnings.warn(told, DivergenceWarning, stacklevel=3)
        if told := begun_again(runs):
            warnings.warn(told, InexactResumeWarning, stacklevel=3)
    if not all(runs.complete for runs in result):
        done = int(sum(runs.num_episodes.sum() for runs in result))
        raise Interrupted(f"Training was interrupted after {done} episodes; `.runs` holds them.", result)
    return result


def begun(plan: Plan, path: str | os.PathLike[str], every: float, log: str | os.PathLike[str] | None = None) -> Folder:
    """Begin a checkpoint: a folder that says what is trained.

    Raises:
        InputError: where the folder holds a checkpoint already.
        StoreError: where it cannot be written.
    """
    folder = Path(path)
    if not every >= 0:
        raise InputError(f"every={every!r} is not usable; expected seconds, 0 or more. Pass every=30.")
    if is_checkpoint(folder):
        raise InputError(
            f"{folder} holds a checkpoint already. Go on with it by ql.resume({str(folder)!r}), or name another folder."
        )
    job = plan.jobs()[0]
    settings = settings_of(job, plan.budget) | {
        "seeds": as_list(plan.seeds),
        "budget": plan.budget,
        "unit": plan.unit,
        "snapshots": plan.snapshots,
        "every": float(every),
        "log": None if log is None else absolute(log),
        "versions": versions(),
    }
    write_manifest(folder, settings)
    return Folder(folder, float(every), plan.budget)


def _note(agents: Sequence[Agent], world: Any, num_seeds: int) -> str:
    """What is being done, for the eye; with a replay, what it takes of the memory."""
    if len(agents) > 1:
        return f"{len(agents)} agents, {num_seeds} seeds"
    words = f"{agents[0].label}, {num_seeds} seeds"
    if not hasattr(agents[0], "replay"):
        return words
    return f"{words}, {memory_of(agents[0], world, num_seeds) / 1e6:,.0f} MB with the replay"
