"""Sutton and Barto, figure 6.3, after van Seijen et al. 2009: performance over the step size beside the cliff.

Conditions: discount 1, ε = 0.1, values start at 0.  Interim performance is the mean return of the first 100 episodes,
asymptotic performance that of the last 1,000 of 2,000 (100,000 in the source, whose first thousand hardly count).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import ExpectedSarsa, QLearning, Sarsa
from qlearn.environments import make
from qlearn.planning import epsilon_soft
from qlearn.published.claim import Claim, Progress, Reproduced, Reproduction, measured, statement
from qlearn.published.drawing import curves
from qlearn.rules import EpsilonGreedy
from qlearn.training import train_many

_KINDS: dict[str, Any] = {"Expected Sarsa": ExpectedSarsa, "Sarsa": Sarsa, "Q-learning": QLearning}
_RATES = np.round(np.arange(0.1, 1.01, 0.1), 1)
_SOURCE = "figure 6.3 and its text"


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train three agents with ten step sizes each."""
    cliff, data = make("CliffWalking-v1"), {}
    settings: dict[str, Any] = {"discount": 1.0, "exploration": EpsilonGreedy(0.1)}
    agents = [kind(learning_rate=float(rate), **settings) for kind in _KINDS.values() for rate in _RATES]
    found = train_many(agents, cliff, episodes=2_000, seeds=seeds, progress=progress)
    for i, name in enumerate(_KINDS):
        runs = found[i * len(_RATES) : (i + 1) * len(_RATES)]
        data[f"{name}, interim"] = np.stack([r.returns[:, :100].mean(axis=1) for r in runs], axis=1)
        data[f"{name}, asymptotic"] = np.stack([r.returns[:, 1000:].mean(axis=1) for r in runs], axis=1)
    return Reproduced(tuple(_claims(cliff, data)), data)


def _claims(cliff: Any, data: dict[str, Any]) -> list[Claim]:
    interim = {name: data[f"{name}, interim"].mean(axis=0) for name in _KINDS}
    late = {name: data[f"{name}, asymptotic"].mean(axis=0) for name in _KINDS}
    expected, sarsa, q = "Expected Sarsa", "Sarsa", "Q-learning"
    best = epsilon_soft(cliff, 0.1, 1.0).value
    first, last = data[f"{expected}, asymptotic"][:, 0], data[f"{expected}, asymptotic"][:, -1]
    rates = {name: float(_RATES[interim[name].argmax()]) for name in _KINDS}
    ahead = {other: int((interim[expected] > interim[other]).sum()) for other in (sarsa, q)}
    peaks = f"at α = {rates[expected]} and {rates[sarsa]}"
    falls = f"{late[sarsa][0]:.1f} at α = 0.1, {late[sarsa][-1]:.1f} at α = 1"
    everywhere = f"ahead of Sarsa at {ahead[sarsa]} of 10 step sizes, of Q-learning at {ahead[q]}"
    told = "Expected Sarsa is ahead of both at every step size"
    greedy, apart = data[f"{q}, asymptotic"][:, 4], rates[expected] >= 0.9 and rates[sarsa] < 0.9
    return [
        measured(f"asymptotic, {expected}, α = 1: exact best ε-soft value", best, last, _SOURCE, tolerance=0.5),
        measured(f"asymptotic, {expected}: α = 1 less α = 0.1", 0.0, last - first, f"{_SOURCE}: flat", tolerance=0.5),
        measured(f"asymptotic, {q}, α = 0.5: exact, ε-greedy for Q*", -50.80, greedy, _SOURCE, tolerance=1.0),
        statement(f"asymptotic, {sarsa}", "falls with α", falls, late[sarsa][-1] < late[sarsa][0] - 10, _SOURCE),
        statement("interim, order", told, everywhere, min(ahead.values()) == 10, _SOURCE),
        statement("interim, best step size", "1 for Expected Sarsa, below for Sarsa", peaks, apart, _SOURCE),
    ]


def draw(result: Reproduced) -> Figure:
    """Both performances over the step size."""
    title = "Cliff walking, ε 0.1: interim (100 episodes) and asymptotic performance"
    along = "sum of rewards per episode"
    return curves(_RATES, result.data, title=title, across="step size α", along=along, limits=(-150, 0))


REPRODUCTION = Reproduction("sb-6.3", 56, run, draw)
