"""A finite model as arrays and pure functions of JAX, written for one seed.

A uniform word of 32 bits picks the outcome: the first whose cumulative probability exceeds it.  Probabilities are
thus exact to 2⁻³².  Few outcomes are compared one by one, many are searched by halving, so that a row with a million
outcomes costs twenty comparisons and no padding.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.xla import settle

Array = jax.Array
Numbers = np.ndarray[Any, Any]
_FEW = 8  # outcomes per row up to which padding and comparing one by one is faster


class Words(Protocol):
    """What an environment asks of the noise: 32-bit words and normal numbers, by index."""

    def bits(self, index: int = 0) -> Array:
        """A uniform uint32."""

    def normal(self, slot: int | Array) -> Array:
        """A standard normal float32."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Choice:
    """A draw among the outcomes of a row, in one of three forms that give the same outcome for the same word.

    ``even``: all rows have ``width`` equally likely outcomes, so that the word times ``width`` is the number.
    ``padded``: rows of ``width`` outcomes, compared one by one.  ``searched``: rows of any length, halved.
    """

    threshold: Array  # cumulative probabilities as 32-bit words; (rows · (width − 1),), (outcomes,) where searched
    offsets: Array  # (rows + 1,) where searched, else (0,)
    form: str = dataclasses.field(metadata={"static": True})
    width: int = dataclasses.field(metadata={"static": True})
    halvings: int = dataclasses.field(default=0, metadata={"static": True})

    def index(self, row: Array, bits: Array) -> Array:
        """The position of the chosen outcome in the flat arrays of outcomes, int32."""
        if self.width == 1:
            return row
        if self.form == "even":
            return row * self.width + _times(bits, self.width)
        if self.form == "padded":
            place, first = row * self.width, row * (self.width - 1)
            for k in range(self.width - 1):
                place = place + (bits >= self.threshold[first + k]).astype(jnp.int32)
            return place
        low, high = self.offsets[row], self.offsets[row + 1] - 1
        for _ in range(self.halvings):
            middle = (low + high) // 2
            beyond = (bits >= self.threshold[middle]) & (low < high)
            low, high = jnp.where(beyond, middle + 1, low), jnp.where(beyond, high, jnp.maximum(low, middle))
        return low


def _times(bits: Array, count: int) -> Array:
    """⌊bits · count / 2³²⌋ for a count below 2¹⁶, exactly, in 32-bit arithmetic; int32."""
    n, half = jnp.uint32(count), jnp.uint32(16)
    low = ((bits & jnp.uint32(0xFFFF)) * n) >> half
    return (((bits >> half) * n + low) >> half).astype(jnp.int32)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class DeviceMDP:
    """The arrays of a finite model; numbers are leaves, sizes are structure.

    ``step`` and ``reset`` are written for one seed and one environment.
    """

    outcome: Choice
    start: Choice
    arrival: Array  # (outcomes,) int32: next state · 2 + terminated
    reward: Array  # (outcomes,) float32
    reward_std: Array  # (outcomes,) float32, or (0,)
    start_state: Array  # (start outcomes,) int32
    legal: Array  # (S, A) bool, or (0,) where every action is legal everywhere
    change_at: Array  # (changes,) uint32: the total step from which the next model holds
    num_states: int = dataclasses.field(metadata={"static": True})
    num_actions: int = dataclasses.field(metadata={"static": True})
    time_limit: int | None = dataclasses.field(metadata={"static": True})

    def mask(self, state: Array) -> Array | None:
        """Legal actions of a state, (A,) bool; None where all are."""
        return self.legal[state] if self.legal.size else None

    @property
    def observation_shape(self) -> None:
        """None: what an agent sees is the state's number."""

    @property
    def observation_dtype(self) -> str:
        """Of the state's number."""
        return "int32"

    def observe(self, state: Array) -> Array:
        """What an agent sees: the state itself."""
        return state

    def reset(self, noise: Words) -> Array:
        """A start state, int32."""
        return self.start_state[self.start.index(jnp.int32(0), noise.bits(0))]

    def step(self, state: Array, action: Array, noise: Words, total: Array) -> tuple[Array, Array, Array]:
        """Next state (int32), reward (float32), terminated (bool)."""
        row = state * self.num_actions + action
        if self.change_at.size:
            model = jnp.sum((total >= self.change_at).astype(jnp.int32))
            row = row + model * (self.num_states * self.num_actions)
        place = settle(self.outcome.index(row, noise.bits(0)), state)
        arrival = self.arrival[place]
        reward = self.reward[place]
        if self.reward_std.size:
            reward = reward + self.reward_std[place] * noise.normal(1)
        return arrival >> 1, reward, (arrival & 1).astype(bool)


def on_device(mdp: FiniteMDP) -> DeviceMDP:
    """The arrays of a finite model for the device loop (float32, int32), its changes laid one after the other."""
    models = [mdp, *(model for _, model in mdp.changes)]
    counts = np.concatenate([np.diff(m.offsets) for m in models])
    probability = np.concatenate([m.probability for m in models])
    outcome, order = _choice(counts, probability)

    def laid(values: list[Numbers], dtype: Any) -> Array:
        return jnp.asarray(np.concatenate(values)[order].astype(dtype))

    begins = np.flatnonzero(mdp.initial > 0)
    start, _ = _choice(np.array([begins.size]), mdp.initial[begins])
    noisy = any(m.reward_std is not None and m.reward_std.any() for m in models)
    noise = [np.zeros_like(m.reward) if m.reward_std is None else m.reward_std for m in models]
    legal = models[0].legal
    return DeviceMDP(
        outcome=outcome,
        start=start,
        arrival=laid([m.next_state.astype(np.int64) * 2 + m.terminated for m in models], np.int32),
        reward=laid([m.reward for m in models], np.float32),
        reward_std=laid(noise, np.float32) if noisy else jnp.zeros(0, jnp.float32),
        start_state=jnp.asarray(begins.astype(np.int32)),
        legal=jnp.zeros(0, bool) if legal.all() else jnp.asarray(legal),
        change_at=jnp.asarray(np.array([at for at, _ in mdp.changes], np.uint32)),
        num_states=mdp.num_states,
        num_actions=mdp.num_actions,
        time_limit=mdp.time_limit,
    )


def _choice(counts: Numbers, probability: Numbers) -> tuple[Choice, Numbers]:
    """The draw of rows with ``counts`` outcomes each, and the order in which the outcomes are laid out."""
    ends = np.cumsum(counts)
    begins = ends - counts
    most = int(counts.max(initial=1))
    none = jnp.zeros(0, jnp.int32)
    column = np.arange(most) if most <= _FEW or _is_even(counts, probability, most) else np.zeros(0, int)
    # A short row is filled up with its last outcome, which is reached whatever the word.
    order = np.clip(np.minimum(begins[:, None] + column, ends[:, None] - 1), 0, None)
    if _is_even(counts, probability, most):
        return Choice(none.astype(jnp.uint32), none, "even", most), order.reshape(-1)
    if most <= _FEW:
        cumulative = np.cumsum(np.where(column < counts[:, None], probability[order], 0.0), axis=1)
        return Choice(_thresholds(cumulative[:, : most - 1]), none, "padded", most), order.reshape(-1)
    running = np.cumsum(probability)
    before = np.repeat(np.where(begins > 0, running[np.maximum(begins - 1, 0)], 0.0), counts)
    offsets = jnp.asarray(np.append(begins, ends[-1]).astype(np.int32))
    halvings = math.ceil(math.log2(most))
    return Choice(_thresholds(running - before), offsets, "searched", most, halvings), np.arange(probability.size)


def _is_even(counts: Numbers, probability: Numbers, most: int) -> bool:
    """Whether every row has ``most`` equally likely outcomes, or one or none, at no great cost of room."""
    if most >= 2**16 or counts.size * most > 4 * probability.size + 64:
        return False
    share = np.repeat(1.0 / np.maximum(counts, 1), counts)
    return bool(np.isin(counts, (0, 1, most)).all() and np.abs(probability - share).max(initial=0.0) < 1e-12)


def _thresholds(cumulative: Numbers) -> Array:
    """⌈c · 2³²⌉, so that ``bits < threshold`` says ``bits / 2³² < c``; rounding first undoes the sum's last digits."""
    scaled = np.ceil(np.round(cumulative.reshape(-1) * 2.0**32, 4))
    return jnp.asarray(np.minimum(scaled, 2.0**32 - 1).astype(np.uint32))
