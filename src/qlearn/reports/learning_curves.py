"""Learning curves: what each agent earned while learning, beside what its greedy policy was worth."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from scipy import stats

from qlearn.comparison import AgentResult, Comparison
from qlearn.comparison.exports import heading
from qlearn.environments.finite_mdp import FloatArray, IntArray
from qlearn.reports.style import FAINT, INK, Look, look, new_figure, reference_lines, style, wrapped
from qlearn.training import Runs

SINGLE_SEEDS = 3
FEWEST_FOR_BAND = 10
CEILING: dict[str, Any] = {"color": INK, "linewidth": 2.2, "alpha": 0.8, "linestyle": (0, (0.5, 1))}
MOST_POINTS = 400  # of a curve in the picture; more than a screen tells apart


def learning_curves(comparison: Comparison) -> Figure:
    """Return a figure with a row for each agent: online return to the left, exact value of the greedy policy right.

    Without a model the right column is left out.  Every panel shows the mean over seeds with its 95% interval
    (Student's t), a band that holds the middle 80% of the seeds, the first three seeds one by one, and the other
    agents' means in grey.  Online return is averaged over the last episodes, looking only backwards; the title says
    over how many.

    >>> import qlearn as ql
    >>> found = ql.compare([ql.QLearning()], "NChain-v0", episodes=4, seeds=3, snapshots=2)
    >>> len(learning_curves(found).axes)
    2
    """
    with style():
        agents = comparison.agents
        window = smoothing(comparison)
        online = [curve_of(agent.runs, window) for agent in agents]
        exact: list[Curve | None] = [_exact(agent) for agent in agents]
        limits = _limits(comparison, online, exact)
        columns = 1 if all(curve is None for curve in exact) else 2
        figure = new_figure(2.5 + 4.0 * columns, 1.9 + 2.5 * len(agents))
        grid = figure.subplots(len(agents), columns, sharey=True, sharex="col", squeeze=False)
        for i, agent in enumerate(agents):
            for axes, curves in zip(grid[i], (list[Any](online), list[Any](exact)), strict=False):
                _panel(axes, curves, i)
                reference_lines(axes, comparison.truth, across=True, limits=limits)
                axes.set_ylim(*limits)
            _online_ceiling(grid[i][0], agent)
            grid[i][0].set_ylabel(f"{wrapped(agent.name)}\n\nreturn of an episode")
        _words(grid, comparison, window)
        handles = _legend(comparison, limits, grid[0][0])
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
        title = wrapped(f"Learning curves. {heading(comparison)}", 60 * columns)
        figure.suptitle(title, x=0.01, ha="left", fontsize=12)
        return figure


def smoothing(comparison: Comparison) -> int:
    """Return over how many of the last episodes online returns are averaged: 2% of all, at least 1."""
    return max(1, max(agent.runs.returns.shape[1] for agent in comparison.agents) // 50)


def trailing_mean(values: FloatArray, window: int) -> FloatArray:
    """Return the mean of the last ``window`` entries along the last axis; at the start, of those there are.

    >>> trailing_mean(np.array([[1.0, 3.0, 5.0]]), 2).tolist()
    [[1.0, 2.0, 4.0]]
    """
    total = np.cumsum(values, axis=-1)
    before = np.concatenate([np.zeros((*values.shape[:-1], 1)), total], axis=-1)
    ends = np.arange(1, values.shape[-1] + 1)
    starts = np.maximum(0, ends - window)
    mean: FloatArray = (before[..., ends] - before[..., starts]) / (ends - starts)
    return mean


Curve = tuple[IntArray | FloatArray, FloatArray]  # positions (k,), values (n, k)


def curve_of(runs: Runs, window: int) -> Curve:
    """Return the mean return of the last ``window`` episodes, at up to MOST_POINTS episodes.

    As far as every seed got: beyond, the mean would be over the seeds with short episodes only.
    """
    common = int(runs.num_episodes.min())
    values = trailing_mean(np.asarray(runs.returns[:, :common], dtype=np.float64), window)
    kept = np.unique(np.linspace(0, common - 1, MOST_POINTS).astype(np.int64)) if common else np.zeros(0, np.int64)
    return kept + 1, values[:, kept]


def _exact(agent: AgentResult) -> Curve | None:
    found = agent.evaluation
    if found.curve is None or found.positions is None:
        return None
    return found.positions, found.curve


def _panel(axes: Axes, curves: list[Any], own: int) -> None:
    for i, curve in enumerate(curves):
        if i != own and curve is not None and curve[1].shape[1]:
            axes.plot(curve[0], curve[1].mean(axis=0), color=FAINT, linewidth=0.9, linestyle=look(i).line, zorder=1)
    curve = curves[own]
    if curve is None or curve[1].shape[1] == 0:
        why = "no snapshots with a model" if curve is None else "no episode was completed by every seed"
        axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=FAINT)
        return
    bands(axes, curve, look(own))


def bands(axes: Axes, curve: Curve, shown: Look) -> None:
    """Draw one curve: the mean over seeds, its 95% interval, the band of the middle 80%, the first seeds singly."""
    x, values = curve
    mean, n = values.mean(axis=0), len(values)
    if n >= FEWEST_FOR_BAND:
        low, high = np.quantile(values, [0.1, 0.9], axis=0)
        axes.fill_between(x, low, high, color=shown.colour, alpha=0.15, linewidth=0, zorder=1.2)
    for seed in values[: min(SINGLE_SEEDS, n)] if n > 1 else []:
        axes.plot(x, seed, color=shown.colour, alpha=0.55, linewidth=0.6, zorder=1.3)
    if n > 1:
        half = stats.t.ppf(0.975, n - 1) * values.std(axis=0, ddof=1) / np.sqrt(n)
        axes.fill_between(x, mean - half, mean + half, color=shown.colour, alpha=0.45, linewidth=0, zorder=2)
    every = max(1, len(x) // 8)
    axes.plot(
        x,
        mean,
        color=shown.colour,
        linestyle=shown.line,
        linewidth=1.8,
        marker=shown.marker,
        markersize=4.5,
        markevery=every,
        zorder=3,
    )


def _online_ceiling(axes: Axes, agent: AgentResult) -> None:
    found = agent.exploring
    if found is not None and found.episodes is not None and found.ceiling is not None and found.epsilon > 0:
        axes.plot(found.episodes, found.ceiling, zorder=2.5, **CEILING)


def _limits(comparison: Comparison, online: list[Any], exact: list[Any]) -> tuple[float, float]:
    """Hold what the agents earn after the first steps; references that lie near extend the picture."""
    values = [curve[1][:, curve[1].shape[1] // 10 :] for curve in (*online, *exact) if curve is not None]
    flat = np.concatenate([some.ravel() for some in values if some.size] or [np.zeros(1)])
    low, high = float(np.quantile(flat, 0.005)), float(np.quantile(flat, 0.995))
    if comparison.truth is not None:
        high = max(high, comparison.truth.ceiling, comparison.truth.optimum)
        low = min(low, comparison.truth.optimum)
        if comparison.truth.uniform > low - (high - low):
            low = min(low, comparison.truth.uniform)
    room = 0.05 * (high - low) or 1.0
    return low - room, high + room


def _words(grid: Any, comparison: Comparison, window: int) -> None:
    averaged = "" if window == 1 else f"\n(mean of the last {window} episodes)"
    grid[0][0].set_title(f"online return, exploration included{averaged}")
    how = "" if comparison.truth is None else "\n(no sampling)"
    if grid.shape[1] > 1:
        grid[0][1].set_title(f"exact value of the greedy policy{how}")
    grid[-1][0].set_xlabel("episode")
    unit = comparison.agents[0].evaluation.unit or "episode"
    if grid.shape[1] > 1:
        grid[-1][1].set_xlabel("episodes of training" if unit == "episode" else "steps of training")
    for axes in grid.ravel():
        axes.tick_params(labelleft=True)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _legend(comparison: Comparison, limits: tuple[float, float], axes: Axes) -> list[Any]:
    n = len(comparison.seeds)
    handles: list[Any] = [Line2D([], [], color=INK, linewidth=1.8, marker="o", markersize=4.5, label=mean_words(n))]
    if n > 1:
        handles.append(Patch(color=INK, alpha=0.45, linewidth=0, label="95% interval of the mean (Student's t)"))
    if n >= FEWEST_FOR_BAND:
        handles.append(Patch(color=INK, alpha=0.15, linewidth=0, label="the middle 80% of the seeds"))
    if n > 1:
        some = min(SINGLE_SEEDS, n)
        handles.append(Line2D([], [], color=INK, alpha=0.55, linewidth=0.6, label=f"the first {some} seeds singly"))
    if len(comparison.agents) > 1:
        handles.append(Line2D([], [], color=FAINT, linestyle="--", label="means of the other agents, in grey"))
    if any(a.exploring is not None and a.exploring.ceiling is not None for a in comparison.agents):
        handles.append(Line2D([], [], **CEILING, label="online ceiling: the best at that episode's ε"))
    return handles + reference_lines(axes, comparison.truth, across=True, limits=limits)


def mean_words(n: int) -> str:
    """Say what the bold line is."""
    return "the one seed" if n == 1 else f"mean of {n} seeds"
