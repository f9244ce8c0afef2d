"""Sutton and Barto, figure 12.8: the online λ-return algorithm, as true online TD(λ), beside the off-line one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import OfflineLambdaReturn, TDLambda, TrueOnlineTDLambda
from qlearn.published.claim import Progress, Reproduced, Reproduction, measured, statement
from qlearn.published.lambda_walk_offline import RATES
from qlearn.published.walk_parts import as_data, best_of, early_errors, over_step_sizes, simulated

_ONLINE, _OFFLINE = "online", "off-line"
_SAME = (
    "The book's text makes λ-returns of values that stay as they are during an episode, and so does this program: "
    "λ = 0 is then a batch of TD(0) updates, a little worse. With λ-returns made anew of the values of the moment, at "
    "every update, λ = 0 is TD(0) itself, as in the figure; that was tried (lowest errors 0.341 at λ = 0, as "
    "TD(0) has here, and 0.248 at λ = 0.8, above online's still) and takes the square of the time."
)


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """The errors of both methods at the end of episodes, for the same walks."""
    agents: dict[tuple[str, float], Any] = {("TD(0)", 0.8): TDLambda(trace_decay=0.0, learning_rate=0.8)}
    for decay, rates in RATES.items():
        for rate in rates:
            agents[f"{_ONLINE} λ = {decay:g}", rate] = TrueOnlineTDLambda(trace_decay=decay, learning_rate=rate)
            agents[f"{_OFFLINE} λ = {decay:g}", rate] = OfflineLambdaReturn(trace_decay=decay, learning_rate=rate)
    errors = early_errors(agents, seeds, progress)
    best = best_of({kind: values for kind, values in errors.items() if kind[0] != "TD(0)"})
    pairs = [(best[f"{_ONLINE} λ = {decay:g}"], best[f"{_OFFLINE} λ = {decay:g}"]) for decay in RATES]
    winner = min((name for name in best if name.startswith(_ONLINE)), key=lambda name: best[name][1])
    lowest = errors[winner, best[winner][0]]
    better = sum(one[1] <= other[1] + 1e-6 for one, other in pairs)
    gain = errors[f"{_OFFLINE} λ = 0.8", 0.4] - errors[f"{_ONLINE} λ = 0.8", 0.4]
    zeros = [float(errors[f"{kind} λ = 0", 0.8].mean()) for kind in (_ONLINE, _OFFLINE)]
    source = "figure 12.8"
    claims = (
        simulated("error online, λ = 0.8, α = 0.4", (0.2546, 0.054), errors[f"{_ONLINE} λ = 0.8", 0.4]),
        simulated("error online, λ = 0.8, α = 0.8", (0.3195, 0.0574), errors[f"{_ONLINE} λ = 0.8", 0.8]),
        measured("lowest error online", 0.25, lowest, f"{source}, read off, ± 0.015", tolerance=0.015),
        statement(
            "online against off-line",
            "subtly better",
            f"at its best α as good or better for {better} of {len(pairs)} λ; {gain.mean():.4f} ± "
            f"{2 * gain.std(ddof=1) / np.sqrt(len(gain)):.4f} at λ = 0.8, α = 0.4",
            better == len(pairs) and gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain)),
            source,
        ),
        statement(
            "true online TD(0)",
            "TD(0)",
            f"errors {zeros[0]:.4f} and {errors['TD(0)', 0.8].mean():.4f}",
            bool(np.allclose(errors[f"{_ONLINE} λ = 0", 0.8], errors["TD(0)", 0.8], atol=1e-4)),
            "section 12.5",
        ),
        statement(
            "λ = 0, online and off-line",
            "the same line",
            f"errors {zeros[0]:.3f} and {zeros[1]:.3f} at α = 0.8",
            abs(zeros[0] - zeros[1]) < 0.005,
            source,
            why=_SAME,
        ),
    )
    return Reproduced(claims, as_data({kind: v for kind, v in errors.items() if kind[0] != "TD(0)"}))


def draw(result: Reproduced) -> Figure:
    """Error over the step size, both methods side by side."""
    return over_step_sizes(result.data, "19-state random walk", (_ONLINE, _OFFLINE))


REPRODUCTION = Reproduction("sb-12.8", 100, run, draw)
