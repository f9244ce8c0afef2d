"""What a run learnt as one ``keras.Model`` of observations as the environment gives them: scaling and all inside."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qlearn.agents.backend import lenient, load_keras, on_the_host
from qlearn.agents.network_inputs import arrangement, shape_of
from qlearn.agents.observed import inputs_of
from qlearn.engine.worlds import spec_of
from qlearn.environments.parts import Part
from qlearn.errors import InputError
from qlearn.training.prediction import refuse_prediction
from qlearn.training.runs import Runs

OUTPUT = "values"
_MOST = 100_000_000  # numbers in a table that becomes a model


def observed_parts(runs: Runs) -> tuple[Part, ...]:
    """What the model is given, part by part: all of an observation but its legal actions."""
    return inputs_of(spec_of(runs.environment))


def raw_model(runs: Runs, seed: int) -> Any:
    r"""The Q values of one run as a functional ``keras.Model``.

    Numbers of states become one-hot vectors inside, arrays of whole numbers become floats inside, what a learner scales
    is scaled inside, and values come out in units of return.  A table becomes an ``Embedding``, row by row.

    Args:
        runs: what `train` returned.
        seed: one of ``runs.seeds``.

    Returns:
        A model whose input is called ``observation`` (batch, \*shape), in the environment's own dtype, or whose inputs
        are called like the parts of the observation; it gives (batch, num_actions) float32.

    Raises:
        InputError: for a seed that was not trained, for agents that predict, and for linear ones, whose features are
            no layers.

    >>> import qlearn as ql
    >>> runs = ql.train(ql.QLearning(learning_rate=0.5), "NChain-v0", episodes=2)
    >>> model = raw_model(runs, 0)
    >>> bool((model(np.arange(5)) == runs.q_table[0]).all())
    True
    """
    refuse_prediction(runs.agent)
    if runs.knowledge is None:
        return _table(runs, seed)
    if runs.agent.learner(spec_of(runs.environment)).q_network is None:
        raise InputError(
            f"{runs.label} has features and no network, and its features are no layers of a model; expected an agent "
            "with a network or a table. `runs.q_function(seed)` gives its values in Python."
        )
    network, parts = runs.q_network(seed), observed_parts(runs)
    keras = load_keras()
    with on_the_host():
        arranged, dtypes = arrangement(network, parts)
        inputs = {part.name: keras.Input(part.shape, dtype=part.dtype, name=part.name) for part in parts}
        ready = {part.name: _ready(part, inputs[part.name], dtypes[part.name]) for part in parts}
        values = keras.ops.cast(network(arranged(ready)), "float32")
        return keras.Model(inputs if len(parts) > 1 else inputs[parts[0].name], values)


def _ready(part: Part, tensor: Any, dtype: str) -> Any:
    """One part as the network takes it."""
    ops = load_keras().ops
    if part.values:
        return ops.one_hot(tensor, part.values, dtype=dtype)
    if tuple(part.shape) != shape_of(part):
        tensor = ops.reshape(tensor, (-1, *shape_of(part)))
    return ops.cast(tensor, dtype)


def _table(runs: Runs, seed: int) -> Any:
    table = runs.q_table
    if not np.isin(seed, runs.seeds):
        runs.q_function(seed)  # says which were trained
    rows = table[int(np.flatnonzero(runs.seeds == seed)[0])]
    if rows.size > _MOST:
        raise InputError(
            f"A table of {rows.shape[0]:,} states and {rows.shape[1]} actions is too large for a model; expected at "
            f"most {_MOST:,} numbers. `runs.save` keeps it as it is."
        )
    keras = load_keras()
    with on_the_host():
        state = keras.Input((), dtype="int32", name="observation")
        layer = keras.layers.Embedding(*rows.shape, name="q_table")
        model = keras.Model(state, layer(state))
        layer.set_weights([rows])
        return model


def called(model: Any, observations: dict[str, Any]) -> Any:
    """The values of a batch, by name; (batch, num_actions) float32."""
    with lenient():
        given = observations if len(observations) > 1 else next(iter(observations.values()))
        return np.asarray(model(given, training=False))


def as_parts(parts: tuple[Part, ...], observations: Any) -> dict[str, Any]:
    """A batch of observations by name, each part in its own dtype."""
    given = observations if isinstance(observations, dict) else {parts[0].name: observations}
    return {p.name: np.asarray(given[p.name]).astype(p.dtype).reshape(-1, *p.shape) for p in parts}


def num_inputs(parts: tuple[Part, ...]) -> int:
    """Numbers in one observation."""
    return sum(math.prod(part.shape) for part in parts)
