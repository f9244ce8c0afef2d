"""What the control methods with eligibility traces on a table share; a method says what its errors are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import count, entry, read, read_row, visits_of
from qlearn.agents.tabular import first_counts, first_table, lane_of, rate_of
from qlearn.agents.traces import Change, Kind, first_traces, follow

Array = jax.Array


class Seen(NamedTuple):
    """What a method looks at, before the update."""

    step: Transition
    row: Array  # Q(S, ·), (A,)
    value: Array  # Q(S, A)
    mask: Array | None  # legal actions of S
    next_row: Array  # Q(S', ·), (A,)
    next_mask: Array | None
    next_action: Array  # int32; −1 where none is chosen ahead
    old: Array | None  # Q(S, A) as it was before the last update; for true online methods


class Errors(NamedTuple):
    """What a method makes of a step, in units of value."""

    along: Array  # the error that goes along the traces
    own: Array | None = None  # the error of the cell of this step, besides
    keep: Array | None = None  # whether traces from before stand; None where they always do


@dataclasses.dataclass(frozen=True)
class Method:
    """What tells one method from another.

    Args:
        errors: ``(seen) -> Errors``.
        traces: how the cell of a step is marked.
        ahead: whether the next action is chosen before the update, with the values before it.
        before: whether values move along the traces as they were before this step's cell was marked.
        remembers: whether ``seen.old`` is kept.
    """

    errors: Callable[[Seen], Errors]
    traces: Kind
    ahead: bool = False
    before: bool = False
    remembers: bool = False


class LambdaState(NamedTuple):
    """The table, the visits where a schedule asks for them, the traces, and what is kept for the next step."""

    q: Array  # (S, A) float32
    visits: Array | None  # (S, A) int32
    traces: Any
    next_action: Array | None  # int32; −1 where none is kept
    old: Array | None  # float32: Q(S', A') before the update


def lambda_learner(agent: Any, method: Method, spec: Spec) -> Learner:
    """The learner of a method; ``agent`` has ``trace_decay``, ``trace_steps`` and the fields of all table agents."""
    explore, rate = agent.exploration, rate_of(agent)

    def init(noise: Any) -> LambdaState:
        q = first_table(agent, spec)
        chosen = jnp.int32(-1) if method.ahead else None
        old = jnp.float32(0.0) if method.remembers else None
        return LambdaState(q, first_counts(agent, spec), first_traces(agent, q), chosen, old)

    def choose(q: Array, visits: Array | None, observation: Array, noise: Any, clock: Clock) -> Array:
        seen = visits_of(visits, observation)
        return explore.sample(read_row(q, observation), spec.mask(observation), noise, clock, seen)

    def act(state: LambdaState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, LambdaState]:
        action = choose(state.q, state.visits, observation, noise, clock)
        if state.next_action is not None:
            action = jnp.where(state.next_action >= 0, state.next_action, action)
        return action, state

    def update(state: LambdaState, trajectory: Transition, noise: Any, clock: Clock) -> LambdaState:
        t, later = last(trajectory), clock.ahead()
        visits = count(state.visits, t.observation, t.action)
        then = jnp.int32(-1)
        if method.ahead:
            then = choose(state.q, visits, t.next_observation, noise.behaviour.ahead(), later)
        row, next_row = read_row(state.q, t.observation), read_row(state.q, t.next_observation)
        value, first = entry(row, t.action), clock.step == 0
        old = None if state.old is None else jnp.where(first, value, state.old)
        masks = spec.mask(t.observation), spec.mask(t.next_observation)
        errors = method.errors(Seen(t, row, value, masks[0], next_row, masks[1], then, old))
        alpha = rate.value(clock, None if visits is None else read(visits, t.observation, t.action))
        change = _change(agent, errors, alpha, first)
        cell = (t.observation, t.action)
        q, traces = follow(state.q, state.traces, cell, change, method.traces, before=method.before)
        chosen = jnp.where(t.ended, jnp.int32(-1), then) if method.ahead else None
        kept = entry(next_row, then) if method.remembers else None
        return LambdaState(q, visits, traces, chosen, kept)

    return Learner(init, act, update, lambda state, observation: state.q[observation], lane=lane_of(spec))


def _change(agent: Any, errors: Errors, alpha: Array, first: Array) -> Change:
    """What the errors of a step change; at the first step of an episode nothing stands from before."""
    stand = ~first if errors.keep is None else ~first & errors.keep
    decay = jnp.asarray(agent.discount * agent.trace_decay, jnp.float32)
    own = None if errors.own is None else alpha * errors.own
    return Change(keep=jnp.where(stand, decay, 0.0), amount=alpha * errors.along, alpha=alpha, own=own)
