r"""What the methods of n steps on a table share: the steps that wait for their return, and how they get it.

.. math:: Q(S_t, A_t) \leftarrow Q(S_t, A_t) + \alpha [G_{t:t+m} - Q(S_t, A_t)]

with m = n, or fewer steps at the end of an episode.  G is built from the last step backwards, with what a method says
of every state on the way (``qlearn.rules.multi_step``), and with the values as they are when it is used.

The steps stand in a row of n places that moves on by one place a step, so that every place has a fixed number; a ring
with a moving beginning would need an index for each seed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import count, entry, read, read_row, settled_write, visits_of
from qlearn.agents.tabular import first_counts, first_table, lane_of, rate_of
from qlearn.agents.together import anyone, repeat
from qlearn.rules.multi_step import Onward, Place
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import one_step

Array = jax.Array
Chooser = Callable[..., Array]
_WRITTEN_OUT = 8  # places up to which the recursion is written out


class Waiting(NamedTuple):
    """The last steps, the newest in the last place; ``num`` of the n places are in use."""

    states: Array  # (n,) int32
    actions: Array  # (n,) int32
    rewards: Array  # (n,) float32, of the step from here
    num: Array  # int32
    rows: Array | None  # (n, A) float32: Q(S, ·) as it is now, where a method looks at it
    sigma: Array | None  # (n,) float32
    ratio: Array | None  # (n,) float32


class NStepState(NamedTuple):
    """The table, the visits where a schedule asks for them, the action chosen ahead, and the steps that wait."""

    q: Array  # (S, A) float32
    visits: Array | None  # (S, A) int32
    next_action: Array | None  # int32; −1 where none is kept
    next_ratio: Array | None  # float32: its π / b when it was chosen
    waiting: Waiting


@dataclasses.dataclass(frozen=True)
class Method:
    """What tells one method of n steps from another.

    Args:
        value: what stands for the return behind the last state.
        onward: how the return goes on behind a state on the way; None where all of it is taken (u = 0, c = 1), which
            asks nothing of the values there.
        ahead: whether the next action is chosen before the update, with the values before it, because the update
            needs it.
        target: ``(row, mask, clock, visits) -> (A,)``, the target policy; the exploration's probabilities where None.
        sigma: σ, where the method has one; ρ is kept too then.
    """

    value: Callable[[Place], Array]
    onward: Callable[[Place], Onward] | None = None
    ahead: bool = False
    target: Callable[..., Array] | None = None
    sigma: Schedule | None = None


def n_step_learner(agent: Any, method: Method, spec: Spec) -> Learner:
    """The learner of a method on a table; ``agent`` has ``n`` and the fields that all table agents share."""
    steps = _Steps(agent, method, spec)

    def q_values(state: NStepState, observation: Array) -> Array:
        return state.q[observation]

    return Learner(steps.init, steps.act, steps.update, q_values, lane=lane_of(spec))


@dataclasses.dataclass(frozen=True)
class _Steps:
    """The functions of a method for one seed."""

    agent: Any
    method: Method
    spec: Spec

    @property
    def n(self) -> int:
        """Steps of a return."""
        return int(self.agent.n)

    @property
    def rate(self) -> Schedule:
        """α."""
        return rate_of(self.agent)

    @property
    def target(self) -> Callable[..., Array]:
        """The target policy: ``(row, mask, clock, visits) -> (A,)``."""
        return self.method.target or self.agent.exploration.probabilities

    def init(self, noise: Any) -> NStepState:
        """Nothing is known and nothing waits."""
        chosen = jnp.int32(-1) if self.method.ahead else None
        ratio = jnp.float32(1.0) if self.method.ahead and self.method.sigma else None
        q = first_table(self.agent, self.spec)
        waiting = _nothing_waits(self.method, self.n, q.shape[1])
        return NStepState(q, first_counts(self.agent, self.spec), chosen, ratio, waiting)

    def choose(self, state: NStepState, observation: Array, noise: Any, clock: Clock) -> Array:
        """An action of the behaviour policy."""
        seen = visits_of(state.visits, observation)
        row, mask = read_row(state.q, observation), self.spec.mask(observation)
        return self.agent.exploration.sample(row, mask, noise, clock, seen)

    def act(self, state: NStepState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, NStepState]:
        """The action chosen ahead, or one chosen now."""
        action = self.choose(state, observation, noise, clock)
        if state.next_action is not None:
            action = jnp.where(state.next_action >= 0, state.next_action, action)
        return action, state

    def place_of(self, state: NStepState, row: Array, observation: Array, action: Array, clock: Clock) -> Place:
        """The state with the action taken there now; its ρ is that of this moment."""
        mask, seen = self.spec.mask(observation), visits_of(state.visits, observation)
        weights = self.target(row, mask, clock, seen)
        if self.method.sigma is None:
            return Place(row, action, weights)
        ratio = jnp.float32(1.0)
        if self.method.target is not None:
            behaviour = self.agent.exploration.probabilities(row, mask, clock, seen)
            ratio = entry(weights, action) / jnp.maximum(entry(behaviour, action), jnp.float32(1e-30))
        return Place(row, action, weights, self.method.sigma.value(clock), ratio)

    def returns(self, state: NStepState, waiting: Waiting, newest: Array, clock: Clock) -> Array:
        """The return from every place on, (n,); ``newest`` is that of the last."""
        if waiting.rows is None or self.method.onward is None:
            ones = jnp.ones(self.n, jnp.float32)
            return _backwards(
                waiting.rewards, newest, Onward(jnp.zeros(self.n, jnp.float32), ones), self.agent.discount
            )

        def onward(row: Array, s: Array, a: Array, sigma: Array | None, ratio: Array | None) -> Onward:
            weights = self.target(row, self.spec.mask(s), clock, visits_of(state.visits, s))
            assert self.method.onward is not None
            return self.method.onward(Place(row, a, weights, sigma, ratio))

        each = (waiting.rows, waiting.states, waiting.actions, waiting.sigma, waiting.ratio)
        return _backwards(waiting.rewards, newest, _each(onward, each, self.n), self.agent.discount)

    def learn(self, state: NStepState, place: Any, target: Array, clock: Clock, when: Array) -> NStepState:
        """Move the value of a waiting step towards its return, where ``when`` holds."""
        s, a = state.waiting.states[place], state.waiting.actions[place]
        alpha = self.rate.value(clock, None if state.visits is None else read(state.visits, s, a))
        old = read(state.q, s, a)
        new = jnp.where(when, old + alpha * (target - old), old)
        waiting = state.waiting
        if waiting.rows is not None:
            cells = (waiting.states == s)[:, None] & (jnp.arange(waiting.rows.shape[1]) == a)[None]
            waiting = waiting._replace(rows=jnp.where(cells, new, waiting.rows))
        return state._replace(q=settled_write(state.q, s, a, new), waiting=waiting)

    def flush(self, i: Array, state: NStepState, fixed: tuple[Array, Array, Clock, Array]) -> NStepState:
        """At the end of an episode: one more of the steps that wait, the oldest first."""
        values, newest, clock, ended = fixed
        if state.waiting.rows is not None:
            values = self.returns(state, state.waiting, newest, clock)
        return self.learn(state, i + 1, values[i + 1], clock, ended & (i + 1 >= self.n - state.waiting.num))

    def update(self, state: NStepState, trajectory: Transition, noise: Any, clock: Clock) -> NStepState:
        """One more step waits, and the oldest learns; at the end of an episode all do."""
        t, later = last(trajectory), clock.ahead()
        here = self.place_of(state, read_row(state.q, t.observation), t.observation, t.action, clock)
        if state.next_ratio is not None and state.next_action is not None:
            assert here.ratio is not None
            here = here._replace(ratio=jnp.where(state.next_action >= 0, state.next_ratio, here.ratio))
        state = state._replace(visits=count(state.visits, t.observation, t.action))
        then = jnp.int32(-1)
        if self.method.ahead:
            then = self.choose(state, t.next_observation, noise.behaviour.ahead(), later)
        beyond = self.place_of(state, read_row(state.q, t.next_observation), t.next_observation, then, later)
        newest = one_step(t, jnp.ones(1, jnp.float32), self.method.value(beyond)[None], self.agent.discount)
        state = state._replace(waiting=_pushed(state.waiting, t, here))
        values = self.returns(state, state.waiting, newest, clock)
        state = self.learn(state, 0, values[0], clock, state.waiting.num == self.n)
        rounds = jnp.where(anyone(t.ended), self.n - 1, 0)
        state = repeat(rounds, self.flush, state, (values, newest, clock, t.ended)) if self.n > 1 else state
        waiting = state.waiting._replace(num=jnp.where(t.ended, 0, state.waiting.num))
        if not self.method.ahead:
            return state._replace(waiting=waiting)
        chosen = jnp.where(t.ended, jnp.int32(-1), then)
        ratio = None if state.next_ratio is None else beyond.ratio
        return state._replace(waiting=waiting, next_action=chosen, next_ratio=ratio)


def target_of(agent: Any) -> Callable[..., Array] | None:
    """The target policy of an agent with ``target``: the greedy one, ties as the exploration has them; else None."""
    if agent.target == "behaviour":
        return None
    return lambda row, mask, clock, visits: agent.exploration.greedy(row, mask)


def _nothing_waits(method: Method, n: int, num_actions: int) -> Waiting:
    none, zeros = jnp.zeros(n, jnp.int32), jnp.zeros(n, jnp.float32)
    rows = None if method.onward is None else jnp.zeros((n, num_actions), jnp.float32)
    sampled = None if method.sigma is None else zeros
    return Waiting(none, none, zeros, jnp.int32(0), rows, sampled, sampled)


def _pushed(waiting: Waiting, t: Transition, here: Place) -> Waiting:
    """The steps with one more, and without the oldest."""

    def moved(line: Array | None, new: Array | None) -> Array | None:
        if line is None or new is None:
            return line
        return jnp.concatenate([line[1:], jnp.asarray(new, line.dtype)[None]])

    n = waiting.states.shape[0]
    return Waiting(
        states=jnp.concatenate([waiting.states[1:], t.observation[None].astype(jnp.int32)]),
        actions=jnp.concatenate([waiting.actions[1:], t.action[None].astype(jnp.int32)]),
        rewards=jnp.concatenate([waiting.rewards[1:], t.reward[None]]),
        num=jnp.minimum(waiting.num + 1, n),
        rows=moved(waiting.rows, here.row),
        sigma=moved(waiting.sigma, here.sigma),
        ratio=moved(waiting.ratio, here.ratio),
    )


def _each(function: Callable[..., Onward], lines: tuple[Array | None, ...], n: int) -> Onward:
    """A function of every place; few are written out, so that over a lane every number is a vector of seeds."""
    if n > _WRITTEN_OUT:
        return jax.vmap(function)(*lines)
    found = [function(*(None if line is None else line[i] for line in lines)) for i in range(n)]
    return Onward(jnp.stack([x.fixed for x in found]), jnp.stack([x.share for x in found]))


def _backwards(rewards: Array, newest: Array, onward: Onward, discount: float | Array) -> Array:
    """The return from every place on, (n,), from the last back to the first."""
    n = rewards.shape[0]

    def earlier(later: Array, step: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        reward, fixed, share = step
        here = reward + discount * (fixed + share * later)
        return here, here

    steps = (rewards[:-1], onward.fixed[1:], onward.share[1:])
    if n > _WRITTEN_OUT:
        before = jax.lax.scan(earlier, newest, steps, reverse=True, unroll=8)[1]
        return jnp.concatenate([before, newest[None]])
    values = [newest]
    for i in reversed(range(n - 1)):
        values.append(earlier(values[-1], (steps[0][i], steps[1][i], steps[2][i]))[0])
    return jnp.stack(values[::-1])
