"""Sutton and Barto, figure 5.2: Monte Carlo with exploring starts solves blackjack.

Starts: the player's sum (12 to 21), the dealer's card and the usable ace, all equally likely.  The first policy of the
book, to stick on 20 and 21, is here none: values start at 0 and equal actions are equally likely.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import MonteCarloExploringStarts
from qlearn.environments.blackjack import HIT, STICK, state_of
from qlearn.planning import evaluate_policies, evaluate_policy, solve, uniform_policy
from qlearn.published.blackjack_parts import CARDS, LIMIT, SUMS, game, surfaces, table_of
from qlearn.published.claim import Progress, Reproduced, Reproduction, exact, measured, statement
from qlearn.training import train

_GAMES = 100_000
_BOOK = {  # the lowest sum on which the policy sticks, for the dealer's ace, 2, …, 10
    0: (17, 13, 13, 12, 12, 12, 17, 17, 17, 17),
    1: (19, 18, 18, 18, 18, 18, 18, 18, 19, 19),
}


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """The exact optimum against the book's figure, and what the runs have learnt against both."""
    plain = game()
    places = [state_of(total, card, ace) for ace in (0, 1) for total in SUMS for card in CARDS]
    starts = np.zeros(plain.num_states)
    starts[places] = 1 / len(places)
    world = game(starts)
    best = solve(plain, discount=1.0)
    lowest = {ace: _lowest_stick(best.q, ace) for ace in (0, 1)}
    agent = MonteCarloExploringStarts(discount=1.0, visits="every")  # no state comes twice in a game
    runs = train(agent, world, episodes=_GAMES, seeds=seeds, progress=progress)
    q = runs.q_table[:, places].astype(np.float64)
    same = (q.argmax(axis=2) == best.q[places].argmax(axis=1)).mean(axis=1)
    lost = best.q[places].max(axis=1) - np.take_along_axis(best.q[places][None], q.argmax(axis=2)[..., None], 2)[..., 0]
    policies = runs.greedy_policies()
    policies[:, [state_of(total, card, 0) for total in range(4, 12) for card in CARDS]] = np.eye(2)[HIT]
    policies[:, 704:] = np.eye(2)[STICK]  # as smaller sums and naturals are no starts, what to do there is not learnt
    worth = evaluate_policies(plain, policies, LIMIT)
    chance = evaluate_policy(plain, uniform_policy(plain), LIMIT).mean
    claims = (
        statement(
            "optimal policy, no usable ace: the lowest sum to stick on (ace, 2, …, 10)",
            _words(_BOOK[0]),
            _words(lowest[0]),
            lowest[0] == _BOOK[0],
            "figure 5.2, against the exact optimum",
        ),
        statement(
            "optimal policy, usable ace",
            _words(_BOOK[1]),
            _words(lowest[1]),
            lowest[1] == _BOOK[1],
            "figure 5.2, against the exact optimum",
            why="" if lowest[1] == _BOOK[1] else _differs(best.q, lowest[1]),
        ),
        exact("value of the optimum", -0.043113, best.value, "S&B's rules: solved exactly", tolerance=1e-6),
        measured("value of the learnt policy", best.value, worth, "the optimum", tolerance=0.01),
        statement(
            f"policies learnt in {_GAMES:,} games",
            "the optimal policy",
            f"the optimal action in {same.mean():.1%} of the 200 states; elsewhere it loses "
            f"{lost[lost > 0].mean():.3f} of a bet",
            bool(same.mean() > 0.9 and worth.mean() > best.value - 0.02 * (best.value - chance) - 0.002),
            "figure 5.2",
        ),
    )
    mean = runs.q_table.astype(np.float64).mean(axis=0)
    return Reproduced(claims, {"values": mean.max(axis=1), "action values": mean, "optimal action values": best.q})


def _lowest_stick(q: np.ndarray, ace: int) -> tuple[int, ...]:
    sticks = table_of(q.argmax(axis=1), ace) == STICK
    return tuple(int(SUMS[int(np.argmax(column))]) for column in sticks.T)


def _words(sums: tuple[int, ...]) -> str:
    return ", ".join(map(str, sums))


def _differs(q: np.ndarray, found: tuple[int, ...]) -> str:
    """Say where the exact optimum is otherwise, and by how little."""
    gaps = []
    for card, ours, theirs in zip(CARDS, found, _BOOK[1], strict=True):
        if ours != theirs:
            row = q[state_of(min(ours, theirs), card, 1)]
            gaps.append(f"at dealer's card {card} and sum {min(ours, theirs)} by {abs(row[0] - row[1]):.4f}")
    return f"The model's exact action values decide: sticking and hitting differ {', '.join(gaps)} of a bet."


def draw(result: Reproduced) -> Figure:
    """The values learnt, as surfaces."""
    panels = {f"{'usable' if ace else 'no usable'} ace": table_of(result.data["values"], ace) for ace in (1, 0)}
    return surfaces(panels, "Blackjack: Monte Carlo with exploring starts, mean of runs")


REPRODUCTION = Reproduction("sb-5.2", 56, run, draw)
