"""Sutton and Barto, example 6.2: TD(0) and constant-α Monte Carlo on the walk with five states.

Values start at 0.5, the true ones are 1/6 … 5/6.  The error is the root of the mean square over the five states, mean
of all runs.  The book draws it without numbers; those held against it are simulations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import MonteCarloPrediction, TDLambda
from qlearn.published.claim import Progress, Reproduced, Reproduction, exact, measured, statement
from qlearn.published.drawing import curves
from qlearn.published.walk_parts import errors_of, walk
from qlearn.training import train, train_many

_TRUE = np.arange(1, 6) / 6
_START: dict[str, Any] = {"discount": 1.0, "initial_value": 0.5}
_RATES = {"TD": (0.05, 0.1, 0.15), "MC": (0.01, 0.02, 0.03, 0.04)}
_SIMULATED = "an independent simulation, read with four digits"


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """The first episode alone; then the errors of both methods over 100 episodes."""
    world = walk(5, 0.0, 1.0)
    first = train(
        TDLambda(trace_decay=0.0, learning_rate=0.1, **_START), world, episodes=1, seeds=seeds, progress=False
    )
    moved = np.abs(first.state_values[:, 1:-1] - 0.5) > 1e-6
    ends = np.abs(first.state_values[:, [1, 5]] - 0.5).sum(axis=1)
    agents: dict[str, Any] = {
        f"TD, α = {rate}": TDLambda(trace_decay=0.0, learning_rate=rate, **_START) for rate in _RATES["TD"]
    }
    agents |= {
        f"MC, α = {rate}": MonteCarloPrediction(visits="every", learning_rate=rate, **_START) for rate in _RATES["MC"]
    }
    found = train_many(list(agents.values()), world, episodes=100, seeds=seeds, snapshots=25, progress=progress)
    data, tenth = {}, "TD, α = 0.1"
    for name, runs in zip(agents, found, strict=True):
        assert runs.snapshots is not None
        data[name] = errors_of(runs.snapshots.q_tables[..., 0], _TRUE)
    best = {kind: min(values.mean(axis=0).min() for name, values in data.items() if kind in name) for kind in _RATES}
    late = {kind: min(values.mean(axis=0)[-1] for name, values in data.items() if kind in name) for kind in _RATES}
    only = f"one of them in {(moved.sum(axis=1) == 1).mean():.0%} of runs, by {ends.min():.3f} to {ends.max():.3f}"
    claims = (
        exact("error before the first episode", 0.2357, data[tenth][0, 0], "simulated, four digits", tolerance=5e-5),
        statement(
            "what the first episode changes, α = 0.1",
            "V of the last state alone, by 0.05",
            only,
            bool(not moved[:, 1:4].any() and np.allclose(ends, 0.05, atol=1e-6)),
            "exercise 6.3",
        ),
        measured(f"error of {tenth}, after 100 episodes", 0.0555, data[tenth][:, -1], _SIMULATED, tolerance=2e-3),
        statement(
            "TD against Monte Carlo",
            "consistently better on this task",
            f"lowest errors {best['TD']:.4f}, {best['MC']:.4f}; after 100 episodes {late['TD']:.4f}, {late['MC']:.4f}",
            bool(best["TD"] < best["MC"] and late["TD"] < late["MC"]),
            "example 6.2",
        ),
        statement(
            "the error of TD, α = 0.15",
            "goes down and then up again",
            f"{data['TD, α = 0.15'].mean(axis=0).min():.4f}, at the end {data['TD, α = 0.15'].mean(axis=0)[-1]:.4f}",
            bool(data["TD, α = 0.15"].mean(axis=0).min() < data["TD, α = 0.15"].mean(axis=0)[-1]),
            "exercise 6.5",
        ),
    )
    return Reproduced(claims, data)


def draw(result: Reproduced) -> Figure:
    """Error over episodes, one curve for every method and step size."""
    x = np.arange(0, 101, 4)
    title = "Random walk on five states: TD and Monte Carlo"
    along = "RMS error over the five states"
    return curves(x, result.data, title=title, across="walks / episodes", along=along, limits=(0.0, 0.25))


REPRODUCTION = Reproduction("sb-6.2", 100, run, draw)
