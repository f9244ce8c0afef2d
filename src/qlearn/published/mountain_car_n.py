"""Sutton and Barto, figure 10.4: step size and n on mountain car, early performance of n-step semi-gradient Sarsa.

Steps an episode over the first 50 episodes, means of 100 runs.  The caption prints the range of standard errors; the
axis runs from 220 to 300 steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from qlearn.published.claim import Progress, Reproduced, Reproduction, exact, statement
from qlearn.published.mountain_car_parts import Numbers, best_of, early_steps, over_rates, sarsa, standard_error

_RATES = {
    1: (0.5, 1.0, 1.5),
    2: (0.4, 0.8, 1.2),
    4: (0.25, 0.4, 0.7),
    8: (0.2, 0.35, 0.55),
    16: (0.12, 0.3, 0.45),
}
_CAPTION = "figure 10.4, caption: standard errors from 0.5 (left) for n = 1 to about 4 (right) for n = 16"
_BOOKS_RUNS = 100


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train every n with its step sizes; which n is best, and how much runs differ."""
    agents = {(n, rate): sarsa(rate, n=n) for n, rates in _RATES.items() for rate in rates}
    means = early_steps(agents, seeds, progress)
    best = {n: best_of(means, n) for n in _RATES}
    steps = {n: float(values.mean()) for n, (_, values) in best.items()}
    winner = min(steps, key=lambda n: steps[n])
    told = ", ".join(f"n {n}: {value:.0f} at α {best[n][0]}/8" for n, value in steps.items())
    close = {n for n in steps if steps[n] - steps[winner] < 2 * _apart(best[n][1], best[winner][1])}
    scale = np.sqrt(len(seeds) / _BOOKS_RUNS)
    claims = (
        statement(
            "best n, each at its best α",
            "4: an intermediate one",
            told,
            4 in close and not {1, 16} & close,
            "figure 10.4 and its text; among those that are not told apart from the best",
        ),
        statement(
            "fewest steps of n = 4",
            "at the lower edge of the axis, 220 steps",
            f"{steps[4]:.0f}",
            210 < steps[4] < 230,
            "figure 10.4, read off, ± 10 steps",
        ),
        exact(
            "standard error of 100 runs, n = 1",
            0.5,
            standard_error(means[1, 0.5]) * scale,
            _CAPTION,
            tolerance=0.1,
        ),
        exact(
            "standard error of 100 runs, n = 16, the largest",
            4.0,
            max(standard_error(means[16, rate]) for rate in _RATES[16]) * scale,
            _CAPTION,
            tolerance=1.0,
        ),
    )
    return Reproduced(claims, {f"n = {n}, α = {rate}/8": values for (n, rate), values in means.items()})


def _apart(one: Numbers, other: Numbers) -> float:
    return float(np.hypot(standard_error(one), standard_error(other)))


def draw(result: Reproduced) -> Figure:
    """Early performance over α for every n."""
    lines = {}
    for n, rates in _RATES.items():
        values = np.stack([result.data[f"n = {n}, α = {rate}/8"] for rate in rates], axis=1)
        lines[f"n = {n}"] = (rates, values)
    return over_rates(lines, "Mountain car: step size and n", (210, 300))


REPRODUCTION = Reproduction("sb-10.4", 100, run, draw)
