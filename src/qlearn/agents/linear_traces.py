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
Differences: the features' own rates ρ stand in the trace, where the sources have one step size for all; and where only
the last K steps have traces (:class:`RecentEligibility`), those of older steps, below (γλ)ᴷ ρ, are left out.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.features import Basis
from qlearn.agents.linear import Moment
from qlearn.agents.linear_weights import added, replaced, step_of, value_of
from qlearn.rules.rows import total
from qlearn.rules.targets import expect, one_step
from qlearn.xla import settle

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
        x, column, alpha = moment.features, moment.column, moment.rate
        error, step = error_of(moment, self.discount), step_of(self.basis, x)
        trace = decay_of(moment, self.discount * self.trace_decay) * memory.trace
        if self.kind == "replacing":
            trace = replaced(trace, x, column, step)
        elif self.kind == "accumulating":
            trace = added(trace, x, column, step)
        else:
            trace = added(trace, x, column, (1.0 - alpha * value_of(trace, x, column)) * step)
        if self.kind != "dutch":
            return weights + alpha * error * trace, TraceState(trace, memory.expected)
        late = late_of(moment, memory.expected)
        weights = added(weights + alpha * (error + late) * trace, x, column, -alpha * late * step)
        return weights, TraceState(trace, expect(moment.policy, moment.following))


class RecentState(NamedTuple):
    """The traces of the last K steps, the newest last; features of which k are 1."""

    places: Array  # (K, k) int32
    columns: Array  # (K,) int32
    traces: Array  # (K, k) float32; 0 where nothing is left
    expected: Array  # float32: the value that the last step bootstrapped from


@dataclasses.dataclass(frozen=True)
class RecentEligibility:
    """The way of traces that only the last steps have: K k weights move a step in place of all.

    Args:
        basis: sparse features, each of the k from a range of its own.
        discount: γ.
        trace_decay: λ.
        kind: which traces.
        steps: K.
        cut: whether an action that is not greedy cuts them.
    """

    basis: Basis
    discount: Any
    trace_decay: Any
    kind: Traces
    steps: int
    cut: bool = False

    def first(self, weights: Array) -> RecentState:
        """No traces."""
        assert self.basis.active is not None
        shape = (self.steps, self.basis.active)
        places, columns = jnp.zeros(shape, jnp.int32), jnp.zeros(self.steps, jnp.int32)
        return RecentState(places, columns, jnp.zeros(shape, jnp.float32), jnp.float32(0.0))

    def learn(self, weights: Array, memory: RecentState, moment: Moment) -> tuple[Array, RecentState]:
        """Let the traces decay, add the step's own, and move the weights of the last steps."""
        x, column, alpha = moment.features, moment.column, moment.rate
        assert x.places is not None
        error, step = error_of(moment, self.discount), step_of(self.basis, x)
        traces = decay_of(moment, self.discount * self.trace_decay) * memory.traces
        again = (memory.places == x.places[None, :]) & (memory.columns == column)[:, None]
        late = jnp.float32(0.0)
        if self.kind == "replacing":
            traces = jnp.where(again, 0.0, traces)
        elif self.kind == "dutch":
            late = late_of(moment, memory.expected)
            step = (1.0 - alpha * total(jnp.where(again, traces, 0.0).reshape(-1))) * step
        kept = RecentState(
            places=jnp.concatenate([memory.places[1:], x.places[None, :]]),
            columns=jnp.concatenate([memory.columns[1:], column[None].astype(jnp.int32)]),
            traces=jnp.concatenate([traces[1:], step[None, :]]),
            expected=expect(moment.policy, moment.following) if self.kind == "dutch" else memory.expected,
        )
        kept = jax.tree.map(lambda part: settle(part, column), kept)
        amounts = settle(alpha * (error + late) * kept.traces, column)
        columns = jnp.broadcast_to(kept.columns[:, None], kept.places.shape)
        weights = weights.at[kept.places, columns].add(amounts, mode="promise_in_bounds")
        if self.kind == "dutch":
            weights = added(weights, x, column, -alpha * late * step_of(self.basis, x))
        return weights, kept


def error_of(moment: Moment, discount: Any) -> Array:
    """δ."""
    return one_step(moment.transition, moment.policy, moment.following, discount) - moment.value


def decay_of(moment: Moment, decay: Any) -> Array:
    """γλ, or 0 where an episode begins or a greedy policy was left."""
    return jnp.where(moment.followed & ~moment.first, decay, 0.0)


def late_of(moment: Moment, expected: Array) -> Array:
    """Q − Q⁻: how far the last update has moved the value that it bootstrapped from; 0 where an episode begins."""
    return jnp.where(moment.first, 0.0, moment.value - expected)
