"""Sutton and Barto, figure 12.3: the off-line λ-return algorithm beside n-step TD on the walk with 19 states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from qlearn.agents import NStepTD, OfflineLambdaReturn
from qlearn.published.claim import Progress, Reproduced, Reproduction, measured, statement
from qlearn.published.walk_parts import as_data, best_of, early_errors, over_step_sizes, simulated

RATES = {
    0.0: (0.2, 0.4, 0.6, 0.8, 1.0),
    0.4: (0.2, 0.4, 0.6, 0.7, 0.8, 1.0),
    0.8: (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0),
    0.9: (0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0),
    0.95: (0.05, 0.1, 0.15, 0.2, 0.3, 0.5),
    0.975: (0.02, 0.05, 0.1, 0.2, 0.4),
    0.99: (0.02, 0.05, 0.1, 0.2),
    1.0: (0.01, 0.02, 0.05, 0.1),
}
"""The step sizes that are tried for every λ: around the best, and beyond."""
_N_STEP = {1: (0.6, 0.8, 1.0), 4: (0.2, 0.3, 0.4, 0.5, 0.6, 0.8), 16: (0.1, 0.2, 0.3)}


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """The errors of both methods; which λ is best, and whether it comes to the best n."""
    agents: dict[tuple[str, float], Any] = {
        (f"off-line λ = {decay:g}", rate): OfflineLambdaReturn(trace_decay=decay, learning_rate=rate)
        for decay, rates in RATES.items()
        for rate in rates
    }
    agents |= {
        (f"n-step n = {n}", rate): NStepTD(n=n, learning_rate=rate) for n, rates in _N_STEP.items() for rate in rates
    }
    errors = early_errors(agents, seeds, progress)
    best = best_of(errors)
    ours = {name: found for name, found in best.items() if name.startswith("off-line")}
    winner = min(ours, key=lambda name: ours[name][1])
    steps = min(error for name, (_, error) in best.items() if name.startswith("n-step"))
    seen = ", ".join(f"{name.removeprefix('off-line ')}: {error:.3f}" for name, (_, error) in ours.items())
    close = abs(ours[winner][1] - steps) < 0.02
    both = f"{ours[winner][1]:.3f} and {steps:.3f}"
    claims = (
        simulated("error, λ = 0.8, α = 0.4", (0.2627, 0.0564), errors["off-line λ = 0.8", 0.4]),
        simulated("error, λ = 0.8, α = 0.8", (0.3439, 0.0667), errors["off-line λ = 0.8", 0.8]),
        measured(
            "lowest error", 0.25, errors[winner, ours[winner][0]], "figure 12.3, read off, ± 0.015", tolerance=0.015
        ),
        statement("best λ", "an intermediate one", seen, winner == "off-line λ = 0.8", "figure 12.3"),
        statement("best λ against best n", "comparable", both, close, "text beside figure 12.3"),
    )
    return Reproduced(claims, as_data(errors))


def draw(result: Reproduced) -> Figure:
    """Error over the step size, both methods side by side."""
    return over_step_sizes(result.data, "19-state random walk", ("off-line", "n-step"))


REPRODUCTION = Reproduction("sb-12.3", 100, run, draw)
