"""What `solve` returns."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from qlearn.environments.finite_mdp import BoolArray, FiniteMDP, FloatArray, IntArray


@dataclass(frozen=True, eq=False, repr=False)
class Solution:
    """The optimum of a problem at one discount.

    Args:
        q: (S, A) optimal values Q*; −∞ where an action is not legal, and at discount 1 also where no policy
            that takes it is sure to end.
        v: (S,) max of q over the actions.
        policy: (S,) an optimal action for each state; ties go to the lowest, at discount 1 to a policy that
            ends.
        optimal_actions: (S, A) bool; within 1e-9 (relative) of the maximum.
        error_bound: certified: no finite entry of q or v is further from the truth.  Infinite where no bound
            can be given (see `undiscounted`).
        converged: whether the error is within the tolerance, or as small as double precision allows: at
            discount 1, whether policy iteration came to rest.
        value: the discounted value from the initial distribution.
        expected_return: undiscounted, of ``policy``, within the horizon; None where there is no horizon.
        horizon: in steps; the one given, else the model's time limit, else None.
        ceiling: the best expected return within the horizon of any policy that sees the clock; None without
            one.
        method: which method was used.
        iterations: backups over all actions.
        discount: γ.
        tolerance: the one asked for.
        wall_time: seconds.
        version: of qlearn.
        mdp: the model.
    """

    q: FloatArray
    v: FloatArray
    policy: IntArray
    optimal_actions: BoolArray
    error_bound: float
    converged: bool
    value: float
    expected_return: float | None
    horizon: int | None
    ceiling: float | None
    method: str
    iterations: int
    discount: float
    tolerance: float
    wall_time: float
    version: str
    mdp: FiniteMDP

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def __repr__(self) -> str:
        return (
            f"<Solution of {self.mdp.name} at discount {self.discount:g}: value {self.value:.6g} "
            f"± {self.error_bound:.1g}, by {self.method}>"
        )
