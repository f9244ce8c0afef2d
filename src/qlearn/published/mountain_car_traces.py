"""Sutton and Barto, figure 12.10: step size and λ on mountain car, Sarsa(λ) with replacing traces.

Steps an episode over the first 50 episodes, means of 100 runs; the axis runs from 180 to 300 steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from qlearn.published.claim import Progress, Reproduced, Reproduction, statement
from qlearn.published.mountain_car_parts import best_of, early_steps, over_rates, sarsa

_RATES = {
    0.0: (1.0, 1.5),
    0.68: (1.0, 1.5),
    0.84: (0.8, 1.4),
    0.92: (0.6, 0.9, 1.2),
    0.96: (0.5, 0.8, 1.1),
    0.98: (0.3, 0.5, 0.8),
    0.99: (0.2, 0.4, 0.6),
}


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train every λ with its step sizes; which is best."""
    agents = {
        (decay, rate): sarsa(rate, trace_decay=decay, traces="replacing")
        for decay, rates in _RATES.items()
        for rate in rates
    }
    means = early_steps(agents, seeds, progress)
    steps = {decay: float(best_of(means, decay)[1].mean()) for decay in _RATES}
    told = ", ".join(f"λ {decay:g}: {value:.0f}" for decay, value in steps.items())
    winner = min(steps, key=lambda decay: steps[decay])
    among = (0.84, 0.92, 0.96, 0.98)
    claims = (
        statement(
            "best λ, each at its best α",
            "an intermediate one; neither 0 nor 0.99",
            told,
            winner in among and steps[0.0] > steps[winner] + 20 and steps[0.99] > steps[winner] + 5,
            "figure 12.10 and section 12.7",
        ),
        statement(
            "fewest steps of all",
            "at the lower edge of the axis, 180 steps",
            f"{steps[winner]:.0f}",
            170 < steps[winner] < 190,
            "figure 12.10, read off, ± 10 steps",
        ),
    )
    return Reproduced(claims, {f"λ = {decay:g}, α = {rate}/8": values for (decay, rate), values in means.items()})


def draw(result: Reproduced) -> Figure:
    """Early performance over α for every λ."""
    lines = {}
    for decay, rates in _RATES.items():
        values = np.stack([result.data[f"λ = {decay:g}, α = {rate}/8"] for rate in rates], axis=1)
        lines[f"λ = {decay:g}"] = (rates, values)
    return over_rates(lines, "Mountain car: step size and λ, replacing traces", (170, 300))


REPRODUCTION = Reproduction("sb-12.10", 60, run, draw)
