"""The host loop: environments that are ordinary Python, all seeds one batch, one compiled call a step.

The learner's functions are the device loop's own, and so are the random numbers of the agent.  What the environment
draws is its own business; every episode starts with ``reset(seed=…)``, a function of (seed, episode), so that two
agents with one seed meet the same environment, also after episodes of unequal length.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Agent, Clock, Learner, Spec, Transition
from qlearn.agents.table import add
from qlearn.engine import noise
from qlearn.engine.device_loop import Standing, extras_of
from qlearn.engine.lane_run import History, Numbers, Unit
from qlearn.environments.host import HostEnvironment
from qlearn.errors import EnvironmentFault, InputError

Array = jax.Array
_LARGEST = float(np.finfo(np.float32).max)


def episode_seed(seed: int, episode: int) -> int:
    """What an environment is reset with: a 32-bit number that depends on the seed and the episode alone.

    >>> episode_seed(0, 0) != episode_seed(0, 1)
    True
    """
    return int(np.random.SeedSequence([noise.ENVIRONMENT, seed, episode]).generate_state(1)[0])


@functools.partial(jax.jit, static_argnames=("spec",))
def _begin(agent: Agent, spec: Spec, seeds: Array) -> Any:
    learner = agent.learner(spec)
    zero = jnp.uint32(0)
    return _lanes(learner, lambda seed: learner.init(noise.at(seed, noise.INITIAL, zero, zero)))(seeds)


@functools.partial(jax.jit, static_argnames=("spec",))
def _act(agent: Agent, spec: Spec, seeds: Array, state: Any, seen: Array, clock: Clock, live: Array) -> Any:
    """An action for every seed that is live; ``seen`` is its observation."""
    learner = agent.learner(spec)

    def one(seed: Array, state: Any, observation: Array, clock: Clock, live: Array) -> Any:
        place = noise.at(seed, noise.BEHAVIOUR, clock.episode, clock.step)
        action, after = learner.act(state, observation, place, clock)
        return action, _choose(live, after, state)

    return _lanes(learner, one)(seeds, state, seen, clock, live)


@functools.partial(jax.jit, static_argnames=("spec",), donate_argnums=(3, 4))
def _learn(agent: Agent, spec: Spec, seeds: Array, state: Any, visits: Array, trajectory: Transition, when: Any) -> Any:
    """The update of every seed that is marked; trajectories have shape (seeds, period), ``when`` is (clock, marked)."""
    learner = agent.learner(spec)

    def one(seed: Array, state: Any, visits: Array, trajectory: Transition, when: Any) -> Any:
        clock, marked = when
        place = noise.at(seed, noise.UPDATE, clock.episode, clock.step)
        after = learner.update(state, trajectory, place, clock)
        counted = jax.lax.fori_loop(
            0,
            trajectory.reward.shape[0],
            lambda i, v: add(v, trajectory.observation[i], trajectory.action[i], trajectory.valid[i].astype(jnp.int32)),
            visits,
        )
        return _choose(marked, after, state), _choose(marked, counted, visits)

    return _lanes(learner, one)(seeds, state, visits, trajectory, when)


@functools.partial(jax.jit, static_argnames=("spec",))
def _tables(agent: Agent, spec: Spec, state: Any) -> Array:
    learner = agent.learner(spec)
    states = jnp.arange(spec.num_states, dtype=jnp.int32)
    return _lanes(learner, lambda s: jax.vmap(functools.partial(learner.q_values, s))(states))(state)


@functools.partial(jax.jit, static_argnames=("spec",))
def _extras(agent: Agent, spec: Spec, state: Any) -> dict[str, Array]:
    learner = agent.learner(spec)
    return _lanes(learner, functools.partial(extras_of, learner))(state)


def _lanes(learner: Learner, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of one seed over a batch of whole lanes; lanes of one keep real branches."""
    width = learner.lane
    inner = function if width == 1 else jax.vmap(function)

    def whole(*arguments: Any) -> Any:
        if width == 1:
            return jax.lax.map(lambda xs: inner(*xs), arguments)
        cut = jax.tree.map(lambda x: x.reshape(-1, width, *x.shape[1:]), arguments)
        result = jax.lax.map(lambda xs: inner(*xs), cut)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), result)

    return whole


def _unpacked(given: Any, count: int, name: str) -> tuple[Any, ...]:
    """What ``step`` or ``reset`` returned, if it is as many things as Gymnasium asks for."""
    if not isinstance(given, tuple) or len(given) != count:
        told = f"{len(given)} values" if isinstance(given, tuple) else repr(given)
        raise EnvironmentFault(f"{name}() returned {told}; Gymnasium's returns a tuple of {count}. Mend its {name}().")
    return given


def _choose(condition: Array, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)


class HostRun:
    """All seeds of one agent on one environment that is ordinary Python.

    Args:
        agent: the description.
        environment: what to make and how to read its observations.
        seeds: (n,) the seeds; a single instance serves one.
        unit: what positions count.

    Raises:
        InputError: where one instance was given for several seeds.
    """

    def __init__(self, agent: Agent, environment: HostEnvironment, seeds: Numbers, unit: Unit) -> None:
        if environment.single and seeds.size > 1:
            raise InputError(
                f"{environment.name} is one instance, which serves one seed; {seeds.size} seeds were asked for. "
                "Pass a function that makes a new environment, for example `lambda: MyEnv()`."
            )
        self.agent, self.environment, self.seeds, self._unit = agent, environment, seeds, unit
        self.spec = Spec(environment.num_states, environment.num_actions, environment.time_limit)
        self.learner = agent.learner(self.spec)
        self.history = History()
        size = self.learner.lane * math.ceil(seeds.size / self.learner.lane)
        self._words = jnp.asarray(np.resize(seeds, size).astype(np.uint32))
        self._state = _begin(agent, self.spec, self._words)
        self._visits = jnp.zeros((size, self.spec.num_states, self.spec.num_actions), jnp.int32)
        self._envs: list[Any] = [self._guard(i, environment.make_env) for i in range(seeds.size)]
        self._clock = np.zeros((3, size), np.uint32)  # episode, step in episode, step in run
        self._gained = np.zeros(size)
        self._seen = np.zeros(size, np.int32)
        self._memory: list[list[tuple[Any, ...]]] = [[] for _ in range(seeds.size)]
        for i in range(seeds.size):
            self._reset(i)

    def run_to(self, position: int, stop: Callable[[], bool], tell: Callable[[int], None]) -> bool:
        """Run every seed to a position; False where ``stop`` came first."""
        while True:
            live = np.zeros(self._seen.size, bool)
            n = self.seeds.size
            live[:n] = self._made()[:n] < position
            if self.learner.period == "episode":  # these finish the episode in which a budget of steps runs out
                live[:n] |= self._clock[1, :n] > 0
            if not live.any():
                return True
            if stop():
                return False
            before = self._made().astype(np.int64)
            action = self._choose_actions(live)
            ended = np.zeros(live.size, bool)
            for i in np.flatnonzero(live):
                ended[i] = self._step(int(i), int(action[i]))
            self._update(live, ended)
            for i in np.flatnonzero(ended):
                self._clock[0, i] += 1
                self._clock[1, i] = 0
                self._reset(int(i))
            tell(int((self._made() - before).sum()))

    def standing(self, *, running: bool = False) -> Standing:
        """What the seeds know now; NumPy arrays."""
        n = self.seeds.size
        table = np.asarray(_tables(self.agent, self.spec, self._state))[:n]
        extras = {}
        if self.learner.extras is not None:
            told = _extras(self.agent, self.spec, self._state)
            extras = {name: np.asarray(value)[:n] for name, value in told.items()}
        visits = np.asarray(self._visits)[:n]
        return Standing(table, visits, self._clock[0, :n].copy(), self._clock[2, :n].copy(), extras)

    def _made(self) -> Numbers:
        return self._clock[0] if self._unit == "episode" else self._clock[2]

    def _choose_actions(self, live: Numbers) -> Numbers:
        clock = Clock(*(jnp.asarray(row) for row in self._clock))
        action, self._state = _act(
            self.agent, self.spec, self._words, self._state, jnp.asarray(self._seen), clock, jnp.asarray(live)
        )
        return np.asarray(action)

    def _step(self, i: int, action: int) -> bool:
        """One step of one seed's environment; True where its episode ended."""
        env, given = self._envs[i], action + self.environment.action_start
        observation, reward, terminated, truncated, _ = self._guard(i, lambda: _unpacked(env.step(given), 5, "step"))
        value = self._reward(i, reward)
        for name, flag in (("terminated", terminated), ("truncated", truncated)):
            if not isinstance(flag, (bool, np.bool_)):
                raise EnvironmentFault(
                    f"{self._where(i)} gave {name}={flag!r}; expected True or False. Mend its step()."
                )
        arrived = self._guard(i, lambda: self.environment.encode(observation))
        ended = bool(terminated) or bool(truncated)
        self._memory[i].append((self._seen[i], action, value, arrived, bool(terminated), bool(truncated), True))
        self._gained[i] += value
        self._clock[1, i] += 1
        self._clock[2, i] += 1
        self._seen[i] = arrived
        if ended:
            self.history.add(np.array([i]), np.array([self._gained[i]]), np.array([self._clock[1, i]], np.int64))
            self._gained[i] = 0.0
        return ended

    def _update(self, live: Numbers, ended: Numbers) -> None:
        """Let those seeds learn whose trajectory is full, and forget it."""
        period = self.learner.period
        marked = live.copy()
        if period == "episode":
            marked = ended
            length = 1 << max(0, (max((len(m) for m in self._memory), default=1) - 1).bit_length())
        else:
            length = int(period)
            marked[: self.seeds.size] &= np.array([len(m) == length for m in self._memory])
        if not marked.any():
            return
        columns = [
            np.zeros((live.size, length), d) for d in (np.int32, np.int32, np.float32, np.int32, bool, bool, bool)
        ]
        for i in np.flatnonzero(marked):
            for column, values in zip(columns, zip(*self._memory[i], strict=True), strict=True):
                column[i, : len(values)] = values
            self._memory[i] = []
        clock = self._clock.copy()
        clock[1:] -= np.uint32(1)  # of the last step made
        when = (Clock(*(jnp.asarray(row) for row in clock)), jnp.asarray(marked))
        self._state, self._visits = _learn(
            self.agent,
            self.spec,
            self._words,
            self._state,
            self._visits,
            Transition(*(jnp.asarray(column) for column in columns)),
            when,
        )

    def _reset(self, i: int) -> None:
        seed = episode_seed(int(self.seeds[i]), int(self._clock[0, i]))
        observation, _ = self._guard(i, lambda: _unpacked(self._envs[i].reset(seed=seed), 2, "reset"))
        self._seen[i] = self._guard(i, lambda: self.environment.encode(observation))

    def _reward(self, i: int, reward: Any) -> float:
        try:
            value = math.nan if isinstance(reward, str) else float(reward)
        except (TypeError, ValueError):
            value = math.nan
        if not abs(value) <= _LARGEST:
            raise EnvironmentFault(
                f"{self._where(i)} gave the reward {reward!r}; expected a finite number of float32. Mend its step()."
            )
        return value

    def _guard(self, i: int, call: Callable[[], Any]) -> Any:
        """Call the environment's own code; what it raises names the environment, the seed and the step."""
        try:
            return call()
        except EnvironmentFault as error:
            raise EnvironmentFault(f"{self._where(i)}: {error}") from error
        except Exception as error:
            raise EnvironmentFault(
                f"{self._where(i)} raised {type(error).__name__}: {error}. Expected a step without errors. "
                "Mend the environment, or wrap it to catch this."
            ) from error

    def _where(self, i: int) -> str:
        clock = getattr(self, "_clock", np.zeros((3, self.seeds.size), np.uint32))
        return f"{self.environment.name} (seed {self.seeds[i]}, episode {clock[0, i]}, step {clock[1, i]})"
