"""Sutton and Barto, figure 4.1: iterative policy evaluation on a small grid.

Conditions: discount 1, the uniform policy, all states updated at once from 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from qlearn.environments.problems import grid_4_1
from qlearn.planning import is_optimal, policy_value, solve, uniform_policy
from qlearn.published.claim import Progress, Reproduced, Reproduction, exact, statement
from qlearn.published.drawing import number_panels

# The upper two rows of each panel; the lower two are the same turned by half a turn.
_PRINTED = {
    1: [[0.0, -1.0, -1.0, -1.0], [-1.0, -1.0, -1.0, -1.0]],
    2: [[0.0, -1.7, -2.0, -2.0], [-1.7, -2.0, -2.0, -2.0]],
    3: [[0.0, -2.4, -2.9, -3.0], [-2.4, -2.9, -3.0, -2.9]],
    10: [[0.0, -6.1, -8.4, -9.0], [-6.1, -7.7, -8.4, -8.4]],
}
_LIMIT = [[0.0, -14.0, -20.0, -22.0], [-14.0, -18.0, -20.0, -20.0]]


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Sweep k times, and to the end."""
    grid = grid_4_1()
    uniform, transition = uniform_policy(grid), grid.transition_matrix()
    v, data, claims = np.zeros(16), {}, []
    greedy_at = {}
    for k in range(1, 11):
        q = grid.expected_reward + (transition @ v).reshape(16, 4)
        v = np.where(grid.terminal_states, 0.0, (uniform * q).sum(axis=1))
        ahead = grid.expected_reward + (transition @ v).reshape(16, 4)
        best = ahead >= ahead.max(axis=1, keepdims=True) - 1e-9
        greedy_at[k] = best / best.sum(axis=1, keepdims=True)
        if k in _PRINTED:
            data[f"k = {k}"] = v.reshape(4, 4)
            off = float(np.abs(data[f"k = {k}"][:2] - _PRINTED[k]).max())
            what = f"largest difference from the values printed for k = {k}"
            # The book cuts −1.75 to −1.7, and rounds elsewhere.
            claims.append(exact(what, 0.0, off, "figure 4.1, one digit", tolerance=0.0501))
    data["k = ∞"] = policy_value(grid, uniform, 1.0).reshape(4, 4)
    off = float(np.abs(data["k = ∞"][:2] - _LIMIT).max())
    claims.append(exact("largest difference from the values printed for k = ∞", 0.0, off, "figure 4.1", tolerance=1e-6))
    fine = is_optimal(grid, np.stack([greedy_at[k] for k in range(1, 11)]), solve(grid, 1.0))
    told = "from k = 3 on the greedy policy is optimal, not before"
    first = 1 + int(np.argmax(fine))
    claims.append(
        statement("greedy policies", told, f"from k = {first} on", first == 3 and bool(fine[2:].all()), "figure 4.1")
    )
    return Reproduced(tuple(claims), data)


def draw(result: Reproduced) -> Figure:
    """The value functions of the sweeps."""
    return number_panels(result.data, title="Iterative policy evaluation of the uniform policy", places=1)


REPRODUCTION = Reproduction("sb-4.1", 0, run, draw)
