"""The host loop of learners with a network: Gymnasium's vector API, all seeds one batch, one compiled call a step.

The learner's functions are the device loop's own, and so are the random numbers of the agent.  What an environment
draws is its own business; every episode starts with a seed that depends on (seed, environment, episode) alone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Agent, Clock, Spec, Transition
from qlearn.engine import noise
from qlearn.engine.lane_run import History, Numbers, Unit
from qlearn.engine.marks import Marks
from qlearn.engine.vector_loop import Known, known_of
from qlearn.engine.vector_run import lane_width
from qlearn.engine.vector_step import FAR, behaviour_noise, horizon, last_clock, update_noise
from qlearn.engine.worlds import spec_of
from qlearn.environments.host import HostEnvironment
from qlearn.environments.vector_host import Stepped, VectorHost
from qlearn.errors import InputError

Array = jax.Array


def episode_seed_of(seed: int, environment: int, episode: int) -> int:
    """What an environment is reset with: a 32-bit number; environment 0 meets what a single one would.

    >>> episode_seed_of(0, 0, 0) != episode_seed_of(0, 1, 0)
    True
    """
    words = [noise.ENVIRONMENT, seed, episode] + ([environment] if environment else [])
    return int(np.random.SeedSequence(words).generate_state(1)[0])


@functools.partial(jax.jit, static_argnames=("spec", "width"))
def _begin(agent: Agent, spec: Spec, width: int, seeds: Array) -> Any:
    learner, zero = agent.learner(spec), jnp.uint32(0)
    return _lanes(width, lambda seed: learner.init(noise.at(seed, noise.INITIAL, zero, zero)))(seeds)


@functools.partial(jax.jit, static_argnames=("spec", "width"))
def _act(agent: Agent, spec: Spec, width: int, seeds: Array, state: Any, seen: Array, clock: Clock) -> Any:
    """Actions (seeds, E), and the new state, or None where acting changes nothing."""
    learner = agent.learner(spec)
    changes = [False]

    def one(seed: Array, state: Any, seen: Array, clock: Clock) -> Any:
        action, after = learner.act(state, seen, behaviour_noise(seed, clock), clock)
        changes[0] = any(a is not b for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(state), strict=True))
        return action, after if changes[0] else None

    return _lanes(width, one)(seeds, state, seen, clock)


def _update(agent: Agent, spec: Spec, seed: Array, state: Any, trajectory: Transition, clock: Clock) -> Any:
    learner = agent.learner(spec)
    before = last_clock(clock, int(learner.num_environments or 1))
    after = learner.update(state, trajectory, update_noise(seed, before), before)
    return after, jnp.float32(0.0) if learner.magnitude is None else learner.magnitude(after)


@functools.partial(jax.jit, static_argnames=("spec", "width"), donate_argnums=(4,))
def _learn(
    agent: Agent, spec: Spec, width: int, seeds: Array, state: Any, trajectory: Transition, clock: Clock
) -> tuple[Any, Array]:
    """The update of every seed, and the magnitude of its values."""
    return _lanes(width, functools.partial(_update, agent, spec))(seeds, state, trajectory, clock)


@functools.partial(jax.jit, static_argnames=("spec", "width"), donate_argnums=(4,))
def _learn_marked(  # noqa: PLR0913 - compiled: arrays cannot be bundled without a tree of their own
    agent: Agent, spec: Spec, width: int, seeds: Array, state: Any, trajectory: Transition, clock: Clock, marked: Array
) -> tuple[Any, Array]:
    """The update of the marked seeds only; copies the state of all, a replay included."""

    def one(seed: Array, state: Any, trajectory: Transition, clock: Clock, marked: Array) -> Any:
        after, magnitude = _update(agent, spec, seed, state, trajectory, clock)
        kept = jax.tree.map(lambda new, old: jnp.where(marked, new, old), after, state)
        return kept, jnp.where(marked, magnitude, 0.0)

    return _lanes(width, one)(seeds, state, trajectory, clock, marked)


@functools.partial(jax.jit, static_argnames=("spec", "width"))
def _read(agent: Agent, spec: Spec, width: int, state: Any) -> Any:
    return _lanes(width, functools.partial(known_of, agent.learner(spec), spec))(state)


def _lanes(width: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of one seed over a batch of whole lanes."""

    def whole(*arguments: Any) -> Any:
        size = jax.tree.leaves(arguments)[0].shape[0]
        if size == 1:
            return jax.tree.map(lambda x: x[None], function(*jax.tree.map(lambda x: x[0], arguments)))
        inner = function if width == 1 else jax.vmap(function)
        if size == width:
            return inner(*arguments)
        cut = jax.tree.map(lambda x: x.reshape(-1, width, *x.shape[1:]), arguments)
        result = jax.lax.map(lambda xs: inner(*xs), cut)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), result)

    return whole


class Trajectories:
    """Transitions that wait for an update: (seeds, time, E), each environment at its own pace.

    An environment that is ahead of its siblings, as after a step that was only a reset, keeps its surplus for the next
    update.
    """

    def __init__(self, size: int, period: int, spec: Spec, count: int) -> None:
        shape, dtype = spec.observation_shape or (), np.dtype(spec.observation_dtype)
        seen = ((*shape,), np.int32 if spec.observation_shape is None else dtype)
        kinds = (seen, ((), np.int32), ((), np.float32), seen, ((), bool), ((), bool), ((), bool))
        self.period, self.waiting = period, np.zeros((size, count), np.int64)
        self._columns = [np.zeros((size, period + 1, count, *s), d) for s, d in kinds]

    def add(self, where: tuple[Numbers, ...], columns: tuple[Numbers, ...]) -> None:
        """More transitions, one for each (seed, environment) of ``where``."""
        place = self.waiting[where]
        if place.size and place.max() >= self._columns[0].shape[1]:
            self._columns = [np.concatenate([c, np.zeros_like(c)], axis=1) for c in self._columns]
        for column, values in zip(self._columns, columns, strict=True):
            column[where[0], place, where[1]] = values
        self.waiting[where] += 1

    def full(self) -> Numbers:
        """Which seeds can learn, (seeds,) bool."""
        return np.asarray((self.waiting >= self.period).all(axis=1))

    def take(self, marked: Numbers) -> Transition:
        """The oldest ``period`` steps of every seed, which those that are marked forget."""
        columns: list[Any] = [c[:, : self.period].copy() for c in self._columns]
        taken = Transition(*columns)
        if (self.waiting[marked] > self.period).any():
            for column in self._columns:
                rest = column[marked, self.period :].copy()
                column[marked, : rest.shape[1]] = rest
        self.waiting[marked] -= self.period
        return taken


class VectorHostRun:
    """All seeds of one agent with a network on an environment that is ordinary Python.

    Args:
        agent: the description.
        environment: what to make and how to read its observations.
        seeds: (n,) the seeds; a single instance serves one.
        unit: what positions count, over all environments of a seed.
        positions: where what is known is kept, rising; the run ends at the last.

    Raises:
        InputError: where one instance was given for several seeds or environments.
    """

    def __init__(
        self, agent: Agent, environment: HostEnvironment, seeds: Numbers, unit: Unit, positions: tuple[int, ...]
    ) -> None:
        self.agent, self.seeds = agent, seeds
        self.spec = spec_of(environment)
        learner = agent.learner(self.spec)
        self._count = int(learner.num_environments or 1)
        if environment.single and seeds.size * self._count > 1:
            raise InputError(
                f"{environment.name} is one instance, which serves one seed with one environment; {seeds.size} seeds "
                f"with {self._count} were asked for. Pass a function that makes a new one: `lambda: MyEnv()`."
            )
        self.history, self.marks = History(), Marks(seeds.size, positions)
        self._by_steps, self._width = unit == "step", lane_width(learner, seeds.size)
        size = self._width * math.ceil(seeds.size / self._width)
        self._words = jnp.asarray(np.resize(seeds, size).astype(np.uint32))
        self._state = _begin(agent, self.spec, self._width, self._words)
        self._waiting = Trajectories(size, int(learner.period), self.spec, self._count)
        self._episode, self._step = (np.zeros((size, self._count), np.uint32) for _ in range(2))
        self._total, self._largest = np.zeros(size, np.uint32), np.zeros(size)
        self._gained = np.zeros((size, self._count))
        self._diverged = np.zeros(seeds.size, np.int64)
        self._horizon = float(horizon(environment.time_limit, agent.discount))
        self.recent = math.nan
        self._host = VectorHost(environment, seeds, self._count, episode_seed_of)

    def run(self, stop: Callable[[], bool], tell: Callable[[int], None]) -> bool:
        """Run every seed to the last position; False where ``stop`` came first."""
        try:
            while not self.marks.complete:
                if stop():
                    return False
                before = self._positions()
                self._once()
                tell(int((self._positions() - before).sum()))
            return True
        finally:
            self._host.close()

    def finish(self) -> Marks:
        """What was kept; seeds that did not arrive stand as they are now."""
        if not self.marks.complete:
            self.marks.close(self._known(), self._clocks())
        return self.marks

    def _once(self) -> None:
        """One step of every seed that is on its way, and the updates that follow from it."""
        n, size = self.seeds.size, self._total.size
        live = np.repeat(self.marks.running, self._count)
        seen = np.asarray(self._host.observations)
        shaped = np.resize(seen.reshape(n, self._count, *seen.shape[1:]), (size, self._count, *seen.shape[1:]))
        given = shaped.astype(np.int32) if self.spec.observation_shape is None else shaped
        action, after = _act(self.agent, self.spec, self._width, self._words, self._state, given, self._clock())
        if after is not None:
            self._state = after
        actions = np.asarray(action)
        stepped = self._host.step(actions[:n].reshape(-1), live)
        self._take_in(shaped, actions, stepped)
        marked = np.zeros(size, bool)
        marked[:n] = self._waiting.full()[:n] & self.marks.running
        if marked.any():
            self._learn_of(marked)
        now = np.where(marked[:n], self._positions(), 0)  # positions are read after an update, as on the device
        if self.marks.wanting(now, self._diverged).any():
            self.marks.keep(self._known(), now, self._diverged, self._clocks())

    def _take_in(self, seen: Numbers, actions: Numbers, stepped: Stepped) -> None:
        """Remember what happened, and count it."""
        n, count = self.seeds.size, self._count
        valid = np.asarray(stepped.valid).reshape(n, count)
        where = np.nonzero(valid)
        flat = where[0] * count + where[1]
        reward = np.asarray(stepped.reward, np.float64)[flat]
        terminated, truncated = np.asarray(stepped.terminated)[flat], np.asarray(stepped.truncated)[flat]
        columns = (seen[where], actions[where], reward, np.asarray(stepped.observation)[flat], terminated, truncated)
        self._waiting.add(where, (*columns, np.ones(flat.size, bool)))
        self._gained[where] += reward
        self._step[where] += 1
        np.add.at(self._total, where[0], np.uint32(1))
        np.maximum.at(self._largest, where[0], np.abs(reward))
        over = terminated | truncated
        ended = (where[0][over], where[1][over])
        if ended[0].size:
            values = self._gained[ended].copy()
            self.history.add(ended[0], values, self._step[ended].astype(np.int64))
            self.recent = float(values.mean()) if math.isnan(self.recent) else 0.9 * self.recent + 0.1 * values.mean()
            self._gained[ended], self._step[ended] = 0.0, 0
            self._episode[ended] += 1

    def _learn_of(self, marked: Numbers) -> None:
        """Let the marked seeds learn, and watch their values."""
        n = self.seeds.size
        idle = marked.copy()
        idle[n:] = True  # what fills the lane up may learn anything
        taken = self._waiting.take(marked)
        given = (self.agent, self.spec, self._width, self._words, self._state, taken, self._clock())
        if idle.all():
            self._state, magnitude = _learn(*given)
        else:
            self._state, magnitude = _learn_marked(*given, marked)
        bound = FAR * self._horizon * np.maximum(self._largest[:n], 1.0)
        new = (self._diverged == 0) & ~(np.asarray(magnitude)[:n] <= bound)
        self._diverged[new] = self._total[:n][new]

    def _clock(self) -> Clock:
        # Copies: JAX may still read what a call was given when the host counts on.
        now: list[Any] = [self._episode.copy(), self._step.copy(), self._total.copy()]
        return Clock(*now)

    def _positions(self) -> Numbers:
        n = self.seeds.size
        made = self._total[:n] if self._by_steps else self._episode[:n].sum(axis=1)
        return made.astype(np.int64)

    def _clocks(self) -> tuple[Numbers, Numbers]:
        n = self.seeds.size
        return self._episode[:n].sum(axis=1).astype(np.int64), self._total[:n].astype(np.int64)

    def _known(self) -> Known:
        known: Known = jax.tree.map(np.asarray, _read(self.agent, self.spec, self._width, self._state))
        return known
