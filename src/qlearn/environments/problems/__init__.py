"""The classic problems, one a file, each a `FiniteMDP` that states its exact optimum; loaded when first used.

A file is never called like its function: the import of a file would put itself in the function's place.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from qlearn.environments.problems.catalogue import PROBLEMS, Problem

if TYPE_CHECKING:
    from qlearn.environments.problems.bandits import bandit
    from qlearn.environments.problems.bias import maximisation_bias
    from qlearn.environments.problems.hasselt import van_hasselt_grid
    from qlearn.environments.problems.mazes import blocking_maze, dyna_maze, shortcut_maze
    from qlearn.environments.problems.river import river_swim
    from qlearn.environments.problems.sea import deep_sea
    from qlearn.environments.problems.servers import access_control
    from qlearn.environments.problems.testbed import bandit_testbed
    from qlearn.environments.problems.walks import random_walk

__all__ = [
    "PROBLEMS",
    "Problem",
    "access_control",
    "bandit",
    "bandit_testbed",
    "blocking_maze",
    "deep_sea",
    "dyna_maze",
    "maximisation_bias",
    "random_walk",
    "river_swim",
    "shortcut_maze",
    "van_hasselt_grid",
]

_FILE_OF = {problem.function: problem.file for problem in PROBLEMS.values()}


def __getattr__(name: str) -> Any:
    """Load a problem's function on first use."""
    if name not in _FILE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_FILE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_FILE_OF})
