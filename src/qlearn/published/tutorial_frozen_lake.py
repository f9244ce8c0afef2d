"""Gymnasium's tutorial "Solving Frozenlake with Tabular Q-Learning": lakes of four sizes.

Conditions: no slips, maps drawn with seed 123 and 90% of ice, α = 0.8, discount 0.95, ε = 0.1, ties drawn, values start
at 0, 2,000 episodes of at most 100 steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import QLearning
from qlearn.environments import FiniteMDP, make
from qlearn.planning import evaluate_policy, is_optimal, solve
from qlearn.published.claim import Claim, Progress, Reproduced, Reproduction, statement
from qlearn.published.drawing import curves
from qlearn.rules import EpsilonGreedy
from qlearn.training import train

_SIZES = (4, 7, 9, 11)
_TOLD = {7: 300, 9: 800, 11: 1800}
_SOURCE = "text of the tutorial, 20 runs, judged by eye"
_EPISODES = 2_000


def lake(size: int) -> FiniteMDP:
    """Return the tutorial's lake of so many tiles a side."""
    from gymnasium.envs.toy_text.frozen_lake import generate_random_map

    made = make("FrozenLake-v1", desc=generate_random_map(size=size, p=0.9, seed=123), is_slippery=False)
    assert isinstance(made, FiniteMDP)
    return made


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train on all four; when learning has converged, and whether what was learnt is optimal."""
    agent = QLearning(learning_rate=0.8, discount=0.95, exploration=EpsilonGreedy(0.1))
    data: dict[str, Any] = {}
    claims: list[Claim] = []
    exact, online, optimal = {}, {}, {}
    for size in _SIZES:
        world = lake(size)
        runs = train(agent, world, episodes=_EPISODES, seeds=seeds, progress=progress)
        truth = solve(world, discount=0.95)
        tied = truth.optimal_actions / truth.optimal_actions.sum(axis=1, keepdims=True)
        exact[size] = evaluate_policy(world, 0.9 * tied + 0.025).mean
        online[size] = float(runs.returns[:, -200:].mean())
        optimal[size] = float(is_optimal(world, runs.greedy_policies(), truth).mean())
        data[f"{size}×{size}"] = runs.returns
        found = _converged(runs.returns.mean(axis=0))
        if size in _TOLD:
            told = f"about {_TOLD[size]}"
            near = _TOLD[size] / 2 <= found <= 2 * _TOLD[size]
            what = f"episodes until learning has converged, {size}×{size}"
            claims.append(statement(what, told, f"{found}", near, f"{_SOURCE}; within a factor of two"))
    return Reproduced((*claims, *_compared(exact, online, optimal)), data)


def _compared(exact: dict[int, float], online: dict[int, float], optimal: dict[int, float]) -> tuple[Claim, Claim]:
    """What the tutorial says of 7×7 and 9×9: it supposes that the policy on the former is not optimal."""
    why = (
        f"the picture's 20 runs do not show the order of the exact values: ε-greedy play for Q*, ties drawn, gets "
        f"{exact[7]:.3f} on 7×7 and {exact[9]:.3f} on 9×9"
    )
    more, better = f"{online[9]:.3f} against {online[7]:.3f}", online[9] > online[7]
    seen, guess = f"optimal in {optimal[7]:.0%} of runs", "a guess of the tutorial"
    refuted = "the exact solution refutes the guess: what is missing to 1 is exploration" if optimal[7] > 0.9 else ""
    return (
        statement("last rewards, 9×9 against 7×7", "more on 9×9", more, better, _SOURCE, why="" if better else why),
        statement("the policy learnt on 7×7", "not optimal, perhaps", seen, optimal[7] < 0.5, guess, why=refuted),
    )


def _converged(returns: Any) -> int:
    """The episode from which the mean return, smoothed over 50 episodes backwards, has 95% of its last level."""
    smooth = np.convolve(returns, np.ones(50) / 50, mode="valid")
    below = np.flatnonzero(smooth < 0.95 * smooth[-200:].mean())
    return 50 + (int(below[-1]) if below.size else 0)


def draw(result: Reproduced) -> Figure:
    """Rewards added up over the episodes, as the tutorial draws them."""
    lines = {name: values.cumsum(axis=1)[:, ::20] for name, values in result.data.items()}
    x = np.arange(0, _EPISODES, 20)
    return curves(x, lines, title="Frozen lakes without slips", across="episode", along="cumulated rewards")


REPRODUCTION = Reproduction("gymnasium-frozenlake", 112, run, draw)
