"""What every evaluation is held against: optimum, ceiling and the uniform control."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qlearn.environments import FiniteMDP
from qlearn.planning import (
    DEFAULT_HORIZON,
    Solution,
    evaluate_policies,
    horizon_of,
    solve,
    uniform_policy,
)


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known about a model at one discount and one horizon.

    Args:
        mdp: the model that policies are judged on.
        solution: the optimum at the discount.
        optimum: the expected return within the horizon of the policy greedy for Q*: 100%.
        ceiling: the best expected return within the horizon of any policy that sees the clock.
        uniform: the expected return of the uniform policy, the control.
        horizon: in steps.
        discount: γ.
        notes: what has to be known about these numbers, in words.
    """

    mdp: FiniteMDP
    solution: Solution
    optimum: float
    ceiling: float
    uniform: float
    horizon: int
    discount: float
    notes: tuple[str, ...] = ()


def truth_of(mdp: FiniteMDP, discount: float, horizon: int | None = None, *, after_steps: int | None = None) -> Truth:
    """Return optimum, ceiling and uniform control of a model.

    Args:
        mdp: the model.
        discount: γ in [0, 1].
        horizon: in steps; None for the time limit, or 1,000 where there is none, which the notes then say.
        after_steps: total steps after which the policies are judged; where the model changes along a run, the one in
            force then is meant (None: after all changes).

    Raises:
        InputError: as `solve`.

    >>> from qlearn.environments import make
    >>> truth = truth_of(make("NChain-v0"), 0.95)
    >>> round(truth.optimum, 2), round(truth.ceiling, 2), round(truth.uniform, 2)
    (3663.69, 3665.83, 1311.25)
    """
    judged, notes = in_force(mdp, after_steps)
    steps, more = stated_horizon(judged, horizon)
    solution = solve(judged, discount, horizon=steps)
    best, ceiling = solution.expected_return, solution.ceiling
    assert best is not None  # a horizon was given
    assert ceiling is not None
    uniform = float(evaluate_policies(judged, uniform_policy(judged)[None], steps)[0])
    return Truth(judged, solution, best, ceiling, uniform, steps, solution.discount, notes + more)


def in_force(mdp: FiniteMDP, after_steps: int | None) -> tuple[FiniteMDP, tuple[str, ...]]:
    """Return the model that holds after so many steps of a run, and a note where it is not the first."""
    if not mdp.changes:
        return mdp, ()
    held = [model for at, model in mdp.changes if after_steps is None or at <= after_steps]
    model = held[-1] if held else mdp
    note = f"the model changes along a run; policies are judged on the one in force at its end ({model.name})"
    return replace(model, changes=()), (note,)


def stated_horizon(mdp: FiniteMDP, horizon: int | None) -> tuple[int, tuple[str, ...]]:
    """Return the horizon in steps, and a note where nothing but convention sets it."""
    steps = horizon_of(mdp, horizon)
    if horizon is None and mdp.time_limit is None:
        return steps, (
            f"{mdp.name} has no time limit; returns are meant within {DEFAULT_HORIZON:,} steps (pass horizon= "
            "for another)",
        )
    return steps, ()
