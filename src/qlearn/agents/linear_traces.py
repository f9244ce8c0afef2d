r"""Eligibility traces on linear values: every error reaches the features of the steps before it, too.

.. math::
    z &\leftarrow \gamma \lambda\, z, \quad \text{then} \quad
    z_A \leftarrow z_A + \rho \circ x \quad \text{(accumulating)}, \qquad
    z_{iA} \leftarrow \rho_i \;\text{where}\; x_i = 1 \quad \text{(replacing)} \\
    w &\leftarrow w + \alpha\, \delta\, z

and with dutch traces, in *true online* methods, with Q the value of the step as it is and :math:`Q^-` as it was when
the step before it had bootstrapped from it:

.. math::
    z_A &\leftarrow z_A + (1 - \alpha\, z_A^\top x)\, \rho \circ x \\
    w &\leftarrow w + \alpha (\delta + Q - Q^-)\, z - \alpha (Q - Q^-)\, \rho \circ x

Traces are 0 before an episode begins, and, where ``cut`` is set, before an action that was not greedy (Watkins).

Source: R. S. Sutton and A. G. Barto, *Reinforcement learning*, 2nd edition, chapter 12; H. van Seijen, A. R. Mahmood,
P. M. Pilarski, M. C. Machado and R. S. Sutton, *True online temporal-difference learning*, JMLR 17 (2016).
Difference: the features' own rates ρ stand in the trace, where the sources have one step size for all.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.features import Basis
from qlearn.agents.linear import Moment
from qlearn.agents.linear_weights import added, replaced, step_of, value_of
from qlearn.rules.targets import one_step

Array = jax.Array
Traces = Literal["accumulating", "replacing", "dutch"]


class TraceState(NamedTuple):
    """The traces, and what the values said last."""

    trace: Array  # (d, A) float32
    expected: Array  # float32: the value that the last step bootstrapped from


@dataclasses.dataclass(frozen=True)
class Eligibility:
    """The way of traces.

    Args:
        basis: the features.
        discount: γ.
        trace_decay: λ.
        kind: which traces.
        cut: whether an action that is not greedy cuts them.
    """

    basis: Basis
    discount: Any
    trace_decay: Any
    kind: Traces
    cut: bool = False

    def first(self, weights: Array) -> TraceState:
        """No traces."""
        return TraceState(jnp.zeros_like(weights), jnp.float32(0.0))

    def learn(self, weights: Array, memory: TraceState, moment: Moment) -> tuple[Array, TraceState]:
        """Let the traces decay, add the step's own, and move all weights that have one."""
        t, x, column, alpha = moment.transition, moment.features, moment.column, moment.rate
        target = one_step(t, moment.policy, moment.following, self.discount)
        error, step = target - moment.value, step_of(self.basis, x)
        goes_on = moment.followed & ~moment.first
        trace = jnp.where(goes_on, self.discount * self.trace_decay, 0.0) * memory.trace
        if self.kind == "replacing":
            trace = replaced(trace, x, column, step)
        elif self.kind == "accumulating":
            trace = added(trace, x, column, step)
        else:
            trace = added(trace, x, column, (1.0 - alpha * value_of(trace, x, column)) * step)
        if self.kind != "dutch":
            return weights + alpha * error * trace, TraceState(trace, memory.expected)
        late = jnp.where(moment.first, 0.0, moment.value - memory.expected)
        weights = added(weights + alpha * (error + late) * trace, x, column, -alpha * late * step)
        expected = jnp.sum(moment.policy * moment.following)
        return weights, TraceState(trace, expected)
