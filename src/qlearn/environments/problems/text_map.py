"""A grid of your own, drawn as text.

======  =====================================================================================================
symbol  what it is
======  =====================================================================================================
``#``   a wall, as the edge of the map is one
``.``   floor
``S``   a start; with several an episode starts in one of them, all equally likely
``G``   a goal: ends the episode, pays 1
``5``   a digit is a goal too, which pays that digit
``H``   a pit (a hole): ends the episode, pays −1
``C``   a cliff: pays −100 and leads back to a start
``A``   a letter (any but S, G, H, C): every action taken on it leads to the floor called ``a``, its small letter
======  =====================================================================================================

Source: grids of this kind are in Sutton & Barto, Reinforcement Learning (examples 3.5, 4.1, 6.5, 6.6), in Russell &
Norvig, Artificial Intelligence (chapter 17), and in Gymnasium (FrozenLake, CliffWalking); the symbols are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import problem
from qlearn.environments.problems.grids import Rules, grid_model, rows_of

_USUAL_MAP = """
...G
.#.H
S...
"""


@problem("GridWorld-v0")
def grid_world(
    text: str = _USUAL_MAP,
    rewards: Mapping[str, float] | None = None,
    step_reward: float = 0.0,
    moves: str = "plain",
    slip: float = 0.0,
    wind: Sequence[int] = (),
    gusts: bool = False,
) -> FiniteMDP:
    """Return the model of a map; its states are called "(row, column)", counted from the upper left corner.

    A move leads to the next cell; a wall or the edge in the way, it stays where it is.  Then the wind of the column
    that it set out from pushes it cell by cell, until something is in the way.  The cell in which it comes to rest
    counts.

    **Exact optimum**: `qlearn.solve` tells that of any map.  The usual map is Russell & Norvig's; with their slips of
    0.2 and −0.04 for every step, that into an end too, it is their table at discount 1: 0.812 0.868 0.918 / 0.762
    0.660 / 0.705 0.655 0.611 0.388 (see the example).

    Args:
        text: rows of symbols, all of one length; the module tells what they mean.
        rewards: by symbol, instead of the usual ones, for arriving there; for a letter that leads on, for leaving it;
            for ``"#"``, for running into a wall or the edge.
        step_reward: for every other step.
        moves: "plain" for the four straight moves, "kings" for the diagonals too, "kings and stay" for staying besides.
            A diagonal move needs only its target free.
        slip: probability that a move goes a quarter turn to the left or to the right of where it should, half of it
            each.
        wind: for each column, by how many cells it pushes upwards (below 0: downwards).
        gusts: whether the wind, where there is any, is one cell stronger or weaker, each in one of three cases.

    Raises:
        InputError: for a map with ragged rows, an unknown symbol, no start, or a letter that leads nowhere; for
            rewards of symbols that are not there; for moves, slip or wind that cannot be.

    >>> from qlearn.planning import solve
    >>> maze = grid_world(
    ...     '''
    ...     S.#G
    ...     .##.
    ...     ....
    ... ''',
    ...     step_reward=-1,
    ... )
    >>> solve(maze, discount=1).value
    -5.0
    >>> textbook = grid_world(rewards={"G": 0.96, "H": -1.04}, step_reward=-0.04, slip=0.2)
    >>> solve(textbook, discount=1).v.round(3).tolist()
    [0.812, 0.868, 0.918, 0.0, 0.762, 0.66, 0.0, 0.705, 0.655, 0.611, 0.388]
    """
    rules = Rules(dict(rewards or {}), step_reward, moves, slip, tuple(wind), gusts)
    return grid_model(rows_of(text), rules)
