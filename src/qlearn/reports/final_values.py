"""Where the runs ended: the exact value of every seed's final greedy policy."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from qlearn.comparison import AgentResult, Comparison
from qlearn.comparison.exports import heading
from qlearn.environments.finite_mdp import FloatArray
from qlearn.reports.style import INK, Look, look, new_figure, reference_lines, style, wrapped

_BINS = 60
_BOX = 0.30  # below the row's line; the runs lie above it
_MOST_MARKS = 2000  # that stay lines in a vector graphic; more become a picture inside it, which still shows every one


def final_values(comparison: Comparison) -> Figure:
    """Return a figure with a row for each agent in which every seed is one mark.

    Marks are filled where the policy is optimal; their height within a row has no meaning but to keep them apart: the
    more runs there are at a value, the higher they are piled.  Below lie the quartiles' box and the mean with its 95%
    interval.

    >>> import qlearn as ql
    >>> found = ql.compare([ql.QLearning()], "NChain-v0", episodes=4, seeds=3, snapshots=0)
    >>> len(final_values(found).axes)
    1
    """
    with style():
        agents = comparison.agents
        figure = new_figure(9.5, 2.2 + 1.25 * len(agents))
        axes = figure.subplots()
        limits = _limits(comparison)
        for i, agent in enumerate(agents):
            _row(axes, agent, len(agents) - 1 - i, look(i), limits)
        if sum(len(agent.evaluation.exact_return) for agent in agents) > _MOST_MARKS:
            for marks in axes.collections:
                marks.set_rasterized(True)
        axes.set_xlim(*limits)
        axes.set_ylim(-0.55, len(agents) - 0.35)
        axes.set_yticks(range(len(agents)), [wrapped(agent.name) for agent in reversed(agents)])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        how = "exact expected return" if comparison.truth is not None else "mean return of rollouts"
        horizon = comparison.settings["horizon"]
        within = "" if horizon is None else f" of one episode of {horizon:,} steps at most"
        axes.set_xlabel(f"{how}{within}, greedy policy after training")
        handles = reference_lines(axes, comparison.truth, across=False, limits=limits)
        figure.legend(handles=[*_legend(comparison), *handles], loc="outside lower center", ncols=2)
        title = wrapped(f"What every seed's policy is worth. {heading(comparison)}", 90)
        figure.suptitle(title, x=0.01, ha="left", fontsize=12)
        return figure


def pile(values: FloatArray, limits: tuple[float, float]) -> FloatArray:
    """Return a height in [0, 1] for every value, so that equal values lie above each other, evenly.

    >>> pile(np.array([1.0, 1.0, 2.0]), (0.0, 3.0)).tolist()
    [0.0, 1.0, 0.0]
    """
    width = (limits[1] - limits[0]) / _BINS or 1.0
    places = np.floor((values - limits[0]) / width).astype(np.int64)
    heights, tallest = np.zeros(len(values)), 1
    order = np.argsort(values, kind="stable")
    counts: dict[int, int] = {}
    for i in order:
        heights[i] = counts.get(int(places[i]), 0)
        counts[int(places[i])] = int(heights[i]) + 1
    tallest = max(1, max(counts.values(), default=1) - 1)
    return heights / tallest


def _row(axes: Axes, agent: AgentResult, y: float, shown: Look, limits: tuple[float, float]) -> None:
    values = agent.evaluation.exact_return
    n = len(values)
    size = float(np.clip(900 / n, 5, 30))
    spread = 0.5 if n > 10 else 0.25
    heights = y + 0.02 + spread * pile(values, limits)
    optimal = agent.evaluation.optimal
    filled = np.zeros(n, dtype=np.bool_) if optimal is None else optimal
    for mask, face in ((~filled, "none"), (filled, shown.colour)):
        axes.scatter(
            values[mask],
            heights[mask],
            s=size,
            marker=shown.marker,
            facecolors=face,
            edgecolors=shown.colour,
            linewidths=0.7,
            zorder=3,
        )
    axes.axhline(y - 0.05, color="#DDDDDD", linewidth=0.6, zorder=0.5)
    low, middle, high = agent.quartiles
    if n > 3:
        box = Rectangle((low, y - _BOX), high - low, 0.16, facecolor=shown.colour, alpha=0.35, linewidth=0, zorder=2)
        axes.add_patch(box)
        axes.plot([middle, middle], [y - _BOX, y - _BOX + 0.16], color=INK, linewidth=1.6, zorder=3)
    _mean(axes, agent, y - _BOX + 0.08)


def _mean(axes: Axes, agent: AgentResult, y: float) -> None:
    if agent.exact.interval is not None:
        axes.plot(agent.exact.interval, [y, y], color=INK, linewidth=1.3, zorder=3.5)
    axes.plot(
        [agent.exact.mean], [y], marker="D", markersize=5.5, markerfacecolor="white", markeredgecolor=INK, zorder=4
    )


def _limits(comparison: Comparison) -> tuple[float, float]:
    values = np.concatenate([agent.evaluation.exact_return for agent in comparison.agents])
    low, high = float(values.min()), float(values.max())
    if comparison.truth is not None:
        low, high = min(low, comparison.truth.optimum), max(high, comparison.truth.optimum, comparison.truth.ceiling)
        if comparison.truth.uniform > low - (high - low):
            low = min(low, comparison.truth.uniform)
    room = 0.03 * (high - low) or 1.0
    return low - room, high + room


def _legend(comparison: Comparison) -> list[Any]:
    def mark(face: str, label: str) -> Line2D:
        return Line2D([], [], linestyle="", marker="o", markerfacecolor=face, markeredgecolor=INK, label=label)

    n = len(comparison.seeds)
    handles: list[Any] = [mark("none", "one seed (piled where many are alike)")]
    if comparison.truth is not None:
        handles.append(mark(INK, "one seed with an optimal policy"))
    if n > 3:
        handles.append(Patch(facecolor=INK, alpha=0.35, label="middle half of the seeds, with the median"))
    line: Any = "" if n == 1 else "-"
    words = "mean" if n == 1 else "mean with its 95% interval (Student's t)"
    handles.append(
        Line2D([], [], color=INK, linestyle=line, linewidth=1.3, marker="D", markerfacecolor="white", label=words)
    )
    return handles
