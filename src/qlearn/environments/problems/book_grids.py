"""The two small grids on which value functions are explained.

Source: Sutton & Barto, Reinforcement Learning, 2nd edition, 2018, examples 3.5, 3.8 and 4.1, figures 3.2, 3.5, 4.1.
"""

from __future__ import annotations

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import problem
from qlearn.environments.problems.grids import Rules, grid_model


@problem("Grid35-v0")
def grid_3_5() -> FiniteMDP:
    """Return the 5 × 5 grid of example 3.5, which never ends.

    From A every action leads to a, four cells below, and pays 10; from B to b, two cells below, and pays 5.  Running
    against the edge pays −1, everything else 0.  A run may start anywhere.

    **Exact optimum** at the book's γ = 0.9: v*(A) = 10 / (1 − γ⁵) = 24.419428; the first row is 21.98 24.42 21.98 19.42
    17.48, and 3.31 8.79 4.43 5.32 1.49 for the uniform policy.

    >>> from qlearn.planning import solve
    >>> solve(grid_3_5(), discount=0.9).v[:5].round(2).tolist()
    [21.98, 24.42, 21.98, 19.42, 17.48]
    """
    return grid_model([".A.B.", ".....", "...b.", ".....", ".a..."], Rules({"A": 10, "B": 5, "#": -1}, everywhere=True))


@problem("Grid41-v0")
def grid_4_1() -> FiniteMDP:
    """Return the 4 × 4 grid of example 4.1: −1 a step, two corners end the episode.

    An episode starts in any of the 14 other cells.  The book counts both corners as one terminal state; here they are
    two.

    **Exact optimum** at discount 1: minus the distance to the nearer corner, 0 −1 −2 −3 in the first row; the uniform
    policy's values there are 0 −14 −20 −22.

    >>> from qlearn.planning import policy_value, solve, uniform_policy
    >>> solve(grid_4_1(), discount=1).v[:4].tolist()
    [0.0, -1.0, -2.0, -3.0]
    """
    return grid_model(["G...", "....", "....", "...G"], Rules({"G": -1}, -1.0, everywhere=True))
