"""What the reproductions on Sutton and Barto's mountain car share.

Conditions: eight tilings, displaced as the book recommends, over eight tiles each way; greedy with values that start at
0, which is optimistic; discount 1.  A step size that the book writes as α = x / 8 is the learning rate x here.  The car
is Gymnasium's but for the end of the road, which is the goal.  The book has no time limit; here 5,000 steps end an
episode, as nothing in the figures comes near.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import LinearSarsa, TileCoding
from qlearn.environments import make
from qlearn.published.claim import Progress
from qlearn.published.drawing import curve, curves
from qlearn.rules import EpsilonGreedy
from qlearn.training import train_many

Numbers = np.ndarray[Any, Any]
LOW, HIGH = (-1.2, -0.07), (0.5, 0.07)
EARLY = 50  # episodes that early performance is the mean of


def car() -> Any:
    """The book's mountain car."""
    return make("MountainCar-v0", max_position=0.5, max_episode_steps=5000)


def sarsa(rate: float, **settings: Any) -> LinearSarsa:
    """Semi-gradient Sarsa with the book's tiles; ``rate`` is its α times 8."""
    tiles = TileCoding(tilings=8, tiles=8, low=LOW, high=HIGH)
    return LinearSarsa(tiles, learning_rate=rate, discount=1.0, exploration=EpsilonGreedy(0.0), **settings)


def early_steps(agents: Mapping[Any, Any], seeds: Sequence[int], progress: Progress) -> dict[Any, Numbers]:
    """Each seed's mean steps an episode over the first 50 episodes, (n,) by the agent's key."""
    found = train_many(list(agents.values()), car(), episodes=EARLY, seeds=seeds, progress=progress)
    return {key: runs.lengths.mean(axis=1) for key, runs in zip(agents, found, strict=True)}


def standard_error(values: Numbers) -> float:
    """Of a mean over seeds."""
    return float(values.std(ddof=1) / np.sqrt(values.size))


def best_of(means: Mapping[tuple[Any, float], Numbers], kind: Any) -> tuple[float, Numbers]:
    """The learning rate at which a kind needs the fewest steps, and the steps of every seed there."""
    rate = min((r for k, r in means if k == kind), key=lambda r: float(means[kind, r].mean()))
    return rate, means[kind, rate]


def over_rates(lines: Mapping[str, tuple[Sequence[float], Numbers]], title: str, limits: tuple[float, float]) -> Figure:
    """Early performance over the step size, one line a kind: learning rates (k,) and each seed's steps (n, k)."""
    figure: Figure | None = None
    for i, (name, (rates, values)) in enumerate(lines.items()):
        x = np.array(rates)
        if figure is None:
            along = "steps per episode, first 50 episodes"
            figure = curves(x, {name: values}, title=title, across="α × 8", along=along, limits=limits)
        else:
            curve(figure.axes[0], i, name, x, values)
    assert figure is not None
    figure.axes[0].legend()
    return figure
