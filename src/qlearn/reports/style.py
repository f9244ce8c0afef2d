"""How every figure looks: the same in every room, readable in grey and by the colour-blind.

Figures are made without pyplot, on the Agg canvas, and with settings that hold only while a figure is made or saved.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from qlearn.comparison.words import number
from qlearn.evaluation import Truth

# Okabe and Ito's colours, dark ones first, each with a line style and a marker of its own.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_LINES: tuple[Any, ...] = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)))
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")

INK, FAINT = "#222222", "#9A9A9A"

_SETTINGS: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "text.parse_math": False,  # a name may hold any number of dollars
    "legend.frameon": False,
    "legend.fontsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "path",
    "svg.hashsalt": "qlearn",
    "savefig.dpi": 150,
}


@dataclass(frozen=True)
class Look:
    """Colour, line style and marker of one agent."""

    colour: str
    line: Any
    marker: str


def look(i: int) -> Look:
    """Return the look of agent number ``i``."""
    return Look(_COLOURS[i % len(_COLOURS)], _LINES[i % len(_LINES)], _MARKERS[i % len(_MARKERS)])


@contextmanager
def style() -> Iterator[None]:
    """Hold the settings while figures are made or saved; the user's own come back afterwards."""
    with mpl.rc_context():
        mpl.rcdefaults()
        for name, value in _SETTINGS.items():
            mpl.rcParams[name] = value
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches, on the Agg canvas."""
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.06))
    FigureCanvasAgg(figure)
    return figure


def wrapped(name: str, width: int = 22) -> str:
    r"""Return a name on several lines, five at most.

    >>> wrapped("a rather long name of an agent")
    'a rather long name of\nan agent'
    """
    shown = "".join(letter if letter.isprintable() else " " for letter in name)
    return "\n".join(textwrap.wrap(shown, width, max_lines=5, placeholder=" …")) or shown


REFERENCES: tuple[tuple[str, str, Any], ...] = (
    ("ceiling", "ceiling {}: best of policies that see the clock", (0, (1, 1.5))),
    ("optimum", "optimum {}: greedy for Q*", (0, (6, 2))),
    ("uniform", "uniform policy {}: the control", (0, (4, 2, 1, 2))),
)


def reference_lines(axes: Axes, truth: Truth | None, *, across: bool, limits: tuple[float, float]) -> list[Any]:
    """Draw optimum, ceiling and uniform control, those within ``limits``.

    Args:
        axes: where.
        truth: what is known; nothing is drawn where it is None.
        across: whether values run along y (horizontal lines) or along x.
        limits: of the value axis; a reference outside is only named in the legend, which says so.

    Returns:
        Handles for a legend.
    """
    if truth is None:
        return []
    handles = []
    for field, words, line in REFERENCES:
        value = float(getattr(truth, field))
        inside = limits[0] <= value <= limits[1]
        label = words.format(number(value, 1)) + ("" if inside else " (outside the picture)")
        at = [value] if inside else []
        draw = axes.axhline if across else axes.axvline
        for place in at:
            draw(place, color=INK, linestyle=line, linewidth=1.1, zorder=1.5)
        handles.append(mpl.lines.Line2D([], [], color=INK, linestyle=line, linewidth=1.1, label=label))
    return handles
