"""Sutton and Barto, figure 5.1: Monte Carlo values of sticking on 20 and 21, after 10,000 and 500,000 games.

An average over 500,000 games is the average of 50 runs of 10,000 games each, weighted with how often each met a state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import MonteCarloPrediction
from qlearn.environments.blackjack import state_of
from qlearn.published.blackjack_parts import CARDS, SUMS, exact_values, game, sticks_on_20, surfaces, table_of
from qlearn.published.claim import Progress, Reproduced, Reproduction, measured, statement
from qlearn.training import train

_GAMES, _TOGETHER = 10_000, 50
_SHOWN = ((20, 10, 0), (15, 1, 0), (18, 5, 1))


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """The values of many runs of 10,000 games, and of all of them together, against the exact ones."""
    world = game()
    policy: Any = sticks_on_20(world)
    exact = exact_values(world, policy)
    agent = MonteCarloPrediction(policy=policy, visits="every")  # no state comes twice in a game
    runs = train(agent, world, episodes=_GAMES, seeds=seeds, progress=progress)
    values, met = runs.state_values.astype(np.float64), runs.visits.sum(axis=2)
    places = {ace: [state_of(total, card, ace) for total in SUMS for card in CARDS] for ace in (0, 1)}
    few = {ace: np.sqrt(((values[:, there] - exact[there]) ** 2).mean(axis=1)) for ace, there in places.items()}
    some = slice(0, _TOGETHER)
    pooled = (values[some] * met[some]).sum(axis=0) / np.maximum(met[some].sum(axis=0), 1)
    many = {ace: float(np.sqrt(((pooled[there] - exact[there]) ** 2).mean())) for ace, there in places.items()}
    tables = {ace: table_of(pooled, ace) for ace in (0, 1)}
    games = len(values[some]) * _GAMES
    jump = min(float((tables[ace][8] - tables[ace][7]).min()) for ace in (0, 1))
    drop = float((tables[0][8:, 1:9].min(axis=1) - tables[0][8:, 0]).min())
    told = [f"root mean square error {many[ace]:.4f} {'with' if ace else 'without'} a usable ace" for ace in (0, 1)]
    claims = [
        measured(
            f"value of sum {total}, dealer's card {card}, {'usable' if ace else 'no usable'} ace",
            float(exact[state_of(total, card, ace)]),
            values[:, state_of(total, card, ace)],
            "exact, from the model",
            tolerance=0.002,
        )
        for total, card, ace in _SHOWN
    ]
    claims += [
        statement(
            "after 500,000 games",
            "very well approximated",
            f"{games:,} games: {', '.join(told)}",
            max(many.values()) < 0.05,
            "text beside figure 5.1",
        ),
        statement(
            "states with a usable ace after 10,000 games",
            "less certain, because less common",
            f"error {few[1].mean():.3f} with, {few[0].mean():.3f} without",
            bool(few[1].mean() > 1.5 * few[0].mean()),
            "text beside figure 5.1",
        ),
        statement(
            "the last two rows",
            "the values jump up for sums of 20 and 21",
            f"from 19 to 20 by {jump:.2f} at least",
            jump > 0.5,
            "exercise 5.1",
        ),
        statement(
            "the last row on the left",
            "they drop where the dealer shows an ace",
            f"sums 20 and 21 without a usable ace: by {drop:.2f} at least below cards 2 to 9",
            drop > 0.1,
            "exercise 5.1",
        ),
    ]
    data = {"run of 10,000 games": values[0], "all games": pooled, "exact": exact}
    return Reproduced(tuple(claims), data)


def draw(result: Reproduced) -> Figure:
    """Values over the dealer's card and the player's sum, as surfaces."""
    panels = {
        f"{'usable' if ace else 'no usable'} ace, {name}": table_of(result.data[key], ace)
        for ace in (1, 0)
        for name, key in (("10,000 games", "run of 10,000 games"), ("all games", "all games"))
    }
    return surfaces(panels, "Blackjack: stick on 20 and 21")


REPRODUCTION = Reproduction("sb-5.1", 100, run, draw)
