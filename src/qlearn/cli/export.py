"""`qlearn export`: what a folder keeps, as a model for use elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from cyclopts import App, Parameter

from qlearn.cli.options import Whole, check_seed, check_writable
from qlearn.cli.own import Own
from qlearn.cli.terminal import print_json, say, say_command, shell
from qlearn.errors import InputError

EXAMPLES = """\
Examples:
  qlearn train CartPole-v1 "preset(pqn, CartPole-v1)" --steps 500000 --seeds 8 --out pqn
  qlearn export pqn
  qlearn export pqn --format onnx --seed 3 --out cartpole

The model takes observations as the environment gives them. It is read back and held against
the run before this says so. README.md beside it says what it is worth and how to load it.
"""
app = App(name="export", help_epilogue=EXAMPLES, help_format="plaintext")


@app.default
def export(
    folder: Annotated[Path, Parameter(name="FOLDER", negative="")],
    /,
    *,
    format: Literal["keras", "onnx", "stablehlo"] = "keras",
    seed: Annotated[Whole | None, Parameter(name="--seed")] = None,
    out: Path | None = None,
    evaluate: Annotated[bool, Parameter(negative="--no-evaluate")] = True,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    own: Own = Own(),  # noqa: B008
) -> int:
    """Write the Q values of one run that a folder keeps as a model for use without qlearn.

    Args:
        folder: What `qlearn train --out FOLDER` wrote.
        format: For Keras, onnxruntime or JAX.
        seed: Which run; the first that did not diverge where it is not given, never the best.
        out: Folder for the model; FOLDER/export-SEED where it is not given.
        evaluate: Whether the page says what the greedy policies are worth, for which games are played.
        json: Print one JSON object on standard output, and nothing else there.
        own: Code of your own that the environment needs.
    """
    own.load()
    if seed is not None:
        check_seed(seed)
    if out is not None:
        check_writable(out)
    from qlearn.cli.cache import keep_compiled
    from qlearn.reports.exporting import export as write
    from qlearn.training.kept import kept_runs

    keep_compiled()
    runs = kept_runs(folder)
    sound = runs.seeds[np.logical_not(runs.diverged)]
    if seed is None and not sound.size:
        raise InputError(
            f"Every run that {folder} keeps diverged. Name one by --seed {runs.seeds[0]} if you want it all the same."
        )
    chosen = int(sound[0]) if seed is None else seed
    target = folder / f"export-{chosen}" if out is None else out
    written = write(runs, chosen, format, target, evaluation=evaluate)
    model = written.model
    command = shell("qlearn", "export", folder, "--format", format, "--seed", chosen, "--out", target, *own.words())
    if json:
        inputs = [{"name": part.name, "shape": part.shape, "dtype": part.dtype} for part in model.inputs]
        facts = {
            "model": model.path,
            "card": written.card,
            "picture": written.picture,
            "seed": chosen,
            "format": format,
        }
        checked = {"num_checked": model.num_checked, "difference": model.difference, "custom": model.custom}
        print_json({**facts, "inputs": inputs, "num_actions": model.num_actions, **checked, "command": command})
        return 0
    size = f"{model.path.stat().st_size / 1000:,.0f} kB"
    say(f"{runs.label} on {runs.environment.name}, seed {chosen}: {model.path}, {size}.")
    say(
        f"Read back, it gave the run's values on {model.num_checked:,} observations, to {model.difference:.1g} of the "
        "largest."
    )
    say(f"What it is worth, and how to load it: {written.card}")
    say_command("To reproduce:", command)
    return 0
