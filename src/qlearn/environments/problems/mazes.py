"""The mazes on which planning is shown: one that stays, one whose way closes, one in which a shorter way opens.

In all of them the four moves are certain, a move against a wall or the edge changes nothing, the goal pays 1 and ends
the episode, and everything else pays 0.

Source: Sutton & Barto, Reinforcement Learning, 2nd edition, 2018, examples 8.1 to 8.3 and figures 8.2, 8.4, 8.5.
"""

from __future__ import annotations

from dataclasses import replace

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import problem, whole
from qlearn.environments.problems.grids import Rules, cells_of, grid_model

_DYNA = [
    ".......#G",
    "..#....#.",
    "S.#....#.",
    "..#......",
    ".....#...",
    ".........",
]
_ABOVE = ["........G", ".........", "........."]
_BELOW = [".........", "...S....."]
_RIGHT_GAP, _LEFT_GAP, _BOTH_GAPS = "########.", ".########", ".#######."


@problem("DynaMaze-v0")
def dyna_maze() -> FiniteMDP:
    """Return the Dyna maze, 6 × 9 with seven walls.

    **Exact optimum**: the shortest way has 14 steps, so v*(start) = γ¹³ (0.513342 at the book's γ = 0.95), and an
    episode's return is 1.

    >>> from qlearn.planning import solve
    >>> round(solve(dyna_maze(), discount=0.95).value, 6)
    0.513342
    """
    return grid_model(_DYNA, Rules())


@problem("BlockingMaze-v0")
def blocking_maze(at_step: int | None = 1000) -> FiniteMDP:
    """Return the maze whose gap on the right closes at a step of the run, while one on the left opens.

    **Exact optimum** at discount γ: the shortest way has 10 steps before the change and 16 after it, so v*(start) is
    γ⁹ and then γ¹⁵ (0.630249 and 0.463291 at γ = 0.95).

    Cells that are a wall in one of the two models only are states of both, left and never entered while they are
    walls.

    Args:
        at_step: the total step of a run from which the way is closed; 0 for the changed maze alone, None for the
            first one alone.

    >>> from qlearn.planning import solve
    >>> [round(solve(blocking_maze(at_step), discount=0.95).value, 6) for at_step in (None, 0)]
    [0.630249, 0.463291]
    """
    return _changing("BlockingMaze-v0", (_RIGHT_GAP, _LEFT_GAP), at_step)


@problem("ShortcutMaze-v0")
def shortcut_maze(at_step: int | None = 3000) -> FiniteMDP:
    """Return the maze with a gap on the left, to which a step of the run adds one on the right.

    **Exact optimum** at discount γ: the shortest way has 16 steps before the change and 10 after it, so v*(start) is
    γ¹⁵ and then γ⁹ (0.463291 and 0.630249 at γ = 0.95).

    Args:
        at_step: the total step of a run from which the shortcut is open; 0 for the changed maze alone, None for the
            first one alone.

    >>> from qlearn.planning import solve
    >>> [round(solve(shortcut_maze(at_step), discount=0.95).value, 6) for at_step in (None, 0)]
    [0.463291, 0.630249]
    """
    return _changing("ShortcutMaze-v0", (_LEFT_GAP, _BOTH_GAPS), at_step)


def _changing(identity: str, walls: tuple[str, str], at_step: int | None) -> FiniteMDP:
    first, later = ([*_ABOVE, wall, *_BELOW] for wall in walls)
    states = sorted({*cells_of(first), *cells_of(later)})
    models = [grid_model(rows, Rules(), states) for rows in (first, later)]
    if at_step is None:
        return models[0]
    at = whole("at_step", at_step, 0, 1000)
    changed = replace(models[1], name=f"{identity}(at_step=0)")
    return models[0].changing_to(changed, at) if at else changed
