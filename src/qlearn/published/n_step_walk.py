"""Sutton and Barto, figure 7.2: n-step TD on the walk with 19 states, error over the step size for several n.

The figure is drawn without numbers; the lowest point of n = 4 lies at about 0.25.  The other numbers are those of an
independent simulation.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from qlearn.agents import NStepTD
from qlearn.published.claim import Progress, Reproduced, Reproduction, measured, statement
from qlearn.published.walk_parts import as_data, best_of, early_errors, over_step_sizes, simulated

_RATES = {
    1: (0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0),
    2: (0.1, 0.3, 0.5, 0.6, 0.7, 0.9, 1.0),
    4: (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8),
    8: (0.05, 0.1, 0.2, 0.3, 0.4, 0.6),
    16: (0.05, 0.1, 0.15, 0.2, 0.3, 0.5),
    64: (0.02, 0.05, 0.1, 0.2),
}
_SIMULATED = {(1, 0.8): (0.3449, 0.0189), (4, 0.4): (0.2634, 0.0514), (16, 0.2): (0.3238, 0.0543)}


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """The error of every n and step size; where each n is best, and which n is."""
    agents = {(f"n = {n}", rate): NStepTD(n=n, learning_rate=rate) for n, rates in _RATES.items() for rate in rates}
    errors = early_errors(agents, seeds, progress)
    best = best_of(errors)
    claims = [
        simulated(f"error, n = {n}, α = {rate:g}", expected, errors[f"n = {n}", rate])
        for (n, rate), expected in _SIMULATED.items()
    ]
    seen = ", ".join(f"{name}: {error:.3f} at α {rate:g}" for name, (rate, error) in best.items())
    order = sorted(best, key=lambda name: best[name][1])
    rates = [rate for rate, _ in best.values()]
    source = "figure 7.2 and its text"
    claims += [
        measured("lowest error, n = 4", 0.25, errors["n = 4", best["n = 4"][0]], "read off, ± 0.015", tolerance=0.015),
        statement("best n", "an intermediate one: 4 has the lowest error", seen, order[0] == "n = 4", source),
        statement("extremes", "n = 1 and large n are worse", seen, {"n = 64", "n = 1"} == set(order[-2:]), source),
        statement("best step size", "it falls as n grows", seen, rates == sorted(rates, reverse=True), source),
    ]
    return Reproduced(tuple(claims), as_data(errors))


def draw(result: Reproduced) -> Figure:
    """Error over the step size, one curve for every n."""
    return over_step_sizes(result.data, "19-state random walk: n-step TD")


REPRODUCTION = Reproduction("sb-7.2", 100, run, draw)
