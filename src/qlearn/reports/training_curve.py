"""One agent's learning against steps: what every seed earned, and what its greedy policy was worth on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from qlearn.environments.finite_mdp import FloatArray
from qlearn.evaluation import RunsEvaluation
from qlearn.reports.learning_curves import mean_words, trailing_mean
from qlearn.reports.style import look, new_figure, reference_lines, style
from qlearn.training import Runs

_POINTS = 200  # of a curve
_WINDOW = 100  # episodes that a return is averaged over, as in published figures; fewer where there are few


def training_curve(runs: Runs, found: RunsEvaluation | None = None) -> Figure:
    """Return a figure of one agent's return against steps.

    Each seed's return is the mean of its last 100 episodes (of a twentieth of its episodes, where that is less),
    exploration included; the bold line is the mean over seeds with its 95% interval (Student's t).  With snapshots and
    an evaluation the greedy policy's worth is drawn too, where it was taken in steps; with a model its references.

    Args:
        runs: what `train` returned.
        found: what `qlearn.evaluate` says about them; None to leave that out.

    >>> import qlearn as ql
    >>> runs = ql.train(ql.QLearning(), "NChain-v0", episodes=4, seeds=3)
    >>> len(training_curve(runs).axes)
    1
    """
    with style():
        figure = new_figure(7.2, 4.2)
        axes = figure.subplots()
        window = max(1, min(_WINDOW, int(runs.num_episodes.max(initial=0)) // 20))
        handles = _online(axes, runs, window)
        if found is not None and found.curve is not None and found.unit == "step" and found.positions is not None:
            greedy = look(1)
            around = {"color": greedy.colour, "marker": greedy.marker, "linestyle": greedy.line, "markersize": 4}
            axes.plot(found.positions, found.curve.mean(axis=0), linewidth=1.6, **around)
            handles.append(Line2D([], [], label="greedy policy, mean of the seeds", **around))
        if found is not None and found.truth is not None:
            low, high = axes.get_ylim()
            truth = found.truth
            limits = (min(low, truth.uniform), max(high, truth.ceiling))
            handles += reference_lines(axes, truth, across=True, limits=limits)
        axes.set_xlabel("steps of a seed")
        axes.set_ylabel("return of an episode")
        axes.set_xlim(0, max(1, int(runs.num_steps.max(initial=1))))
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
        figure.suptitle(f"{runs.label} on {runs.environment.name}", x=0.01, ha="left", fontsize=12)
        return figure


def _online(axes: Axes, runs: Runs, window: int) -> list[Any]:
    """Draw what was earned; the legend's handles."""
    from qlearn.statistics import mean_interval

    shown, n = look(0), len(runs.seeds)
    grid = np.linspace(0, int(runs.num_steps.max(initial=1)), _POINTS + 1)[1:]
    rows = [_at(runs, i, window, grid) for i in range(n)]
    for row in rows if n > 1 else []:
        axes.plot(grid, row, color=shown.colour, alpha=0.45, linewidth=0.7)
    values = np.array(rows)
    there = np.isfinite(values).all(axis=0)
    if there.any():
        axes.plot(grid[there], values[:, there].mean(axis=0), color=shown.colour, linewidth=2.0)
    words = "" if window == 1 else f", mean of the last {window} episodes"
    handles: list[Any] = [
        Line2D([], [], color=shown.colour, linewidth=2.0, label=f"while training: {mean_words(n)}{words}")
    ]
    if n > 1 and there.any():
        around = [mean_interval(column).interval for column in values[:, there].T]
        low, high = np.array([(one.low, one.high) if one else (np.nan, np.nan) for one in around]).T
        axes.fill_between(grid[there], low, high, color=shown.colour, alpha=0.25, linewidth=0)
        handles.append(Patch(color=shown.colour, alpha=0.25, linewidth=0, label="its 95% interval"))
        handles.append(Line2D([], [], color=shown.colour, alpha=0.45, linewidth=0.7, label="one seed"))
    return handles


def _at(runs: Runs, i: int, window: int, grid: FloatArray) -> FloatArray:
    """The mean of the last episodes that one seed had completed at each of some numbers of steps; NaN before any."""
    count = int(runs.num_episodes[i])
    if not count:
        return np.full(grid.shape, np.nan)
    means = trailing_mean(np.asarray(runs.returns[i : i + 1, :count], np.float64), window)[0]
    done = np.searchsorted(np.cumsum(runs.lengths[i, :count]), grid, side="right")
    return np.where(done > 0, means[np.maximum(done, 1) - 1], np.nan)
