"""A model written for Keras, ONNX or JAX elsewhere, and read back to see that it gives the same values."""

from __future__ import annotations

import functools
import logging
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.backend import lenient, load_keras
from qlearn.environments.parts import Part
from qlearn.errors import InputError
from qlearn.training.raw_model import OUTPUT, as_parts, called

Values = Callable[[dict[str, Any]], Any]
FILES = {"keras": "model.keras", "onnx": "model.onnx", "stablehlo": "model.stablehlo"}
_PLATFORMS = ("cpu", "cuda", "tpu")


def bytes_of(kind: str, model: Any, parts: tuple[Part, ...]) -> bytes:
    """A model in one of the formats.

    Args:
        kind: ``"keras"``, ``"onnx"`` or ``"stablehlo"``.
        model: from `raw_model`.
        parts: of an observation, in the order in which they are given.

    Raises:
        InputError: where a format cannot hold one of its layers, or what writes it is not installed.
    """
    with lenient():
        return {"keras": _keras, "onnx": _onnx, "stablehlo": _stablehlo}[kind](model, parts)


def values_in(kind: str, path: Path, parts: tuple[Part, ...], custom: dict[str, Any] | None = None) -> Values:
    """What a written file gives, loaded as its user would load it: a function of a batch by name.

    Args:
        kind: as above.
        path: of the file.
        parts: of an observation.
        custom: the user's own layers by name, which Keras needs where a class is not registered with it.
    """
    if kind == "keras":
        return functools.partial(called, load_keras().saving.load_model(path, custom_objects=custom))
    if kind == "onnx":
        return functools.partial(_run, _runtime(path.read_bytes()))
    read: Any = jax.export.deserialize(bytearray(path.read_bytes()))
    return lambda given: np.asarray(read.call(*[given[part.name] for part in parts]))


def _run(session: Any, given: dict[str, Any]) -> Any:
    try:
        return session.run(None, given)[0]
    except Exception as error:
        raise _refused("ONNX", error) from error


def _keras(model: Any, parts: tuple[Part, ...]) -> bytes:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Keras asks NumPy for what its own variables cannot do yet
        path = Path(folder) / FILES["keras"]
        model.save(path)
        return path.read_bytes()


def _positional(model: Any, parts: tuple[Part, ...]) -> Callable[..., Any]:
    """The model as a function of arrays, one for each part."""

    def values(*arrays: Any) -> Any:
        given = {part.name: array for part, array in zip(parts, arrays, strict=True)}
        with lenient():
            return model(given if len(parts) > 1 else arrays[0], training=False)

    return values


def _shapes(parts: tuple[Part, ...]) -> list[Any]:
    """Arrays of any number of observations."""
    scope = jax.export.SymbolicScope()
    struct: Any = jax.ShapeDtypeStruct  # it brings no types
    words = [", ".join(["batch", *map(str, part.shape)]) for part in parts]
    return [
        struct(jax.export.symbolic_shape(word, scope=scope), jnp.dtype(part.dtype))
        for word, part in zip(words, parts, strict=True)
    ]


def _stablehlo(model: Any, parts: tuple[Part, ...]) -> bytes:
    try:
        exported = jax.export.export(jax.jit(_positional(model, parts)), platforms=_PLATFORMS)(*_shapes(parts))
    except Exception as error:
        raise _refused("StableHLO with any number of observations", error) from error
    return bytes(exported.serialize())


def _onnx(model: Any, parts: tuple[Part, ...]) -> bytes:
    _runtime(None)
    from jax2onnx import to_onnx

    # Names of layers would be looked up by the tool in Keras' own objects, so it is given a plain function.
    names = [part.name for part in parts]
    try:
        logging.getLogger("onnx_ir").setLevel(logging.ERROR)  # it warns of what is no matter here
        made = to_onnx(_positional(model, parts), _shapes(parts), input_names=names, output_names=[OUTPUT])
    except Exception as error:
        raise _refused("ONNX", error) from error
    return bytes(made.SerializeToString())


def _runtime(model: bytes | None) -> Any:
    """A session of onnxruntime; with None only whether what it takes is installed."""
    try:
        import jax2onnx  # noqa: F401
        import onnxruntime
    except ImportError as error:
        raise InputError(
            f"ONNX files are written by jax2onnx and checked by onnxruntime, and {error.name} is not installed. "
            'Install them: pip install "qlearn[onnx]", or export "keras" or "stablehlo".'
        ) from error
    if model is None:
        return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised, and told in our own words
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _refused(form: str, error: Exception) -> InputError:
    told = str(error).strip().splitlines()
    return InputError(
        f"This network cannot be written as {form} ({type(error).__name__}: {told[0][:160] if told else ''}); expected "
        'layers that the format has. Export "keras", which holds any network.'
    )


def largest_difference(values: Values, parts: tuple[Part, ...], observations: Any, wanted: Any) -> float:
    """How far a loaded model is from the values wanted, over a whole batch and one by one.

    Returns:
        The largest distance, relative to the largest value where that is above 1.
    """
    given = as_parts(parts, observations)
    got = np.asarray(values(given))
    single = np.asarray(values({name: array[:1] for name, array in given.items()}))
    if got.shape != wanted.shape or single.shape != wanted[:1].shape:
        return float("inf")
    unit = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
    both = np.concatenate([got - wanted, single - wanted[:1]])
    worst = float(np.max(np.abs(both), initial=0.0)) / unit
    return worst if np.isfinite(worst) else float("inf")
