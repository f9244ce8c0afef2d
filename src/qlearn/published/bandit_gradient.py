"""Sutton and Barto, figure 2.5: gradient bandits with and without a baseline; arms' means from N(4, 1).

The book prints no number; the shares here are those of a plain NumPy loop over 2,000 bandits (standard error 0.01) with
the baseline of the book's later printings.  With the present reward in the baseline, as earlier printings have it, that
loop came to 0.84 and 0.74.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from qlearn.agents import GradientBandit
from qlearn.published.bandit_parts import drawn, late, pull
from qlearn.published.claim import Progress, Reproduced, Reproduction, measured, statement

_SHARE = {"α 0.1": 0.849, "α 0.4": 0.718, "α 0.1, no baseline": 0.503, "α 0.4, no baseline": 0.297}
_LOOP = "an independent simulation"


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Pull with α 0.1 and 0.4, each with a baseline and without."""
    agents = {
        name: GradientBandit(learning_rate=0.4 if "0.4" in name else 0.1, baseline="no" not in name) for name in _SHARE
    }
    data = pull(agents, seeds, progress, mean=4.0)
    claims = [
        measured(f"best arm at the end, {name}", value, late(data, f"{name}, best"), _LOOP, tolerance=0.02)
        for name, value in _SHARE.items()
    ]
    end = {name: late(data, f"{name}, best").mean() for name in agents}
    fine = min(end["α 0.1"], end["α 0.4"]) > max(end["α 0.1, no baseline"], end["α 0.4, no baseline"])
    told = "without the baseline, performance would be significantly degraded"
    seen = ", ".join(f"{name} {value:.0%}" for name, value in end.items())
    claims.append(statement("order", told, seen, fine, "section 2.8"))
    return Reproduced(tuple(claims), data)


def draw(result: Reproduced) -> Figure:
    """Share of the best arm."""
    return drawn(result.data, "Gradient bandits, arms' means around 4", rewards=False)


REPRODUCTION = Reproduction("sb-2.5", 600, run, draw)
