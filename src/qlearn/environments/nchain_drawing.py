"""The chain as a picture: the states in a row, where we are, what was done last and whether it slipped."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch
from numpy.typing import NDArray

INK, PAPER, ACCENT, PALE = "#1c2b39", "white", "#b5482a", "#9aa5b1"
_PER_ROW_SHOWN = 9  # a longer chain is drawn as the part around the current state


class ChainDrawing:
    """Draws one chain again and again; the figure is made once.

    Args:
        n: number of states.
        small: reward for going back, written under state 0.
        large: reward for going forward in the last state, written under it.
    """

    def __init__(self, n: int, small: float, large: float) -> None:
        self.n, self.small, self.large = n, small, large
        self.shown = min(n, _PER_ROW_SHOWN)
        self.figure = Figure(figsize=(1.2 * max(self.shown, 4) + 0.6, 2.4), dpi=100, facecolor=PAPER)
        self.canvas = FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_axes((0, 0, 1, 1))

    def draw(self, state: int, last_action: int | None, slipped: bool, words: str) -> NDArray[np.uint8]:
        """Return the picture as (height, width, 3) bytes."""
        first = min(max(state - self.shown // 2, 0), self.n - self.shown)
        self._prepare(words)
        for place, s in enumerate(range(first, first + self.shown)):
            self._draw_state(place, s, s == state)
        if first > 0:
            self.axes.text(-0.55, 0, "…", ha="center", va="center", color=INK, fontsize=16)
        if first + self.shown < self.n:
            self.axes.text(self.shown - 0.45, 0, "…", ha="center", va="center", color=INK, fontsize=16)
        if last_action is not None:
            self._draw_arrow(state - first, last_action, slipped)
        canvas: Any = self.canvas  # Matplotlib brings types for half of it
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()

    def _prepare(self, words: str) -> None:
        self.axes.clear()
        self.axes.set_axis_off()
        middle, half = (self.shown - 1) / 2, max(self.shown, 4) / 2 + 0.25
        self.axes.set_xlim(middle - half, middle + half)
        self.axes.set_ylim(-1.0, 1.0)
        self.axes.set_aspect("equal", adjustable="datalim")
        self.axes.text(middle, -0.82, words, ha="center", va="center", color=INK, fontsize=12)

    def _draw_state(self, place: int, state: int, here: bool) -> None:
        self.axes.add_patch(Circle((place, 0), 0.32, facecolor=INK if here else PAPER, edgecolor=INK, lw=2))
        self.axes.text(
            place,
            0,
            str(state),
            ha="center",
            va="center",
            color=PAPER if here else INK,
            fontsize=14,
            weight="bold",
        )
        if place + 1 < self.shown:
            self.axes.plot([place + 0.34, place + 0.66], [0, 0], color=PALE, lw=2)
        pays = [f"back {self.small:g}"] * (state == 0) + [f"stay {self.large:g}"] * (state == self.n - 1)
        self.axes.text(place, -0.5, ", ".join(pays), ha="center", va="center", color=INK, fontsize=10)

    def _draw_arrow(self, place: int, last_action: int, slipped: bool) -> None:
        """Draw the action that was carried out above the state it led to; a slip is dashed."""
        forward = (last_action == 0) != slipped
        style: dict[str, Any] = {
            "color": ACCENT if slipped else INK,
            "linestyle": (0, (3, 2)) if slipped else "solid",
        }
        start, end = (place - 0.45, place + 0.4) if forward else (place + 0.45, place - 0.4)
        self.axes.add_patch(
            FancyArrowPatch((start, 0.55), (end, 0.55), arrowstyle="-|>", mutation_scale=16, lw=2, **style)
        )
        if slipped:
            self.axes.text(place, 0.78, "slipped", ha="center", va="center", color=ACCENT, fontsize=11)
