"""A limit to how long an environment's own code may take in this process.

One thread for all watches the clock.  Where a call takes longer than its limit, an exception is raised in the thread
that makes it, which ends any loop in Python; code that waits outside of Python sees it when it comes back.  Processes
of their own (``vectorization="async"``) need no such thing: they are ended.
"""

from __future__ import annotations

import ctypes
import threading
import time
import weakref
from typing import Any

from qlearn.environments.faults import Fault

_TICK = 0.05  # seconds between two looks, at least; a twentieth of the limit where that is longer
_DELIVERY = 1.0  # seconds within which an exception on its way arrives


class Hang(BaseException):
    """Raised in the thread whose environment takes too long; no ``except Exception`` of the environment holds it up."""


class Patience:
    """Watches the calls that one thread makes one after the other.

    ``since = clock()`` begins a call and ``over()`` ends it; between the two a `Hang` may be raised.

    Args:
        seconds: the limit of a call; infinity for none.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
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
        return Fault(
            f" took longer than {self.seconds:g} s and was ended. Expected an answer within that time. Mend the "
            "environment, or allow more: ql.make(…, patience=600)."
        )

    def look(self, now: float) -> None:
        """End the call where it takes too long; called by the thread that watches."""
        since = self.since
        if since is None or self.fired or now - since <= self.seconds:
            return
        self.fired = True
        if self.since is not since:  # it came back meanwhile
            self.fired = False
            return
        _raise_in(self.thread, Hang)


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
                _thread = None
                return
        now = time.perf_counter()
        for patience in those:
            patience.look(now)
        shortest = min(p.seconds for p in those)
        del those
        time.sleep(max(_TICK, min(1.0, shortest / 20)))


def _raise_in(thread: int, kind: type[Any]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind))
