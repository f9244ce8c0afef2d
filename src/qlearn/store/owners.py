"""Who holds a unit, and whether that process still lives."""

from __future__ import annotations

import dataclasses
import functools
import os
import socket
from pathlib import Path

_PROC = Path("/proc")


@dataclasses.dataclass(frozen=True)
class Owner:
    """A process.

    Args:
        machine: where process ids mean something: host, its present boot, and its namespace of process ids.
        pid: the process id.
        start: when it started, in the machine's own count; a process id is given out again, with another start.
    """

    machine: str
    pid: int
    start: int

    @property
    def here(self) -> bool:
        """Whether it is a process of this machine, whose life can be looked at."""
        return self.machine == machine()

    @property
    def lives(self) -> bool:
        """Whether it still runs; True where that cannot be known.

        >>> me().lives, Owner(machine(), 2**22 + 1, 0).lives
        (True, False)
        """
        if not self.here:
            return not _was_here_before(self.machine)
        return _start_of(self.pid) == self.start

    def __str__(self) -> str:
        return f"process {self.pid}" + ("" if self.here else f" on {self.machine.split()[0]}")


def me() -> Owner:
    """This process.

    >>> me().pid == os.getpid()
    True
    """
    return Owner(machine(), os.getpid(), _start_of(os.getpid()) or 0)


@functools.cache
def machine() -> str:
    """Host, boot and namespace of process ids, as far as this system tells them."""
    return f"{socket.gethostname()} {_text('sys/kernel/random/boot_id')} {_namespace()}"


def _was_here_before(other: str) -> bool:
    """Whether it is this host before it was started again: none of its processes lives."""
    mine, theirs = machine().split(), other.split()
    known = len(mine) == len(theirs) == 3 and "?" not in (mine[1], theirs[1])
    return known and mine[0] == theirs[0] and mine[1] != theirs[1]


def _text(path: str) -> str:
    try:
        return (_PROC / path).read_text(encoding="ascii").strip() or "?"
    except OSError:
        return "?"


def _namespace() -> str:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return "?"


def _start_of(pid: int) -> int | None:
    """When a process started; None where there is no such process."""
    try:
        told = (_PROC / str(pid) / "stat").read_bytes()
    except FileNotFoundError:
        return None if _PROC.joinpath("self").exists() else _lives_elsewhere(pid)
    except OSError:
        return None
    after = told.rpartition(b")")[2].split()  # a program's name may hold spaces and brackets
    return None if after[0] in (b"Z", b"X") else int(after[19])  # what is dead and only waits to be counted is gone


def _lives_elsewhere(pid: int) -> int | None:
    """The same without /proc: 0 for a process that is there."""
    if os.name == "nt":
        return _lives_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass
    return 0


def _lives_on_windows(pid: int) -> int | None:
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    handle = kernel.OpenProcess(0x1000, False, pid)
    if not handle:
        return None
    code = ctypes.c_ulong()
    known = kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return 0 if not known or code.value == 259 else None  # 259: still active
