r"""Prioritised replay: transitions are drawn in proportion to how wrong the network was about them.

.. math::
    P(i) = \frac{p_i^\alpha}{\sum_k p_k^\alpha}, \quad p_i = |\delta_i| + \epsilon, \qquad
    w_i = \left( \frac{\min_j P(j)}{P(i)} \right)^{\beta}

with the minimum over the batch, which is (N P(i))^(−β) divided by its largest in the batch.  Each batch is drawn
stratified: one transition from each of as many equal parts of the whole mass.

A new transition gets the largest priority met so far (1 before any).  A transition enters when the n − 1 steps that
its outcome needs have followed, and leaves when it is overwritten.  Where an update makes several gradient steps, each
draws from the priorities that the one before it left.  What δ is, a head says: the error of a value, the divergence of
a categorical distribution (as in Rainbow), the loss of quantiles.

Source: T. Schaul, J. Quan, I. Antonoglou and D. Silver, *Prioritized experience replay*, ICLR 2016, the proportional
variant, algorithm 1.  Difference from it: the largest weight is that of the batch, as their algorithm can be read and
as Dopamine does; some codes take that of the whole replay.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.sum_tree import SumTree
from qlearn.errors import InputError
from qlearn.rules.description import description, number
from qlearn.rules.schedules import HasTime, Schedule, as_schedule

Array = jax.Array


class Ranked(NamedTuple):
    """The priorities of a seed's replay."""

    nodes: Array  # the sum tree of p^α
    largest: Array  # the largest p^α met so far, float32


@description
class Priorities:
    """Prioritised replay for ``DQN(priorities=…)``.

    Args:
        exponent: α ≥ 0: how much priorities count; 0 draws evenly.
        importance: β in [0, 1], a number or a schedule: how much of the bias the weights take back; the paper lets it
            rise to 1 over the whole training, ``linear(0.4, 1.0, over=steps, per="step")``.
        smallest: ε ≥ 0, what is added to every error, so that nothing is never drawn again.

    Raises:
        InputError: where a number is out of range.

    >>> Priorities(exponent=0.5).exponent
    0.5
    """

    exponent: float = 0.6
    importance: Schedule = 0.4  # type: ignore[assignment]  # kept as a schedule
    smallest: float = 1e-6

    def __post_init__(self) -> None:
        number(self, "exponent", 0.0)
        number(self, "smallest", 0.0)
        as_schedule(self, "importance", high=1.0)
        if self.importance.counts_visits:
            raise InputError(
                f"Priorities: importance={self.importance} counts the visits of states, which a replay does not; "
                "expected a number or a schedule of time. Pass for example linear(0.4, 1.0, over=100_000, per='step')."
            )


@dataclasses.dataclass(frozen=True)
class Ranking:
    """The layout of the priorities of a ring, and what is done with them.

    Args:
        rule: the numbers α, β and ε.
        places: N, of the ring.
        num_environments: E.
        n: steps of an outcome.
    """

    rule: Priorities
    places: int
    num_environments: int
    n: int

    @property
    def tree(self) -> SumTree:
        """The sums over all places."""
        return SumTree(self.places)

    @property
    def num_bytes(self) -> int:
        """What the priorities take."""
        return self.tree.num_bytes + 4

    def empty(self) -> Ranked:
        """No transition; the first ones get 1."""
        return Ranked(self.tree.empty(), jnp.float32(1.0))

    def enter(self, ranked: Ranked, before: Array, count: int) -> Ranked:
        """After a write: transitions whose outcome is now whole enter, those that were overwritten are gone.

        Args:
            ranked: of a seed.
            before: steps stored before the write, uint32, from `together`.
            count: steps written; with ``(n − 1) E`` more at most N.
        """
        waiting = (self.n - 1) * self.num_environments
        order = jnp.arange(count + waiting, dtype=jnp.uint32)
        head = before % jnp.uint32(self.places)
        places = ((head + jnp.uint32(self.places - waiting) + order) % jnp.uint32(self.places)).astype(jnp.int32)
        whole = (order < count) & (before + order >= waiting)  # before the first step there is none
        return ranked._replace(nodes=self.tree.write(ranked.nodes, places, jnp.where(whole, ranked.largest, 0.0)))

    def draw(self, ranked: Ranked, noise: Any, slot: int | Array, count: int, clock: HasTime) -> tuple[Array, Array]:
        """Places (count,) int32 of transitions drawn by priority, and their importance weights (count,), at most 1.

        Args:
            ranked: of a seed.
            noise: of this update.
            slot: the first of the ``(count + 1) // 2`` slots to be used.
            count: how many.
            clock: when, for β.
        """
        slots = jnp.asarray(slot, jnp.uint32) + jnp.arange((count + 1) // 2, dtype=jnp.uint32)
        within = jnp.concatenate(noise.uniforms_of(slots))[:count]
        shares = (jnp.arange(count, dtype=jnp.float32) + within) / jnp.float32(count)
        places = self.tree.find(ranked.nodes, shares * self.tree.total(ranked.nodes))
        masses = self.tree.at(ranked.nodes, places)
        beta = jnp.max(self.rule.importance.value(clock))  # per episode each environment has its own
        return places, (jnp.min(masses) / masses) ** beta

    def rate(self, ranked: Ranked, places: Array, errors: Array, learnt: Array) -> Ranked:
        """Other priorities for what a gradient step met.

        Args:
            ranked: of a seed.
            places: of the batch.
            errors: |δ| of each, at least 0.
            learnt: whether there was a step; else nothing changes.
        """
        raised = (errors + self.rule.smallest) ** jnp.asarray(self.rule.exponent, jnp.float32)
        raised = jnp.where(jnp.isfinite(raised), raised, ranked.largest)  # a diverged seed must not poison the sums
        values = jnp.where(learnt, raised, self.tree.at(ranked.nodes, places))
        largest = jnp.where(learnt, jnp.maximum(ranked.largest, jnp.max(raised)), ranked.largest)
        return Ranked(self.tree.write(ranked.nodes, places, values), largest)
