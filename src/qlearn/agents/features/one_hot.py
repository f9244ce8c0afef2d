"""One feature for each state: a table, in the words of features."""

from __future__ import annotations

import jax.numpy as jnp

from qlearn.agents.features.feature import Basis, Encoded
from qlearn.agents.learner import Spec
from qlearn.errors import InputError
from qlearn.rules.description import description


@description
class OneHotFeatures:
    """The feature of the state is 1, all others 0: linear values are then a table's.

    >>> from qlearn.agents.learner import Spec
    >>> OneHotFeatures().bind(Spec(5, 2)).size
    5
    """

    def bind(self, spec: Spec) -> Basis:
        """One feature for each state; raises InputError where states cannot be counted."""
        states = counted(self, spec)
        return Basis(
            size=states,
            active=1,
            encode=lambda state: Encoded(state[None], None),
            constant=lambda value: jnp.full(states, value, jnp.float32),
        )


def counted(owner: object, spec: Spec) -> int:
    """How many states there are; raises InputError where observations are arrays."""
    if spec.observation_shape is not None:
        raise InputError(
            f"{type(owner).__name__} is for states that can be counted, and this environment observes arrays of shape "
            f"{spec.observation_shape}. Pass ql.TileCoding(…), or count them with ql.discretised(environment, bins)."
        )
    return spec.num_states
