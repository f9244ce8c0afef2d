"""First weights of a network: the initialisers that its layers were given, with randomness of the seed's own.

Keras draws a model's weights on the host while it builds it, once.  Many seeds need many draws, inside a compiled
program; so while a model is built, the initialiser of every variable is noted, and called again with a key that comes
from the seed.  What is drawn otherwise (by NumPy in a builder, by an initialiser without a seed) cannot be drawn again
for each seed and is refused, never shared in silence.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.backend import load_keras
from qlearn.errors import InputError

Array = jax.Array
Start = Callable[[Any, int], Array]
"""From the noise of a seed and a slot of it to the first value of one variable."""

FIRST_SLOT = 1 << 16
"""Variable i draws from the slot FIRST_SLOT + i of the noise; an agent's own first state may use those below."""


class Noted(NamedTuple):
    """How one variable began."""

    variable: Any  # kept, so that its id stays its own
    initializer: Any
    stand_in: Any  # a list of the array that it was given in place of a draw; None where it was made as Keras makes it


Record = dict[int, Noted]  # by the id of the variable


@contextmanager
def recording() -> Iterator[Record]:
    """Note the initialisers of all Keras variables that are made inside.

    Where an initialiser awaits a seed, any numbers will do on the host: NumPy's cost no compilation.
    """
    variable = load_keras().Variable
    original = variable.__init__
    generator = np.random.default_rng()
    record: Record = {}
    here = threading.get_ident()

    def noting(self: Any, initializer: Any, *rest: Any, **named: Any) -> None:
        if threading.get_ident() != here:  # a model that another thread is making is none of ours
            return original(self, initializer, *rest, **named)
        if not awaits_a_seed(initializer):
            record[id(self)] = Noted(self, initializer, None)
            return original(self, initializer, *rest, **named)
        drawn: list[Any] = []  # once, though a variable that is made inside a call of Keras asks several times

        def stand_in(shape: Any, dtype: Any = None) -> Any:
            if not drawn:
                drawn.append(generator.standard_normal(shape).astype(jnp.dtype(dtype)))
            return drawn[0]

        original(self, stand_in, *rest, **named)
        record[id(self)] = Noted(self, initializer, drawn)
        return None

    with mock.patch.object(variable, "__init__", noting):
        yield record


def starts(variables: list[Any], record: Record, again: Callable[[], list[Any]]) -> tuple[Start, ...]:
    """How each variable of a model begins.

    Args:
        variables: those of the model that was built while recording.
        record: their initialisers.
        again: builds the model once more, recording too, and gives its variables; called only where a variable began
            in another way than by one of Keras' initialisers.

    Raises:
        InputError: where a variable has random first values that no seed governs.
    """
    found = [_start(v, record.get(id(v), Noted(v, None, None))) for v in variables]
    others = again() if None in found else variables
    for i, (variable, other) in enumerate(zip(variables, others, strict=True)):
        if found[i] is None:
            if not np.array_equal(_value(variable), _value(other)):
                raise InputError(
                    f"The first values of the network's variable {variable.path!r} are random, but not drawn by a "
                    "Keras initializer without a seed; all seeds would share one draw. Expected initializers of "
                    "keras.initializers, or a subclass of one. Give the layer such an initializer."
                )
            found[i] = _fixed(_value(variable))
    return tuple(start for start in found if start is not None)


def _start(variable: Any, noted: Noted) -> Start | None:
    """The start of one variable, or None where only a second model can tell."""
    if is_seed_state(variable):
        return lambda noise, slot: jnp.stack(noise.pair(slot))
    value, initializer = _value(variable), noted.initializer
    shape, dtype = tuple(variable.shape), variable.dtype
    keras_own = type(initializer).__module__.startswith("keras.")
    if noted.stand_in is not None:

        def draw(key: Array) -> Array:
            return _with_seed(initializer, key)(shape, dtype=dtype)

        if np.array_equal(value, noted.stand_in[0]) and (keras_own or _depends_on_its_key(draw)):
            return lambda noise, slot: draw(noise.key(slot))
        return None
    if keras_own and np.array_equal(value, np.asarray(initializer(shape, dtype=dtype))):
        return _fixed(value)
    return None


def is_seed_state(variable: Any) -> bool:
    """Whether it is the state of a Keras seed generator, which Dropout and its like have."""
    return variable.name == "seed_generator_state" and tuple(variable.shape) == (2,)


def awaits_a_seed(initializer: Any) -> bool:
    """Whether it is an initialiser that draws, and that the user gave no seed."""
    if not isinstance(initializer, load_keras().initializers.Initializer):
        return False
    return hasattr(initializer, "seed") and initializer.get_config().get("seed", 0) is None


def _depends_on_its_key(draw: Callable[[Array], Array]) -> bool:
    """Whether a draw depends on its key, and on nothing else."""
    value, same, other = (np.asarray(draw(jax.random.key(seed))) for seed in (0, 0, 1))
    return np.array_equal(value, same) and not np.array_equal(value, other)


def _with_seed(initializer: Any, key: Array) -> Any:
    seeded = copy.copy(initializer)
    seeded.seed = key  # Keras' random functions take an array as it is
    return seeded


def _fixed(value: Any) -> Start:
    first = value.reshape(-1)[:1]
    if value.size and np.array_equal(value, np.broadcast_to(first, value.shape)):
        return lambda *_: jnp.full(value.shape, first[0], value.dtype)  # no array of zeros inside the program
    return lambda *_: jnp.asarray(value)


def _value(variable: Any) -> Any:
    return np.asarray(variable.value)
