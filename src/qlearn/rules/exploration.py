"""Exploration: from a row of action values to the behaviour policy.

An exploration policy has three functions, each of one row (shape ``(num_actions,)``) and a mask of legal actions (or
None): ``greedy`` gives the probabilities of the policy that it would follow without exploring (what is judged after
training), ``probabilities`` those that it follows now, ``sample`` an action drawn from them.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

import jax
import jax.numpy as jnp

from qlearn.errors import InputError
from qlearn.rules.description import choice, description
from qlearn.rules.rows import add_up, best, draw, highest, legal_row, pick
from qlearn.rules.schedules import HasTime, Schedule, as_schedule

Array = jax.Array
Ties = Literal["random", "first"]


class Draws(Protocol):
    """What sampling asks of the noise: uniform numbers in [0, 1), by index."""

    def uniform(self, index: int = 0) -> Array:
        """A float32 in [0, 1)."""


class Exploration(Protocol):
    """The behaviour policy of an agent; ``visits`` (num_actions,) is given where ``counts_visits`` is true."""

    @property
    def counts_visits(self) -> bool:
        """Whether the policy asks how often each action was taken here."""

    def greedy(self, row: Array, mask: Array | None) -> Array:
        """Probabilities (num_actions,) of the greedy policy, ties and all."""

    def probabilities(self, row: Array, mask: Array | None, clock: HasTime, visits: Array | None) -> Array:
        """Probabilities (num_actions,) of the behaviour policy now."""

    def sample(self, row: Array, mask: Array | None, noise: Draws, clock: HasTime, visits: Array | None) -> Array:
        """An action, int32, drawn from ``probabilities``."""


def _candidates(row: Array, mask: Array | None, ties: Ties, zero_sum_uniform: bool) -> Array:
    """Which actions the greedy policy may take: the best ones, or all where the tutorial's zero-sum test holds."""
    is_best = best(legal_row(row, mask))
    if ties == "first":
        is_best = is_best & (jnp.cumsum(is_best) == 1)
    if zero_sum_uniform:
        total = add_up(row if mask is None else jnp.where(mask, row, 0.0))
        is_best = is_best | (total == 0.0)
    return is_best if mask is None else is_best & mask


def _even(candidates: Array) -> Array:
    marked = candidates.astype(jnp.float32)
    return marked / add_up(marked)


def _legal(row: Array, mask: Array | None) -> Array:
    return jnp.ones(row.shape, bool) if mask is None else mask


@description
class Greedy:
    """Always a best action.

    Args:
        ties: ``"random"`` (each best action equally likely) or ``"first"`` (the lowest index).
        zero_sum_uniform: the tutorial's test: where the values of a row sum to 0, every action is equally likely.

    >>> import jax.numpy as jnp
    >>> Greedy().greedy(jnp.array([0.0, 0.0]), None).tolist()
    [0.5, 0.5]
    """

    ties: Ties = "random"
    zero_sum_uniform: bool = False

    counts_visits = False

    def __post_init__(self) -> None:
        choice(self, "ties", ("random", "first"))

    def greedy(self, row: Array, mask: Array | None) -> Array:
        """Even weight on the candidates."""
        return _even(_candidates(row, mask, self.ties, self.zero_sum_uniform))

    def probabilities(self, row: Array, mask: Array | None, clock: HasTime, visits: Array | None) -> Array:
        """The same as ``greedy``."""
        return self.greedy(row, mask)

    def sample(self, row: Array, mask: Array | None, noise: Draws, clock: HasTime, visits: Array | None) -> Array:
        """One of the candidates."""
        return pick(_candidates(row, mask, self.ties, self.zero_sum_uniform), noise.uniform(1))

    def __str__(self) -> str:
        return "greedy"


@description
class EpsilonGreedy:
    """With probability ε any legal action, all equally likely; otherwise a best one.

    Args:
        epsilon: a number in [0, 1] or a schedule.
        ties: ``"random"`` or ``"first"``, as in :class:`Greedy`.
        zero_sum_uniform: the tutorial's test, as in :class:`Greedy`.

    >>> print(EpsilonGreedy(0.1))
    ε-greedy (ε 0.1)
    """

    epsilon: float | Schedule
    ties: Ties = "random"
    zero_sum_uniform: bool = False

    def __init__(self, epsilon: Any, *, ties: Ties = "random", zero_sum_uniform: bool = False) -> None:
        object.__setattr__(self, "epsilon", epsilon)
        object.__setattr__(self, "ties", ties)
        object.__setattr__(self, "zero_sum_uniform", zero_sum_uniform)
        choice(self, "ties", ("random", "first"))
        as_schedule(self, "epsilon", high=1.0)

    @property
    def counts_visits(self) -> bool:
        """Whether ε depends on the visits of the state."""
        return bool(self.epsilon.counts_visits)  # type: ignore[union-attr]

    def rate(self, clock: HasTime, visits: Array | None = None) -> Array:
        """ε now; with a per-visit schedule n counts the visits of the state, this one included."""
        of_state = None if visits is None else jnp.sum(visits) + 1
        return self.epsilon.value(clock, of_state)  # type: ignore[union-attr]

    def greedy(self, row: Array, mask: Array | None) -> Array:
        """Even weight on the candidates."""
        return _even(_candidates(row, mask, self.ties, self.zero_sum_uniform))

    def probabilities(self, row: Array, mask: Array | None, clock: HasTime, visits: Array | None) -> Array:
        """(1 − ε) greedy + ε uniform."""
        epsilon = self.rate(clock, visits)
        return (1.0 - epsilon) * self.greedy(row, mask) + epsilon * _even(_legal(row, mask))

    def sample(self, row: Array, mask: Array | None, noise: Draws, clock: HasTime, visits: Array | None) -> Array:
        """Two uniform numbers: the first decides whether to explore, the second among the candidates."""
        explore = noise.uniform(0) < self.rate(clock, visits)
        candidates = _candidates(row, mask, self.ties, self.zero_sum_uniform)
        return pick(jnp.where(explore, _legal(row, mask), candidates), noise.uniform(1))

    def __str__(self) -> str:
        return f"ε-greedy (ε {self.epsilon})"


@description
class Boltzmann:
    """Probabilities proportional to exp(q / τ).

    Args:
        temperature: τ > 0 in units of value, a number or a schedule (which must stay above 0).

    >>> import jax.numpy as jnp
    >>> Boltzmann(1.0).probabilities(jnp.array([0.0, 0.0]), None, None, None).tolist()
    [0.5, 0.5]
    """

    temperature: float | Schedule

    def __init__(self, temperature: Any) -> None:
        object.__setattr__(self, "temperature", temperature)
        as_schedule(self, "temperature")
        _positive(self)

    @property
    def counts_visits(self) -> bool:
        """Whether τ depends on the visits of the state."""
        return bool(self.temperature.counts_visits)  # type: ignore[union-attr]

    def greedy(self, row: Array, mask: Array | None) -> Array:
        """Even weight on the best actions."""
        return _even(_candidates(row, mask, "random", False))

    def probabilities(self, row: Array, mask: Array | None, clock: HasTime, visits: Array | None) -> Array:
        """exp((q − max q) / τ), normalised."""
        of_state = None if visits is None else jnp.sum(visits) + 1
        legal = legal_row(row, mask)
        temperature = jnp.maximum(self.temperature.value(clock, of_state), 1e-12)  # type: ignore[union-attr]
        weights = jnp.exp((legal - highest(legal)) / temperature)
        return weights / add_up(weights)

    def sample(self, row: Array, mask: Array | None, noise: Draws, clock: HasTime, visits: Array | None) -> Array:
        """By the inverse of the distribution function, from one uniform number."""
        return draw(self.probabilities(row, mask, clock, visits), noise.uniform(1))

    def __str__(self) -> str:
        return f"Boltzmann (τ {self.temperature})"


def as_exploration(owner: object) -> None:
    """Check that a description's exploration is one; raises InputError."""
    policy = vars(owner)["exploration"]
    if not all(hasattr(policy, name) for name in ("counts_visits", "greedy", "probabilities", "sample")):
        raise InputError(
            f"{type(owner).__name__}: exploration={policy!r} is no exploration policy; expected one with greedy, "
            "probabilities and sample. Pass for example EpsilonGreedy(0.1)."
        )


def _positive(policy: Boltzmann) -> None:
    ends_at_zero = (
        getattr(policy.temperature, "over", None) is not None and getattr(policy.temperature, "end", 1.0) <= 0
    )
    if getattr(policy.temperature, "start", 1.0) <= 0 or ends_at_zero:
        raise InputError(
            f"Boltzmann: temperature {policy.temperature} is not above 0; expected a number in (0, ∞). "
            "Pass Greedy() for a temperature of 0."
        )
