"""Sensitivity: how a method's score goes with a setting, and how two settings work together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullLocator

from qlearn.comparison.settings import shown
from qlearn.comparison.sweep_words import METRIC_WORDS, heading
from qlearn.comparison.sweeps import Curve, Sweep
from qlearn.comparison.words import number
from qlearn.errors import InputError
from qlearn.reports.style import FAINT, INK, look, new_figure, reference_lines, style, wrapped

MOST_CURVES = 7  # that colours tell apart
_MOST_TICKS = 9
_WRITTEN = 120  # cells up to which numbers are written into them


def sensitivity(sweep: Sweep, name: str | None = None) -> Figure:
    """Return the curves of the score over one setting, and of the share of optimal policies where a model is known.

    A line for each method and each combination of the other settings, through the mean of every value with its 95%
    interval (Student's t; Wilson's for shares).  With more than seven such lines, those through each method's best
    setting are drawn in colour and the others in grey.

    Args:
        sweep: what `sweep` returned.
        name: of the setting; the first where it is None.

    Raises:
        InputError: a setting that does not vary.
    """
    name = sweep.names[0] if name is None else name
    if name not in sweep.names:
        raise InputError(f"{name!r} does not vary in this sweep; expected one of {', '.join(sweep.names)}.")
    curves = sweep.curves(name)
    with style():
        columns = 1 if sweep.truth is None else 2
        figure = new_figure(1.4 + 4.4 * columns, 4.6)
        grid = figure.subplots(1, columns, squeeze=False)[0]
        places, log = _places([point.values[name] for curve in curves for point in curve.points])
        handles: list[Any] = []
        for i, curve in enumerate(_in_colour(sweep, curves)):
            handles += _draw(grid, (name, curve), i, places)
        for curve in curves if len(curves) > MOST_CURVES else ():
            _draw(grid, (name, curve), None, places)
        for axes in grid:
            _axis(axes, name, places, log)
        grid[0].set_ylabel(f"mean {METRIC_WORDS[sweep.metric]}")
        if columns == 2:
            grid[1].set_ylabel("share of runs with an optimal policy")
            grid[1].set_ylim(-0.03, 1.03)
            handles += reference_lines(grid[0], sweep.truth, across=True, limits=_opened(grid[0], sweep))
        if len(curves) > MOST_CURVES:
            handles.append(Line2D([], [], color=FAINT, label="other combinations"))
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
        figure.suptitle(
            wrapped(f"Sensitivity to {name}. {heading(sweep)}", 60 * columns), x=0.01, ha="left", fontsize=12
        )
        return figure


def interaction(sweep: Sweep, across: str, down: str, method: str | None = None) -> Figure:
    """Return a heat map of one method's mean score over two settings; of others, the best value counts.

    Args:
        sweep: what `sweep` returned.
        across: the setting whose values lie along x.
        down: the one whose values lie along y.
        method: its name; the first where it is None.

    Raises:
        InputError: a setting that does not vary.
    """
    for name in (across, down):
        if name not in sweep.names:
            raise InputError(f"{name!r} does not vary in this sweep; expected one of {', '.join(sweep.names)}.")
    method = sweep.methods[0] if method is None else method
    points = [point for point in sweep.points if point.method == method]
    xs = _ordered([point.values[across] for point in points])
    ys = _ordered([point.values[down] for point in points])
    cells = np.full((len(ys), len(xs)), np.nan)
    for point in points:
        row, column = ys.index(shown(point.values[down])), xs.index(shown(point.values[across]))
        cells[row, column] = np.nanmax([cells[row, column], np.nan if point.mean is None else point.mean.mean, -np.inf])
    with style():
        figure = new_figure(
            float(np.clip(2.6 + 0.75 * len(xs), 4.2, 13)), float(np.clip(1.9 + 0.45 * len(ys), 3.0, 11))
        )
        axes = figure.subplots()
        _heat(axes, np.where(np.isfinite(cells), cells, np.nan))
        axes.set_xticks(range(len(xs)), xs, rotation=45 if max(map(len, xs)) > 6 else 0)
        axes.set_yticks(range(len(ys)), ys)
        axes.set_xlabel(across)
        axes.set_ylabel(down)
        best = np.unravel_index(np.nanargmax(cells), cells.shape)
        axes.add_patch(Rectangle((best[1] - 0.46, best[0] - 0.46), 0.92, 0.92, fill=False, edgecolor=INK, linewidth=2))
        title = f"{method}: mean {METRIC_WORDS[sweep.metric]}"
        axes.set_title(wrapped(title, int(10 * figure.get_figwidth())))
        return figure


def _in_colour(sweep: Sweep, curves: tuple[Curve, ...]) -> list[Curve]:
    if len(curves) <= MOST_CURVES:
        return list(curves)
    bests = sweep.bests
    return [curve for curve in curves if any(point in bests for point in curve.points)][:MOST_CURVES]


def _draw(grid: Any, named: tuple[str, Curve], i: int | None, places: dict[str, float]) -> list[Any]:
    """Draw one curve into all panels; ``i`` None: in grey, without its intervals."""
    name, curve = named
    apart = len(curve.points[0].values) > len(curve.fixed) + 1  # a search's, whose other settings are all different
    points = sorted(
        (point for point in curve.points if point.mean is not None), key=lambda point: places[shown(point.values[name])]
    )
    x = np.array([places[shown(point.values[name])] for point in points])
    rows: list[Any] = [[(point.mean.mean, point.mean.interval) for point in points if point.mean is not None]]
    rows += [[(point.share_optimal, point.share) for point in points]] if len(grid) > 1 else []
    shape = look(0 if i is None else i)
    words: dict[str, Any] = {"color": FAINT, "linewidth": 0.8, "zorder": 1}
    if i is not None:
        words = {"color": shape.colour, "linewidth": 1.7, "zorder": 3, "linestyle": shape.line}
        words |= {"marker": shape.marker, "markersize": 5} | ({"linestyle": "none"} if apart else {})
    for axes, row in zip(grid, rows, strict=True):
        axes.plot(x, [value for value, _ in row], **words)
        if i is not None and all(bounds is not None for _, bounds in row):
            low, high = ([getattr(bounds, end) for _, bounds in row] for end in ("low", "high"))
            if apart:
                axes.vlines(x, low, high, color=shape.colour, alpha=0.4, linewidth=1.2, zorder=2)
            else:
                axes.fill_between(x, low, high, color=shape.colour, alpha=0.2, linewidth=0, zorder=2)
    return [] if i is None else [Line2D([], [], **words, label=wrapped(curve.name, 44))]


def _places(values: list[Any]) -> tuple[dict[str, float], bool]:
    """Where each value lies, and whether on a logarithmic axis; what is no number lies at equal distances."""
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(values):
        return {word: float(i) for i, word in enumerate(dict.fromkeys(shown(value) for value in values))}, False
    positive = [value for value in numbers if value > 0]
    log = len(positive) == len(numbers) and max(positive) >= 20 * min(positive)
    return {shown(value): float(value) for value in numbers}, log


def _axis(axes: Axes, name: str, places: dict[str, float], log: bool) -> None:
    axes.set_xlabel(name)
    if log:
        axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    if len(places) <= _MOST_TICKS:
        kept = sorted(places, key=lambda word: places[word])
        axes.set_xticks([places[word] for word in kept], kept, rotation=30 if sum(map(len, kept)) > 40 else 0)
    elif log:
        low, high = (math.floor(math.log10(end(places.values()))) for end in (min, max))
        tens = [10.0**power for power in range(low, high + 2)]
        axes.set_xticks(tens, [f"{ten:g}" for ten in tens])
        axes.set_xlim(min(places.values()) / 1.3, max(places.values()) * 1.3)


def _opened(axes: Axes, sweep: Sweep) -> tuple[float, float]:
    """Widen the picture so that optimum and control lie in it where they are near."""
    low, high = axes.get_ylim()
    assert sweep.truth is not None
    for value in (sweep.truth.optimum, sweep.truth.uniform):
        if low - (high - low) <= value <= high + (high - low):
            low, high = min(low, value), max(high, value)
    room = 0.04 * (high - low)
    axes.set_ylim(low - room, high + room)
    return low - room, high + room


def _ordered(values: list[Any]) -> list[str]:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return list(dict.fromkeys(shown(value) for value in (sorted(values) if numbers else values)))


def _heat(axes: Axes, cells: Any) -> None:
    image = axes.imshow(np.ma.masked_invalid(cells), cmap="cividis", aspect="auto", interpolation="nearest")
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.06, aspect=40, pad=0.03)
    bar.outline.set_visible(False)
    axes.tick_params(length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    low, high = float(np.nanmin(cells)), float(np.nanmax(cells))
    if cells.size > _WRITTEN:
        return
    for (row, column), value in np.ndenumerate(cells):
        if np.isfinite(value):
            colour = "white" if value - low < 0.55 * (high - low) else "black"
            axes.text(column, row, number(float(value)), ha="center", va="center", fontsize=9, color=colour)
