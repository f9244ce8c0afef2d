"""What Dyna-Q and Dyna-Q+ share: one-step Q-learning, a model of what happened last, and more of the first from it."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import count, entry, is_dense, read, read_row, settled_write, visits_of, write
from qlearn.agents.tabular import first_counts, first_table, lane_of, rate_of
from qlearn.rules.rows import legal_row, pick
from qlearn.rules.targets import one_step, q_learning
from qlearn.xla import settle

Array = jax.Array
Draw = Literal["states", "pairs"]
_NEVER = -1


class DynaState(NamedTuple):
    """The table, the model (what followed last), and the list of what was seen so far."""

    q: Array  # (S, A) float32
    visits: Array | None  # (S, A) int32
    arrival: Array  # (S, A) int32: next state · 2 + terminated, −1 where never tried
    reward: Array  # (S, A) float32
    seen: Array  # int32: states (S,) or cells (S·A,), in the order of their first visit, then −1
    num_seen: Array  # int32
    tried: Array | None  # (S, A) int32: the step of the run after which it was tried last, 0 where never


def dyna_learner(agent: Any, spec: Spec, draw: Draw, bonus: float | Array | None = None) -> Learner:
    """The learner of both; ``agent`` has planning_steps and the fields that all table agents have.

    Args:
        agent: the description.
        spec: sizes.
        draw: what planning draws: a state seen before and then an action tried there, or such a pair at once.
        bonus: κ of Dyna-Q+, whose planning considers every legal action of a state seen before; None for Dyna-Q.
    """
    explore, rate, width = agent.exploration, rate_of(agent), spec.num_actions

    def init(noise: Any) -> DynaState:
        shape = (spec.num_states, width)
        return DynaState(
            q=first_table(agent, spec),
            visits=first_counts(agent, spec),
            arrival=jnp.full(shape, _NEVER, jnp.int32),
            reward=jnp.zeros(shape, jnp.float32),
            seen=jnp.full(spec.num_states * (width if draw == "pairs" else 1), _NEVER, jnp.int32),
            num_seen=jnp.int32(0),
            tried=None if bonus is None else jnp.zeros(shape, jnp.int32),
        )

    def act(state: DynaState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, DynaState]:
        row, seen = read_row(state.q, observation), visits_of(state.visits, observation)
        return explore.sample(row, spec.mask(observation), noise, clock, seen), state

    def learn(q: Array, visits: Array | None, t: Transition, clock: Clock) -> Array:
        row, mask = read_row(q, t.next_observation), spec.mask(t.next_observation)
        target = one_step(t, q_learning(row, row, jnp.int32(-1), mask), row, agent.discount)
        old = read(q, t.observation, t.action)
        alpha = rate.value(clock, None if visits is None else read(visits, t.observation, t.action))
        return settled_write(q, t.observation, t.action, old + alpha * (target - old))

    def remember(state: DynaState, t: Transition, now: Array) -> DynaState:
        s, a = t.observation, t.action
        if draw == "pairs":
            new, what = read(state.arrival, s, a) == _NEVER, s * width + a
        elif is_dense(spec.num_states):
            new, what = jnp.all(state.seen != s), s
        else:
            new, what = jnp.max(read_row(state.arrival, s)) == _NEVER, s
        return state._replace(
            arrival=write(state.arrival, s, a, t.next_observation * 2 + t.terminated.astype(jnp.int32)),
            reward=write(state.reward, s, a, t.reward),
            seen=_listed(state.seen, state.num_seen, what, new),
            num_seen=state.num_seen + new.astype(jnp.int32),
            tried=None if state.tried is None else write(state.tried, s, a, now),
        )

    def drawn(state: DynaState, witness: Array, uniforms: tuple[Array, Array]) -> tuple[Array, Array, Array]:
        """The state and action of a planning step, and what followed them last."""
        which = jnp.floor(uniforms[0] * state.num_seen.astype(jnp.float32)).astype(jnp.int32)
        what = settle(state.seen[which], witness)
        if draw == "pairs":
            return what // width, what % width, read(state.arrival, what // width, what % width)
        followed = read_row(state.arrival, what)
        tried = followed != _NEVER if bonus is None else jnp.ones(width, bool)
        legal = legal_row(jnp.where(tried, 1.0, 0.0), spec.mask(what)) > 0
        action = settle(pick(legal, uniforms[1]), witness)
        return what, action, entry(followed, action)

    def update(state: DynaState, trajectory: Transition, noise: Any, clock: Clock) -> DynaState:
        t, now = last(trajectory), clock.total.astype(jnp.int32) + 1
        visits = count(state.visits, t.observation, t.action)
        state = remember(state._replace(q=learn(state.q, visits, t, clock), visits=visits), t, now)

        def plan(i: Array, q: Array) -> Array:
            s, a, arrival = drawn(state, t.observation, noise.uniforms_of(i + 1))
            reward = read(state.reward, s, a)
            if state.tried is not None and bonus is not None:
                arrival = jnp.where(arrival == _NEVER, s * 2, arrival)  # until tried, it is taken to change nothing
                reward = reward + bonus * jnp.sqrt((now - read(state.tried, s, a)).astype(jnp.float32))
            again = t._replace(
                observation=s,
                action=a,
                reward=reward,
                next_observation=arrival >> 1,
                terminated=(arrival & 1).astype(bool),
            )
            return learn(q, visits, again, clock)

        return state._replace(q=jax.lax.fori_loop(0, agent.planning_steps, plan, state.q))

    return Learner(init, act, update, lambda state, observation: state.q[observation], lane=lane_of(spec))


def _listed(seen: Array, place: Array, what: Array, new: Array) -> Array:
    """The list with one more entry where it is ``new``; a short one is compared, as small tables are."""
    if is_dense(seen.shape[0]):
        return jnp.where((jnp.arange(seen.shape[0], dtype=jnp.int32) == place) & new, what, seen)
    known = seen[jnp.minimum(place, seen.shape[0] - 1)]
    return seen.at[place].set(jnp.where(new, what, known), mode="drop")
