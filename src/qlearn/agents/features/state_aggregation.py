"""State aggregation: neighbouring states share one value.

Source: R. S. Sutton and A. G. Barto, *Reinforcement learning*, 2nd edition, section 9.3.
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp

from qlearn.agents.features.feature import Basis, Encoded
from qlearn.agents.features.one_hot import counted
from qlearn.agents.learner import Spec
from qlearn.errors import InputError
from qlearn.rules.description import description, whole


@description
class StateAggregation:
    """States in order, cut into groups of as equal a size as can be; each group has one feature.

    Args:
        groups: how many groups, at most as many as there are states.

    Raises:
        InputError: where ``groups`` is no whole number of at least 1.

    >>> import jax.numpy as jnp
    >>> from qlearn.agents.learner import Spec
    >>> basis = StateAggregation(groups=10).bind(Spec(1000, 1))
    >>> [int(basis.encode(jnp.int32(s)).places[0]) for s in (0, 99, 100, 999)]
    [0, 0, 1, 9]
    """

    groups: int = dataclasses.field(default=10, kw_only=False)

    def __post_init__(self) -> None:
        whole(self, "groups")

    def bind(self, spec: Spec) -> Basis:
        """One feature for each group.

        Raises:
            InputError: where states cannot be counted, or there are fewer than groups.
        """
        states, groups = counted(self, spec), self.groups
        if groups > states:
            raise InputError(
                f"StateAggregation(groups={groups}) has more groups than there are states ({states}); expected at most "
                f"{states}. Pass fewer."
            )
        size, more = divmod(states, groups)  # the first ``more`` groups have one state more
        edge = more * (size + 1)

        def group(state: jnp.ndarray) -> jnp.ndarray:
            return jnp.where(state < edge, state // (size + 1), more + (state - edge) // size)

        return Basis(
            size=groups,
            active=1,
            encode=lambda state: Encoded(group(state).astype(jnp.int32)[None], None),
            constant=lambda value: jnp.full(groups, value, jnp.float32),
        )
