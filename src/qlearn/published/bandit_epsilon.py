"""Sutton and Barto, figure 2.2: greedy and ε-greedy learners of sample averages on the ten-armed test bed.

The text prints four facts; what the curves come to is known roughly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import QLearning
from qlearn.published.bandit_parts import BEST, drawn, late, pull, sample_averages
from qlearn.published.claim import Progress, Reproduced, Reproduction, measured, statement

_TEXT, _FIGURE = "section 2.3, printed", "figure 2.2, roughly"


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Pull with ε 0, 0.01 and 0.1."""
    agents = {f"ε {e:g}": QLearning(**sample_averages(e)) for e in (0.0, 0.01, 0.1)}
    data = pull(agents, seeds, progress)
    early = {name: data[f"{name}, reward"][:, :20].mean() for name in agents}
    end = {name: late(data, f"{name}, reward").mean() for name in agents}
    order = sorted(end, key=lambda name: -end[name])
    told = "greedy learns slightly faster at the very beginning and levels off lowest; ε 0.1 is best at first"
    fine = early["ε 0"] > early["ε 0.1"] and order == ["ε 0.1", "ε 0.01", "ε 0"]
    seen = f"first 20 pulls: ε 0 {early['ε 0']:.2f}, ε 0.1 {early['ε 0.1']:.2f}; at the end {' > '.join(order)}"
    most = data["ε 0.1, best"].mean(axis=0).max()
    claims = (
        measured("greedy, reward of pulls 901 to 1,000", 1.0, late(data, "ε 0, reward"), _TEXT, tolerance=0.05),
        measured("greedy, share of bandits with the best arm", 1 / 3, late(data, "ε 0, best"), _TEXT, tolerance=0.04),
        measured("ε 0.1, reward at the end", 1.38, late(data, "ε 0.1, reward"), _FIGURE, tolerance=0.05),
        measured("ε 0.1, best arm at the end", 0.80, late(data, "ε 0.1, best"), _FIGURE, tolerance=0.03),
        measured("ε 0.01, best arm at the end", 0.60, late(data, "ε 0.01, best"), _FIGURE, tolerance=0.05),
        statement("ε 0.1, most of the best arm", "never above 91%", f"{most:.1%}", bool(most <= 0.91), _TEXT),
        statement("order", told, seen, fine, _TEXT),
    )
    return Reproduced(claims, data | {"best possible": np.array([BEST])})


def draw(result: Reproduced) -> Figure:
    """Average reward above, share of the best arm below."""
    return drawn(result.data, "Ten-armed test bed: sample averages")


REPRODUCTION = Reproduction("sb-2.2", 1000, run, draw)
