"""The tutorial's curve: mean reward per step of every episode, beside what the greedy policy is worth."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from qlearn.comparison.exploring import Exploring, epsilons_at, exploring
from qlearn.errors import InputError
from qlearn.evaluation import RunsEvaluation, Truth, evaluate
from qlearn.reports.learning_curves import (
    CEILING,
    FEWEST_FOR_BAND,
    SINGLE_SEEDS,
    bands,
    curve_of,
    mean_words,
)
from qlearn.reports.style import FAINT, INK, look, new_figure, style
from qlearn.training import Runs

_OPTIMUM: dict[str, Any] = {"color": INK, "linestyle": (0, (6, 2)), "linewidth": 1.1}
_UNIFORM: dict[str, Any] = {"color": INK, "linestyle": (0, (4, 2, 1, 2)), "linewidth": 1.1}
_RAW: dict[str, Any] = {"color": FAINT, "alpha": 0.5, "linewidth": 0.5}


def network_curve(runs: Runs, found: RunsEvaluation | None = None) -> Figure:
    """Return a figure of one agent's learning in reward per step: what it earned, and what it knew.

    To the left the curve that tutorials plot, the mean reward per step of every episode, exploration included, under
    the online ceiling: the most that any policy can expect to earn at that episode's own ε, exactly.  To the right the
    exact value of the greedy policy at every snapshot.  Both show the mean over seeds with its 95% interval, the middle
    80% of the seeds and the first few seeds.  What was earned is averaged over the last 2% of the episodes, looking
    only backwards; the first seed is there as it is too, in grey.

    Args:
        runs: on a model, with snapshots, every episode as long as the horizon.
        found: what `qlearn.evaluate` says about them, where it is at hand.

    Raises:
        InputError: where there is no model or no snapshots, or where episodes end early, so that a reward per step of
            one says nothing about a return.

    >>> import qlearn as ql
    >>> runs = ql.train(ql.QLearning(), "NChain-v0", episodes=4, seeds=3, snapshots=2)
    >>> [axes.get_title(loc="left").split(":")[0] for axes in network_curve(runs).axes]
    ['What it earned', 'What it knew']
    """
    found = evaluate(runs) if found is None else found
    truth = _truth(runs, found)
    per_step = 1.0 / truth.horizon
    assert found.curve is not None
    assert found.positions is not None
    window = max(1, runs.returns.shape[1] // 50)
    told = exploring(runs, truth)
    with style():
        figure = new_figure(10.5, 5.6)
        left, right = figure.subplots(1, 2, sharey=True)
        first = runs.returns[0, : runs.num_episodes[0]] * per_step
        left.plot(np.arange(1, len(first) + 1), first, zorder=1, **_RAW)
        for axes, (x, values) in ((left, curve_of(runs, window)), (right, (found.positions, found.curve))):
            bands(axes, (x, values * per_step), look(0))
            axes.axhline(truth.optimum * per_step, zorder=1.5, **_OPTIMUM)
            axes.axhline(truth.uniform * per_step, zorder=1.5, **_UNIFORM)
            axes.set_xlim(0, x[-1])
        _ceiling(left, runs, told, per_step)
        _words(left, right, found, window)
        handles = _legend(len(runs.seeds), truth, told, per_step)
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
        size = f"{len(runs.seeds):,} seeds × {int(runs.num_episodes.max()):,} episodes"
        title = f"Reward per step, {runs.label}. {runs.environment.name}: {size}"
        figure.suptitle(title, x=0.01, ha="left", fontsize=12)
        return figure


def _truth(runs: Runs, found: RunsEvaluation) -> Truth:
    if found.truth is None or found.curve is None:
        lacks = "no model" if found.truth is None else "no snapshots"
        raise InputError(
            f"These runs of {runs.label} have {lacks}; expected runs on a model with snapshots. "
            "Pass `snapshots=50` to `ql.train`, and an environment that `qlearn envs` lists with its states."
        )
    lengths = runs.lengths[runs.lengths > 0]
    if lengths.size == 0 or (lengths != found.truth.horizon).any():
        raise InputError(
            f"Episodes on {runs.environment.name} took {lengths.min(initial=0)} to {lengths.max(initial=0)} steps; "
            f"expected {found.truth.horizon} always, so that reward per step and return tell the same. "
            "Pass a comparison to `learning_curves`, which draws returns."
        )
    return found.truth


def _ceiling(axes: Axes, runs: Runs, told: Exploring | None, per_step: float) -> None:
    """Draw the online ceiling above everything, and write ε at both its ends."""
    if told is None or told.episodes is None or told.ceiling is None:
        return
    ends = told.episodes[[0, -1]]
    axes.plot(told.episodes, told.ceiling * per_step, zorder=3.5, **CEILING)
    epsilons = epsilons_at(runs.agent.exploration.epsilon, ends - 1)
    for x, y, epsilon, side in zip(ends, told.ceiling[[0, -1]] * per_step, epsilons, ("left", "right"), strict=True):
        away = (6, 40) if side == "left" else (-4, 64)  # in points, to where no curve runs
        axes.annotate(
            f"ε = {epsilon:.2g}",
            (x, y),
            xytext=away,
            textcoords="offset points",
            ha=side,
            arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.7},
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
            zorder=4,
        )


def _words(left: Axes, right: Axes, found: RunsEvaluation, window: int) -> None:
    averaged = "" if window == 1 else f" (mean of the last {window} episodes)"
    left.set_title(f"What it earned: reward per step, exploration included\n{averaged.strip()}")
    right.set_title("What it knew: exact value of the greedy policy per step\n(no sampling)")
    left.set_ylabel("reward per step")
    left.set_xlabel("episode")
    right.set_xlabel("episodes of training" if found.unit == "episode" else "steps of training")
    for axes in (left, right):
        axes.tick_params(labelleft=True)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _legend(n: int, truth: Truth, told: Exploring | None, per_step: float) -> list[Any]:
    shown = look(0)
    mean: dict[str, Any] = {"color": shown.colour, "linewidth": 1.8, "marker": shown.marker, "markersize": 4.5}
    handles: list[Any] = [Line2D([], [], label=mean_words(n), **mean)]
    if n > 1:
        handles.append(
            Patch(color=shown.colour, alpha=0.45, linewidth=0, label="95% interval of the mean (Student's t)")
        )
    if n >= FEWEST_FOR_BAND:
        handles.append(Patch(color=shown.colour, alpha=0.15, linewidth=0, label="the middle 80% of the seeds"))
    if n > 1:
        some = f"the first {min(SINGLE_SEEDS, n)} seeds singly"
        handles.append(Line2D([], [], color=shown.colour, alpha=0.55, linewidth=0.6, label=some))
    handles.append(Line2D([], [], label="the first seed, every episode for itself", **_RAW))
    if told is not None and told.ceiling is not None:
        handles.append(Line2D([], [], **CEILING, label="online ceiling: the best at that episode's ε"))
    optimum, uniform = (f"{value * per_step:.4g}" for value in (truth.optimum, truth.uniform))
    handles.append(Line2D([], [], label=f"optimum {optimum}: greedy for Q*", **_OPTIMUM))
    handles.append(Line2D([], [], label=f"uniform policy {uniform}: the control", **_UNIFORM))
    return handles
