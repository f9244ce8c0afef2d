"""What the figures of Sutton and Barto's chapter 2 share: the ten-armed test bed, and how they are drawn.

Conditions: ten arms, means from N(0, 1), rewards of standard deviation 1, 1,000 pulls of each of many bandits.  How
often the best arm is pulled is counted in blocks of pulls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from qlearn.engine import noise
from qlearn.environments.problems import bandit_testbed
from qlearn.published.claim import Numbers, Progress
from qlearn.published.drawing import curve
from qlearn.reports.style import new_figure, style
from qlearn.rules import EpsilonGreedy, per_visit
from qlearn.training import train_many

PULLS = 1000
BLOCK = 40
"""Pulls over which the share of the best arm is counted."""

BEST = 1.5388
"""Expected largest of ten standard normal numbers: what the best arm pays, on average over bandits."""


def sample_averages(epsilon: float) -> dict[str, Any]:
    """Return the settings of an ε-greedy learner of sample averages."""
    return {"learning_rate": per_visit(), "discount": 0.0, "exploration": EpsilonGreedy(epsilon)}


def best_arms(bed: Any, seeds: Sequence[int]) -> Numbers:
    """Return the best arm of each seed's bandit, (n,)."""
    zero = jnp.uint32(0)
    means = jax.jit(jax.vmap(lambda seed: bed.means(noise.at(seed, noise.ENVIRONMENT, zero, zero))))
    return np.asarray(means(jnp.asarray(list(seeds), jnp.uint32))).argmax(axis=1)


def pull(
    agents: Mapping[str, Any],
    seeds: Sequence[int],
    progress: Progress,
    *,
    pulls: int = PULLS,
    block: int = BLOCK,
    mean: float = 0.0,
) -> dict[str, Numbers]:
    """Let agents pull.

    Args:
        agents: by name.
        seeds: of the bandits; all agents meet the same.
        progress: as in ``train``.
        pulls: of each agent on each bandit.
        block: over which the share of the best arm is counted.
        mean: what an arm pays, on average over bandits.

    Returns:
        For each agent ``name, reward`` (n, pulls) and ``name, best`` (n, pulls / block), the share of the best arm.
    """
    bed = bandit_testbed(mean=mean)
    best = best_arms(bed, seeds)[:, None, None]
    data = {}
    found = train_many(
        list(agents.values()), bed, episodes=pulls, seeds=seeds, snapshots=pulls // block, progress=progress
    )
    for name, runs in zip(agents, found, strict=True):
        assert runs.snapshots is not None
        pulled = np.take_along_axis(runs.snapshots.visits[:, :, 0, :], best, axis=2)[:, :, 0]
        data[f"{name}, reward"] = runs.returns
        data[f"{name}, best"] = np.diff(pulled, axis=1) / block
    return data


def late(data: Mapping[str, Numbers], key: str) -> Numbers:
    """Return the mean of the last tenth of a curve, for each seed."""
    values = data[key]
    return np.asarray(values[:, -(values.shape[1] // 10) :].mean(axis=1))


def drawn(data: Mapping[str, Numbers], title: str, *, rewards: bool = True, shares: bool = True) -> Figure:
    """Return the book's two panels: average reward above, the share of the best arm below; or one of them."""
    panels = [("reward", "average reward")] * rewards + [("best", "best arm, %")] * shares
    with style():
        figure = new_figure(7.2, 3.2 * len(panels) + 1.0)
        for place, (kind, along) in enumerate(panels):
            axes = figure.add_subplot(len(panels), 1, place + 1)
            names = [key.removesuffix(f", {kind}") for key in data if key.endswith(f", {kind}")]
            for number, name in enumerate(names):
                values = data[f"{name}, {kind}"] * (1.0 if kind == "reward" else 100.0)
                width = PULLS / values.shape[1]
                curve(axes, number, name, (np.arange(values.shape[1]) + 0.5) * width + 0.5, values)
            axes.set(ylabel=along, title="" if place else title)
            axes.legend(loc="lower right")
        axes.set_xlabel("pulls")
    return figure
