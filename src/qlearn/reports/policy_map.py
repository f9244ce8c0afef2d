"""Policies drawn on the states: arrows where actions are directions, names where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from qlearn.comparison import Comparison
from qlearn.comparison.exports import heading
from qlearn.environments import FiniteMDP
from qlearn.environments.finite_mdp import BoolArray, FloatArray
from qlearn.reports.policy_layout import Layout, layout_of
from qlearn.reports.style import INK, new_figure, style, wrapped

NEVER, TERMINAL = "////", "xxxx"
LEAST_SHARE = 0.02  # actions that fewer seeds take are not drawn
_HATCHED = 120  # states up to which a hatch can be seen; beyond, such rows stay white
_ARROW: dict[str, Any] = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0}
_OPTIMAL = "what is optimal (all tied actions)"


def policy_map(comparison: Comparison) -> Figure:
    """Return a figure with a panel for each agent, and one for the optimum at the comparison's discount.

    An agent's panel shows all its seeds at once: the longer and darker an arrow, the larger the share of seeds that
    take this action there, ties counting for each tied action in equal parts.  The optimum's panel shows all tied
    actions.  Problems without a shape are drawn as a table of states and actions.

    >>> import qlearn as ql
    >>> found = ql.compare([ql.QLearning()], "NChain-v0", episodes=4, seeds=3, snapshots=0)
    >>> [axes.get_title(loc="left") for axes in policy_map(found).axes]
    ['ε-greedy Q-learning', 'what is optimal (all tied actions)']
    """
    with style():
        world, plan = comparison.environment, layout_of(comparison.environment)
        panels = _panels(comparison)
        columns, size = _arrangement(plan, len(panels))
        rows = -(-len(panels) // columns)
        figure = new_figure(max(6.5, columns * size[0] + 0.4), rows * size[1] + 1.5)
        grid = np.atleast_1d(figure.subplots(rows, columns)).ravel()
        for axes, (title, shares, never) in zip(grid, panels, strict=False):
            axes.set_title(wrapped(title, max(22, int(10 * size[0]))))
            if plan.places is None:
                _as_table(axes, world, shares, never)
            else:
                _on_states(axes, world, plan, (shares, never))
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        figure.legend(handles=_legend(comparison, plan, panels), loc="outside lower center", ncols=2, handleheight=1.4)
        title = wrapped(f"Greedy policies after training. {heading(comparison)}", max(60, int(11 * columns * size[0])))
        figure.suptitle(title, x=0.01, ha="left", fontsize=12)
        return figure


Panel = tuple[str, FloatArray, BoolArray]  # title, weights (S, A), never visited (S,)


def _panels(comparison: Comparison) -> list[Panel]:
    panels: list[Panel] = []
    for agent in comparison.agents:
        shares = np.asarray(agent.runs.greedy_policies(), dtype=np.float64).mean(axis=0)
        never = agent.runs.visits.sum(axis=(0, 2)) == 0
        if isinstance(comparison.environment, FiniteMDP):
            never &= ~comparison.environment.terminal_states
        panels.append((agent.name, shares, never))
    if comparison.truth is not None:
        tied = comparison.truth.solution.optimal_actions.astype(np.float64)
        best = tied / np.maximum(tied.sum(axis=1, keepdims=True), 1.0)
        panels.append((_OPTIMAL, best, np.zeros(len(best), dtype=np.bool_)))
    return panels


def _arrangement(plan: Layout, count: int) -> tuple[int, tuple[float, float]]:
    """Return panels in a row, and a panel's size in inches."""
    if plan.places is None:
        width, height = 1.2 + 0.45 * plan.columns, 0.3 * plan.rows + 1.2
        return min(count, 4), (float(np.clip(width, 2.8, 4.0)), float(np.clip(height, 2.6, 9.0)))
    if plan.rows == 1:
        return 1, (max(6.5, min(14.0, 1.3 * plan.columns)), 1.1)
    cell = _cell(plan)
    width, height = cell * plan.columns + 0.3, cell * plan.rows + 0.5
    return max(1, min(count, int(13 // width))), (width, height)


def _cell(plan: Layout) -> float:
    """The size of a state in inches."""
    return float(np.clip(5.0 / max(plan.columns, plan.rows), 0.55, 1.0))


def _on_states(axes: Axes, world: Any, plan: Layout, policy: tuple[FloatArray, BoolArray]) -> None:
    shares, never = policy
    assert plan.places is not None
    terminal = world.terminal_states if isinstance(world, FiniteMDP) else np.zeros(len(shares), dtype=np.bool_)
    numbered = plan.rows == 1
    for s, (x, y) in enumerate(plan.places):
        hatch = TERMINAL if terminal[s] else NEVER if never[s] else None
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor="white", edgecolor="#BBBBBB", linewidth=0.8))
        if hatch is not None:
            axes.add_patch(
                Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, hatch=hatch, edgecolor="#8A8A8A", linewidth=0)
            )
        if numbered:
            axes.text(x - 0.44, y - 0.40, world.state_name(s), fontsize=9, ha="left", va="top", color="#666666")
        if hatch is None:
            _arrows(axes, world, plan, (x, y), shares[s])
    axes.set_xlim(-0.52, plan.columns - 0.48)
    axes.set_ylim(plan.rows - 0.48, -0.52)
    axes.set_aspect("equal" if plan.rows > 1 else "auto")
    axes.set_axis_off()


def _arrows(axes: Axes, world: Any, plan: Layout, centre: tuple[int, int], shares: FloatArray) -> None:
    (x, y), ways, size = centre, plan.ways, min(1.0, _cell(plan) / 0.9)
    others = []
    for a, share in enumerate(shares):
        if share < LEAST_SHARE:
            continue
        way = ways[a]
        if way is None:
            others.append(world.action_name(a) if isinstance(world, FiniteMDP) else str(a))
            continue
        across, down = way
        share = float(share)
        length = 0.12 + 0.30 * share
        grey = str(round(0.72 * (1 - float(share)), 3))
        axes.annotate(
            "",
            xy=(x + across * length, y + down * length),
            xytext=(x, y),
            arrowprops={
                "color": grey,
                "linewidth": size * (1.0 + 1.2 * float(share)),
                "mutation_scale": 9 * size,
                **_ARROW,
            },
            zorder=2 + float(share),
        )
    if len(others) < np.count_nonzero(shares >= LEAST_SHARE):
        axes.plot([x], [y], marker="o", markersize=4 * size, color=INK, zorder=4)
    if others:
        axes.text(x, y, "\n".join(others), fontsize=8 * size, ha="center", va="center", zorder=5)


def _as_table(axes: Axes, world: Any, shares: FloatArray, never: BoolArray) -> None:
    S, A = shares.shape
    known = isinstance(world, FiniteMDP)
    axes.imshow(shares, cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    terminal = world.terminal_states if known else np.zeros(S, dtype=np.bool_)
    many = S > _HATCHED
    for s in np.flatnonzero(terminal | never):
        hatch = "" if many else TERMINAL if terminal[s] else NEVER
        axes.add_patch(
            Rectangle((-0.5, s - 0.5), A, 1, facecolor="white", hatch=hatch, edgecolor="#8A8A8A", linewidth=0)
        )
    names = [world.action_name(a) if known else str(a) for a in range(A)]
    turned = sum(map(len, names)) > 16
    axes.set_xticks(range(A), names, rotation=60 if turned else 0, ha="right" if turned else "center")
    every = max(1, -(-S // 26))
    states = list(range(0, S, every))
    labels = [world.state_name(s) if known else str(s) for s in states]
    axes.set_yticks(states, [label if len(label) <= 24 else str(s) for s, label in zip(states, labels, strict=True)])
    axes.tick_params(length=0)
    axes.set_xlabel("action")
    axes.set_ylabel("state")


def _legend(comparison: Comparison, plan: Layout, panels: list[Panel]) -> list[Any]:
    n = len(comparison.seeds)
    handles: list[Any] = []
    if plan.places is None:
        share = "taken" if n == 1 else f"taken by all of {n} seeds; the lighter, the fewer"
        handles.append(Patch(facecolor="black", label=share))
    elif n > 1:
        words = f"the longer and darker, the more of {n} seeds (from {LEAST_SHARE:.0%})"
        handles.append(Line2D([], [], color="black", marker=">", label=words))
    if plan.places is None and plan.rows > _HATCHED:
        handles.append(Patch(facecolor="white", edgecolor="#8A8A8A", label="white rows: never visited, or terminal"))
        return handles
    if any(never.any() for _, _, never in panels):
        who = "by any seed" if n > 1 else ""
        handles.append(Patch(facecolor="none", edgecolor="#8A8A8A", hatch=NEVER, label=f"never visited {who}".strip()))
    if isinstance(comparison.environment, FiniteMDP) and comparison.environment.terminal_states.any():
        handles.append(Patch(facecolor="none", edgecolor="#8A8A8A", hatch=TERMINAL, label="terminal state"))
    return handles
