"""What a drawing of a problem shows, checked: which states are plain, hatched or coloured, and in which colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from qlearn.environments import FiniteMDP, make
from qlearn.environments.finite_mdp import BoolArray, FloatArray
from qlearn.errors import InputError
from qlearn.planning import as_probabilities
from qlearn.reports.style import INK

NEVER, TERMINAL, BARRED = "////", "xxxx", "...."
WALL, HATCH = "#4A4A4A", "#8A8A8A"
MOST_STATES = 2_000  # what can still be told apart in a picture
COLOURS = "cividis"  # its lightness rises evenly, so it reads the same in grey
_LIGHT = 0.5  # the lightness from which on ink is read better than white


@dataclass(frozen=True, eq=False)
class Scene:
    """What is drawn, checked.

    Args:
        world: the problem.
        values: (S,) or None; NaN where there is none.
        policy: (S, A) shares of each action, the largest of a state 1, or None.
        visits: (S,) or None.
        reached: (S,) whether any policy comes to a state.
    """

    world: FiniteMDP
    values: FloatArray | None
    policy: FloatArray | None
    visits: FloatArray | None
    reached: BoolArray

    @property
    def never(self) -> BoolArray:
        """(S,) states that were not visited."""
        unvisited = np.zeros(self.world.num_states, np.bool_) if self.visits is None else self.visits == 0
        return unvisited & ~self.world.terminal_states & self.reached

    def hatch(self, state: int) -> str | None:
        """How a state is hatched; such a state shows no value and no action."""
        if self.world.terminal_states[state]:
            return TERMINAL
        return BARRED if not self.reached[state] else NEVER if self.never[state] else None

    @property
    def shown(self) -> FloatArray:
        """(S,) the values of states that are not hatched, NaN elsewhere."""
        plain = ~(self.world.terminal_states | self.never) & self.reached
        return np.where(plain, np.nan if self.values is None else self.values, np.nan)

    def scale(self) -> Normalize:
        """The range of the colours."""
        shown = self.shown[np.isfinite(self.shown)]
        low, high = (float(shown.min()), float(shown.max())) if shown.size else (0.0, 0.0)
        return Normalize(low, high if high > low else low + 1.0)

    def colours(self, state: int) -> tuple[Any, str]:
        """The face of a state, and the ink that can be read on it."""
        if self.values is None or self.hatch(state) or not np.isfinite(self.values[state]):
            return "white", INK
        face = mpl.colormaps[COLOURS](self.scale()(float(self.values[state])))
        light = 0.2126 * face[0] + 0.7152 * face[1] + 0.0722 * face[2]
        return face, INK if light > _LIGHT else "white"

    def written(self) -> list[str]:
        """The values as short texts with one number of places; empty where nothing is to be written."""
        if self.values is None:
            return [""] * self.world.num_states
        shown = np.where(np.isfinite(self.shown), self.shown, np.nan)
        size = float(np.nanmax(np.abs(shown), initial=0.0))
        whole = bool((np.isnan(shown) | (np.abs(shown - np.rint(shown)) < 1e-9)).all())
        places = 0 if whole or size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 3
        return [f"{v:.{places}f}".replace("-", "−") if np.isfinite(v) else "" for v in shown]


def scene_of(mdp: Any, values: Any, policy: Any, visits: Any) -> Scene:
    """Return the scene; raises InputError for what cannot be drawn."""
    world = make(mdp)
    if not isinstance(world, FiniteMDP):
        raise InputError(f"The model of {world.name} is not known, so there is nothing to draw. Pass a FiniteMDP.")
    S, A = world.num_states, world.num_actions
    if S > MOST_STATES:
        raise InputError(
            f"{world.name} has {S:,} states; expected at most {MOST_STATES:,}, which a picture can show. Draw a "
            "smaller problem of this kind."
        )
    given = {"values": values, "visits": visits}
    arrays: dict[str, Any] = {}
    for name, array in given.items():
        found = None if array is None else np.asarray(array, np.float64)
        if found is not None and found.shape not in ((S,), (S, A)):
            raise InputError(
                f"`{name}` has shape {found.shape}; expected ({S},) or ({S}, {A}) for {world.name}. Choose a seed, or "
                "take the mean over seeds."
            )
        arrays[name] = found
    if visits is not None and not (arrays["visits"] >= 0).all():
        raise InputError("`visits` holds a number below 0 or none at all; expected counts. Pass `runs.visits[seed]`.")
    shares = None if policy is None else _shares(world, policy)
    table, counts = arrays["values"], arrays["visits"]
    if table is not None and table.ndim == 2:
        legal = np.where(world.legal, table, -np.inf)
        table = legal.max(axis=1)
        if policy is None:
            near = 1e-9 * np.maximum(1.0, np.abs(table))
            shares = (legal >= (table - near)[:, None]).astype(np.float64)
    counts = counts.sum(axis=1) if counts is not None and counts.ndim == 2 else counts
    return Scene(world, table, shares, counts, _reached(world))


def _reached(world: FiniteMDP) -> BoolArray:
    """Return which states can be come to from a start."""
    row = np.repeat(np.arange(len(world.offsets) - 1), np.diff(world.offsets)) // world.num_actions
    reached: BoolArray = world.initial > 0
    while True:
        onward = np.zeros_like(reached)
        onward[world.next_state[reached[row] & ~world.terminal_states[row]]] = True
        if (onward <= reached).all():
            return reached
        reached = reached | onward


def _shares(world: FiniteMDP, policy: Any) -> FloatArray:
    array = np.asarray(policy)
    if array.dtype == np.bool_ and array.shape == (world.num_states, world.num_actions):
        return array.astype(np.float64)
    weights = as_probabilities(world, array)
    return weights / weights.max(axis=1, keepdims=True)


def short(count: float) -> str:
    """Return a count in at most four characters.

    >>> [short(n) for n in (7, 1234, 56789, 4.2e6, 3e9)]
    ['7', '1.2k', '57k', '4.2M', '3G']
    """
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            digits = f"{count / size:.1f}" if count < 10 * size else f"{count / size:.0f}"
            return digits.removesuffix(".0") + unit
    return f"{count:.0f}"


def legend_of(scene: Scene, walls: bool = False) -> list[Any]:
    """What the hatches mean."""
    handles: list[Any] = []
    if scene.world.terminal_states.any():
        handles.append(Patch(facecolor="none", edgecolor=HATCH, hatch=TERMINAL, label="terminal state"))
    if scene.never.any():
        handles.append(Patch(facecolor="none", edgecolor=HATCH, hatch=NEVER, label="never visited"))
    barred = ~scene.reached & ~scene.world.terminal_states
    if barred.any():
        handles.append(Patch(facecolor="none", edgecolor=HATCH, hatch=BARRED, label="cannot be reached"))
    if walls:
        handles.append(Patch(facecolor=WALL, label="no state"))
    return handles


def finish(figure: Figure, axes: Axes, scene: Scene, handles: list[Any]) -> None:
    """Add the bar of colours and the legend."""
    if scene.values is not None:
        mappable = mpl.cm.ScalarMappable(scene.scale(), mpl.colormaps[COLOURS])
        bar = figure.colorbar(mappable, ax=axes, fraction=0.05, pad=0.02, aspect=22, shrink=0.92)
        bar.set_label("value")
        bar.outline.set_linewidth(0)
    if handles:
        figure.legend(handles=handles, loc="outside lower left", ncols=3, handleheight=1.3)
