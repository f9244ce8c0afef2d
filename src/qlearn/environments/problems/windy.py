"""A grid in whose middle columns the wind blows upwards.

Source: Sutton & Barto, Reinforcement Learning, 2nd edition, 2018, example 6.5, exercises 6.9 (king's moves) and 6.10
(stochastic wind).
"""

from __future__ import annotations

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import problem
from qlearn.environments.problems.grids import Rules, grid_model

_MAP = ["." * 10, "." * 10, "." * 10, "S......G..", "." * 10, "." * 10, "." * 10]
_WIND = (0, 0, 0, 1, 1, 1, 2, 2, 1, 0)


@problem("WindyGrid-v0")
def windy_grid(moves: str = "plain", stochastic: bool = False) -> FiniteMDP:
    """Return the 7 × 10 grid; every step pays −1 until the goal, which is seven columns to the right of the start.

    **Exact optimum** at discount 1: −15 with plain moves, −7 with king's moves, with or without staying.  With
    stochastic wind −20.628258 (plain) and −11.819808 (king's, with or without staying).

    The move comes first and then the wind of the column that it set out from, cell by cell until the edge; the book
    leaves that open, and what is optimal does not depend on it where the wind is steady.

    Args:
        moves: "plain", "kings", or "kings and stay", the book's ninth action, moved by the wind alone.
        stochastic: whether the wind, where there is any, is one cell stronger or weaker, each in one of three cases.

    Raises:
        InputError: for moves that are not known.

    >>> from qlearn.planning import solve
    >>> [solve(windy_grid(moves), discount=1).value for moves in ("plain", "kings", "kings and stay")]
    [-15.0, -7.0, -7.0]
    """
    return grid_model(_MAP, Rules({"G": -1.0}, -1.0, moves, 0.0, _WIND, bool(stochastic)))
