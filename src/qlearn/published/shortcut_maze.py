"""Sutton and Barto, example 8.3 and figure 8.5: after 3,000 steps a shorter way opens, and the old one stays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from qlearn.environments.problems import shortcut_maze
from qlearn.published.changing_mazes import at, drawn, earned
from qlearn.published.claim import Progress, Reproduced, Reproduction, statement

_STEPS, _CHANGE = 6000, 3000
_TEXT = "example 8.3, text and figure 8.5"


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train both agents for 6,000 steps."""
    data = earned(shortcut_maze(), _STEPS, 50, 1e-3, seeds, progress)
    plain, plus = (
        [
            np.diff(np.stack([at(data, name, t, _STEPS) for t in part]), axis=0)[0]
            for part in ((2000, 3000), (5000, 6000))
        ]
        for name in ("Dyna-Q", "Dyna-Q+")
    )
    told = "the regular Dyna-Q agent never switched to the shortcut"
    share = float((plain[1] > 1.25 * np.maximum(plain[0], 1)).mean())
    seen = f"rewards of its last 1,000 steps before the change {plain[0].mean():.1f}, at the end {plain[1].mean():.1f}"
    claims = [statement("Dyna-Q", told, f"{seen}; clearly more in {share:.0%} of the runs", share < 0.1, _TEXT)]
    told = "Dyna-Q+ found the shortcut"
    share = float((plus[1] > 1.25 * np.maximum(plus[0], 1)).mean())
    seen = f"rewards of its last 1,000 steps before the change {plus[0].mean():.1f}, at the end {plus[1].mean():.1f}"
    claims.append(statement("Dyna-Q+", told, f"{seen}; clearly more in {share:.0%} of the runs", share > 0.9, _TEXT))
    total = {name: values[:, -1].mean() for name, values in data.items()}
    seen = f"rewards of 6,000 steps: {total['Dyna-Q+']:.0f} against {total['Dyna-Q']:.0f}"
    fine = bool(total["Dyna-Q+"] > total["Dyna-Q"])
    claims.append(statement("at the end", "Dyna-Q+ is ahead of Dyna-Q", seen, fine, _TEXT))
    return Reproduced(tuple(claims), data)


def draw(result: Reproduced) -> Figure:
    """Cumulative reward."""
    return drawn(result.data, _STEPS, _CHANGE, "Shortcut maze: 50 planning steps, κ 0.001")


REPRODUCTION = Reproduction("sb-8.5", 56, run, draw)
