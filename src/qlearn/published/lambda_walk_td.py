"""Sutton and Barto, figure 12.6: TD(λ) beside the off-line λ-return algorithm, which it approximates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import OfflineLambdaReturn, TDLambda
from qlearn.published.claim import Progress, Reproduced, Reproduction, measured, statement
from qlearn.published.lambda_walk_offline import RATES
from qlearn.published.walk_parts import as_data, best_of, early_errors, over_step_sizes, simulated

_OURS, _THEIRS = "TD(λ)", "off-line"


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """The errors of both methods: at the best step sizes, below and above them."""
    agents: dict[tuple[str, float], Any] = {}
    for decay, rates in RATES.items():
        for rate in rates:
            agents[f"{_OURS} λ = {decay:g}", rate] = TDLambda(trace_decay=decay, learning_rate=rate)
            agents[f"{_THEIRS} λ = {decay:g}", rate] = OfflineLambdaReturn(trace_decay=decay, learning_rate=rate)
    errors = early_errors(agents, seeds, progress)
    best = best_of(errors)
    gaps, large, smaller = {}, [], []
    for decay, rates in RATES.items():
        names = f"{_OURS} λ = {decay:g}", f"{_THEIRS} λ = {decay:g}"
        gaps[decay] = best[names[0]][1] - best[names[1]][1]
        mine, other = (float(errors[name, max(rates)].mean()) for name in names)
        if decay >= 0.8:
            large.append((decay, max(rates), mine, other))
            smaller.append(np.abs(errors[names[0], min(rates)] - errors[names[1], min(rates)]).mean())
    most = max(abs(gap) for gap in gaps.values())
    told = ", ".join(f"λ {decay:g}, α {rate:g}: {mine:.3g} and {other:.3g}" for decay, rate, mine, other in large)
    top = best[f"{_OURS} λ = 0.8"][0]
    claims = (
        simulated("error of TD(0.8), α = 0.3", (0.2639, 0.0512), errors[f"{_OURS} λ = 0.8", 0.3]),
        simulated("error of TD(0.8), α = 0.8", (0.4607, 0.0539), errors[f"{_OURS} λ = 0.8", 0.8]),
        measured(
            "lowest error of TD(λ)",
            0.25,
            errors[f"{_OURS} λ = 0.8", top],
            "figure 12.6, read off, ± 0.015",
            tolerance=0.015,
        ),
        statement(
            "both at the best α of each λ",
            "virtually identical",
            f"errors differ by {most:.3f} at most",
            most < 0.04,
            "text beside figure 12.6",
        ),
        statement(
            "at the smallest step sizes",
            "virtually identical",
            f"the errors of a run differ by {max(smaller):.3f} at most",
            max(smaller) < 0.03,
            "text beside figure 12.6",
        ),
        statement(
            "at step sizes above the best",
            "TD(λ) is much worse and may be unstable",
            told,
            all(mine > other for _, _, mine, other in large) and large[1][2] > 1.0,
            "text beside figure 12.6",
        ),
    )
    return Reproduced(claims, as_data(errors))


def draw(result: Reproduced) -> Figure:
    """Error over the step size, both methods side by side."""
    return over_step_sizes(result.data, "19-state random walk", (_OURS, _THEIRS))


REPRODUCTION = Reproduction("sb-12.6", 100, run, draw)
