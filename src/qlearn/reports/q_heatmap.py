"""A learnt Q table as a heat map, beside Q* and the difference of the two."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from qlearn.comparison import AgentResult, Comparison
from qlearn.comparison.words import number
from qlearn.environments import FiniteMDP
from qlearn.environments.finite_mdp import BoolArray, FloatArray
from qlearn.errors import InputError
from qlearn.reports.style import INK, new_figure, style, wrapped

_WRITTEN = 80  # cells up to which numbers are written into them
_HATCHED = 120  # states up to which a hatch can be seen; beyond, such cells stay white
_MAP = "cividis"  # its lightness rises evenly, so it reads the same in grey
NEVER, TERMINAL, ILLEGAL = "////", "xxxx", ".."


def q_heatmap(comparison: Comparison, agent: int | str = 0, seed: int | None = None) -> Figure:
    """Return the figure of one agent: its final table, Q* at its discount, and their difference.

    Agents without a discount estimate something else than Q*, so their figure has no difference.

    Args:
        comparison: what `compare` returned.
        agent: its place or its name.
        seed: the seed whose table is shown; None for the mean over all seeds.

    Raises:
        InputError: an agent or a seed that is not there.

    >>> import qlearn as ql
    >>> found = ql.compare([ql.QLearning()], "NChain-v0", episodes=4, seeds=3, snapshots=0)
    >>> [axes.get_title(loc="left") for axes in q_heatmap(found).axes[:2]]
    ['learnt Q, mean of 3 seeds', 'Q*, discount 0.95']
    """
    result = row_of(comparison, agent)
    with style():
        table, never, which = _learnt(result, seed)
        world = comparison.environment
        truth = result.evaluation.truth
        star = None if truth is None else np.where(np.isfinite(truth.solution.q), truth.solution.q, np.nan)
        S, A = table.shape
        panels = 1 if star is None else 2 if result.runs.agent.discount is None else 3
        width = max(3.3, min(5.0, 1.0 + 0.8 * A))
        figure = new_figure(1.0 + width * panels, float(np.clip(1.9 + 0.38 * S, 3.4, 11.0)))
        axes = np.atleast_1d(figure.subplots(1, panels, sharey=True))
        marks = _marks(world, never)
        scales = _scales(table, star)
        _panel(axes[0], (table, marks), f"learnt Q, {which}", scales[0])
        if star is not None and truth is not None:
            _panel(axes[1], (star, marks), f"Q*, discount {truth.discount:g}", scales[1])
        if star is not None and panels == 3:
            difference = np.where(never, np.nan, table - star)  # what was never tried was not learnt
            most = float(np.nanmax(np.abs(difference), initial=0.0, where=np.isfinite(difference))) or 1.0
            _panel(axes[2], (difference, marks), "learnt Q minus Q*", (-most, most))
        _names(axes, world, table.shape)
        _legend(figure, marks)
        figure.suptitle(_title(result, comparison, scales), x=0.01, ha="left", fontsize=12)
        return figure


def row_of(comparison: Comparison, agent: int | str) -> AgentResult:
    """Return an agent's row by its place or name, or raise an `InputError` that tells the names."""
    names = [row.name for row in comparison.agents]
    if isinstance(agent, str) and agent in names:
        return comparison.agents[names.index(agent)]
    if isinstance(agent, int) and -len(names) <= agent < len(names):
        return comparison.agents[agent]
    raise InputError(f"There is no agent {agent!r} in this comparison; expected a place or one of {', '.join(names)}.")


def _learnt(result: AgentResult, seed: int | None) -> tuple[FloatArray, BoolArray, str]:
    runs = result.runs
    tables = np.asarray(runs.q_table, dtype=np.float64)
    if seed is None:
        fine = np.isfinite(tables).all(axis=(1, 2))
        shown = tables[fine] if fine.any() else tables
        failed = "" if fine.all() or not fine.any() else " that did not diverge"
        count = f"mean of {len(shown)} seeds{failed}" if len(tables) > 1 else f"seed {int(runs.seeds[0])}"
        return shown.mean(axis=0), runs.visits.sum(axis=0) == 0, count
    places = np.flatnonzero(runs.seeds == seed)
    if len(places) == 0:
        raise InputError(f"Seed {seed} is not among the {len(runs.seeds)} seeds of this comparison. Pass one of them.")
    place = int(places[0])
    return tables[place], runs.visits[place] == 0, f"seed {seed}"


def _marks(world: Any, never: BoolArray) -> dict[str, BoolArray]:
    if not isinstance(world, FiniteMDP):
        return {NEVER: never}
    terminal = np.broadcast_to(world.terminal_states[:, None], never.shape)
    return {TERMINAL: terminal, ILLEGAL: ~world.legal & ~terminal, NEVER: never & world.legal & ~terminal}


def _scales(table: FloatArray, star: FloatArray | None) -> tuple[tuple[float, float], tuple[float, float]]:
    """One scale for both tables, unless one would drown in the other's."""

    def span(values: FloatArray) -> tuple[float, float]:
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    own = span(table)
    if star is None:
        return own, own
    theirs = span(star)
    sizes = sorted((own[1] - own[0], theirs[1] - theirs[0]))
    if sizes[1] > 10 * sizes[0]:
        return own, theirs
    both = (min(own[0], theirs[0]), max(own[1], theirs[1]))
    return both, both


def _panel(axes: Axes, cells: tuple[FloatArray, dict[str, BoolArray]], title: str, scale: tuple[float, float]) -> None:
    values, marks = cells
    hidden = np.zeros(values.shape, dtype=np.bool_)
    for hatch, mask in marks.items():
        if hatch != NEVER or len(values) > _HATCHED:
            hidden |= mask
    shown, (low, high) = np.ma.masked_where(hidden, values), scale
    image = axes.imshow(shown, cmap=_MAP, vmin=low, vmax=high, aspect="auto", interpolation="nearest")
    axes.set_title(title)
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.06, aspect=40, pad=0.03)
    bar.outline.set_visible(False)
    for hatch, mask in marks.items() if len(values) <= _HATCHED else ():
        light = hatch == NEVER
        for s, a in np.argwhere(mask):
            place = (a - 0.5, s - 0.5)
            colour = "white" if light and _dark(values[s, a], scale) else INK
            axes.add_patch(Rectangle(place, 1, 1, fill=False, hatch=hatch, edgecolor=colour, linewidth=0, alpha=0.6))
    if values.size <= _WRITTEN:
        for (s, a), value in np.ndenumerate(values):
            if not hidden[s, a] and np.isfinite(value):
                colour = "white" if _dark(value, scale) else "black"
                axes.text(a, s, number(float(value)), ha="center", va="center", fontsize=9, color=colour)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _dark(value: float, scale: tuple[float, float]) -> bool:
    return bool(np.isfinite(value) and (value - scale[0]) < 0.55 * (scale[1] - scale[0]))


def _names(axes: Any, world: Any, shape: tuple[int, int]) -> None:
    S, A = shape
    known = isinstance(world, FiniteMDP)
    actions = [world.action_name(a) if known else str(a) for a in range(A)]
    turned = sum(map(len, actions)) > 9 * 3 and A > 3
    for panel in axes:
        panel.set_xticks(range(A), actions, rotation=45 if turned else 0, ha="right" if turned else "center")
        panel.set_xlabel("action")
        panel.tick_params(length=0)
    every = max(1, int(np.ceil(S / 28)))
    states = list(range(0, S, every))
    axes[0].set_yticks(states, [world.state_name(s) if known else str(s) for s in states])
    axes[0].set_ylabel("state")


def _legend(figure: Figure, marks: dict[str, BoolArray]) -> None:
    many = any(len(mask) > _HATCHED for mask in marks.values())
    words = {
        NEVER: "never tried by the seeds shown: the learnt value is the initial one",
        TERMINAL: "terminal state: nothing to choose",
        ILLEGAL: "action not legal there",
    }
    words |= {NEVER: "white: never tried by the seeds shown, or nothing to choose"} if many else {}
    handles = [
        Patch(facecolor="none", edgecolor=INK, hatch="" if many else hatch, linewidth=0.5, label=words[hatch])
        for hatch, mask in marks.items()
        if mask.any() and (hatch == NEVER or not many)
    ]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=min(2, len(handles)), handleheight=1.4)


def _title(result: AgentResult, comparison: Comparison, scales: Any) -> str:
    title = wrapped(f"Q table of {result.name} on {comparison.environment.name}", 80)
    if result.runs.agent.discount is None:
        title += "\n(it has no discount, so its numbers are no estimate of Q*; mind the two scales)"
    elif scales[0] != scales[1]:
        title += "\n(the two tables have scales of their own)"
    return title
