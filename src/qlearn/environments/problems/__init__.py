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
    from qlearn.environments.problems.book_grids import grid_3_5, grid_4_1
    from qlearn.environments.problems.cards import blackjack
    from qlearn.environments.problems.chains import double_chain
    from qlearn.environments.problems.gambling import gambler
    from qlearn.environments.problems.hasselt import van_hasselt_grid
    from qlearn.environments.problems.mazes import blocking_maze, dyna_maze, shortcut_maze
    from qlearn.environments.problems.puddles import puddle_world
    from qlearn.environments.problems.racing import race_track
    from qlearn.environments.problems.random_problems import garnet
    from qlearn.environments.problems.rental import car_rental
    from qlearn.environments.problems.river import river_swim
    from qlearn.environments.problems.sea import deep_sea
    from qlearn.environments.problems.servers import access_control
    from qlearn.environments.problems.star import baird_features, baird_star
    from qlearn.environments.problems.testbed import bandit_testbed
    from qlearn.environments.problems.text_map import grid_world
    from qlearn.environments.problems.walks import random_walk
    from qlearn.environments.problems.windy import windy_grid

__all__ = [
    "PROBLEMS",
    "Problem",
    "access_control",
    "baird_features",
    "baird_star",
    "bandit",
    "bandit_testbed",
    "blackjack",
    "blocking_maze",
    "car_rental",
    "deep_sea",
    "double_chain",
    "dyna_maze",
    "gambler",
    "garnet",
    "grid_3_5",
    "grid_4_1",
    "grid_world",
    "maximisation_bias",
    "puddle_world",
    "race_track",
    "random_walk",
    "river_swim",
    "shortcut_maze",
    "van_hasselt_grid",
    "windy_grid",
]

_FILE_OF = {problem.function: problem.file for problem in PROBLEMS.values()}
_FILE_OF |= {"blackjack": "cards", "baird_features": "star"}  # Gymnasium's by its id; no problem


def __getattr__(name: str) -> Any:
    """Load a problem's function on first use."""
    if name not in _FILE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_FILE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_FILE_OF})
