"""A small grid whose rewards are so noisy that Q-learning overestimates them for very long.

Source: van Hasselt, Double Q-learning, NeurIPS 2010, section 4.2.
"""

from __future__ import annotations

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import problem, whole
from qlearn.environments.problems.grids import Cell

_MOVES: dict[str, Cell] = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}
_LOW, _HIGH, _GOAL = -12.0, 10.0, 5.0


@problem("VanHasseltGrid-v0")
def van_hasselt_grid(size: int = 3) -> FiniteMDP:
    """Return the grid: start in the lower left corner, goal in the upper right one.

    Every step in a state other than the goal pays −12 or +10 with equal chance, −1 on average; a step against the edge
    stays where it is.  In the goal every action pays 5 and ends the episode.

    **Exact optimum**: 2 (size − 1) steps and one more, so with k = 2 (size − 1): v*(start) = 5 γᵏ − (1 − γᵏ) / (1 − γ),
    which is 0.362656 for 3 × 3 and γ = 0.95.  At discount 1 it is 5 − k, 1 for 3 × 3: 0.2 for each of five steps.

    Args:
        size: cells along each side, at least 2.

    Raises:
        InputError: where the size makes no grid.

    >>> from qlearn.planning import solve
    >>> round(solve(van_hasselt_grid(), discount=0.95).value, 6)
    0.362656
    """
    size = whole("size", size, 2, 3)
    cells = [(r, c) for r in range(size) for c in range(size)]
    goal = (0, size - 1)
    P: list[list[list[tuple[float, int, float, bool]]]] = []
    for cell in cells:
        P.append([])
        for down, right in _MOVES.values():
            if cell == goal:
                P[-1].append([(1.0, cells.index(goal), _GOAL, True)])
                continue
            to = (cell[0] + down, cell[1] + right)
            place = cells.index(to if to in cells else cell)
            P[-1].append([(0.5, place, _LOW, False), (0.5, place, _HIGH, False)])
    return FiniteMDP.from_gymnasium(
        P,
        initial=cells.index((size - 1, 0)),
        name="van Hasselt's grid",
        state_names=[f"({r}, {c})" for r, c in cells],
        action_names=tuple(_MOVES),
    )
