"""A limit to how long an environment's own code may take in this process.

One thread for all watches the clock.  Where a call takes longer than its limit, an exception is raised in the thread
that makes it, which ends any loop in Python; code that waits outside of Python sees it when it comes back.  Processes
of their own (``vectorization="async"``) need no such thing: they are ended.
"""

from __future__ import annotations

import ctypes
import faulthandler
import functools
import os
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qlearn.environments.faults import Fault
from qlearn.errors import EnvironmentFault

_TICK = 0.05  # seconds between two looks, at least; a twentieth of the limit where that is longer
_DELIVERY = 1.0  # seconds within which an exception on its way arrives
_GRACE = 10.0  # seconds more, before a process that nothing else can end is ended


class Hang(BaseException):
    """Raised in the thread whose environment takes too long; no ``except Exception`` of the environment holds it up."""


class Patience:
    """Watches the calls that one thread makes one after the other.

    ``since = clock()`` begins a call and ``over()`` ends it; between the two a `Hang` may be raised.

    Args:
        seconds: the limit of a call; infinity for none.
        blame: a method that says of what `told` tells where it was; it is held weakly.
    """

    def __init__(self, seconds: float, blame: Callable[[Fault], EnvironmentFault] | None = None) -> None:
        self.seconds = seconds
        self._blame = None if blame is None else weakref.WeakMethod(blame)
        self.since: float | None = None
        self.thread = 0
        self.fired = False

    def begin(self) -> None:
        """The thread that calls this makes the calls from now on."""
        self.since = time.perf_counter()
        if self.thread != threading.get_ident():
            self.thread = threading.get_ident()
            _watch(self)

    def over(self) -> None:
        """The call came back; raises Hang where that was decided in the same moment."""
        self.since = None
        if self.fired:
            time.sleep(_DELIVERY)
            self.fired = False

    def ended(self) -> Fault:
        """Say that the call was ended."""
        self.since, self.fired = None, False
        return self.told()

    def told(self) -> Fault:
        """What there is to say of a call that took too long."""
        return Fault(
            f" took longer than {self.seconds:g} s and was ended. Expected an answer within that time. Mend the "
            "environment, or allow more: ql.make(…, patience=600)."
        )

    def fault(self) -> EnvironmentFault:
        """The same with its place, as far as whoever calls knows it."""
        blame = None if self._blame is None else self._blame()
        return EnvironmentFault(f"An environment{self.told()}") if blame is None else blame(self.told())

    def look(self, now: float) -> None:
        """End the call where it takes too long; called by the thread that watches."""
        since = self.since
        if since is None or now - since <= self.seconds:
            return
        if self.fired:
            if _beyond is not None and now - since > self.seconds + 2 * _DELIVERY:
                _beyond(self.fault())
            return
        self.fired = True
        if self.since is not since:  # it came back meanwhile
            self.fired = False
            return
        _raise_in(self.thread, Hang)


def end_process_beyond(then: Callable[[EnvironmentFault], None], code: int) -> None:
    """From now on, end this process where a call takes too long and nothing else ends it: it waits outside of Python.

    For processes that somebody replaces.  Where not even the thread that watches can run, since the call keeps
    Python's lock, the process ends ten seconds later, with code 1 and without a word.

    Args:
        then: called before, in the thread that watches.
        code: the exit code.
    """
    global _beyond  # noqa: PLW0603 - one for the whole process

    def end(fault: EnvironmentFault) -> None:
        try:
            then(fault)
        finally:
            os._exit(code)

    _beyond = end


_beyond: Callable[[EnvironmentFault], None] | None = None
clock = time.perf_counter
_watched: weakref.WeakSet[Patience] = weakref.WeakSet()
_lock = threading.Lock()
_thread: threading.Thread | None = None


def _watch(patience: Patience) -> None:
    global _thread  # noqa: PLW0603 - one thread for the whole process, begun when it is first needed
    with _lock:
        _watched.add(patience)
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_go_round, name="qlearn-patience", daemon=True)
            _thread.start()


def _go_round() -> None:
    global _thread  # noqa: PLW0603
    while True:
        with _lock:
            those = list(_watched)
            if not those:
                if _beyond is not None:
                    faulthandler.cancel_dump_traceback_later()
                _thread = None
                return
        now = time.perf_counter()
        for patience in those:
            patience.look(now)
        shortest = min(p.seconds for p in those)
        del those
        if _beyond is not None and shortest < _LONGEST:
            faulthandler.dump_traceback_later(shortest + _GRACE, exit=True, file=_nowhere())
        time.sleep(max(_TICK, min(1.0, shortest / 20)))


_LONGEST = 1e6  # seconds that its clock can count


@functools.cache
def _nowhere() -> Any:
    return Path(os.devnull).open("w", encoding="utf-8")  # as long as the process lives


def _raise_in(thread: int, kind: type[Any]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind))
