"""Sutton and Barto, figure 10.3: one-step against eight-step semi-gradient Sarsa on mountain car.

α is 0.5/8 for n = 1 and 0.3/8 for n = 8; 500 episodes, means of 100 runs in the book.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from qlearn.published.claim import Progress, Reproduced, Reproduction, statement
from qlearn.published.drawing import curves
from qlearn.published.mountain_car_parts import car, sarsa, standard_error
from qlearn.training import train_many

_KINDS = {"n = 1, α = 0.5/8": (1, 0.5), "n = 8, α = 0.3/8": (8, 0.3)}


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train both; which learns faster, and which ends better."""
    agents = [sarsa(rate, n=n) for n, rate in _KINDS.values()]
    found = train_many(agents, car(), episodes=500, seeds=seeds, progress=progress)
    data = {name: runs.lengths.astype(np.float64) for name, runs in zip(_KINDS, found, strict=True)}
    claims = []
    for what, part in (("learns faster", slice(0, 100)), ("ends better", slice(400, 500))):
        one, eight = (x[:, part].mean(axis=1) for x in data.values())
        margin = 3 * float(np.hypot(standard_error(one), standard_error(eight)))
        claims.append(
            statement(
                f"n = 8 {what}, episodes {part.start + 1} to {part.stop}",
                "n = 8 takes fewer steps than n = 1",
                f"{eight.mean():.0f} against {one.mean():.0f} steps",
                float(one.mean() - eight.mean()) > margin,
                "figure 10.3 and its caption's text",
            )
        )
    return Reproduced(tuple(claims), data)


def draw(result: Reproduced) -> Figure:
    """Steps an episode, on a logarithmic axis, averaged over seeds and over five episodes."""
    lines = {name: values.reshape(len(values), -1, 5).mean(axis=2) for name, values in result.data.items()}
    figure = curves(
        np.arange(3, 500, 5),
        lines,
        title="Mountain car: one step and eight steps",
        across="episode",
        along="steps per episode",
        limits=(100, 1000),
    )
    figure.axes[0].set_yscale("log")
    return figure


REPRODUCTION = Reproduction("sb-10.3", 100, run, draw)
