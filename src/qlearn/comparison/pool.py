"""Processes that fill a store together, for environments that are ordinary Python; who dies is replaced.

Every one of them opens the store, takes what is free and goes when nothing is left; nothing else passes between them.
An environment that hangs is ended at its limit: where it waits outside of Python, with its process, which says in the
store at which run that was.  Where the process that started them is gone, they stop, and keep what they have.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from qlearn.environments.patience import end_process_beyond
from qlearn.store import Store, forget_deaths, note_deaths, note_hang

if TYPE_CHECKING:
    from qlearn.comparison.specification import Specification

_WORKER = "from qlearn.comparison.pool import worker; raise SystemExit(worker())"
_POLL = 0.1
_SPARE = 3
_HUNG = 86
_BY_ITSELF = (0, 2, 3, 4, 5, 130)  # what a worker that ends by itself gives; the caller meets the same and tells it


def fill(store: Store, asked: Specification, workers: int, shard: tuple[int, int]) -> None:
    """Compute a specification that has a text, by so many processes; what they leave, the caller finds missing.

    Args:
        store: where runs are kept.
        asked: what is computed.
        workers: how many processes at once.
        shard: which part, (i, n).
    """
    forget_deaths(store.database)
    told: dict[str, object] = {
        "specification": asked.to_toml(),
        "store": str(store.path),
        "shard": shard,
        "modules": _modules(asked),
    }
    spare = _SPARE  # a process may also die before it takes a run, but not for ever
    running = [_started(told) for _ in range(workers)]
    with _ended_with_this(running):
        while running:
            time.sleep(_POLL)
            for process in [one for one in running if one.poll() is not None]:
                running.remove(process)
                _close(process)
                died = process.returncode not in _BY_ITSELF
                counted = note_deaths(store.database) or process.returncode == _HUNG
                spare -= died and not counted
                if died and (counted or spare > 0):
                    running.append(_started(told))


def _modules(asked: Specification) -> list[str]:
    """The modules of the user's own that the environments are from: they are imported here already."""
    named = [str(one).partition(":")[0] for one in asked.environments if ":" in str(one)]
    return [name for name in dict.fromkeys(named) if name in sys.modules]


def _started(told: dict[str, object]) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    process = subprocess.Popen([sys.executable, "-c", _WORKER], stdin=subprocess.PIPE, env=environment)
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it stays open: that it ends says that this process is gone
        process.stdin.write(json.dumps(told).encode() + b"\n")
        process.stdin.flush()
    return process


def _close(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()


@contextlib.contextmanager
def _ended_with_this(running: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Whatever happens here, no process is left over: each is asked to stop, and keeps what it has."""
    try:
        yield
    finally:
        for process in running:
            with contextlib.suppress(OSError):
                process.send_signal(signal.SIGTERM)
        for process in running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _close(process)


def worker() -> int:
    """One process of a pool: what to do comes on standard input; returns its exit code."""
    import importlib

    from qlearn.comparison.specification import Specification
    from qlearn.comparison.stored import compute_shard
    from qlearn.errors import Interrupted, QlearnError

    told = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_stop_with_the_other, daemon=True).start()
    for module in told["modules"]:
        importlib.import_module(module)
    asked = Specification.from_toml(told["specification"], modules=told["modules"])
    try:
        with Store(told["store"], worker=True) as store:
            end_process_beyond(functools.partial(note_hang, store.database), _HUNG)
            compute_shard(asked, store, tuple(told["shard"]), progress=False)
    except Interrupted:
        return Interrupted.exit_code
    except QlearnError as error:
        return error.exit_code
    return 0


def _stop_with_the_other() -> None:
    """Wait for the end of standard input, which comes with the end of the process that started this one."""
    with contextlib.suppress(OSError):  # not through a buffer, whose lock would be held when this process ends
        while os.read(0, 1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
