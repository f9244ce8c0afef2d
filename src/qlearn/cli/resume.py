"""`qlearn resume`: go on with a training that was kept."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from qlearn.cli.options import Output, SeedOption, Whole, at_least, check_discount, check_seed
from qlearn.cli.own import Own
from qlearn.cli.terminal import shell
from qlearn.errors import DivergenceWarning, EnvironmentFault, InexactResumeWarning, Interrupted

EXAMPLES = """\
Examples:
  qlearn train CartPole-v1 "preset(pqn, CartPole-v1)" --steps 500000 --seeds 8 --out pqn
  qlearn resume pqn
  qlearn resume pqn --steps 1000000

The numbers are those of a training that was never interrupted, to the bit.
"""
app = App(name="resume", help_epilogue=EXAMPLES, help_format="plaintext")


@app.default
def resume(  # noqa: PLR0913 - cyclopts makes an option of each
    folder: Annotated[Path, Parameter(name="FOLDER", negative="")],
    /,
    *,
    episodes: Whole | None = None,
    steps: Whole | None = None,
    discount: float | None = None,
    log: str | None = None,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    seed: SeedOption = 0,
    own: Own = Own(),  # noqa: B008
) -> int:
    """Go on with a training that was interrupted, or further than it was to go.

    Args:
        folder: What `qlearn train --out FOLDER` wrote.
        episodes: A larger number of episodes than was asked for first.
        steps: A larger number of steps than was asked for first.
        discount: What agents without a discount of their own are judged at; 0.95 where it is not given.
        log: Where to log episodes, if elsewhere than the training did; see qlearn train.
        json: Print one JSON object on standard output, and nothing else there.
        seed: Accepted for scripts; the seeds are those of the training.
        own: Code of your own that the environment needs.
    """
    at_least("--episodes", episodes, 1)
    at_least("--steps", steps, 1)
    check_discount(discount)
    check_seed(seed)
    own.load()
    from qlearn.cli.cache import keep_compiled
    from qlearn.cli.told import CHECKPOINT, DISCOUNT, Telling, after_fault, tell
    from qlearn.training import resume as go_on
    from qlearn.training.checkpoint import is_checkpoint, read_manifest

    kept = folder if is_checkpoint(folder) else folder / CHECKPOINT
    output = Output(json=json, out=kept.parent if kept.name == CHECKPOINT else folder)
    keep_compiled()
    for kind in (DivergenceWarning, InexactResumeWarning):  # said by `tell`
        warnings.simplefilter("ignore", kind)
    fault: EnvironmentFault | None = None
    try:
        runs = go_on(kept, episodes=episodes, steps=steps, log=log)
    except Interrupted as stopped:
        runs = stopped.runs
    except EnvironmentFault as caught:
        fault = caught
    told = read_manifest(kept)
    seeds, unit = told["seeds"], f"{told['unit']}s"
    budget = episodes or steps or told["budget"]
    which = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds):,} seeds ({seeds[0]} to {seeds[-1]})"
    words = ["--seeds", len(seeds), "--seed", seeds[0]]
    agent = told["agent_written"] or told["agent"]
    command = shell("qlearn", "train", own.named(told["environment"]), agent, f"--{unit}", budget, *words)
    judged, trained = DISCOUNT if discount is None else discount, f"{budget:,} {unit}, {which}"
    how = Telling(judged, output, command, trained, log or told.get("log"), own.modules)
    return tell(runs, how) if fault is None else after_fault(fault, seeds, how)
