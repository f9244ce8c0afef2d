"""Sutton and Barto, figure 10.2: how fast semi-gradient Sarsa learns mountain car, for three step sizes.

500 episodes, means of 100 runs in the book, drawn on a logarithmic axis from 100 to 1,000 steps; no number is printed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from qlearn.published.claim import Progress, Reproduced, Reproduction, statement
from qlearn.published.drawing import curves
from qlearn.published.mountain_car_parts import car, sarsa
from qlearn.training import train_many

_RATES = (0.1, 0.2, 0.5)
_SOURCE = "figure 10.2"


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train with each step size; the order of the curves, and where they end."""
    found = train_many([sarsa(rate) for rate in _RATES], car(), episodes=500, seeds=seeds, progress=progress)
    lengths = {rate: runs.lengths.astype(np.float64) for rate, runs in zip(_RATES, found, strict=True)}
    early = {rate: float(x[:, :100].mean()) for rate, x in lengths.items()}
    order = sorted(early, key=lambda rate: early[rate])
    ends = {rate: float(x[:, -50:].mean()) for rate, x in lengths.items()}
    first = {rate: float(x[:, 0].mean()) for rate, x in lengths.items()}
    claims = (
        statement(
            "order over the first 100 episodes",
            "the larger the step size of the three, the fewer steps",
            ", ".join(f"α {rate}/8: {early[rate]:.0f} steps" for rate in order),
            order == [0.5, 0.2, 0.1],
            _SOURCE + ", read off",
        ),
        statement(
            "first episodes",
            "the curves begin at the upper edge, 1,000 steps or more",
            ", ".join(f"{steps:.0f}" for steps in first.values()),
            min(first.values()) >= 1000,
            _SOURCE + ", read off",
        ),
        statement(
            "episodes 451 to 500",
            "all three lie between 100 and 150 steps and still fall",
            ", ".join(f"α {rate}/8: {ends[rate]:.0f}" for rate in _RATES),
            all(100 < end < 150 for end in ends.values()),
            _SOURCE + ", read off",
        ),
    )
    return Reproduced(claims, {f"α = {rate}/8": x for rate, x in lengths.items()})


def draw(result: Reproduced) -> Figure:
    """Steps an episode, on a logarithmic axis, averaged over seeds and over five episodes."""
    lines = {name: values.reshape(len(values), -1, 5).mean(axis=2) for name, values in result.data.items()}
    figure = curves(
        np.arange(3, 500, 5),
        lines,
        title="Mountain car: semi-gradient Sarsa, 8 tilings",
        across="episode",
        along="steps per episode",
        limits=(100, 1000),
    )
    figure.axes[0].set_yscale("log")
    return figure


REPRODUCTION = Reproduction("sb-10.2", 100, run, draw)
