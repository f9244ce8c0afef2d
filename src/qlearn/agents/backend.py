"""Keras, loaded when a network is first made, on its JAX backend.

Only there can a network and its optimizer become part of a compiled program.  ``import qlearn.agents`` loads no Keras.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax

from qlearn.errors import InputError

BUILDING = threading.RLock()
"""Held while Keras objects are made: what is recorded there belongs to one model."""


def load_keras() -> Any:
    """The module ``keras``, on the JAX backend.

    Raises:
        InputError: where Keras was imported with another backend, or is told by ``KERAS_BACKEND`` to use one.
    """
    loaded = sys.modules.get("keras")
    if loaded is None:
        wanted = os.environ.setdefault("KERAS_BACKEND", "jax")
        if wanted != "jax":
            raise InputError(
                f"KERAS_BACKEND={wanted} is set; qlearn's networks need Keras on its JAX backend. Unset the variable, "
                "or set KERAS_BACKEND=jax before Python starts."
            )
    import keras

    backend = keras.backend.backend()
    if backend != "jax":
        raise InputError(
            f"Keras was imported with its {backend} backend before qlearn; qlearn's networks need the JAX one. Start "
            "again and write `import qlearn` above `import keras`, or set KERAS_BACKEND=jax before Python starts."
        )
    return keras


@contextmanager
def lenient() -> Iterator[None]:
    """Let Keras mix ranks and dtypes as it does, also where the caller told JAX to refuse that."""
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield


@contextmanager
def on_the_host() -> Iterator[None]:
    """Make Keras objects here: one at a time, and with values even inside a function that JAX is tracing."""
    with BUILDING, jax.ensure_compile_time_eval(), lenient():
        yield


def call(model: Any, trainable: Any, other: Any, inputs: Any, *, training: bool) -> tuple[Any, list[Any], list[Any]]:
    """What a model gives with these values in place of its own: outputs, new values of ``other``, losses of its own.

    Like Keras' ``stateless_call``, which tells the layers inside a model of the user's own nothing of ``training``
    unless the model's ``call`` takes it: their Dropout would never drop.
    """
    scope = load_keras().StatelessScope
    mapping = [*zip(model.trainable_variables, trainable, strict=True)]
    mapping += zip(model.non_trainable_variables, other, strict=True)
    with lenient(), scope(state_mapping=mapping, collect_losses=True) as inside:
        outputs = model(inputs, training=training)
        losses = list(model.losses)
    return outputs, [inside.get_current_value(v) for v in model.non_trainable_variables], losses
