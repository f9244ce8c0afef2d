"""What the book's random walks share: the walk on 19 states, and the error of a method over its step sizes.

The measure of figures 7.2, 12.3, 12.6 and 12.8: the root of the mean squared error over the 19 states at the end of an
episode, mean of the first 10 episodes and of all runs.  Values start at 0; the true ones go from −0.9 to 0.9.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import Agent
from qlearn.environments import FiniteMDP
from qlearn.environments.problems import random_walk
from qlearn.published.claim import Claim, Progress, measured
from qlearn.published.drawing import curve
from qlearn.reports.style import new_figure, style
from qlearn.training import train_many

Numbers = np.ndarray[Any, Any]
Kind = tuple[str, float]  # what a curve is called, and a step size
EPISODES = 10
SIMULATED = "an independent loop in NumPy, 1,500 runs"
_RUNS = 1500
_LIMIT = 1500  # an episode is longer with a probability of 10⁻⁸


def walk(n: int = 19, left: float = -1.0, right: float = 1.0) -> FiniteMDP:
    """Return a random walk with a clock that does not matter, for agents that learn from whole episodes."""
    return dataclasses.replace(random_walk(n, left=left, right=right), time_limit=_LIMIT)


def errors_of(tables: Numbers, true: Numbers) -> Numbers:
    """Return the error of values (…, S) that include both ends, (…)."""
    difference = tables[..., 1:-1].astype(np.float64) - true
    return np.asarray(np.sqrt((difference**2).mean(axis=-1)))


def early_errors(agents: Mapping[Kind, Agent], seeds: Sequence[int], progress: Progress) -> dict[Kind, Numbers]:
    """Return the book's measure of every method and step size, (n,) one number for each seed."""
    world = walk()
    true = np.arange(1, 20) / 10 - 1
    found = train_many(
        list(agents.values()), world, episodes=EPISODES, seeds=seeds, snapshots=EPISODES, progress=progress
    )
    errors = {}
    for kind, runs in zip(agents, found, strict=True):
        assert runs.snapshots is not None
        each = errors_of(runs.snapshots.q_tables[:, 1:, :, 0], true)
        errors[kind] = np.where(np.isfinite(each), each, np.inf).mean(axis=1)  # what diverges is far off
    return errors


def simulated(what: str, expected: tuple[float, float], values: Numbers) -> Claim:
    """Return a claim against an independent simulation: its mean, and the standard deviation of one of its runs."""
    return measured(what, expected[0], values, SIMULATED, tolerance=2 * expected[1] / float(np.sqrt(_RUNS)))


def best_of(errors: Mapping[Kind, Numbers]) -> dict[str, tuple[float, float]]:
    """Return for every curve the step size with the smallest mean error, and that error."""
    best: dict[str, tuple[float, float]] = {}
    for (name, rate), values in errors.items():
        mean = float(values.mean())
        if name not in best or mean < best[name][1]:
            best[name] = (rate, mean)
    return best


def as_data(errors: Mapping[Kind, Numbers]) -> dict[str, Numbers]:
    """Return the errors under names that a file can hold."""
    return {f"{name}, α {rate:g}": values for (name, rate), values in errors.items()}


def over_step_sizes(data: Mapping[str, Numbers], title: str, panels: Sequence[str] = ("",)) -> Figure:
    """Return the figure of the book: error over α, one curve for every n or λ.

    Args:
        data: what ``as_data`` made.
        title: above the figure.
        panels: beginnings of the curves' names, one panel for each, side by side.
    """
    with style():
        figure = new_figure(4.2 * len(panels) + 2.4, 4.4)
        for axes, panel in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
            curves: dict[str, dict[float, Numbers]] = {}
            for key, values in data.items():
                name, rate = key.rsplit(", α ", 1)
                if name.startswith(panel):
                    curves.setdefault(name.removeprefix(panel).strip(" ,"), {})[float(rate)] = values
            for i, (name, points) in enumerate(curves.items()):
                rates = sorted(points)
                values = np.stack([np.minimum(points[rate], 10.0) for rate in rates], axis=1)
                curve(axes, i, name, np.array(rates), values)
            axes.set(title=panel or None, xlabel="α", ylim=(0.2, 0.6), xlim=(0, 1))
            axes.set_ylabel("RMS error, first 10 episodes")
            axes.legend(fontsize=7)
        figure.suptitle(title, x=0.02, ha="left")
    return figure
