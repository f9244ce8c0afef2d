"""Deep sea: one treasure, at the end of a path that costs a little at every step.

Source: Osband, Van Roy, Russo & Wen, Deep exploration via randomized value functions, JMLR 2019; the numbers are those
of bsuite (Osband et al. 2020), "deep_sea".
"""

from __future__ import annotations

import numpy as np

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import number, problem, whole


@problem("DeepSea-v0")
def deep_sea(n: int = 10, cost: float = 0.01, treasure: float = 1.0, seed: int | None = 0) -> FiniteMDP:
    """Return the n × n sea: every step sinks one row, to the left or to the right; row n is the ground.

    Going right costs cost / n; going right in the last column of the last row pays ``treasure`` besides.  Against an
    edge one sinks straight down.  After n steps an episode ends.

    **Exact optimum** at discount γ: right in all n steps, γⁿ⁻¹ treasure − (cost / n) (1 + γ + … + γⁿ⁻¹), so
    treasure − cost = 0.99 at discount 1; any other way gets 0 at most.  Actions taken at random find the treasure in
    one of 2ⁿ episodes.

    Which action is right in a state is drawn by ``seed``, so that no agent can learn that "1" is good; the actions are
    called "0" and "1".  With ``seed=None`` action 1 is right everywhere, and they are called "left" and "right".

    Only cells that can be reached are states, n (n + 1) / 2 of them.

    Args:
        n: rows and columns, at least 1.
        cost: of going right in every step together, at least 0.
        treasure: what lies at the end.
        seed: which meanings the actions have; None for left and right.

    Raises:
        InputError: where an argument makes no sea.

    >>> from qlearn.planning import solve
    >>> round(solve(deep_sea(), discount=1).value, 6)
    0.99
    """
    n, cost, treasure = whole("n", n, 1, 10), number("cost", cost, 0.01, 0), number("treasure", treasure, 1)
    cells = [(row, column) for row in range(n) for column in range(row + 1)]
    place = {cell: i for i, cell in enumerate(cells)}
    right = np.ones(len(cells), np.int64)
    if seed is not None:
        right = np.random.default_rng(whole("seed", seed, 0, 0)).integers(2, size=len(cells))
    P: list[list[list[tuple[float, int, float, bool]]]] = []
    for i, (row, column) in enumerate(cells):
        P.append([])
        for action in range(2):
            goes_right = action == right[i]
            reward = -cost / n if goes_right else 0.0
            if goes_right and column == n - 1:
                reward += treasure
            last = row == n - 1
            to = (row + 1, min(column + 1, n - 1) if goes_right else max(column - 1, 0))
            P[-1].append([(1.0, i if last else place[to], reward, last)])
    return FiniteMDP.from_gymnasium(
        P,
        name="deep sea",
        state_names=[f"({row}, {column})" for row, column in cells],
        action_names=("left", "right") if seed is None else ("0", "1"),
    )
