"""Sutton and Barto, figures 3.2 and 3.5: the values of the uniform policy and the optimal ones on a grid.

Conditions: discount 0.9; the book prints one digit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from qlearn.environments.problems import grid_3_5
from qlearn.planning import policy_value, solve, uniform_policy
from qlearn.published.claim import Progress, Reproduced, Reproduction, exact, statement
from qlearn.published.drawing import number_panels

_UNIFORM = [
    [3.3, 8.8, 4.4, 5.3, 1.5],
    [1.5, 3.0, 2.3, 1.9, 0.5],
    [0.1, 0.7, 0.7, 0.4, -0.4],
    [-1.0, -0.4, -0.4, -0.6, -1.2],
    [-1.9, -1.3, -1.2, -1.4, -2.0],
]
_OPTIMAL = [
    [22.0, 24.4, 22.0, 19.4, 17.5],
    [19.8, 22.0, 19.8, 17.8, 16.0],
    [17.8, 19.8, 17.8, 16.0, 14.4],
    [16.0, 17.8, 16.0, 14.4, 13.0],
    [14.4, 16.0, 14.4, 13.0, 11.7],
]

_ARROWS = ("> ^>v< < ^>v< < ^> ^ ^< < <" + 3 * " ^> ^ ^< ^< ^<").split()


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Solve the grid, and evaluate the uniform policy on it."""
    grid = grid_3_5()
    truth = solve(grid, discount=0.9)
    data = {
        "uniform policy": policy_value(grid, uniform_policy(grid), 0.9).reshape(5, 5),
        "optimal": truth.v.reshape(5, 5),
    }
    claims = []
    for name, printed, source in (("uniform policy", _UNIFORM, "figure 3.2"), ("optimal", _OPTIMAL, "figure 3.5")):
        off = float(np.abs(data[name] - printed).max())
        what = f"largest difference from the 25 printed values, {name}"
        claims.append(exact(what, 0.0, off, f"{source}, one digit", tolerance=0.0501))
    a = grid.state_names.index("(0, 1)") if grid.state_names else 1
    claims.append(exact("optimal value of A", 24.4, float(truth.v[a]), "10 / (1 − 0.9⁵), figure 3.5", tolerance=0.05))
    found = [{a for a in range(4) if truth.optimal_actions[s, a]} for s in range(25)]
    same = sum(arrows == {"^>v<".index(c) for c in drawn} for arrows, drawn in zip(found, _ARROWS, strict=True))
    told = "25 of 25 cells, all tied arrows counted"
    claims.append(statement("cells with the arrows of π*", told, f"{same} of 25", same == 25, "figure 3.5"))
    return Reproduced(tuple(claims), data)


def draw(result: Reproduced) -> Figure:
    """Both tables, as the book prints them."""
    return number_panels(result.data, title="The grid of example 3.5, discount 0.9", places=1)


REPRODUCTION = Reproduction("sb-3.5", 0, run, draw)
