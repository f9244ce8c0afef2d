"""``export``: a run as a model that others can load, with a page that says what it is worth."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from qlearn.environments.parts import Part
from qlearn.errors import InputError
from qlearn.evaluation import RunsEvaluation, evaluate
from qlearn.files import atomic_write
from qlearn.reports.model_card import CARD, PICTURE, model_card
from qlearn.reports.saving import save_figure
from qlearn.reports.training_curve import training_curve
from qlearn.training import Runs
from qlearn.training.export_model import ModelFile, export_model, kind_of

_TOLD = "export.json"


@dataclasses.dataclass(frozen=True)
class Exported:
    """What `export` wrote.

    Args:
        model: the file of the model, and how far it is from the run's own values.
        card: the page beside it, README.md.
        picture: of the learning curve.
    """

    model: ModelFile
    card: Path
    picture: Path


def export(
    runs: Runs,
    seed: int,
    kind: str,
    folder: str | os.PathLike[str],
    *,
    evaluation: RunsEvaluation | bool = True,
) -> Exported:
    """Write the Q values of one run as a model for use without qlearn.

    The model takes a batch of observations as the environment gives them: numbers of states, whole numbers or floats;
    one-hot vectors, scaling and units of return are inside.  What was written is read back and held against the run on
    observations of the environment before it takes its name.  Several formats of one run may share a folder.

    Args:
        runs: what `train` returned, or `kept_runs` read.
        seed: one of ``runs.seeds``.
        kind: ``"keras"`` (model.keras), ``"onnx"`` (model.onnx; needs ``pip install "qlearn[onnx]"``) or
            ``"stablehlo"`` (model.stablehlo, by `jax.export`, for CPU, CUDA and TPU).
        folder: made where it is not there; files of the same names are replaced.
        evaluation: what `evaluate` says about these runs, where it is at hand; True to evaluate them here, which plays
            games where no model of the environment is known; False to leave it out of the page.

    Returns:
        What was written.

    Raises:
        InputError: for another format, a seed that was not trained, an agent without network or table, a network that
            the format cannot hold, or a folder that holds a model of another run.
        StoreError: where a file cannot be written, or does not give the values of the run.

    >>> import qlearn as ql
    >>> runs = ql.train(ql.QLearning(learning_rate=0.5), "NChain-v0", episodes=2)
    >>> written = export(runs, 0, "keras", "here")
    >>> written.model.path.name, written.card.name, written.model.difference
    ('model.keras', 'README.md', 0.0)
    """
    path, identity = Path(folder), _identity(runs, seed)
    kind_of(kind)
    others = _others(path, identity, kind)
    model = export_model(runs, seed, kind, path)
    found = evaluate(runs, discount=_discount(runs)) if evaluation is True else evaluation or None
    save_figure(training_curve(runs, found), path / PICTURE.removesuffix(".png"), ["png"])
    files = [*others, model]
    told = {**identity, "files": [_as_json(file) for file in files]}
    for name, text in ((_TOLD, json.dumps(told, indent=1, ensure_ascii=False)), (CARD, model_card(runs, files, found))):
        with atomic_write(path / name) as file:
            file.write(text.encode())
    return Exported(model, path / CARD, path / PICTURE)


def _discount(runs: Runs) -> float | None:
    """What runs without a discount of their own are judged at."""
    return None if runs.agent.discount is not None else 0.95


def _identity(runs: Runs, seed: int) -> dict[str, Any]:
    steps = runs.num_steps[runs.seeds == seed]
    return {
        "agent": runs.settings["agent_written"] or runs.label,
        "agent_version": runs.settings["agent_version"],
        "environment": runs.environment.name,
        "seed": int(seed),
        "steps": int(steps[0]) if steps.size else 0,
    }


def _others(path: Path, identity: dict[str, Any], kind: str) -> list[ModelFile]:
    """Models of the same run in other formats that lie in the folder already."""
    try:
        told = json.loads((path / _TOLD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(told, dict) or any(told.get(name) != value for name, value in identity.items()):
        what = f"{told.get('agent')} on {told.get('environment')}, seed {told.get('seed')}" if told else "?"
        raise InputError(f"{path} holds the model of another run ({what}). Name another folder, or empty this one.")
    files = [_from_json(path, one) for one in told.get("files", [])]
    return [file for file in files if file.kind != kind and file.path.is_file()]


def _as_json(file: ModelFile) -> dict[str, Any]:
    return dataclasses.asdict(file) | {"path": file.path.name, "inputs": [list(part) for part in file.inputs]}


def _from_json(path: Path, told: dict[str, Any]) -> ModelFile:
    parts = tuple(Part(name, tuple(shape), dtype, values) for name, shape, dtype, values in told["inputs"])
    return ModelFile(**{**told, "path": path / told["path"], "inputs": parts, "custom": tuple(told["custom"])})
