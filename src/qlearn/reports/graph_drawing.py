"""A small problem without a shape as a graph: a circle for each state, an arrow for everything that can happen.

States lie on a ring in the order of their numbers.  One that most arrows lead to lies in its middle.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch
from numpy.typing import NDArray

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.reports.problem_scene import HATCH, TERMINAL, Scene, finish, legend_of, short
from qlearn.reports.style import INK, new_figure

_LINES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)))
_MEANT = {"solid": "-", "dashed": (0, (5, 2)), "dotted": (0, (1, 1.2))}  # actions that are called like their line
_RADIUS = 0.23
_PALE = "#B9B9B9"
_REWARDS = 26  # arrows up to which their rewards are written
_NAMED = 4  # actions up to which each has a line of its own
_WORDS: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7.5, "zorder": 5}
_BOXED: dict[str, Any] = {"bbox": {"facecolor": "white", "linewidth": 0, "pad": 0.8}}
Points = NDArray[np.float64]


def draw_graph(scene: Scene) -> Figure:
    """Return the figure of a graph; where there is a policy, what it does not choose is pale."""
    world = scene.world
    figure = new_figure(7.2, 5.6)
    axes = figure.subplots()
    points, arrows = _points(world), _arrows(scene)
    for arrow in arrows:
        _draw_arrow(axes, points, arrow, len(arrows) <= _REWARDS)
    texts = scene.written()
    for s in range(world.num_states):
        _draw_state(axes, scene, s, points[s], texts[s])
    if len(points) > world.num_states:
        _draw_circle(axes, points[-1], "white", TERMINAL)
        axes.text(float(points[-1, 0]), float(points[-1, 1]), "end", **_WORDS, **_BOXED)
    reach = float(np.abs(points).max()) + 0.62
    axes.set_xlim(-reach * 1.12, reach * 1.12)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")
    axes.set_axis_off()
    handles = legend_of(scene)
    if world.num_actions <= _NAMED:
        handles += [
            Line2D([], [], color=INK, linestyle=_line(world, a), label=world.action_name(a))
            for a in range(world.num_actions)
        ]
    finish(figure, axes, scene, handles)
    return figure


def _draw_state(axes: Axes, scene: Scene, s: int, at: Any, value: str) -> None:
    (face, ink), hatch = scene.colours(s), scene.hatch(s)
    _draw_circle(axes, at, face, hatch)
    name = scene.world.state_name(s)
    lines = [name if len(name) <= 8 else name.replace(" ", "\n", 1), *([value] if value else [])]
    if scene.visits is not None and scene.visits[s]:
        lines.append(f"×{short(scene.visits[s])}")
    dressed = {**_WORDS, "color": ink, **(_BOXED if hatch else {})}
    axes.text(float(at[0]), float(at[1]), "\n".join(lines), **dressed)


def _draw_circle(axes: Axes, at: Any, face: Any, hatch: str | None) -> None:
    axes.add_patch(Circle(tuple(at), _RADIUS, facecolor=face, edgecolor=INK, linewidth=1.2, zorder=3))
    if hatch is not None:
        axes.add_patch(Circle(tuple(at), _RADIUS, fill=False, hatch=hatch, edgecolor=HATCH, linewidth=0, zorder=4))


def _line(world: FiniteMDP, action: int) -> Any:
    if world.num_actions > _NAMED:
        return "-"
    return _MEANT.get(world.action_name(action), _LINES[action % len(_LINES)])


class Arrow(NamedTuple):
    """What can happen: one arrow."""

    start: int
    to: int
    action: int  # the first of those that do the same
    line: Any
    chance: float
    chosen: bool
    told: str


def _points(world: FiniteMDP) -> Points:
    """Where states lie: on a ring, one that very much leads to in its middle; and the end, where it is no state."""
    S = world.num_states
    row = np.repeat(np.arange(S * world.num_actions), np.diff(world.offsets)) // world.num_actions
    moves = world.next_state != row
    led = np.bincount(world.next_state[moves], weights=world.probability[moves], minlength=S)
    hub = int(led.argmax())
    others = np.delete(led, hub)
    ends = bool((world.terminated & ~world.terminal_states[world.next_state]).any())
    ring = list(range(S + ends))
    if S >= 5 and led[hub] >= 0.3 * led.sum() and led[hub] > 2 * others.max():
        ring.remove(hub)
    angle = np.pi / 2 - 2 * np.pi * np.arange(len(ring)) / len(ring)
    points = np.zeros((S + ends, 2))
    points[ring] = np.stack([np.cos(angle), np.sin(angle)], axis=1) * max(1.0, 0.24 * len(ring))
    return points


def _arrows(scene: Scene) -> list[Arrow]:
    """Everything that can happen, most likely rewards written beside it; actions that do the same share an arrow."""
    world = scene.world
    found: dict[tuple[int, int, int], tuple[float, float]] = {}
    for row in range(world.num_states * world.num_actions):
        state, action = divmod(row, world.num_actions)
        if world.terminal_states[state]:
            continue
        for i in range(world.offsets[row], world.offsets[row + 1]):
            nowhere = world.terminated[i] and not world.terminal_states[world.next_state[i]]
            key = (state, world.num_states if nowhere else int(world.next_state[i]), action)
            p, r = found.get(key, (0.0, 0.0))
            chance = float(world.probability[i])
            found[key] = (p + chance, r + chance * float(world.reward[i]))
    shared: dict[tuple[Any, ...], list[int]] = {}
    for (state, to, action), (p, r) in found.items():
        chosen = scene.policy is None or bool(scene.policy[state, action] > 0)
        apart = action if world.num_actions <= _NAMED else -1
        shared.setdefault((state, to, round(p, 9), round(r / p, 9), chosen, apart), []).append(action)
    arrows = []
    for (state, to, p, r, chosen, _), actions in shared.items():
        reward = f"{r:+.3g}".replace("-", "−") if r else ""
        many = f"{len(actions)} actions" if len(actions) > 1 else ""
        told = "\n".join(filter(None, (many, reward)))
        arrows.append(Arrow(state, to, actions[0], _line(world, actions[0]), p, chosen, told))
    return arrows


def _draw_arrow(axes: Axes, points: Points, arrow: Arrow, told: bool) -> None:
    """Draw a curved arrow from circle to circle, or a loop outwards; actions bend by different amounts."""
    start, end = points[arrow.start], points[arrow.to]
    bend = 0.14 + 0.10 * (arrow.action % 3)
    if arrow.start == arrow.to:
        # In the middle a loop lies between the first two states of the ring.
        angle = np.arctan2(start[1], start[0]) if np.linalg.norm(start) > 0 else np.pi / 2 - np.pi / (len(points) - 1)
        angle += 0.75 * (arrow.action % 3) - (0.375 if np.linalg.norm(start) > 0 else 0.0)
        begin, finish = (
            start + _RADIUS * np.array([np.cos(angle + turn), np.sin(angle + turn)]) for turn in (-0.5, 0.5)
        )
        middle = start + (_RADIUS + 0.3) * np.array([np.cos(angle), np.sin(angle)])
        curve = "arc3,rad=1.6"
    else:
        along = (end - start) / np.linalg.norm(end - start)
        begin, finish = start + _RADIUS * along, end - (_RADIUS + 0.02) * along
        aside = np.array([along[1], -along[0]])
        middle = (begin + finish) / 2 + aside * (bend * np.linalg.norm(finish - begin) / 2 + 0.05)
        curve = f"arc3,rad={bend}"
    ink = INK if arrow.chosen else _PALE
    shape: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 9, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(
        FancyArrowPatch(
            tuple(begin),
            tuple(finish),
            connectionstyle=curve,
            linewidth=0.6 + 1.2 * arrow.chance,
            linestyle=arrow.line,
            color=ink,
            zorder=2.5 if arrow.chosen else 1.5,
            **shape,
        )
    )
    if told and arrow.told:
        halo: Any = {"facecolor": "white", "linewidth": 0, "pad": 0.4, "alpha": 0.85}
        place: Any = {"ha": "center", "va": "center", "fontsize": 7.5, "zorder": 2.8, "bbox": halo}
        axes.text(float(middle[0]), float(middle[1]), arrow.told, color=INK if arrow.chosen else "#7A7A7A", **place)
