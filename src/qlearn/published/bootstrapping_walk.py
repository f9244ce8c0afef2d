"""Sutton and Barto, figure 9.2: bootstrapping with state aggregation on the walk on 1,000 states.

On the left, semi-gradient TD(0) with ten groups, learnt to the end (α = 2 · 10⁻⁴ here, 50,000 episodes).  On the right,
n-step TD with 20 groups of 50: the error over all states, mean of the first 10 episodes (and of 100 runs in the book),
for n from 1 to 512 and α from 0 to 1; here with the step sizes around each n's best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import LinearPrediction, StateAggregation
from qlearn.environments import FiniteMDP
from qlearn.published.claim import Claim, Progress, Reproduced, Reproduction, exact, measured, statement
from qlearn.published.drawing import curve, curves
from qlearn.published.long_walk import Known, Numbers, error_of, fixed_point, known_of, least_squares, long_walk
from qlearn.training import train, train_many

_RATES = {
    1: (0.6, 0.8, 1.0),
    2: (0.5, 0.8),
    4: (0.3, 0.5, 0.7),
    8: (0.2, 0.35, 0.5),
    16: (0.1, 0.25),
    512: (0.05, 0.15),
}
_EPISODES = 10


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Learn to the end with TD, and the first ten episodes with every n."""
    walk = long_walk()
    known = known_of(walk)
    claims, found = _asymptote(walk, known, seeds[:8], progress)
    errors = _early(walk, known, seeds, progress)
    best = {n: min(float(errors[n, rate].mean()) for rate in rates) for n, rates in _RATES.items()}
    winner = min(best, key=lambda n: best[n])
    claims += [
        exact(
            "error before the first episode",
            0.55,
            float(error_of(np.zeros(1000), known)),
            "figure 9.2, right, read off: where all curves begin",
            tolerance=0.01,
        ),
        statement(
            "best n over the first 10 episodes",
            "4, as in figure 7.2 on a table",
            ", ".join(f"n {n}: {error:.3f}" for n, error in best.items()),
            winner == 4,
            "figure 9.2, right",
        ),
        statement(
            "extremes",
            "n = 1 and n = 512 are both worse than n between them",
            f"n 1: {best[1]:.3f}, n 512: {best[512]:.3f}, n {winner}: {best[winner]:.3f}",
            best[1] > best[winner] + 0.01 and best[512] > best[winner] + 0.05,
            "figure 9.2, right",
        ),
    ]
    data = {f"n = {n}, α = {rate}": values for (n, rate), values in errors.items()}
    return Reproduced(tuple(claims), data | {"semi-gradient TD": found, "true values": known.values})


def _asymptote(walk: FiniteMDP, known: Known, seeds: Sequence[int], progress: Progress) -> tuple[list[Claim], Numbers]:
    """Where TD ends, against its fixed point and against the least squares."""
    agent = LinearPrediction(StateAggregation(10), learning_rate=2e-4)
    found = train(agent, walk, episodes=50_000, seeds=seeds, progress=progress).q_table[:, :, 0].astype(np.float64)
    ends = np.repeat(fixed_point(walk, known, 10), 100)
    squares = np.repeat(least_squares(known, 10), 100)
    return [
        measured(
            "error of TD's values at the end",
            float(error_of(ends, known)),
            error_of(found, known),
            "its fixed point A⁻¹ b, exact",
            tolerance=0.005,
        ),
        statement(
            "TD's values against those of Monte Carlo",
            "farther from the true values",
            f"error {error_of(found, known).mean():.3f} against {error_of(squares, known):.3f}",
            bool(error_of(found, known).min() > error_of(squares, known) + 0.02),
            "figure 9.2, left, and section 9.4",
        ),
    ], found


def _early(
    walk: FiniteMDP, known: Known, seeds: Sequence[int], progress: Progress
) -> Mapping[tuple[int, float], Numbers]:
    """Each seed's error, mean of the first episodes, (n,) by n and α."""
    kinds = [(n, rate) for n, rates in _RATES.items() for rate in rates]
    agents = [LinearPrediction(StateAggregation(20), learning_rate=rate, n=n) for n, rate in kinds]
    found = train_many(agents, walk, episodes=_EPISODES, seeds=seeds, snapshots=_EPISODES, progress=progress)
    errors = {}
    for kind, runs in zip(kinds, found, strict=True):
        assert runs.snapshots is not None
        values = runs.snapshots.q_tables[:, 1:, :, 0].astype(np.float64)
        errors[kind] = error_of(values, known).mean(axis=1)
    return errors


def draw(result: Reproduced) -> Figure:
    """The right half of the figure: error over α for every n."""
    figure: Figure | None = None
    for i, (n, rates) in enumerate(_RATES.items()):
        values = np.stack([result.data[f"n = {n}, α = {rate}"] for rate in rates], axis=1)
        if figure is None:
            title = "1,000-state random walk: n-step TD, 20 groups"
            along = "RMS error, first 10 episodes"
            figure = curves(
                np.array(rates), {f"n = {n}": values}, title=title, across="α", along=along, limits=(0.2, 0.55)
            )
        else:
            curve(figure.axes[0], i, f"n = {n}", np.array(rates), values)
    assert figure is not None
    figure.axes[0].legend()
    return figure


REPRODUCTION = Reproduction("sb-9.2", 48, run, draw)
