"""Performance profiles: which share of an agent's runs reaches at least so much, for every so much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.environments.finite_mdp import FloatArray
from qlearn.reports.style import INK, look, new_figure, style, wrapped
from qlearn.statistics import Profile

_MARKS: tuple[Any, ...] = ((0, (6, 2)), (0, (4, 2, 1, 2)), (0, (1, 1.5)))
_MOST_STEPS = 400  # of a profile in the picture; more than a screen tells apart


def profiles(values: Mapping[str, FloatArray], across: str, marks: Mapping[str, float] | None = None) -> Figure:
    """Return a figure with the share of runs, F̂(x) = #{i : xᵢ ≥ x} / n, for each agent.

    The band is the 95% band of Dvoretzky, Kiefer and Wolfowitz with Massart's constant, √(ln(2/0.05) / 2n): it holds
    the whole curve at once, so that curves may be compared wherever they lie.

    Args:
        values: for each agent's name (n,) one number for each run.
        across: what the numbers are, in words and with their unit.
        marks: values drawn as lines, such as the optimum, by what they are called.

    Source: E. D. Dolan and J. J. Moré (2002); R. Agarwal et al. (2021); P. Massart (1990).

    >>> figure = profiles({"one": np.array([1.0, 2.0, 2.0])}, "value")
    >>> figure.axes[0].get_ylabel()
    'share of runs that reach it'
    """
    with style():
        figure = new_figure(7.6, 4.4)
        axes = figure.subplots()
        whole = np.concatenate(list(values.values()))
        low, high = float(whole.min()), float(whole.max())
        near = [value for value in (marks or {}).values() if low - (high - low) <= value <= high + (high - low)]
        low, high = min([low, *near]), max([high, *near])
        room = 0.04 * (high - low) or 1.0
        for i, (name, runs) in enumerate(values.items()):
            _curve(axes, runs, (low - room, high + room), (wrapped(name, 40), i))
        for (what, value), line in zip((marks or {}).items(), _MARKS, strict=False):
            if low <= value <= high:
                axes.axvline(value, color=INK, linestyle=line, linewidth=1.1, label=what, zorder=1)
        axes.set_xlim(low - room, high + room)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel(across)
        axes.set_ylabel("share of runs that reach it")
        figure.legend(loc="outside lower center", ncols=2)
        return figure


def profiles_across(found: Mapping[str, Profile], across: str) -> Figure:
    """Return the same for runs on several tasks, every task counting the same.

    The band is that of the statistic: at each threshold by itself, from runs resampled within each task.

    Args:
        found: for each agent's name what ``performance_profile`` says, at the same thresholds.
        across: what the thresholds are, in words.
    """
    with style():
        figure = new_figure(7.6, 4.4)
        axes = figure.subplots()
        for i, (name, one) in enumerate(found.items()):
            shown = look(i)
            axes.fill_between(one.thresholds, one.low, one.high, color=shown.colour, alpha=0.15, linewidth=0)
            words: Any = {"color": shown.colour, "linestyle": shown.line, "linewidth": 1.7}
            axes.plot(one.thresholds, one.share, label=wrapped(name, 40), **words)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel(across)
        axes.set_ylabel("share of runs above it")
        figure.legend(loc="outside lower center", ncols=2)
        return figure


def _curve(axes: Any, runs: FloatArray, limits: tuple[float, float], who: tuple[str, int]) -> None:
    name, i = who
    ordered = np.sort(np.asarray(runs, dtype=np.float64))
    n = len(ordered)
    values, first = np.unique(ordered, return_index=True)
    share = 1.0 - first / n  # of runs at or above each value
    if len(values) > _MOST_STEPS:
        kept = np.unique(np.linspace(0, len(values) - 1, _MOST_STEPS).astype(np.int64))
        values, share = values[kept], share[kept]
    x = np.concatenate([[limits[0]], values, [limits[1]]])
    y = np.concatenate([[1.0], share, [0.0]])  # up to a value, the share that reaches it
    shown, half = look(i), float(np.sqrt(np.log(2 / 0.05) / (2 * n)))
    low, high = np.clip(y - half, 0, 1), np.clip(y + half, 0, 1)
    axes.fill_between(x, low, high, step="pre", color=shown.colour, alpha=0.13, linewidth=0, zorder=1.5)
    axes.step(x, y, where="pre", color=shown.colour, linestyle=shown.line, linewidth=1.7, label=name, zorder=3)
