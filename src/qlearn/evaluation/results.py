"""What `evaluate` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from qlearn.environments.finite_mdp import BoolArray, FloatArray, IntArray
from qlearn.evaluation.truth import Truth


@dataclass(frozen=True)
class PolicyEvaluation:
    """One policy on a model that is known; every number is exact.

    Args:
        expected_return: of one episode within the horizon, undiscounted.
        sd: the standard deviation of one episode's return.
        optimal: whether the policy is optimal at the discount; None where no discount was given.
        regret: optimum − expected_return; None where no discount was given.
        optimum: what a perfect learner gets at the discount; None where no discount was given.
        ceiling: the time-dependent optimum of the horizon.
        uniform: the uniform policy's expected return.
        horizon: in steps.
        discount: γ, or None.
        notes: what has to be known about these numbers, in words.
    """

    expected_return: float
    sd: float
    optimal: bool | None
    regret: float | None
    optimum: float | None
    ceiling: float
    uniform: float
    horizon: int
    discount: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class RunsEvaluation:
    """What the greedy policy of each run is worth.

    Args:
        name: the agent's label.
        seeds: (n,) int64.
        exact_return: (n,) the expected undiscounted return of one episode within the horizon, of each run's final
            greedy policy.  Exact where ``method`` is ``"exact"``; a mean over rollouts otherwise.
        standard_error: (n,) of the rollouts' means; None where the values are exact.
        optimal: (n,) bool, whether the policy is optimal at the discount; None where no model is known.
        truth: optimum, ceiling and uniform control; None where no model is known.
        horizon: in steps; None where only the environment knows.
        method: ``"exact"`` or ``"rollouts"``.
        positions: (k,) int64, where snapshots were taken; None where there are none.
        unit: what positions count.
        curve: (n, k) the exact value at each snapshot; None where there are none or no model is known.
        notes: what has to be known about these numbers, in words.
    """

    name: str
    seeds: IntArray
    exact_return: FloatArray
    standard_error: FloatArray | None
    optimal: BoolArray | None
    truth: Truth | None
    horizon: int | None
    method: Literal["exact", "rollouts"]
    positions: IntArray | None = None
    unit: Literal["episode", "step"] | None = None
    curve: FloatArray | None = None
    notes: tuple[str, ...] = ()

    @property
    def discount(self) -> float | None:
        """γ at which optimum and optimal policies are meant."""
        return None if self.truth is None else self.truth.discount

    @property
    def optimum(self) -> float | None:
        """What a perfect learner of this agent's problem gets."""
        return None if self.truth is None else self.truth.optimum

    @property
    def ceiling(self) -> float | None:
        """The time-dependent optimum of the horizon."""
        return None if self.truth is None else self.truth.ceiling

    @property
    def uniform(self) -> float | None:
        """The uniform policy's value, the control."""
        return None if self.truth is None else self.truth.uniform

    @property
    def solution(self) -> object:
        """What `solve` found at the discount; None where no model is known."""
        return None if self.truth is None else self.truth.solution

    @property
    def share_optimal(self) -> float | None:
        """Share of runs whose policy is optimal."""
        return None if self.optimal is None else float(self.optimal.mean())

    @property
    def regret(self) -> FloatArray | None:
        """(n,) optimum − exact_return."""
        return None if self.truth is None else np.asarray(self.truth.optimum - self.exact_return)

    @property
    def regret_percent(self) -> FloatArray | None:
        """(n,) regret in per cent of the optimum's size; None where the optimum is 0 or unknown."""
        if self.truth is None or self.truth.optimum == 0:
            return None
        return np.asarray(100 * (self.truth.optimum - self.exact_return) / abs(self.truth.optimum))

    def __repr__(self) -> str:
        share = "" if self.share_optimal is None else f", {100 * self.share_optimal:.3g}% optimal"
        how = "exact" if self.method == "exact" else "by rollouts"
        return (
            f"<RunsEvaluation of {self.name}: {len(self.seeds)} runs, mean {self.exact_return.mean():.6g} "
            f"({how}){share}>"
        )
