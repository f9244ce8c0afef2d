"""Sutton and Barto, example 8.2 and figure 8.4: after 1,000 steps the short way is blocked, and a long one opens."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from qlearn.environments.problems import blocking_maze
from qlearn.published.changing_mazes import at, drawn, earned
from qlearn.published.claim import Progress, Reproduced, Reproduction, statement

_STEPS, _CHANGE = 3000, 1000
_TEXT = "example 8.2, text and figure 8.4"


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train both agents for 3,000 steps."""
    data = earned(blocking_maze(), _STEPS, 10, 1e-4, seeds, progress)
    plain, plus = ([at(data, name, t, _STEPS).mean() for t in (1000, 1300, 3000)] for name in ("Dyna-Q", "Dyna-Q+"))
    rates = [[v[0] / _CHANGE, (v[1] - v[0]) / 300, (v[2] - v[1]) / 1700] for v in (plain, plus)]
    told = "both agents found the short path within the first 1,000 steps"
    seen = f"rewards by then: {plain[0]:.0f} and {plus[0]:.0f} (the optimum is one in 10 steps)"
    claims = [statement("before the change", told, seen, min(plain[0], plus[0]) > 30, _TEXT)]
    told = "when the environment changed the graphs became flat, since both wandered around behind the barrier"
    seen = f"rewards of steps 1,001 to 1,300: {plain[1] - plain[0]:.1f} and {plus[1] - plus[0]:.1f}"
    flat = all(rate[1] < 0.5 * min(rate[0], rate[2]) for rate in rates)
    claims.append(statement("after the change", told, seen, flat, _TEXT))
    told = "after a while they found the new opening and the new optimal behaviour; Dyna-Q+ is ahead of Dyna-Q"
    seen = f"rewards of 3,000 steps: {plus[2]:.1f} against {plain[2]:.1f}"
    claims.append(statement("at the end", told, seen, bool(plus[2] > plain[2] and plain[2] > plain[1] + 20), _TEXT))
    return Reproduced(tuple(claims), data)


def draw(result: Reproduced) -> Figure:
    """Cumulative reward."""
    return drawn(result.data, _STEPS, _CHANGE, "Blocking maze: 10 planning steps, κ 0.0001")


REPRODUCTION = Reproduction("sb-8.4", 112, run, draw)
