"""A model of one run in a file that others read, checked by reading it back."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from qlearn.agents.backend import lenient, load_keras
from qlearn.agents.network_inputs import arrangement
from qlearn.environments.parts import Part
from qlearn.errors import InputError, StoreError, nearest
from qlearn.files import atomic_write
from qlearn.training.met import observations_met
from qlearn.training.model_files import FILES, bytes_of, largest_difference, values_in
from qlearn.training.raw_model import as_parts, called, observed_parts, raw_model
from qlearn.training.runs import Runs

Kind = Literal["keras", "onnx", "stablehlo"]
KINDS: tuple[str, ...] = get_args(Kind)
TOLERANCE = 1e-5


@dataclasses.dataclass(frozen=True)
class ModelFile:
    """A model that was written and read back.

    Args:
        path: of the file.
        kind: ``"keras"``, ``"onnx"`` or ``"stablehlo"``.
        seed: of the run.
        inputs: the parts of an observation: name, shape without the batch, dtype.
        num_actions: values that each observation gives.
        num_checked: observations on which the file read back was held against the run.
        difference: the largest distance there, relative to the largest value where that is above 1.
        custom: classes of the user's own that Keras must be told of to read the file.
    """

    path: Path
    kind: str
    seed: int
    inputs: tuple[Part, ...]
    num_actions: int
    num_checked: int
    difference: float
    custom: tuple[str, ...] = ()


def kind_of(kind: Any) -> str:
    """The format as it is known.

    Raises:
        InputError: with the nearest that there is.
    """
    if kind not in KINDS:
        near = nearest(str(kind), KINDS)
        raise InputError(f"{kind!r} is no format{near or '.'} Expected one of {', '.join(KINDS)}. Pass 'keras'.")
    return str(kind)


def export_model(runs: Runs, seed: int, kind: str, folder: str | os.PathLike[str]) -> ModelFile:
    """Write the Q values of one run as a model of raw observations; see ``qlearn.export``.

    The file takes its name only when what was written has been read back and gives the values of the run, on
    observations that the environment gave.

    Raises:
        InputError: for another format, a seed that was not trained, an agent without network or table, or a network
            that the format cannot hold.
        StoreError: where the file cannot be written, or does not give the values of the run.
    """
    name = FILES[kind_of(kind)]
    model, parts = raw_model(runs, seed), observed_parts(runs)
    met = as_parts(parts, observations_met(runs.environment))
    wanted, custom = _values_of(runs, seed, parts, met), _own_layers(model)
    path = Path(folder) / name
    beside = path.with_name(f".checking.{name}")
    try:
        with atomic_write(beside) as file:
            file.write(bytes_of(kind, model, parts))
        apart = max(
            largest_difference(values_in(kind, beside, parts, custom), parts, met, wanted),
            largest_difference(lambda given: called(model, given), parts, met, wanted),
        )
        if not apart <= TOLERANCE:
            raise StoreError(
                f"What was written as {kind} gives values up to {apart:.2g} from those of seed {seed} (relative, on "
                f"{len(wanted)} observations); expected at most {TOLERANCE:g}. It was not kept; export another format."
            )
        beside.replace(path)
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"Could not write {path}: {error.strerror or error}. Pass a folder that can be written."
        ) from error
    finally:
        beside.unlink(missing_ok=True)
    return ModelFile(path, kind, int(seed), parts, wanted.shape[1], len(wanted), apart, tuple(custom))


def _values_of(runs: Runs, seed: int, parts: tuple[Part, ...], met: dict[str, Any]) -> Any:
    """What the run itself says of these observations: its network's values where it has one, else its table's."""
    if runs.knowledge is None:
        return np.asarray(runs.q_function(seed)(met[parts[0].name]))
    network = runs.q_network(seed)
    arranged, dtypes = arrangement(network, parts)
    ready = {p.name: _as_network_input(p, met[p.name], dtypes[p.name]) for p in parts}
    with lenient():
        return np.asarray(network(arranged(ready), training=False)).astype(np.float32)


def _as_network_input(part: Part, values: Any, dtype: str) -> Any:
    """By NumPy what the exported model does inside."""
    if part.values:
        return np.eye(part.values, dtype=dtype)[values]
    return values.astype(dtype).reshape(len(values), *(part.shape or (1,)))


def _own_layers(model: Any) -> dict[str, Any]:
    """Classes of layers that are not Keras' own and not registered with it, by name."""
    register = load_keras().saving.get_registered_name
    kinds = {type(layer) for layer in model._flatten_layers()}
    own = [kind for kind in kinds if not kind.__module__.startswith("keras.") and register(kind) == kind.__name__]
    return {kind.__name__: kind for kind in sorted(own, key=lambda kind: kind.__name__)}
