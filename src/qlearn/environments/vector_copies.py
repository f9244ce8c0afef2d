"""Copies of a Gymnasium environment through Gymnasium's SyncVectorEnv or AsyncVectorEnv.

Nothing is reset behind our back (``AutoresetMode.DISABLED``): every episode starts with a seed of our own, and the
last observation of an episode is seen like any other.  Each copy is watched: what it gives is checked where it is
made, in the worker process if there is one, and a fault comes back as words in ``info``.  An exception would not do:
SyncVectorEnv does not say whose it was, and AsyncVectorEnv cannot send every exception from process to process.
"""

from __future__ import annotations

import functools
import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from qlearn.environments.faults import Fault, flag_of, raised, reward_of, unpacked
from qlearn.environments.host import HostEnvironment
from qlearn.errors import EnvironmentFault, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

REST = -1
"""The action of a copy that shall not be stepped."""

_FAULT = "qlearn_fault"
# Forking a process that runs JAX's threads may lock up; and a signal handler of ours must not go along.
_CONTEXT = "spawn" if sys.platform in ("win32", "darwin") else "forkserver"


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
        self._env: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode."""
        super().reset(seed=seed)
        try:
            if self._env is None:
                self._env = self.environment.make_env()
            observation, _ = unpacked(self._env.reset(seed=seed), 2, "reset")
            self._seen = self.environment.encode(observation)
        except Exception as error:
            return self._nothing, {_FAULT: str(raised(error))}
        return self._seen, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take a step, or none where the action is `REST`."""
        if action == REST:
            return self._seen, 0.0, False, False, {}
        try:
            given = self._env.step(self.environment.decode_action(action))
            observation, reward, terminated, truncated, _ = unpacked(given, 5, "step")
            value = reward_of(reward)
            over = flag_of(terminated, "terminated"), flag_of(truncated, "truncated")
            self._seen = self.environment.encode(observation)
        except Exception as error:
            return self._nothing, 0.0, False, False, {_FAULT: str(raised(error))}
        return self._seen, value, *over, {}

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


def _in_worker(environment: HostEnvironment) -> Watched:
    """A copy in a process of its own: Ctrl-C is for the process that trains."""
    if multiprocessing.parent_process() is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return Watched(environment)


class Copies:
    """So many copies of an environment, as Gymnasium's vector environment.

    Args:
        environment: what to make; its ``vectorization`` is "sync" or "async".
        count: how many.

    Raises:
        InputError: where the environment cannot be sent to another process.
        EnvironmentFault: where the processes cannot begin.
    """

    def __init__(self, environment: HostEnvironment, count: int) -> None:
        self._name, self._busy = environment.name, False
        self._envs: SyncVectorEnv | AsyncVectorEnv
        if environment.vectorization == "async":
            self._envs = _processes(environment, count)
        else:
            makers = [functools.partial(Watched, environment)] * count
            self._envs = SyncVectorEnv(makers, copy=False, autoreset_mode=AutoresetMode.DISABLED)

    def reset(self, mask: NDArray[np.bool_], seeds: Sequence[int | None]) -> NDArray[Any]:
        """Start an episode of every copy that is marked; returns the observations of all."""
        options = {"reset_mask": mask}
        observations, info = self._call(lambda: self._envs.reset(seed=list(seeds), options=options))
        _look_for_faults(info)
        return np.array(observations)

    def step(self, actions: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Observation, reward, terminated and truncated of every copy."""
        observations, *rest, info = self._call(lambda: self._envs.step(actions))
        _look_for_faults(info)
        return np.array(observations), *rest

    def close(self) -> None:
        """Close all copies and end their processes."""
        if isinstance(self._envs, AsyncVectorEnv) and self._busy:
            self._end()
        else:
            self._envs.close()

    def _call(self, call: Callable[[], Any]) -> Any:
        self._busy = True
        try:
            result = call()
        except (EOFError, OSError) as error:
            if not isinstance(self._envs, AsyncVectorEnv):
                raise
            code, i = self._end()
            raise PlacedFault(
                i,
                Fault(
                    f" ended its own process (exit code {code}). Expected a process that lives as long as training. "
                    "Mend the environment; memory that ran out is a common cause. vectorization='sync' needs none."
                ),
            ) from error
        self._busy = False
        return result

    def _end(self) -> tuple[int | None, int]:
        """End all processes at once; the exit code and number of the first that had ended by itself."""
        assert isinstance(self._envs, AsyncVectorEnv)
        processes = self._envs.processes
        for process in processes:
            process.join(timeout=0.2 / len(processes))  # one that is dying gets its exit code
        gone = next((i for i, process in enumerate(processes) if process.exitcode is not None), 0)
        code = processes[gone].exitcode
        for process in processes:
            process.terminate()
        for process, pipe in zip(processes, self._envs.parent_pipes, strict=True):
            process.join()
            pipe.close()
        self._envs.closed = True
        self._busy = False
        return code, gone


class PlacedFault(Exception):
    """A fault of the copy number ``index``."""

    def __init__(self, index: int, fault: Fault) -> None:
        super().__init__(index, fault)
        self.index, self.fault = index, fault


def _look_for_faults(info: dict[str, Any]) -> None:
    if _FAULT in info:
        index = int(np.flatnonzero(info[f"_{_FAULT}"])[0])
        raise PlacedFault(index, Fault(info[_FAULT][index]))


def _processes(environment: HostEnvironment, count: int) -> AsyncVectorEnv:
    before = set(multiprocessing.active_children())
    makers = [functools.partial(_in_worker, environment)] * count
    try:
        return AsyncVectorEnv(makers, copy=False, context=_CONTEXT, autoreset_mode=AutoresetMode.DISABLED)
    except Exception as error:
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
            process.join()
        if isinstance(error, (EOFError, OSError)):
            raise EnvironmentFault(
                f"{environment.name}: a process for vectorization='async' ended before it could begin; what it wrote "
                "above says why. What it uses must be importable there, and a program needs "
                "`if __name__ == '__main__':` around what it runs. Mend that, or pass vectorization='sync'."
            ) from error
        raise InputError(
            f"{environment.name} cannot be sent to another process ({type(error).__name__}: {error}). Pass a function "
            "that holds nothing bound to this process, or vectorization='sync'."
        ) from error
