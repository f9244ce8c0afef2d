"""The page beside an exported model: what it is, what it is worth, how to load it, how to make it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qlearn.engine.worlds import spec_of
from qlearn.environments.parts import MASK
from qlearn.evaluation import RunsEvaluation
from qlearn.statistics import mean_interval
from qlearn.training import Runs
from qlearn.training.export_model import ModelFile
from qlearn.training.preset import presets

CARD, PICTURE = "README.md", "curve.png"
_LAST = 100


def model_card(runs: Runs, files: Sequence[ModelFile], found: RunsEvaluation | None) -> str:
    """The page as Markdown.

    Args:
        runs: what `train` returned.
        files: the models of one seed, beside which the page lies.
        found: what `qlearn.evaluate` says about the runs; None where they were not evaluated.
    """
    seed, parts = files[0].seed, files[0].inputs
    given = "; ".join(f"`{p.name}` {_shape(p.shape)} {p.dtype}" for p in parts)
    counted = len(parts) == 1 and parts[0].values
    states = f" Observations are numbers of states, from 0 to {parts[0].values - 1}." if counted else ""
    lines = [
        f"# {runs.label} on {runs.environment.name}",
        "",
        f"Q values that qlearn {runs.versions['qlearn']} learnt in "
        f"{int(runs.num_steps[runs.seeds == seed][0]):,} steps with seed {seed}. The model takes a batch of "
        f"observations as the environment gives them ({given}, the batch in front), scales them inside "
        f"where that was learnt with, and gives the value of each of {files[0].num_actions} actions.{states}",
        "",
        f"![Return against steps]({PICTURE})",
        "",
        "## What it is worth",
        "",
        *_worth(runs, seed, found),
        "",
    ]
    for file in files:
        lines += [f"## To load it: {file.path.name}", "", *_loading(runs, file), ""]
    return "\n".join([*lines, *_origin(runs, files)]) + "\n"


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) if shape else "one number"


def _figure(value: float) -> str:
    return f"{value:,.2f}".replace("-", "−")


def _spread(values: Sequence[float]) -> str:
    told = mean_interval(values)
    if told.interval is None:
        return _figure(told.mean)
    return f"{_figure(told.mean)} (95% interval {_figure(told.interval.low)} … {_figure(told.interval.high)})"


def _worth(runs: Runs, seed: int, found: RunsEvaluation | None) -> list[str]:
    n = len(runs.seeds)
    rows = ["| undiscounted return of an episode | |", "|---|---|"]
    if found is not None:
        place = int(np.flatnonzero(runs.seeds == seed)[0])
        own = _figure(float(found.exact_return[place]))
        how = ", exact" if found.standard_error is None else ", 20 games on fresh random numbers"
        if found.standard_error is not None:
            own += f" (standard error {_figure(float(found.standard_error[place]))})"
        rows.append(f"| this seed, greedy policy{how} | {own} |")
        rows.append(f"| all {n} seeds trained, greedy policies | {_spread(found.exact_return.tolist())} |")
    ends = [row[:count][-_LAST:].mean() for row, count in zip(runs.returns, runs.num_episodes, strict=True) if count]
    if ends:
        rows.append(f"| all seeds, last {_LAST} episodes of training, exploration included | {_spread(ends)} |")
    if found is not None and found.truth is not None:
        rows.append(f"| optimum at discount {found.truth.discount:g} | {_figure(found.truth.optimum)} |")
        rows.append(f"| uniform policy | {_figure(found.truth.uniform)} |")
    notes = [f"- {note}." for note in (() if found is None else found.notes)]
    if found is None:
        notes.append("- Nobody has evaluated the greedy policy.")
    if not runs.complete:
        notes.append("- The training was interrupted: this is where it stood.")
    if runs.diverged.any():
        notes.append(f"- {int(runs.diverged.sum())} of {n} seeds diverged; they count in every mean.")
    for one in presets():
        if (one.agent, one.environment) == (runs.settings["agent_written"], runs.environment.name):
            whole = "as many steps" if one.steps == runs.settings.get("steps") else f"{one.steps:,} steps"
            notes.append(f"- These are the settings of the preset `{one.name}`; certified, over {whole}: {one.claim}.")
    return [*rows, "", *notes] if notes else rows


def _loading(runs: Runs, file: ModelFile) -> list[str]:
    zeros = {p.name: f"np.zeros({(2, *p.shape)!r}, {p.dtype!r})" for p in file.inputs}
    many = "{" + ", ".join(f"{name!r}: {array}" for name, array in zeros.items()) + "}"
    batch = many if len(zeros) > 1 else next(iter(zeros.values()))
    name = file.path.name
    if file.kind == "keras":
        custom = f", custom_objects={{{', '.join(f'{c!r}: {c}' for c in file.custom)}}}" if file.custom else ""
        code = [
            "import keras, numpy as np  # any backend; KERAS_BACKEND=jax chooses JAX",
            "",
            f"model = keras.saving.load_model({name!r}{custom})",
            f"values = keras.ops.convert_to_numpy(model({batch}))",
        ]
    elif file.kind == "onnx":
        code = [
            "import numpy as np, onnxruntime",
            "",
            f"session = onnxruntime.InferenceSession({name!r})",
            f"values = session.run(None, {many})[0]",
        ]
    else:
        code = [
            "import jax.export, numpy as np, pathlib",
            "",
            f"model = jax.export.deserialize(bytearray(pathlib.Path({name!r}).read_bytes()))",
            f"values = np.asarray(model.call({', '.join(zeros.values())}))",
        ]
    told = [f"The classes {', '.join(file.custom)} are the author's own; import them first."] if file.custom else []
    return [*told, "```python", *code, "actions = values.argmax(axis=-1)", "```", *_remarks(runs, file)]


def _remarks(runs: Runs, file: ModelFile) -> list[str]:
    spec, lines = spec_of(runs.environment), []
    if spec.legal is not None or any(part.name == MASK for part in spec.parts):
        lines.append("Not every action is legal everywhere: take the largest value among the legal ones.")
    start = getattr(runs.environment, "action_start", 0)
    if start:
        lines.append(f"Actions are counted from 0 here, and from {start} in the environment.")
    lines.append(
        f"Read back when it was written, it gave the values of the run on {file.num_checked} observations, to "
        f"{file.difference:.1g} of the largest."
    )
    return ["", *lines]


def _origin(runs: Runs, files: Sequence[ModelFile]) -> list[str]:
    settings, unit = runs.settings, "episodes" if "episodes" in runs.settings else "steps"
    written, by_name = settings["agent_written"], settings["environment_by_name"]
    lines = ["## Where it is from", ""]
    if written is None or not by_name:
        whose = " and ".join(w for w, own in (("agent", written is None), ("environment", not by_name)) if own)
        lines.append(f"The {whose} is the author's own code, which no file of qlearn holds. Trained with:")
        lines += ["", "```", f"{settings['agent']} on {settings['environment']}", "```"]
    else:
        lines += ["```sh", *_commands(runs, files, unit), "```"]
    wall = [f"- trained in {runs.wall_time:,.0f} s, all seeds together"] if runs.wall_time else []
    return [
        *lines,
        "",
        f"- agent: `{written or settings['agent']}`, version {settings['agent_version']}",
        f"- environment: `{settings['environment']}`; {settings[unit]:,} {unit} of each of {len(runs.seeds)} seeds",
        *wall,
        "- " + ", ".join(f"{name} {version}" for name, version in runs.versions.items()),
    ]


def _commands(runs: Runs, files: Sequence[ModelFile], unit: str) -> list[str]:
    settings, seeds = runs.settings, runs.seeds
    words = ["qlearn", "train", settings["environment"], settings["agent_written"], f"--{unit}", str(settings[unit])]
    gaps = bool((np.diff(seeds) != 1).any())
    words += ["--seeds", str(len(seeds)), "--seed", str(int(seeds[0])), "--out", "trained"]
    told = ["# (in Python, by ql.train: the seeds are not in a row)"] if gaps else []
    folder = Path(files[0].path).resolve().parent.name or "model"
    again = [
        shlex.join(["qlearn", "export", "trained", "--format", file.kind, "--seed", str(file.seed), "--out", folder])
        for file in files
    ]
    return [*told, shlex.join(words), *again]
