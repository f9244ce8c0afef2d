"""What the figures of published results share: curves with intervals over seeds, in the house's look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from qlearn.reports.style import look, new_figure, style

Numbers = np.ndarray[Any, Any]


def curves(
    x: Numbers,
    lines: Mapping[str, Numbers],
    *,
    title: str,
    across: str,
    along: str,
    limits: tuple[float, float] | None = None,
    logarithmic: bool = False,
) -> Figure:
    """Return a figure of means over seeds, each with its 95% interval as a band.

    Args:
        x: (k,) where the points lie.
        lines: by name, (n, k) one row for each seed, or (k,) where nothing is random.
        title: above the figure.
        across: what the horizontal axis shows, with its unit.
        along: what the vertical axis shows, with its unit.
        limits: of the vertical axis.
        logarithmic: whether the horizontal axis is.

    >>> len(curves(np.arange(3), {"a": np.ones((4, 3))}, title="t", across="x", along="y").axes)
    1
    """
    with style():
        figure = new_figure(7.2, 4.4)
        axes = figure.subplots()
        for i, (name, values) in enumerate(lines.items()):
            curve(axes, i, name, x, values)
        axes.set(title=title, xlabel=across, ylabel=along)
        if limits is not None:
            axes.set_ylim(*limits)
        if logarithmic:
            axes.set_xscale("log")
        axes.legend()
    return figure


def curve(axes: Axes, number: int, name: str, x: Numbers, values: Numbers) -> None:
    """Draw one mean over seeds with its 95% interval (Student's); ``number`` chooses colour and line."""
    values, shown = np.asarray(values, np.float64), look(number)
    mean = values if values.ndim == 1 else values.mean(axis=0)
    axes.plot(x, mean, color=shown.colour, linestyle=shown.line, label=name, linewidth=1.4)
    if values.ndim > 1 and len(values) > 1:
        half = stats.t.ppf(0.975, len(values) - 1) * values.std(axis=0, ddof=1) / np.sqrt(len(values))
        axes.fill_between(x, mean - half, mean + half, color=shown.colour, alpha=0.18, linewidth=0)


def number_panels(panels: Mapping[str, Numbers], *, title: str, places: int) -> Figure:
    """Return tables of numbers side by side, as a book prints value functions.

    Args:
        panels: by name, (rows, columns).
        title: above them.
        places: digits behind the point.

    >>> len(number_panels({"v": np.ones((2, 2))}, title="t", places=1).axes)
    1
    """
    with style():
        figure = new_figure(max(4.0, 2.5 * len(panels)), 3.2)
        for axes, (name, values) in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels.items(), strict=True):
            rows, columns = values.shape
            for (r, c), value in np.ndenumerate(values):
                told = f"{value:.{places}f}".replace("-", "−")
                axes.text(c + 0.5, r + 0.5, told, ha="center", va="center", fontsize=8.5)
            axes.set(title=name, xticks=range(columns + 1), yticks=range(rows + 1), xlim=(0, columns), ylim=(rows, 0))
            axes.set_aspect("equal")
            axes.grid(color="#B5B5B5", linewidth=0.6)
            axes.tick_params(length=0, labelbottom=False, labelleft=False)
        figure.suptitle(title, x=0.02, ha="left")
    return figure
