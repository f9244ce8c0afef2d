r"""What the methods share that learn from whole episodes on a table.

.. math:: G_t = R_{t+1} + \gamma G_{t+1}, \qquad Q(S_t, A_t) \leftarrow Q(S_t, A_t) + \alpha [G_t - Q(S_t, A_t)]

Returns are built from the last step backwards; values learn from the first step on, at every visit of an episode or
the first one only.  Loops are as long as the longest episode of the program's seeds, not as the time limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Transition
from qlearn.agents.table import add, read, settled_write, write
from qlearn.agents.together import most, put, repeat
from qlearn.rules.returns import lambda_return
from qlearn.rules.schedules import Schedule
from qlearn.xla import settle

Array = jax.Array
Visits = Literal["first", "every"]


class Returns(NamedTuple):
    """The return from every step on, and how long the episode was."""

    value: Array  # (T,) float32
    ratio: Array | None  # (T,) float32: the product of the importance ratios from this step on
    length: Array  # int32, of this seed's episode
    rounds: Array  # int32, the longest of the program's seeds


class Learnt(NamedTuple):
    """A table and what its averages need."""

    q: Array  # (S, A) float32
    returns: Array  # (S, A) int32: how many each cell has seen
    weights: Array | None = None  # (S, A) float32: the sum of their importance ratios, for weighted averages
    stamp: Array | None = None  # (S, A) int32: 1 + the episode in which a cell was visited last; for first visits


def nothing_learnt(q: Array, visits: Visits, *, weighted: bool = False) -> Learnt:
    """A first table, of which nothing is known."""
    none = jnp.zeros(q.shape, jnp.int32)
    weights = jnp.zeros(q.shape, jnp.float32) if weighted else None
    return Learnt(q, none, weights, none if visits == "first" else None)


def length_of(t: Transition) -> Array:
    """The steps of an episode, int32."""
    return jnp.sum(t.valid.astype(jnp.int32))


def returns_of(
    t: Transition, beyond: Callable[[Array], Array], discount: float | Array, ratios: Array | None = None
) -> Returns:
    """The returns of an episode.

    Args:
        t: the episode, (T,), of which the valid steps count.
        beyond: the value of a state, for the one in which the clock ran out; what follows termination is 0.
        discount: γ in [0, 1].
        ratios: π(a | s) / b(a | s), (S, A), where another policy acted than the one that is learnt about.
    """
    length = length_of(t)
    rounds, final = most(length), jnp.maximum(length - 1, 0)
    end = jnp.where(t.terminated[final], 0.0, beyond(t.next_observation[final]))
    line = jnp.zeros(t.reward.shape, jnp.float32)
    begin = (end, jnp.float32(1.0), line, None if ratios is None else line)

    def back(j: Array, carry: Any, fixed: Any) -> Any:
        after, product, values, products = carry
        (reward, observation, action), count = fixed
        i = rounds - 1 - j
        live = i < count
        after = jnp.where(live, reward[i] + discount * after, after)
        if ratios is not None:
            ratio = ratios.at[observation[i], action[i]].get(mode="promise_in_bounds")
            product = jnp.where(live, product * ratio, product)
            products = put(products, i, product)
        return after, product, put(values, i, after), products

    _, _, values, products = repeat(rounds, back, begin, ((t.reward, t.observation, t.action), length))
    return Returns(values, products, length, rounds)


def lambda_returns_of(t: Transition, values: Array, discount: float | Array, trace_decay: float | Array) -> Returns:
    """The λ-return of every step of an episode; ``values`` (S, 1) are those of the states."""
    length = length_of(t)
    rounds, nothing = most(length), jnp.int32(0)
    line = jnp.zeros(t.reward.shape, jnp.float32)

    def back(j: Array, carry: Any, fixed: Any) -> Any:
        later, found = carry
        (reward, terminated, truncated, arrival), count, values = fixed
        i = rounds - 1 - j
        value = read(values, arrival[i], nothing)
        here = lambda_return((reward[i], terminated[i], truncated[i], value), later, discount, trace_decay)
        later = jnp.where(i < count, here, later)
        return later, put(found, i, later)

    path = (t.reward, t.terminated, t.truncated, t.next_observation)
    _, found = repeat(rounds, back, (jnp.float32(0.0), line), (path, length, values))
    return Returns(found, None, length, rounds)


def learn(known: Learnt, t: Transition, found: Returns, rate: Schedule, clock: Clock) -> Learnt:
    """The table after an episode, from its first step to its last.

    Without ratios a cell moves by α towards G; with them by α towards ρ G (ordinary importance sampling), or by ρ over
    the sum of all ρ towards G where ``known`` keeps that sum (weighted importance sampling).
    """
    episode = clock.episode.astype(jnp.int32) + 1

    def step(i: Array, known: Learnt, fixed: Any) -> Learnt:
        (observation, action, value, ratio), length, clock, episode = fixed
        s, a, counts = observation[i], action[i], i < length
        if known.stamp is not None:
            counts = settle(counts & (read(known.stamp, s, a) != episode), s)  # read before the table changes
            known = known._replace(stamp=write(known.stamp, s, a, episode))
        returns = add(known.returns, s, a, counts.astype(jnp.int32))
        old, target, weights = read(known.q, s, a), value[i], known.weights
        if weights is None:
            alpha = rate.value(clock, read(returns, s, a))
            target = target if ratio is None else ratio[i] * target
        else:
            assert ratio is not None
            total = settle(read(weights, s, a) + jnp.where(counts, ratio[i], 0.0), s)
            alpha = jnp.where(total > 0, ratio[i] / jnp.maximum(total, jnp.float32(1e-37)), 0.0)
            weights = write(weights, s, a, total)
        new = jnp.where(counts, old + alpha * (target - old), old)
        return Learnt(settled_write(known.q, s, a, new), returns, weights, known.stamp)

    lines = (t.observation, t.action, found.value, found.ratio)
    return repeat(found.rounds, step, known, (lines, found.length, clock, episode))
