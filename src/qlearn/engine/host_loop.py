"""The host loop: environments that are ordinary Python, all seeds one batch, one compiled call a step.

The learner's functions are the device loop's own, and so are the random numbers of the agent.  What the environment
draws is its own business; every episode starts with ``reset(seed=…)``, a function of (seed, episode), so that two
agents with one seed meet the same environment, also after episodes of unequal length.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Agent, Clock, Spec, Transition
from qlearn.engine import host_programs as programs
from qlearn.engine import noise
from qlearn.engine.device_loop import Standing
from qlearn.engine.lane_run import History, Numbers, Unit
from qlearn.environments import faults
from qlearn.environments.faults import Spaces, raised
from qlearn.environments.host import HostEnvironment
from qlearn.environments.patience import Hang, Patience
from qlearn.errors import EnvironmentFault, InputError

Array = jax.Array
_LARGEST = float(np.finfo(np.float32).max)


def episode_seed(seed: int, episode: int) -> int:
    """What an environment is reset with: a 32-bit number that depends on the seed and the episode alone.

    >>> episode_seed(0, 0) != episode_seed(0, 1)
    True
    """
    return int(np.random.SeedSequence([noise.ENVIRONMENT, seed, episode]).generate_state(1)[0])


def _unpacked(given: Any, count: int, name: str) -> tuple[Any, ...]:
    """What ``step`` or ``reset`` returned, if it is as many things as Gymnasium asks for."""
    if not isinstance(given, tuple) or len(given) != count:
        told = f"{len(given)} values" if isinstance(given, tuple) else repr(given)
        raise EnvironmentFault(f"{name}() returned {told}; Gymnasium's returns a tuple of {count}. Mend its {name}().")
    return given


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
        self.tables: list[Standing] = []  # that were read at the positions reached
        size = self.learner.lane * math.ceil(seeds.size / self.learner.lane)
        self._words = jnp.asarray(np.resize(seeds, size).astype(np.uint32))
        self._state = programs.begin(agent, self.spec, self._words)
        self._visits = jnp.zeros((size, self.spec.num_states, self.spec.num_actions), jnp.int32)
        self._patience, self._asked = Patience(environment.patience, self._blamed), 0
        self._spaces = [Spaces() for _ in range(seeds.size)]
        self._envs: list[Any] = [self._guard(i, environment.make_env) for i in range(seeds.size)]
        for env, declared in zip(self._envs, self._spaces, strict=True):
            declared.check(env)
        self._clock = np.zeros((3, size), np.uint32)  # episode, step in episode, step in run
        self._gained = np.zeros(size)
        self._seen = np.zeros(size, np.int32)
        self._memory: list[list[tuple[Any, ...]]] = [[] for _ in range(seeds.size)]
        sizes = self._visits.shape
        self.legal = np.ones(sizes, bool) if environment.masked else None  # what was met: a table has one for a state
        self._legal_here: Array | None = None
        self.begun_again = np.zeros(seeds.size, np.int64)  # episodes that could not be gone on with in another process
        for i in range(seeds.size):
            self._reset(i)

    def run_to(
        self,
        position: int,
        stop: Callable[[], bool],
        tell: Callable[[int], None],
        between: Callable[[], None] = lambda: None,
    ) -> bool:
        """Run every seed to a position; False where ``stop`` came first.

        ``between`` is called between a step and its update, when the run may be frozen.
        """
        while (live := self._lacking(position)).any():
            if stop():
                return False
            before = self._made().astype(np.int64)
            ended = self._move(live)
            between()
            if stop():
                return False
            self._settle(live, ended)
            tell(int((self._made() - before).sum()))
        return True

    def _lacking(self, position: int) -> Numbers:
        """Which seeds are to make a step, (size,) bool."""
        live = np.zeros(self._seen.size, bool)
        n = self.seeds.size
        live[:n] = self._made()[:n] < position
        if self.learner.period == "episode":  # these finish the episode in which a budget of steps runs out
            live[:n] |= self._clock[1, :n] > 0
        return live

    def _move(self, live: Numbers) -> Numbers:
        """A step of every seed that is live; where an episode is over, (size,) bool."""
        action = self._choose_actions(live)
        reward, ended = np.zeros(live.size), np.zeros(live.size, bool)
        for i in np.flatnonzero(live):
            reward[i], ended[i] = self._step(int(i), int(action[i]))
        self._after_step(action, live, reward, ended)
        return ended

    def _after_step(self, action: Numbers, live: Numbers, reward: Numbers, ended: Numbers) -> None:
        """For runs that are kept."""

    def _settle(self, live: Numbers, ended: Numbers) -> None:
        """The updates that follow a step, and the next episodes."""
        self._update(live, ended)
        for i in np.flatnonzero(ended):
            self._clock[0, i] += 1
            self._clock[1, i] = 0
            self._reset(int(i))

    def standing(self, *, running: bool = False) -> Standing:
        """What the seeds know now; NumPy arrays."""
        n = self.seeds.size
        table = np.asarray(programs.tables(self.agent, self.spec, self._state))[:n]
        extras = {}
        if self.learner.extras is not None:
            told = programs.extras(self.agent, self.spec, self._state)
            extras = {name: np.asarray(value)[:n] for name, value in told.items()}
        if self.legal is not None:
            extras["legal"] = self.legal[:n].copy()
        visits = np.asarray(self._visits)[:n]
        return Standing(table, visits, self._clock[0, :n].copy(), self._clock[2, :n].copy(), extras)

    def _made(self) -> Numbers:
        return self._clock[0] if self._unit == "episode" else self._clock[2]

    def _choose_actions(self, live: Numbers) -> Numbers:
        clock = Clock(*(jnp.asarray(row) for row in self._clock))
        action, self._state = programs.act(
            self.agent,
            self.spec,
            self._words,
            self._state,
            jnp.asarray(self._seen),
            (clock, jnp.asarray(live)),
            self._legal_now(),
        )
        return np.asarray(action)

    def _ask(self, i: int, action: int) -> tuple[int, float, bool, bool]:
        """One step of one seed's environment: observation, reward, terminated and truncated."""
        env, given = self._envs[i], action + self.environment.action_start
        observation, reward, terminated, truncated, info = self._guard(i, lambda: _unpacked(env.step(given), 5, "step"))
        value = self._reward(i, reward)
        for name, flag in (("terminated", terminated), ("truncated", truncated)):
            if not isinstance(flag, (bool, np.bool_)):
                raise self._fault(i, f" gave {name}={flag!r}; expected True or False. Mend its step().")
        arrived = self._guard(i, lambda: self._read(i, observation, info, bool(terminated)))
        return arrived, value, bool(terminated), bool(truncated)

    def _step(self, i: int, action: int) -> tuple[float, bool]:
        """A step of one seed: its reward, and whether its episode ended."""
        arrived, value, terminated, truncated = self._ask(i, action)
        ended = terminated or truncated
        self._memory[i].append((self._seen[i], action, value, arrived, terminated, truncated, True))
        self._gained[i] += value
        self._clock[1, i] += 1
        self._clock[2, i] += 1
        if self._clock[1, i] >= faults.LONGEST and self._unit == "episode" and not ended:
            raise self._fault(i, str(faults.endless()))
        self._seen[i] = arrived
        if ended:
            self.history.add(np.array([i]), np.array([self._gained[i]]), np.array([self._clock[1, i]], np.int64))
            self._gained[i] = 0.0
        return value, ended

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
        when = (Clock(*(jnp.asarray(row) for row in clock)), jnp.asarray(marked), self._legal_now())
        self._state, self._visits = programs.learn(
            self.agent,
            self.spec,
            self._words,
            self._state,
            self._visits,
            Transition(*(jnp.asarray(column) for column in columns)),
            when,
        )

    def _reset(self, i: int) -> None:
        self._seen[i] = self._first(i, int(self._clock[0, i]))

    def _first(self, i: int, episode: int) -> int:
        """Begin an episode of one seed; what is observed first."""
        seed = episode_seed(int(self.seeds[i]), episode)
        observation, info = self._guard(i, lambda: _unpacked(self._envs[i].reset(seed=seed), 2, "reset"))
        self._guard(i, lambda: self._spaces[i].check(self._envs[i]))
        found: int = self._guard(i, lambda: self._read(i, observation, info, False))
        return found

    def _read(self, i: int, observation: Any, info: Any, over: bool) -> int:
        """The number of an observation; what is legal there is remembered, the newest of each state."""
        if self.legal is None:
            return int(self.environment.encode(observation))
        mask = self.environment.mask_of(self._envs[i], info)
        number, allowed = self.environment.numbered(observation, mask, over=over)
        if not np.array_equal(self.legal[i, number], allowed):
            self.legal[i, number] = allowed
            self._legal_here = None
        return number

    def _legal_now(self) -> Array | None:
        """What is known to be legal, on the device."""
        if self.legal is not None and self._legal_here is None:
            self._legal_here = jnp.asarray(self.legal)
        return self._legal_here

    def _reward(self, i: int, reward: Any) -> float:
        try:
            value = math.nan if isinstance(reward, str) else float(reward)
        except (TypeError, ValueError):
            value = math.nan
        if not abs(value) <= _LARGEST:
            raise self._fault(i, f" gave the reward {reward!r}; expected a finite number of float32. Mend its step().")
        return value

    def _guard(self, i: int, call: Callable[[], Any]) -> Any:
        """Call the environment's own code; what it raises names the environment, the seed and the step."""
        self._asked = i
        try:
            self._patience.begin()
            result = call()
            self._patience.over()
        except Hang:
            raise self._fault(i, str(self._patience.ended())) from None
        except Exception as error:
            self._patience.over()
            raise self._fault(i, str(raised(error))) from error
        return result

    def _blamed(self, fault: faults.Fault) -> EnvironmentFault:
        """The fault of whoever is being asked."""
        return self._fault(self._asked, str(fault))

    def _fault(self, i: int, words: str) -> EnvironmentFault:
        clock = self._place(i)
        return EnvironmentFault(f"{self._where(i)}{words}", int(self.seeds[i]), *clock)

    def _place(self, i: int) -> tuple[int, int]:
        clock = getattr(self, "_clock", np.zeros((3, self.seeds.size), np.uint32))
        return int(clock[0, i]), int(clock[1, i])

    def _where(self, i: int) -> str:
        episode, step = self._place(i)
        return f"{self.environment.name} (seed {self.seeds[i]}, episode {episode}, step {step})"
