"""`qlearn train`: one agent on many seeds, held against the truth."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from cyclopts import App, Parameter

from qlearn.cli.options import Budget, EnvironmentName, Output, at_least, check_discount, made, own_discount
from qlearn.cli.tables import print_q_table, print_spread
from qlearn.cli.terminal import figure, note, print_json, say, say_command, share, shell
from qlearn.errors import DivergenceWarning, InexactResumeWarning, InputError, Interrupted

if TYPE_CHECKING:
    from qlearn.evaluation import RunsEvaluation
    from qlearn.training import Runs

EXAMPLES = """\
Examples:
  qlearn train NChain-v0 q-learning
  qlearn train NChain-v0 "q-learning(learning_rate=0.01)" --seeds 1000
  qlearn train Taxi-v4 "expected-sarsa(learning_rate=0.5)" --steps 200000 --out taxi
  qlearn train CartPole-v1 "preset(pqn, CartPole-v1)" --steps 500000 --seeds 8
  qlearn train CartPole-v1 "dqn(mlp(64, 64), adam(0.0005), double=True)" --steps 100000

`qlearn agents` lists the agents and their settings. With --out everything is kept there on
the way, and `qlearn resume FOLDER` goes on after an interruption.
"""
CHECKPOINT = "checkpoint"
INTERRUPTED, DIVERGED, DISCOUNT = 130, 5, 0.95
app = App(name="train", help_epilogue=EXAMPLES, help_format="plaintext")


@app.default
def train(
    environment: EnvironmentName,
    agent: Annotated[str, Parameter(name="AGENT")],
    /,
    *,
    budget: Budget = Budget(),  # noqa: B008
    discount: float | None = None,
    snapshots: int = 0,
    log: str | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Train one agent on many seeds and hold what it learnt against the truth.

    Args:
        environment: An id, with arguments or without; `qlearn envs` lists those with a model.
        agent: A name, with settings or without; `qlearn agents` lists them.
        budget: How much is trained.
        discount: What agents without a discount of their own are judged at; 0.95 where it is not given.
        snapshots: How many times on the way the tables are kept (in --out).
        log: Folder for a CSV line of every episode as it ends; tensorboard:FOLDER for TensorBoard's files too.
        output: Where results go.
    """
    budget.check()
    at_least("--snapshots", snapshots, 0)
    check_discount(discount)
    world = made(environment)
    from qlearn.cli.cache import keep_compiled
    from qlearn.training import parse_agent, resume
    from qlearn.training import train as train_runs
    from qlearn.training.checkpoint import read_manifest
    from qlearn.training.prediction import refuse_prediction

    described = parse_agent(agent)
    refuse_prediction(described)
    output.check()
    if remark := own_discount([(agent, described.discount)], discount):
        note(remark)
    discount = DISCOUNT if discount is None else discount
    keep_compiled()
    kept = ("--snapshots", snapshots) if snapshots else ()
    judged = ("--discount", discount) if described.discount is None else ()
    command = shell("qlearn", "train", environment, agent, *budget.words(world), *judged, *kept)
    for kind in (DivergenceWarning, InexactResumeWarning):  # said below, in the command's own words
        warnings.simplefilter("ignore", kind)
    seeds, kept_in = list(budget.seeds_for(world)), checkpoint_of(output)
    again = kept_in is not None and _is_the_same(kept_in, described, world, budget, snapshots)
    try:
        if again and kept_in is not None:
            log = log or read_manifest(kept_in).get("log")
            runs = resume(kept_in, log=log)
        else:
            more: dict[str, Any] = {"checkpoint": kept_in, "log": log}
            runs = train_runs(described, world, seeds=seeds, snapshots=snapshots, **more, **budget.length())
    except Interrupted as stopped:
        runs = stopped.runs
    return tell(runs, discount, output, command, budget.in_words(world), log)


def checkpoint_of(output: Output) -> Path | None:
    """Return where training is kept on its way: in the folder for results."""
    return None if output.out is None else output.out / CHECKPOINT


def _is_the_same(kept: Path, agent: Any, world: Any, budget: Budget, snapshots: int) -> bool:
    """Return whether a folder holds this very training, which the command then goes on with; False where it is empty.

    Raises:
        InputError: where it holds another one.
    """
    from qlearn.training import written_agent
    from qlearn.training.checkpoint import is_checkpoint, read_manifest

    if not is_checkpoint(kept):
        return False
    told, length = read_manifest(kept), budget.length()
    wanted = {
        "agent_written": written_agent(agent),
        "environment": world.name,
        "seeds": list(budget.seeds_for(world)),
        "budget": next(iter(length.values())),
        "unit": next(iter(length)).removesuffix("s"),
        "snapshots": snapshots,
    }
    if all(told.get(name) == value for name, value in wanted.items()):
        note(f"{kept.parent} holds this training; going on with it.")
        return True
    raise InputError(
        f"{kept.parent} holds another training ({told['agent_written'] or told['agent']} on {told['environment']}). "
        f"Go on with that one by `{shell('qlearn', 'resume', kept.parent)}`, or name another folder."
    )


def tell(runs: Runs, discount: float, output: Output, command: str, trained: str, log: str | None = None) -> int:
    """Judge runs, print and save what is known of them; return the exit code."""
    from qlearn.evaluation import evaluate
    from qlearn.training import begun_again, divergence
    from qlearn.training.log import log_evaluation

    if not runs.complete:
        note(f"Interrupted after {int(runs.num_episodes.sum()):,} episodes of all seeds together.")
        if checkpoint_of(output) is not None:
            note(f"To go on: {shell('qlearn', 'resume', output.out)}")
    for told in filter(None, (divergence(runs), begun_again(runs))):
        note(told)
    found = evaluate(runs, discount=discount)
    result = {**as_data(runs, found), "command": command}
    files = _save(runs, result, output)
    if log is not None:
        files = [*files, log_evaluation(log, runs, found)]
    if output.json:
        print_json(result)
    else:
        say(f"{runs.label} on {runs.environment.name}: {trained}, trained in {runs.wall_time:.1f} s.")
        print_runs(runs, found)
        if files:
            say(f"Saved: {', '.join(map(str, files))}.")
        say_command("To reproduce:" if runs.complete else "From the beginning:", command)
    if not runs.complete:
        return INTERRUPTED
    return DIVERGED if runs.diverged.any() else 0


def _save(runs: Runs, result: dict[str, Any], output: Output) -> list[Path]:
    file = output.save_json("train.json", result)
    if file is None or output.out is None:
        return []
    runs.save(output.out / "runs.npz")
    return [output.out / "runs.npz", file]


def as_data(runs: Runs, found: RunsEvaluation) -> dict[str, Any]:
    """Return what the JSON object holds about one agent's runs."""
    return {
        "name": runs.label,
        "agent": runs.settings["agent_written"],
        "environment": runs.environment.name,
        "seeds": runs.seeds,
        "optimum": found.optimum,
        "ceiling": found.ceiling,
        "uniform": found.uniform,
        "horizon": found.horizon,
        "method": found.method,
        "exact_return": found.exact_return,
        "share_optimal": found.share_optimal,
        "online_return": runs.online_returns(),
        "num_episodes": runs.num_episodes,
        "num_steps": runs.num_steps,
        "q_table": None if runs.table is None else runs.table.astype(np.float64).mean(axis=0),
        "q_optimal": None if found.truth is None else found.truth.solution.q,
        "diverged": int(runs.diverged.sum()),
        "diverged_at": runs.diverged_at,
        "loop": runs.settings["loop"],
        "lane": runs.settings["lane"],
        "state_bytes": runs.settings["state_bytes"],
        "begun_again": runs.settings.get("begun_again", {}),
        "complete": runs.complete,
        "notes": found.notes,
        "wall_time": runs.wall_time,
        "versions": runs.versions,
    }


def print_runs(runs: Runs, found: RunsEvaluation) -> None:
    """Print what runs earned and what their greedy policies are worth."""
    worth = "exact value of the greedy policy" if found.method == "exact" else "greedy policy, by rollouts"
    print_spread(
        {
            "online return, all episodes": runs.online_returns(),
            "online return, last tenth": runs.online_returns(last=0.1),
            worth: found.exact_return,
        }
    )
    if found.truth is not None and found.optimal is not None and found.optimum:
        kept = float(np.mean(found.exact_return)) / found.optimum
        say(
            f"Optimum {figure(found.optimum)}, ceiling {figure(found.ceiling)}, uniform policy "
            f"{figure(found.uniform)}, within {found.horizon:,} steps."
        )
        say(
            f"Optimal policy in {int(found.optimal.sum()):,} of {len(runs.seeds):,} runs "
            f"({share(float(found.optimal.mean()))}); on average they get {share(kept)} of the optimum."
        )
    for remark in found.notes:
        say(f"Note: {remark}.")
    _print_tables(runs, found)


def _print_tables(runs: Runs, found: RunsEvaluation) -> None:
    if found.truth is None:
        return
    q = None if runs.agent.discount is None else found.truth.solution.q
    print_q_table(found.truth.mdp, runs.q_table, q)
    if q is None:
        say("This table holds sums of rewards, not values, so Q* is not beside it.")
