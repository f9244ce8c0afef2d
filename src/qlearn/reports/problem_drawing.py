"""A problem drawn: grids and chains as cells, other problems as a graph; values, policies and visits on top.

Walls are dark, terminal states crossed, never visited ones hatched; so grey prints and the colour-blind lose nothing,
and the colours of values grow lighter evenly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from qlearn.environments import FiniteMDP
from qlearn.reports.graph_drawing import draw_graph
from qlearn.reports.policy_layout import Layout, layout_of
from qlearn.reports.problem_scene import HATCH, WALL, Scene, finish, legend_of, scene_of, short
from qlearn.reports.style import new_figure, style, wrapped

EDGE = "#B5B5B5"
STAYING = {"stay", "stand", "wait"}  # actions that a dot stands for
GRAPH = 16  # states up to which a problem without a shape is drawn as a graph; beyond, as cells in rows
_LEAST_SHARE = 0.02
_TEXT = 0.0087  # inches that a character takes for every point of its size


def draw(
    mdp: Any,
    values: ArrayLike | None = None,
    policy: ArrayLike | None = None,
    visits: ArrayLike | None = None,
    title: str | None = None,
) -> Figure:
    """Return a drawing of a finite problem.

    States that are named by coordinates, "(row, column)", make a grid; states along which the actions lead make a row;
    up to 16 other states make a graph with an arrow for everything that can happen, more of them a table of cells.

    Args:
        mdp: a `FiniteMDP`, or what `ql.make` makes one of.
        values: (S,) of states, or (S, A) of actions: then a state shows its largest.  Colours, and numbers where they
            fit.
        policy: (S,) actions; (S, A) probabilities, the arrows as long as these; or (S, A) bool, such as a solution's
            ``optimal_actions``, an arrow for each.  None with values of actions: their greedy actions, all tied ones.
        visits: (S,) or (S, A) counts, at least 0; states that were never visited are hatched.
        title: above the drawing; the problem's name where it is None.

    Returns:
        A Matplotlib figure; ``figure.savefig("problem.png")`` writes it.

    Raises:
        InputError: for what has no model, has more than 2,000 states, or comes with arrays of another shape.

    >>> import qlearn as ql
    >>> maze = ql.problems.dyna_maze()
    >>> truth = ql.solve(maze, discount=0.95)
    >>> len(draw(maze, values=truth.v, policy=truth.optimal_actions).axes)
    2
    """
    scene = scene_of(mdp, values, policy, visits)
    plan = layout_of(scene.world)
    with style():
        if plan.places is None and scene.world.num_states <= GRAPH:
            figure = draw_graph(scene)
        else:
            figure = _draw_cells(scene, plan if plan.places is not None else _table(plan, scene.world.num_states))
        name = scene.world.name if title is None else title
        figure.suptitle(wrapped(name, max(24, int(11 * figure.get_figwidth()))), x=0.02, ha="left", fontsize=11.5)
    return figure


def _table(plan: Layout, num_states: int) -> Layout:
    """Cells in rows, for states that lie nowhere."""
    columns = min(num_states, max(8, int(np.ceil(np.sqrt(num_states * 1.6)))))
    places = tuple((s % columns, s // columns) for s in range(num_states))
    return Layout(places, (None,) * len(plan.ways), columns, -(-num_states // columns))


def _cell(plan: Layout) -> float:
    """The size of a cell in inches."""
    least = 0.2 if max(plan.columns, plan.rows) > 24 else 0.42
    return float(np.clip(7.5 / max(plan.columns, plan.rows), least, 1.15))


def _draw_cells(scene: Scene, plan: Layout) -> Figure:
    cell = _cell(plan)
    legend = legend_of(scene, _has_walls(scene.world, plan))
    figure = new_figure(max(4.2, cell * plan.columns + 1.4), cell * plan.rows + 0.75 + 0.3 * bool(legend))
    axes = figure.subplots()
    walls = plan.rows * plan.columns > scene.world.num_states and layout_of(scene.world).places is not None
    axes.add_patch(Rectangle((-0.5, -0.5), plan.columns, plan.rows, facecolor=WALL if walls else "white", linewidth=0))
    texts = scene.written()
    fits = max(map(len, texts)) * _TEXT * _size(cell) <= 0.9 * cell and (cell >= 0.5 or scene.policy is None)
    for s, at in enumerate(plan.places or ()):
        _draw_cell(axes, scene, plan, s, at)
        if fits and texts[s]:
            low = 0.42 if scene.policy is not None else 0.0
            where: Any = {"ha": "center", "va": "bottom" if low else "center"}
            axes.text(at[0], at[1] + low, texts[s], color=scene.colours(s)[1], fontsize=_size(cell), **where)
    axes.set_xlim(-0.52, plan.columns - 0.48)
    axes.set_ylim(plan.rows - 0.48, -0.52)
    axes.set_aspect("equal")
    axes.set_axis_off()
    finish(figure, axes, scene, legend)
    return figure


def _has_walls(world: FiniteMDP, plan: Layout) -> bool:
    return plan.rows * plan.columns > world.num_states and layout_of(world).places is not None


def _size(cell: float) -> float:
    """Points of a number in a cell."""
    return float(np.clip(10.5 * cell, 5.0, 9.5))


def _draw_cell(axes: Axes, scene: Scene, plan: Layout, s: int, at: tuple[int, int]) -> None:
    (x, y), cell = at, _cell(plan)
    face, ink = scene.colours(s)
    hatch = scene.hatch(s)
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=face, edgecolor=EDGE, linewidth=0.6))
    if hatch is not None:
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, hatch=hatch, edgecolor=HATCH, linewidth=0))
    small: dict[str, Any] = {"color": ink, "fontsize": max(4.5, 0.72 * _size(cell)), "va": "top"}
    if scene.visits is not None and hatch is None and cell >= 0.4:
        axes.text(x - 0.45, y - 0.45, short(scene.visits[s]), ha="left", **small)
    if plan.rows == 1 or layout_of(scene.world).places is None:
        name, room = scene.world.state_name(s), (0.5 if scene.visits is not None else 0.95) * cell
        if len(name) * _TEXT * small["fontsize"] > room:
            name = str(s)
        boxed = {"bbox": {"facecolor": "white", "linewidth": 0, "pad": 0.6}} if hatch else {}
        axes.text(x + 0.45, y - 0.43, name, ha="right", **small, **boxed)
    elif _is_start(scene.world, s):
        axes.text(x + 0.44, y - 0.44, "S", ha="right", weight="bold", **small)
    if hatch is None and scene.policy is not None:
        _draw_policy(axes, scene, plan, s, at)


def _is_start(world: FiniteMDP, s: int) -> bool:
    return bool(world.initial[s] > 0 and (world.initial > 0).sum() <= 4)


def _draw_policy(axes: Axes, scene: Scene, plan: Layout, s: int, at: tuple[int, int]) -> None:
    """Draw an arrow for every action that the policy takes; an action that is no direction is named."""
    assert scene.policy is not None
    cell, ink = _cell(plan), scene.colours(s)[1]
    valued = scene.values is not None and cell >= 0.5
    x, y = float(at[0]), at[1] - (0.12 if valued else 0.0)
    chosen = [a for a in range(len(plan.ways)) if scene.policy[s, a] >= _LEAST_SHARE]
    for a in chosen:
        way: Any = plan.ways[a]
        if way is not None:
            long = (0.08 + 0.24 * float(scene.policy[s, a])) * (0.8 if all(way) else 1.0)
            axes.annotate(
                "",
                xy=(x + way[0] * long, y + way[1] * long),
                xytext=(x, y),
                arrowprops={
                    "arrowstyle": "-|>",
                    "shrinkA": 0,
                    "shrinkB": 0,
                    "color": ink,
                    "linewidth": max(0.5, 1.3 * cell),
                    "mutation_scale": max(3.5, 9.5 * cell),
                },
            )
    others = [scene.world.action_name(a) for a in chosen if plan.ways[a] is None]
    if STAYING & set(others):
        axes.plot([x], [y], marker="o", markersize=max(1.5, 4.5 * cell), color=ink)
    words = [name for name in others if name not in STAYING]
    longest = max(map(len, words), default=1)
    points = max(5.0, 0.8 * _size(cell)) if valued else float(np.clip(0.9 * cell / (_TEXT * longest), 5.0, 9.0))
    if words:
        told = _fitting(words, int(0.94 * cell / (_TEXT * points)))
        axes.text(x, y, told, color=ink, ha="center", va="center", fontsize=points)


def _fitting(words: list[str], room: int) -> str:
    """Return names of actions, as many as there is room for; a star for one that is too long."""
    told = [word if len(word) <= room else "*" for word in words]
    return "\n".join(told if len(told) <= 2 else [told[0], f"+{len(told) - 1}"])
