"""Baird's counterexample: off-policy learning with linear functions diverges, though every reward is 0.

Source: Baird, Residual algorithms, ICML 1995; in the form of Sutton & Barto, 2nd edition, 2018, figure 11.1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import problem


@problem("BairdStar-v0")
def baird_star() -> FiniteMDP:
    """Return the star of seven states: "dashed" leads to one of the upper six, "solid" to the seventh.

    No reward, no end.  A run starts in any state.  The book's target policy always takes "solid", its behaviour policy
    takes "dashed" with 6/7 and "solid" with 1/7, and γ = 0.99.

    **Exact optimum**: every value of every policy is 0.

    `baird_features` are the book's features, with which semi-gradient methods diverge; a table does not.

    >>> from qlearn.planning import solve
    >>> solve(baird_star(), discount=0.99).v.tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    P = np.zeros((7, 2, 7))
    P[:, 0, :6] = 1 / 6
    P[:, 1, 6] = 1.0
    return FiniteMDP.from_arrays(
        P,
        0.0,
        initial=np.full(7, 1 / 7),
        name="Baird's star",
        state_names=[f"upper {i}" for i in range(1, 7)] + ["lower"],
        action_names=("dashed", "solid"),
        normalize=True,
    )


def baird_features() -> NDArray[np.float64]:
    """Return the eight features of each state, (7, 8): 2 w_i + w_8 in the upper states, w_7 + 2 w_8 in the lower one.

    >>> baird_features() @ np.array([1.0, 1, 1, 1, 1, 1, 10, 1])
    array([ 3.,  3.,  3.,  3.,  3.,  3., 12.])
    """
    features = np.zeros((7, 8))
    features[np.arange(6), np.arange(6)] = 2.0
    features[:6, 7] = 1.0
    features[6, 6:] = 1.0, 2.0
    return features
