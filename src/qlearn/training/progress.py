"""Progress with the time left, and Ctrl-C that loses nothing."""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

_PATIENCE = 0.7  # seconds before a bar appears: short work needs none


class Meter:
    """Counts what is done and shows it.

    Args:
        progress: None for a bar where standard error is a terminal, False (or True, to force the bar), or a function of
            (share done, words).
        whole: how much there is to do.
        note: a few words on what is being done.
    """

    def __init__(self, progress: Callable[[float, str], None] | bool | None, whole: int, note: str) -> None:
        self._progress, self._whole, self._note, self._words = progress, whole, note, note
        self._done, self._lock, self._began = 0, threading.Lock(), time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def add(self, job: int, made: int, recent: float = math.nan) -> None:
        """More is done; from any thread.  ``recent``: return of the episodes that ended last, where it is known."""
        with self._lock:
            self._done += made
            share = min(1.0, self._done / self._whole)
            if not math.isnan(recent):
                self._words = f"{self._note}, return {recent:,.4g}"
            if callable(self._progress):
                self._progress(share, self._words)
            elif self._wants_bar():
                self._show(share)

    def note(self, words: str) -> None:
        """Say from now on that this is being done."""
        with self._lock:
            self._note = self._words = words

    def _wants_bar(self) -> bool:
        if isinstance(self._progress, bool):
            return self._progress
        return sys.stderr.isatty() and (self._bar is not None or time.monotonic() - self._began > _PATIENCE)

    def _show(self, share: float) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self._note, total=1.0)
        self._bar.update(self._task, completed=share, description=self._words)

    def __enter__(self) -> Meter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


@contextmanager
def stop_on_interrupt(stop: threading.Event, *, also_on_termination: bool = False) -> Iterator[None]:
    """Let Ctrl-C set a flag, which the loops see between two chunks; a second Ctrl-C stops at once.

    ``also_on_termination``: SIGTERM does the same, where nobody else handles it.  Only the main thread can do so;
    elsewhere, and where the program has a handler of its own, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def flag(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            signal.default_int_handler(number, frame)
        stop.set()

    # Each by itself: a shell lets what it starts in the background ignore Ctrl-C, and SIGTERM still has to be heard.
    wanted: list[tuple[int, Any]] = [(signal.SIGINT, signal.default_int_handler)]
    wanted += [(signal.SIGTERM, signal.SIG_DFL)] if also_on_termination else []
    before = [(number, handler) for number, handler in wanted if signal.getsignal(number) is handler]
    for number, _ in before:
        signal.signal(number, flag)
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
