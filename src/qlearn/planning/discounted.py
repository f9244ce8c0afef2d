"""The optimum of a discounted problem, γ < 1.

**Bounds.**  Let w = T v, d = w − v, and let every legal action go on with a probability between β₋/γ and
β₊/γ.  With M = max d, m = min d the optimum lies between w + lower and w + upper (MacQueen 1966, Porteus
1971, for unequal β), where

    upper = β₊ M / (1 − β₊) if M ≥ 0, β₋ M / (1 − β₋) otherwise,
    lower = β₋ m / (1 − β₋) if m ≥ 0, β₊ m / (1 − β₊) otherwise,

for T(w + c) ≤ w + c follows from T w ≤ w + β M.  The same bounds hold for q = r + γ P v.  On a continuing
problem β₋ = β₊ = γ, and upper − lower falls with the *span* of d, which shrinks much faster than its size
wherever the problem mixes; w is then moved to the middle.  Each backup may err by e (see `backup`), so that e
/ (1 − β₊) is added: the floor that double precision sets.

**Methods.**  *Value iteration* repeats v ← T v until half the width of the bounds is within the tolerance.
*Policy iteration* (Howard 1960) solves the linear equations of the greedy policy and stops when no action is
better by more than rounding.  *Modified policy iteration* (Puterman & Shin 1978) takes sweeps of the greedy
policy alone between two backups, for as long as they still bring their span down; a sweep costs 1/A of a
backup.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qlearn.environments.finite_mdp import FloatArray, IntArray
from qlearn.errors import InputError, nearest
from qlearn.planning.backup import Model, halves, product, row_max
from qlearn.planning.linear import solve_chain

FEW_STATES = 2000  # up to here a policy's linear equations cost less than the sweeps that replace them
WARM_UP = 100
MOST_ITERATIONS = 1000
FEW_SWEEPS, LAST_SWEEPS = 20, 500  # of a policy between two backups: while it changes, once it no longer does
METHODS = ("auto", "value_iteration", "policy_iteration", "modified_policy_iteration")


@dataclass(frozen=True, eq=False)
class Optimum:
    """What the solvers of this room hand to `solve`.

    Args:
        q: (S, A).
        v: (S,).
        policy: (S,) integers, or None where it is to be read off q.
        error_bound: on finite entries of q and v.
        floor: the part of the bound that no further iteration lowers.
        iterations: backups over all actions.
        method: which one was used.
    """

    q: FloatArray
    v: FloatArray
    policy: IntArray | None
    error_bound: float
    floor: float
    iterations: int
    method: str


def solve_discounted(model: Model, discount: float, tolerance: float, method: str) -> Optimum:
    """Return the optimum at γ < 1 with a certified bound.

    Args:
        model: the model.
        discount: γ in [0, 1).
        tolerance: > 0, in units of return: where to stop.
        method: one of `METHODS`; "auto" is policy iteration up to 2,000 states, modified policy iteration
            beyond.

    Raises:
        InputError: an unknown method, or γ so near to 1 that double precision cannot tell it from 1.
    """
    check_method(method)
    if discount * model.mass_range[1] >= 1:
        raise InputError(
            f"discount {discount!r} cannot be told from 1 in double precision; 1 − discount must stay above "
            "the rounding of the probabilities. Give discount=1 if the problem ends, or a smaller discount."
        )
    if method == "auto":
        method = "policy_iteration" if model.num_states <= FEW_STATES else "modified_policy_iteration"
    if method == "policy_iteration":
        v, iterations = _policy_iteration(model, discount)
        return _certified(model, discount, v, iterations, method)
    return _iterate(model, discount, tolerance, method)


def check_method(method: str) -> None:
    """Raise an `InputError` unless ``method`` is one of `METHODS`."""
    if method not in METHODS:
        raise InputError(
            f"there is no method {method!r}{nearest(str(method), METHODS)}; "
            f"expected one of {', '.join(METHODS)}. Leave it out for the best choice."
        )


def span_bounds(model: Model, discount: float, difference: FloatArray) -> tuple[float, float]:
    """Return (lower, upper), T v + lower ≤ v* ≤ T v + upper, ``difference`` = T v − v; rounding apart."""
    least, most = (discount * mass for mass in model.mass_range)
    M, m = float(difference.max()), float(difference.min())
    upper_rate, lower_rate = (most if M >= 0 else least), (least if m >= 0 else most)
    return m * lower_rate / (1 - lower_rate), M * upper_rate / (1 - upper_rate)


def _floor(model: Model, discount: float, v: FloatArray) -> float:
    return model.rounding(v, discount) / (1 - discount * model.mass_range[1])


def _width(model: Model, lower: float, upper: float) -> float:
    """How far the optimum may be: half the width where the middle is taken, the further end elsewhere."""
    return (upper - lower) / 2 if _continuing(model) else max(abs(lower), abs(upper))


def _continuing(model: Model) -> bool:
    return model.mass_range[0] > 1 - 1e-6


def _certified(model: Model, discount: float, v: FloatArray, iterations: int, method: str) -> Optimum:
    q = model.q_values(v, discount)
    best = row_max(q)
    return _bounded(model, discount, (q, best, best - v), iterations, method)


def _bounded(
    model: Model,
    discount: float,
    backup: tuple[FloatArray, FloatArray, FloatArray],
    iterations: int,
    method: str,
) -> Optimum:
    q, best, difference = backup
    lower, upper = span_bounds(model, discount, difference)
    floor = _floor(model, discount, best)
    width = _width(model, lower, upper)
    if _continuing(model) and width > 0:
        middle = (lower + upper) / 2
        q += middle
        best = best + middle
    return Optimum(q, best, None, width + floor, floor, iterations + 1, method)


def _iterate(model: Model, discount: float, tolerance: float, method: str) -> Optimum:
    """Value iteration, or modified policy iteration: with sweeps of the greedy policy between the backups."""
    v = np.zeros(model.num_states)
    actions: IntArray | None = None
    most = _enough(model, discount, tolerance)
    for iteration in range(most):
        q = model.q_values(v, discount)
        best = row_max(q)
        difference = best - v
        floor = _floor(model, discount, best)
        width, wanted = _width(model, *span_bounds(model, discount, difference)), max(tolerance - floor, floor)
        if width <= wanted:
            return _bounded(model, discount, (q, best, difference), iteration, method)
        v = best
        if method == "modified_policy_iteration":
            previous, actions = actions, q.argmax(axis=1)
            changed = 1.0 if previous is None else float(np.mean(actions != previous))
            # a policy that still changes is not worth many sweeps; one that does not is swept to the end
            depth = max(0.5 * wanted / width, min(0.3, 3 * changed))
            v = _sweep(model, discount, actions, best, depth * _size(model, difference), changed == 0)
    return _certified(model, discount, v, most, method)


def _enough(model: Model, discount: float, tolerance: float) -> int:
    """How many backups suffice: each brings the error down by β₊ at least."""
    rate = discount * model.mass_range[1]
    if rate == 0:
        return 2
    largest = max(model.largest_reward, 1e-300) / (1 - rate)
    smallest = max(tolerance, 1e-16 * largest) * (1 - rate) / 2
    return 10 + int(np.ceil(max(0.0, np.log(smallest / largest) / np.log(rate))))


def _sweep(model: Model, discount: float, actions: IntArray, v: FloatArray, enough: float, last: bool) -> FloatArray:
    """Sweeps of one policy, in place, until their steps have a span of ``enough``."""
    r, P = model.follow(actions)
    blocks = halves(P)
    for _ in range(LAST_SWEEPS if last else FEW_SWEEPS):
        new = product(blocks, v)
        new *= discount
        new += r
        v -= new
        left = _size(model, v)
        v = new
        if left <= enough:
            break
    return v


def _size(model: Model, step: FloatArray) -> float:
    """What a step leaves to be done: its span on a continuing problem, its largest entry elsewhere."""
    return float(np.ptp(step)) if _continuing(model) else float(np.max(np.abs(step)))


def _policy_iteration(model: Model, discount: float) -> tuple[FloatArray, int]:
    v = np.zeros(model.num_states)
    for _ in range(WARM_UP):
        v = row_max(model.q_values(v, discount))
    actions = model.q_values(v, discount).argmax(axis=1)
    states = np.arange(model.num_states)
    total = -np.inf
    for iteration in range(MOST_ITERATIONS):
        r, P = model.follow(actions)
        v = solve_chain(P, r, discount)
        q = model.q_values(v, discount)
        best = q.argmax(axis=1)
        better = q[states, best] - q[states, actions] > 2 * model.rounding(v, discount)
        # values that no longer rise mean that only rounding was left to improve
        if not better.any() or v.sum() <= total:
            return v, WARM_UP + iteration + 2
        total = v.sum()
        actions = np.where(better, best, actions)
    return v, WARM_UP + MOST_ITERATIONS + 1
