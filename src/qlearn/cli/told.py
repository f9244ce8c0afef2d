"""What training commands say of the runs that came back: judged, printed, saved, with an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.cli.options import Output
from qlearn.cli.own import Own
from qlearn.cli.tables import print_q_table, print_spread
from qlearn.cli.terminal import figure, note, print_json, say, say_command, share, shell
from qlearn.errors import EnvironmentFault

if TYPE_CHECKING:
    from qlearn.evaluation import RunsEvaluation
    from qlearn.training import Runs

CHECKPOINT = "checkpoint"
INTERRUPTED, DIVERGED, DISCOUNT = 130, 5, 0.95


def checkpoint_of(output: Output) -> Path | None:
    """Return where training is kept on its way: in the folder for results."""
    return None if output.out is None else output.out / CHECKPOINT


@dataclass(frozen=True)
class Telling:
    """How runs are told.

    Args:
        discount: what agents without one of their own are judged at.
        output: where results go.
        command: what makes them again.
        trained: budget and seeds, in words.
        log: where episodes were logged; None where they were not.
        modules: of the user's own, that the environment needs.
    """

    discount: float
    output: Output
    command: str
    trained: str
    log: str | None = None
    modules: tuple[str, ...] = ()


def tell(runs: Runs, how: Telling, fault: EnvironmentFault | None = None) -> int:
    """Judge runs, print and save what is known of them; return the exit code.

    Args:
        runs: what was trained.
        how: they are told.
        fault: why other seeds are missing; None where none are.
    """
    from qlearn.training import begun_again, divergence
    from qlearn.training.log import log_evaluation

    if not runs.complete:
        note(f"Interrupted after {int(runs.num_episodes.sum()):,} episodes of all seeds together.")
        _say_how_to_go_on(how)
    for told in filter(None, (divergence(runs), begun_again(runs))):
        note(told)
    found = _evaluated(runs, how)
    failed = None if fault is None else {name: getattr(fault, name) for name in ("seed", "episode", "step")}
    words = {} if failed is None else {"fault": {**failed, "message": str(fault)}}
    result = {**as_data(runs, found), **words, "command": how.command}
    files = _save(runs, result, how.output)
    if how.log is not None:
        files = [*files, log_evaluation(how.log, runs, found)]
    if how.output.json:
        print_json(result)
    else:
        say(f"{runs.label} on {runs.environment.name}: {how.trained}, trained in {runs.wall_time:.1f} s.")
        print_runs(runs, found)
        if files:
            say(f"Saved: {', '.join(map(str, files))}.")
        say_command("To reproduce:" if runs.complete else "From the beginning:", how.command)
    if not runs.complete:
        return INTERRUPTED
    return DIVERGED if runs.diverged.any() else 0


def after_fault(fault: EnvironmentFault, seeds: Sequence[int], how: Telling) -> int:
    """Say what the other seeds came to, which one failed, and how to go on; return the exit code."""
    count = 0
    if fault.runs is not None:
        count = fault.runs.seeds.size
        try:
            tell(fault.runs, replace(how, trained=f"{how.trained}, of which {count:,} finished"), fault)
        except EnvironmentFault as more:  # while they were judged
            note(str(more))
    note(str(fault))
    missing = [seed for seed in seeds if fault.runs is None or seed not in fault.runs.seeds]
    which = f"seed{'s' if len(missing) > 1 else ''} {', '.join(map(str, missing[:9]))}{', …' if missing[9:] else ''}"
    others = f"the other {count:,} finished" if count else "no other finished"
    note(f"So {which} {'are' if len(missing) > 1 else 'is'} missing; {others}.")
    _say_how_to_go_on(how, ", with all seeds, when the environment is mended")
    return fault.exit_code


def _say_how_to_go_on(how: Telling, when: str = "") -> None:
    if checkpoint_of(how.output) is not None:
        own = Own(how.modules).words()
        note(f"To go on{when}: {shell('qlearn', 'resume', how.output.out, *own)}")


def _evaluated(runs: Runs, how: Telling) -> RunsEvaluation:
    """What the runs are worth; where their environment fails while they play, what they earned is told and saved."""
    from qlearn.evaluation import evaluate

    try:
        return evaluate(runs, discount=how.discount)
    except EnvironmentFault:
        if not how.output.json:
            say(f"{runs.label} on {runs.environment.name}: {how.trained}, trained in {runs.wall_time:.1f} s.")
            print_spread(_online(runs))
        if how.output.out is not None:
            runs.save(how.output.out / "runs.npz")
            note(f"The runs are saved ({how.output.out / 'runs.npz'}), and could not be judged:")
        raise


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
    print_spread(_online(runs) | {worth: found.exact_return})
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


def _online(runs: Runs) -> dict[str, Any]:
    return {
        "online return, all episodes": runs.online_returns(),
        "online return, last tenth": runs.online_returns(last=0.1),
    }


def _print_tables(runs: Runs, found: RunsEvaluation) -> None:
    if found.truth is None:
        return
    q = None if runs.agent.discount is None else found.truth.solution.q
    print_q_table(found.truth.mdp, runs.q_table, q)
    if q is None:
        say("This table holds sums of rewards, not values, so Q* is not beside it.")
