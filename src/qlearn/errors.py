"""What can go wrong, each kind with the exit code that the command line gives it.

A message has three parts: what was wrong, what was expected, how to mend it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class QlearnError(Exception):
    """Anything that qlearn itself refuses or reports; ``exit_code`` is what a program gives back.

    >>> QlearnError("x").exit_code
    1
    """

    exit_code = 1


class InputError(QlearnError, ValueError):
    """A wrong argument, setting or model: mend the input and call again (exit code 2)."""

    exit_code = 2


class EnvironmentFault(QlearnError):
    """The environment broke its promise while it ran (exit code 3).

    Args:
        message: names environment, seed, episode, step and what was wrong.
        seed: the seed whose environment it was, where it was one's.
        episode: its episode, counted from 0.
        step: its step within the episode, counted from 0.

    Attributes:
        runs: what the other seeds came to, where they were trained to the end; None elsewhere.
    """

    exit_code = 3
    runs: Any = None

    def __init__(
        self, message: str, seed: int | None = None, episode: int | None = None, step: int | None = None
    ) -> None:
        super().__init__(message)
        self.seed, self.episode, self.step = seed, episode, step


class StoreError(QlearnError, OSError):
    """A file or folder could not be read or written (exit code 4)."""

    exit_code = 4


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during training; ``runs`` holds everything that was complete by then.

    >>> issubclass(Interrupted, KeyboardInterrupt)
    True
    """

    exit_code = 130

    def __init__(self, message: str, runs: Any = None) -> None:
        super().__init__(message)
        self.runs = runs


def nearest(word: str, words: Iterable[str]) -> str:
    """The suggestion that ends an error about an unknown name; empty when nothing is near.

    >>> nearest("NChian-v0", ["NChain-v0", "Taxi-v4"])
    ", did you mean 'NChain-v0'?"
    >>> nearest("zzz", ["NChain-v0"])
    ''
    """
    lowered = {w.lower(): w for w in words}
    close = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.5)
    return f", did you mean {lowered[close[0]]!r}?" if close else ""


class DivergenceWarning(UserWarning):
    """Runs of an agent with a network diverged: they were stopped, are kept and count."""


class InexactResumeWarning(UserWarning):
    """A training went on in another process, but not to the numbers of one that was never interrupted."""
