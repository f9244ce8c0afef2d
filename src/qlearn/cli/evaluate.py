"""`qlearn evaluate`: what the runs that a folder keeps are worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from qlearn.cli.options import Output, Whole, at_least, check_discount, made
from qlearn.cli.own import Own
from qlearn.cli.terminal import note, print_json, say, say_command, shell

if TYPE_CHECKING:
    from qlearn.training import Runs

EXAMPLES = """\
Examples:
  qlearn train CartPole-v1 "preset(pqn, CartPole-v1)" --steps 500000 --seeds 8 --out pqn
  qlearn evaluate pqn
  qlearn evaluate pqn --horizon 200 --json
  qlearn evaluate pqn --on "CartPole-v1(max_episode_steps=1000)"

Nothing is trained. A folder of a training that was interrupted is evaluated as it stood.
"""
app = App(name="evaluate", help_epilogue=EXAMPLES, help_format="plaintext")


@app.default
def evaluate(
    folder: Annotated[Path, Parameter(name="FOLDER", negative="")],
    /,
    *,
    horizon: Whole | None = None,
    discount: float | None = None,
    on: str | None = None,
    own: Own = Own(),  # noqa: B008
    output: Output = Output(),  # noqa: B008
) -> int:
    """Say what the greedy policies that a folder keeps are worth; nothing is trained.

    Args:
        folder: What `qlearn train --out FOLDER` wrote.
        horizon: Steps after which an episode is cut; the time limit where it is not given, or 1,000 without one.
        discount: What agents without a discount of their own are judged at; 0.95 where it is not given.
        on: Another environment to judge them on, with the same observations and actions.
        own: Code of your own that the environment needs.
        output: Where results go.
    """
    if horizon is not None:
        at_least("--horizon", horizon, 1)
    check_discount(discount)
    own.load()
    output.check()
    from qlearn.cli.cache import keep_compiled
    from qlearn.cli.told import DISCOUNT, DIVERGED, as_data, print_runs
    from qlearn.evaluation import evaluate as judged
    from qlearn.training.kept import kept_runs

    keep_compiled()
    runs = kept_runs(folder)
    found = judged(
        runs, None if on is None else made(on), horizon=horizon, discount=DISCOUNT if discount is None else discount
    )
    given = [("--horizon", horizon), ("--discount", discount), ("--on", on)]
    words = [word for name, value in given if value is not None for word in (name, value)]
    command = shell("qlearn", "evaluate", folder, *words, *own.words())
    result = {**as_data(runs, found), "command": command}
    file = output.save_json("evaluate.json", result)
    if output.json:
        print_json(result)
    else:
        say(f"{runs.label} on {runs.environment.name}: {in_words(runs)}.")
        print_runs(runs, found)
        if file is not None:
            say(f"Saved: {file}.")
        say_command("To reproduce:", command)
    if not runs.complete:
        again = shell("qlearn", "resume", folder, *own.words())
        note(f"The training was interrupted; this is where it stood. To go on: {again}")
    return DIVERGED if runs.diverged.any() else 0


def in_words(runs: Runs) -> str:
    """Return what was trained, for people: ``2,000 steps of each of 8 seeds``."""
    unit = "episodes" if "episodes" in runs.settings else "steps"
    count = len(runs.seeds)
    which = f"of seed {runs.seeds[0]}" if count == 1 else f"of each of {count:,} seeds"
    if runs.complete:
        return f"{runs.settings[unit]:,} {unit} {which}"
    low, high = int(runs.num_steps.min()), int(runs.num_steps.max())
    made = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{made} steps {which} so far, of {runs.settings[unit]:,} {unit}"
