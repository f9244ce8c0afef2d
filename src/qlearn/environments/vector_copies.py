"""Copies of a Gymnasium environment, one after the other in this process.

Every episode starts with a seed of our own, and the last observation of an episode is seen like any other.  Each copy
is watched: what it gives is checked where it is made, in the worker process if there is one, and a fault comes back as
words in ``info``.  Gymnasium's SyncVectorEnv would do the same at more than twice the cost of a small environment's
own step, and would not say whose an exception was.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from qlearn.environments.faults import Fault, Spaces, flag_of, raised, reward_of, unpacked
from qlearn.environments.host import HostEnvironment
from qlearn.environments.patience import Hang, Patience, clock
from qlearn.errors import EnvironmentFault

if TYPE_CHECKING:
    from numpy.typing import NDArray

REST = -1
"""The action of a copy that shall not be stepped."""

FAULT = "qlearn_fault"
"""Where ``info`` has the words of a fault."""


class Watched(gym.Env[Any, Any]):
    """One environment, made when it is first reset, whose observations are encoded and whose faults are words.

    Args:
        environment: what to make and how to read it.
    """

    def __init__(self, environment: HostEnvironment) -> None:
        self.environment = environment
        self.action_space = spaces.Discrete(environment.num_actions)
        self.observation_space = _encoded_space(environment)
        self._nothing: Any = 0
        if environment.observation_shape is not None:
            self._nothing = np.zeros(environment.observation_shape, environment.observation_dtype)
        self._seen = self._nothing
        self._parts = bool(environment.parts)
        self._env: Any = None
        self._spaces = Spaces()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode."""
        super().reset(seed=seed)
        try:
            if self._env is None:
                self._env = self.environment.make_env()
                self._spaces.check(self._env)
            observation, info = unpacked(self._env.reset(seed=seed), 2, "reset")
            self._spaces.check(self._env)
            self._seen = self._read(observation, info, False) if self._parts else self.environment.encode(observation)
        except Exception as error:
            return self._nothing, {FAULT: str(raised(error))}
        return self._seen, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take a step, or none where the action is `REST`."""
        if action == REST:
            return self._seen, 0.0, False, False, {}
        try:
            given = self._env.step(self.environment.decode_action(action))
            observation, reward, terminated, truncated, info = unpacked(given, 5, "step")
            value = reward_of(reward)
            over = flag_of(terminated, "terminated"), flag_of(truncated, "truncated")
            self._seen = self._read(observation, info, over[0]) if self._parts else self.environment.encode(observation)
        except Exception as error:
            return self._nothing, 0.0, False, False, {FAULT: str(raised(error))}
        return self._seen, value, *over, {}

    def _read(self, observation: Any, info: Any, over: bool) -> Any:
        """What an agent sees of an observation that has parts."""
        return self.environment.encode(observation, self.environment.mask_of(self._env, info), over=over)

    def close(self) -> None:
        """Close the environment; an instance that the user made is left open."""
        if self._env is not None and not self.environment.single:
            self._env.close()


def _encoded_space(environment: HostEnvironment) -> spaces.Space[Any]:
    if environment.observation_shape is None:
        return spaces.Discrete(environment.num_states)
    dtype = np.dtype(environment.observation_dtype)
    low, high = (-np.inf, np.inf) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return spaces.Box(low, high, environment.observation_shape, dtype.type)


class InTurn:
    """So many copies of an environment in this process.

    Args:
        environment: what to make.
        count: how many.
        blame: a method that says of a fault where it was; it is held weakly.
    """

    def __init__(
        self, environment: HostEnvironment, count: int, blame: Callable[[PlacedFault], EnvironmentFault] | None = None
    ) -> None:
        self._blame = None if blame is None else weakref.WeakMethod(blame)
        self._copies = [Watched(environment) for _ in range(count)]
        space = self._copies[0].observation_space
        self._seen = np.zeros((count, *(space.shape or ())), space.dtype)
        self._patience = Patience(environment.patience, self._blamed)
        self._at = 0

    def reset(self, mask: NDArray[np.bool_], seeds: Sequence[int | None]) -> NDArray[Any]:
        """Start an episode of every copy that is marked; returns the observations of all."""
        try:
            for i in np.flatnonzero(mask).tolist():
                self._at = i
                self._patience.begin()
                observation, info = self._copies[i].reset(seed=seeds[i])
                self._look_at(i, info)
                self._seen[i] = observation
            self._patience.over()
        except Hang:
            raise PlacedFault(self._at, self._patience.ended()) from None
        return self._seen.copy()

    def step(self, actions: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Observation, reward, terminated and truncated of every copy."""
        rewards, terminated, truncated = [], [], []
        patience = self._patience
        try:
            patience.begin()
            for i, action in enumerate(actions.tolist()):
                self._at, patience.since = i, clock()
                observation, reward, ended, cut, info = self._copies[i].step(action)
                if info:
                    self._look_at(i, info)
                self._seen[i] = observation
                rewards.append(reward)
                terminated.append(ended)
                truncated.append(cut)
            patience.over()
        except Hang:
            raise PlacedFault(self._at, patience.ended()) from None
        return self._seen.copy(), np.array(rewards), np.array(terminated), np.array(truncated)

    def close(self) -> None:
        """Close all copies."""
        for copy in self._copies:
            copy.close()

    def _blamed(self, fault: Fault) -> EnvironmentFault:
        """The fault of the copy that is being asked."""
        blame = None if self._blame is None else self._blame()
        return EnvironmentFault(str(fault)) if blame is None else blame(PlacedFault(self._at, fault))

    def _look_at(self, i: int, info: dict[str, Any]) -> None:
        if FAULT in info:
            self._patience.over()
            raise PlacedFault(i, Fault(info[FAULT]))


class PlacedFault(Exception):
    """A fault of the copy number ``index``."""

    def __init__(self, index: int, fault: Fault) -> None:
        super().__init__(index, fault)
        self.index, self.fault = index, fault
