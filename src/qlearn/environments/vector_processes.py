"""Copies of a Gymnasium environment, each in a process of its own, through Gymnasium's AsyncVectorEnv.

Nothing is reset behind our back (``AutoresetMode.DISABLED``).  What a copy gives is checked in its process, and a fault
comes back as words in ``info``: AsyncVectorEnv cannot send every exception from process to process.
"""

from __future__ import annotations

import functools
import math
import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode

from qlearn.environments.faults import Fault
from qlearn.environments.host import HostEnvironment
from qlearn.environments.patience import Patience
from qlearn.environments.vector_copies import FAULT, PlacedFault, Watched
from qlearn.errors import EnvironmentFault, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Forking a process that runs JAX's threads may lock up; and a signal handler of ours must not go along.
_CONTEXT = "spawn" if sys.platform in ("win32", "darwin") else "forkserver"


class Processes:
    """So many copies of an environment, each in its own process.

    Args:
        environment: what to make.
        count: how many.

    Raises:
        InputError: where the environment cannot be sent to another process.
        EnvironmentFault: where the processes cannot begin.
    """

    def __init__(self, environment: HostEnvironment, count: int) -> None:
        self._busy = False
        self._patience = environment.patience if math.isfinite(environment.patience) else None
        self._envs = _processes(environment, count)

    def reset(self, mask: NDArray[np.bool_], seeds: Sequence[int | None]) -> NDArray[Any]:
        """Start an episode of every copy that is marked; returns the observations of all."""
        options = {"reset_mask": mask}
        self._call(lambda: self._envs.reset_async(seed=list(seeds), options=options))
        observations, info = self._call(lambda: self._envs.reset_wait(timeout=self._patience))
        _look_for_faults(info)
        return np.array(observations)

    def step(self, actions: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Observation, reward, terminated and truncated of every copy."""
        self._call(lambda: self._envs.step_async(actions))
        observations, *rest, info = self._call(lambda: self._envs.step_wait(timeout=self._patience))
        _look_for_faults(info)
        return np.array(observations), *rest

    def close(self) -> None:
        """Close all copies and end their processes."""
        if self._busy:
            self._end()
        else:
            self._envs.close()

    def _call(self, call: Callable[[], Any]) -> Any:
        self._busy = True
        try:
            result = call()
        except multiprocessing.TimeoutError as error:
            late = [i for i, pipe in enumerate(self._envs.parent_pipes) if not pipe.poll(0)]
            self._end()
            told = Patience(self._patience or math.inf).ended()
            raise PlacedFault(late[0] if late else 0, told) from error
        except (EOFError, OSError) as error:
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


def _in_worker(environment: HostEnvironment) -> Watched:
    """A copy in a process of its own: Ctrl-C is for the process that trains."""
    if multiprocessing.parent_process() is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return Watched(environment)


def _look_for_faults(info: dict[str, Any]) -> None:
    if FAULT in info:
        index = int(np.flatnonzero(info[f"_{FAULT}"])[0])
        raise PlacedFault(index, Fault(info[FAULT][index]))


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
