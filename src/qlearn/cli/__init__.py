"""The command line: one file a command, each loaded when it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main", "run"]


def main() -> None:
    """Run the command that the shell gave, and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: what stands after ``qlearn``, word by word.

    Returns:
        0 done, 2 wrong input, 3 a fault of the environment, 4 disk, 5 some runs diverged, 130 interrupted.

    >>> run(["--version"])
    qlearn ...
    0
    """
    from qlearn.cli.frame import guarded

    return guarded(list(arguments))
