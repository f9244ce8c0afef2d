"""Strens (2000), table 1: on the chain, acting on a model drawn from the posterior ("Bayesian DP").

The table has the reward of the first and of the second phase of 1,000 steps, ± its standard error over 256 runs: 3158 ±
31 and 3611 ± 27; Q-learning with semi-uniform exploration gets 1594 ± 2 and 1597 ± 2.  The chain has five states, slips
with 0.2, pays 10 at its end and 2 at its beginning.

The paper leaves prior, discount and the time between two draws to be guessed.  Here: Dirichlet 1/5 for every state,
rewards believed to be 5 ± 5, discount 0.95, a new model whenever the visits of a pair have doubled.  Q-learning:
α = 0.5, ε = 0.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import PosteriorSampling, QLearning
from qlearn.environments import make
from qlearn.published.claim import Progress, Reproduced, Reproduction, measured, statement
from qlearn.published.drawing import curves
from qlearn.rules import EpsilonGreedy
from qlearn.training import train_many

_TABLE = "table 1, printed"
_PHASES = 8


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train both for eight phases of 1,000 steps, which are episodes that the clock ends."""
    agents: dict[str, Any] = {
        "posterior sampling": PosteriorSampling(
            discount=0.95, renew="doubling", prior=0.2, can_end=False, reward_mean=5.0, reward_std=5.0
        ),
        "Q-learning": QLearning(learning_rate=0.5, discount=0.95, exploration=EpsilonGreedy(0.1)),
    }
    found = train_many(list(agents.values()), make("NChain-v0"), episodes=_PHASES, seeds=seeds, progress=progress)
    data = {name: runs.returns for name, runs in zip(agents, found, strict=True)}
    bayes, plain = (values.mean(axis=0) for values in data.values())
    told = "Bayesian DP finds the large reward in the first phase; Q-learning stays far below in both"
    seen = f"phase 2: {bayes[1]:.0f} against {plain[1]:.0f}"
    claims = (
        measured("reward of phase 1", 3158, data["posterior sampling"][:, 0], _TABLE, tolerance=2 * 31),
        measured("reward of phase 2", 3611, data["posterior sampling"][:, 1], _TABLE, tolerance=2 * 27),
        statement("order", told, seen, bool(bayes[0] > 2800 and plain[:2].max() < 2400), _TABLE),
    )
    return Reproduced(claims, data)


def draw(result: Reproduced) -> Figure:
    """Reward of every phase; the optimum is 3,677 a phase."""
    lines = dict(result.data) | {"optimal": np.full(_PHASES, 3676.8)}
    title = "Chain: reward of phases of 1,000 steps"
    return curves(np.arange(1, _PHASES + 1), lines, title=title, across="phase", along="reward", limits=(1000, 4000))


REPRODUCTION = Reproduction("strens-2000", 100, run, draw)
