"""Gymnasium's tutorial "Solving Blackjack with Tabular Q-Learning".

Conditions: the book's rules, discount 0.95, α = 0.01, 100,000 games, ε falling from 1 to 0.1 over the first half.  The
tutorial prints no number; what it says can be held against the exact model.  It sees a natural as any 21 with an ace,
and so plays on the model's 714 states as if they were 704: that costs it nothing, since it sticks in either case.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import QLearning
from qlearn.environments.problems import blackjack
from qlearn.planning import epsilon_soft, evaluate_policies, evaluate_policy, solve, uniform_policy
from qlearn.published.claim import Progress, Reproduced, Reproduction, exact, measured, statement
from qlearn.published.drawing import curves
from qlearn.rules import EpsilonGreedy, linear
from qlearn.training import train

_GAMES = 100_000
_HORIZON = 100  # games are over long before


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train as the tutorial does, and ten times as long with a tenth of the step size."""
    game = blackjack()
    data: dict[str, Any] = {}
    values = {}
    for times in (1, 10):
        games = times * _GAMES
        falling = linear(1.0, 0.1, over=games // 2, per="episode")
        agent = QLearning(learning_rate=0.01 / times, discount=0.95, exploration=EpsilonGreedy(falling))
        runs = train(agent, game, episodes=games, seeds=seeds, progress=progress)
        data[f"{games:,} games"] = runs.returns.reshape(len(runs.returns), 100, -1).mean(axis=2)
        values[times] = evaluate_policies(game, runs.greedy_policies(), _HORIZON)
    start = data["100,000 games"][:, 0]
    chance = evaluate_policy(game, uniform_policy(game), _HORIZON).mean
    best = epsilon_soft(game, 0.1, 0.95).value
    late = data["100,000 games"][:, 50:].mean(axis=1)
    truth = solve(game, discount=1.0).value
    regret = {times: truth - found.mean() for times, found in values.items()}
    gap = f"{late.mean():.4f}, at most {best:.4f}"
    seen = f"regret {regret[1]:.4f} after 100,000 games, {regret[10]:.4f} after 1,000,000"
    decent = f"{values[1].mean():.4f} a game; optimal {truth:.4f}, at random {chance:.4f}"
    text = "text of the tutorial"
    claims = (
        measured("reward of the first 1,000 games", chance, start, "exact value at random", tolerance=0.01),
        statement(
            "reward of the second half, ε 0.1", "at most the best ε-soft one's", gap, late.mean() < best, "exact"
        ),
        statement("the agent after 100,000 games", "decent", decent, regret[1] < 0.05 * (truth - chance) + 0.01, text),
        statement("ten times the games, a tenth of α", "towards the optimum", seen, regret[10] < regret[1] / 2, text),
        exact("value of the optimum", -0.043113, truth, "S&B's rules: solved exactly", tolerance=1e-6),
    )
    return Reproduced(claims, data)


def draw(result: Reproduced) -> Figure:
    """Rewards over the games, in hundredths of each training."""
    x = np.arange(100) + 0.5
    title = "Blackjack, Q-learning: ε falls from 1 to 0.1 over the first half"
    return curves(x, result.data, title=title, across="% of the games", along="mean reward", limits=(-0.45, 0.0))


REPRODUCTION = Reproduction("gymnasium-blackjack", 24, run, draw)
