"""Jack's car rental: how many cars to move overnight between two places.

Source: Sutton & Barto, Reinforcement Learning, 2nd edition, 2018, example 4.2, figure 4.2 and exercise 4.7.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import problem, whole

_MOST_MOVED, _EARNED, _MOVING, _PARKING, _PARKED_FREE = 5, 10.0, 2.0, 4.0, 10
_REQUESTS, _RETURNS = (3.0, 4.0), (3.0, 2.0)
Numbers = NDArray[np.float64]


@problem("CarRental-v0")
def car_rental(most: int = 20, nonlinear: bool = False) -> FiniteMDP:
    """Return the problem: a state is the number of cars at each place in the evening, "12, 7".

    Up to five cars are moved, 2 each; action "+2" moves two from the first place to the second, "-3" three back; cars
    that are not there cannot be moved.  What exceeds ``most`` at a place leaves the problem.  On the day Poisson(3) and
    Poisson(4) customers come, and each earns 10 as long as there are cars; then Poisson(3) and Poisson(2) cars are
    returned, to be rented from the next day on.  The reward is the expected one of state and action, so the variance
    of a day's earnings is not in the model; the Poisson distributions are exact, not cut off.

    **Exact optimum** at the book's γ = 0.9: v* = 421.414 with no cars and 636.990 with 20 at each place (in the
    exercise: 429.946 and 603.537); the book's picture is labelled with 420 and 612, of which ``sb-4.2`` tells.

    Args:
        most: cars that a place holds, at least 1.
        nonlinear: exercise 4.7: one car a night goes from the first place to the second for free, and more than 10
            cars at a place overnight cost 4.

    Raises:
        InputError: where there is room for no car.

    >>> from qlearn.planning import solve
    >>> jack = car_rental()
    >>> optimum = solve(jack, discount=0.9)
    >>> jack.action_name(optimum.policy[20 * 21]), optimum.v[[0, -1]].round(3).tolist()
    ('+5', [421.414, 636.99])
    """
    most = whole("most", most, 1, 20)
    arrivals, earned = zip(*(_day(most, *rates) for rates in zip(_REQUESTS, _RETURNS, strict=True)), strict=True)
    moves = range(-_MOST_MOVED, _MOST_MOVED + 1)
    S = most + 1
    counts, blocks, rewards = [], [], []
    for first in range(S):
        for second in range(S):
            for moved in moves:
                legal = -second <= moved <= first
                counts.append(S * S if legal else 0)
                if legal:
                    here, there = min(first - moved, most), min(second + moved, most)
                    blocks.append(np.outer(arrivals[0][here], arrivals[1][there]).ravel())
                    rewards.append(earned[0][here] + earned[1][there] - _cost(moved, here, there, nonlinear))
    probability = np.concatenate(blocks)
    return FiniteMDP(
        name="car rental",
        num_states=S * S,
        num_actions=len(moves),
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        probability=probability,
        next_state=np.tile(np.arange(S * S), len(blocks)),
        reward=np.repeat(np.array(rewards), S * S),
        terminated=np.zeros(probability.size, np.bool_),
        initial=np.eye(1, S * S, (most // 2) * (S + 1))[0],
        state_names=tuple(f"{first}, {second}" for first in range(S) for second in range(S)),
        action_names=tuple(f"{moved:+d}" if moved else "0" for moved in moves),
    )


def _cost(moved: int, here: int, there: int, nonlinear: bool) -> float:
    if not nonlinear:
        return _MOVING * abs(moved)
    parking = _PARKING * ((here > _PARKED_FREE) + (there > _PARKED_FREE))
    return _MOVING * (moved - 1 if moved > 0 else -moved) + parking


def _day(most: int, requests: float, returns: float) -> tuple[Numbers, Numbers]:
    """Return, by cars in the morning, the distribution of cars in the evening (S, S), and what is earned (S,)."""
    from scipy import stats

    S = most + 1
    asked, back = stats.poisson.pmf(np.arange(S), requests), stats.poisson.pmf(np.arange(S), returns)
    evening, earned = np.zeros((S, S)), np.zeros(S)
    for cars in range(S):
        rented = asked.copy()
        rented[cars:] = 0.0
        rented[cars] = stats.poisson.sf(cars - 1, requests)  # as many or more than there are
        earned[cars] = _EARNED * float(rented @ np.arange(S))
        for gone in range(cars + 1):
            left = cars - gone
            evening[cars, left:most] += rented[gone] * back[: most - left]
            evening[cars, most] += rented[gone] * stats.poisson.sf(most - left - 1, returns)
    return evening, earned
