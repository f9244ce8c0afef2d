"""Every run's score, task by task."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qlearn.comparison.scores import Scores
from qlearn.errors import InputError
from qlearn.reports.final_values import pile
from qlearn.reports.style import INK, look, new_figure, style, wrapped

MOST_TASKS = 12
_MOST_MARKS = 2000  # that stay lines in a vector graphic; more become a picture inside it, which still shows every one


def score_runs(scores: Scores, agents: tuple[str, ...] | None = None, tasks: tuple[str, ...] | None = None) -> Figure:
    """Return a figure with a panel for each task, in which every run is one mark; failed runs are crosses.

    Below each agent's runs lies their mean with its 95% interval (Student's t).

    Args:
        scores: what is drawn.
        agents: those that are drawn; all where it is None.
        tasks: likewise; at most twelve.

    Raises:
        InputError: where there are more tasks.

    >>> figure = score_runs(Scores({("a", "maze"): [1.0, 2.0], ("b", "maze"): [2.0, 4.0]}))
    >>> figure.axes[0].get_title(loc="left")
    'maze'
    """
    agents, tasks = agents or scores.agents, tasks or scores.tasks
    if len(tasks) > MOST_TASKS:
        raise InputError(f"{len(tasks)} tasks make no picture; expected at most {MOST_TASKS}. Pass tasks=(…).")
    with style():
        columns = 1 if len(tasks) == 1 else 2
        rows = -(-len(tasks) // columns)
        figure = new_figure(8.2 if columns == 1 else 11, 0.9 + rows * (0.8 + 0.55 * len(agents)))
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        many = sum(len(cell.values) for cell in scores.cells.values()) > _MOST_MARKS
        for axes, task in zip(grid, tasks, strict=False):
            _task(axes, scores, (task, agents), many)
        for axes in grid[len(tasks) :]:
            axes.set_visible(False)
        words: Any = {"linestyle": "", "color": INK, "markerfacecolor": "none"}
        handles = [Line2D([], [], marker="o", label="one run (piled where many are alike)", **words)]
        if any(cell.failed.any() for cell in scores.cells.values()):
            handles.append(Line2D([], [], marker="x", label="one run that failed", **words))
        mean: Any = {"marker": "D", "markerfacecolor": "white", "linewidth": 1.3, "label": "mean with its 95% interval"}
        figure.legend(handles=[*handles, Line2D([], [], color=INK, **mean)], loc="outside lower center", ncols=3)
        return figure


def _task(axes: Axes, scores: Scores, which: tuple[str, tuple[str, ...]], many: bool) -> None:
    task, agents = which
    values = np.concatenate([cell.values for (_, name), cell in scores.cells.items() if name == task])
    known = [ends[task] for ends in (scores.optimum, scores.control) if task in ends]
    low, high = min([*values, *known]), max([*values, *known])
    room = 0.04 * (high - low) or 1.0
    limits = (float(low - room), float(high + room))
    for i, agent in enumerate(agents):
        cell, y, shown = scores.cells.get((agent, task)), len(agents) - 1 - i, look(i)
        if cell is None:
            axes.text(0.5, y, "no runs", transform=axes.get_yaxis_transform(), ha="center", va="center")
            continue
        heights = y + 0.06 + 0.5 * pile(cell.values, limits)
        for mask, marker in ((~cell.failed, shown.marker), (cell.failed, "x")):
            face = "none" if marker != "x" else shown.colour
            colours: Any = {"facecolors": face} if marker == "x" else {"facecolors": face, "edgecolors": shown.colour}
            size = float(np.clip(500 / len(cell.values), 5, 24))
            marks = axes.scatter(cell.values[mask], heights[mask], s=size, marker=marker, linewidths=0.7, **colours)
            marks.set_rasterized(many)
        mean = scores.means[agent, task]
        if mean.interval is not None:
            axes.plot(mean.interval, [y - 0.12] * 2, color=INK, linewidth=1.3)
        axes.plot([mean.mean], [y - 0.12], marker="D", markersize=5, markerfacecolor="white", markeredgecolor=INK)
    for value, line in zip(known, ((0, (6, 2)), (0, (4, 2, 1, 2))), strict=False):
        axes.axvline(value, color=INK, linestyle=line, linewidth=1.0, zorder=0.5)
    axes.set_xlim(*limits)
    axes.set_ylim(-0.4, len(agents) - 0.3)
    axes.set_yticks(range(len(agents)), [wrapped(agent) for agent in reversed(agents)])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_title(wrapped(task, 50))
    axes.set_xlabel(wrapped(scores.metric, 50))
