"""Sutton and Barto, figure 5.3: one state of blackjack judged from another policy's games.

The dealer shows a deuce, the player has 13 with a usable ace.  The policy that sticks on 20 and 21 is judged; the one
that hits and sticks with equal chance plays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import MonteCarloPrediction
from qlearn.environments.blackjack import state_of
from qlearn.published.blackjack_parts import exact_values, game, squares, sticks_on_20
from qlearn.published.claim import Progress, Reproduced, Reproduction, exact, measured, statement
from qlearn.published.drawing import curves
from qlearn.training import train

_PLACE = state_of(13, 2, 1)
_DECADES = (10, 100, 1_000, 10_000)
_EACH = 10  # points of a decade


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """The squared error of both averages over the number of games."""
    start = np.zeros(game().num_states)
    start[_PLACE] = 1.0
    world = game(start)
    policy: Any = sticks_on_20(world)
    even: Any = np.full(policy.shape, 0.5)
    value = float(exact_values(world, policy)[_PLACE])
    spread = float(squares(world, policy, even)[_PLACE]) - value**2
    errors: dict[str, np.ndarray] = {}
    for kind in ("ordinary", "weighted"):
        agent = MonteCarloPrediction(policy=policy, behaviour=even, importance=kind, visits="every")
        points = []
        for games in _DECADES:
            runs = train(agent, world, episodes=games, seeds=seeds, snapshots=_EACH, progress=progress)
            assert runs.snapshots is not None
            points.append(runs.snapshots.q_tables[:, 1:, _PLACE, 0].astype(np.float64))
        errors[kind] = (np.concatenate(points, axis=1) - value) ** 2
    mean = {kind: found.mean(axis=0) for kind, found in errors.items()}
    lower = float((mean["weighted"] < mean["ordinary"])[: 2 * _EACH].mean())
    small = bool(max(found[-1] for found in mean.values()) < 0.01)
    last = " and ".join(f"{mean[kind][-1]:.2g} ({kind})" for kind in mean)
    middle = [f"{mean[kind][_EACH]:.3f}" for kind in ("weighted", "ordinary")]
    claims = (
        exact("value of the state under the policy", -0.27726, value, "printed: mean of 10⁸ games", tolerance=2.5e-4),
        measured(
            "squared error of ordinary sampling after 100 games",
            spread / 100,
            errors["ordinary"][:, 2 * _EACH - 1],
            f"exact: the variance of ρG, {spread:.3f}, over the number of games",
        ),
        measured(
            "squared error of ordinary sampling after 10,000 games",
            spread / 10_000,
            errors["ordinary"][:, -1],
            "exact, as before",
        ),
        statement("both errors", "approach zero", f"after 10,000 games {last}", small, "figure 5.3"),
        statement(
            "weighted importance sampling at the beginning",
            "much lower error",
            f"after 10 games {middle[0]} against {middle[1]}; lower at {lower:.0%} of the points up to 100 games",
            lower > 0.9,
            "figure 5.3",
        ),
    )
    return Reproduced(claims, errors)


def draw(result: Reproduced) -> Figure:
    """Squared error over the number of games, which grows by decades."""
    x = np.concatenate([games * np.arange(1, _EACH + 1) / _EACH for games in _DECADES])
    order = np.argsort(x, kind="stable")
    lines = {f"{kind} importance sampling": values[:, order] for kind, values in result.data.items()}
    return curves(
        x[order],
        lines,
        title="Blackjack: one state from another policy's games",
        across="games",
        along="squared error",
        limits=(0.0, 5.0),
        logarithmic=True,
    )


REPRODUCTION = Reproduction("sb-5.3", 100, run, draw)
