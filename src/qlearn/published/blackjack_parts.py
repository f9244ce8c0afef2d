"""What the book's examples of blackjack share: the game, the policy that sticks on 20 and 21, and values as surfaces.

The model tells a natural just dealt from any other 21 with a usable ace, which the book's rules pay differently; the
figures show the 200 states that the book has.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.environments import FiniteMDP
from qlearn.environments.blackjack import HIT, STICK, state_of
from qlearn.environments.problems import blackjack
from qlearn.planning.backup import model_of
from qlearn.planning.policies import chain
from qlearn.reports.style import new_figure, style

Numbers = np.ndarray[Any, Any]
SUMS, CARDS = range(12, 22), range(1, 11)
LIMIT = 24
"""Steps after which a game is certainly over: no hand takes more cards."""


def game(starts: Numbers | None = None) -> FiniteMDP:
    """Return the book's game, with a clock that never comes first; ``starts`` (S,) are other chances to begin."""
    made = dataclasses.replace(blackjack(), time_limit=LIMIT)
    return made if starts is None else dataclasses.replace(made, initial=starts)


def sticks_on_20(mdp: FiniteMDP) -> Numbers:
    """Return the book's policy, (S, A): stick on 20 and 21, hit otherwise."""
    policy = np.zeros((mdp.num_states, mdp.num_actions))
    policy[:, HIT] = 1.0
    for card in CARDS:
        for total in (20, 21):
            for ace in (0, 1):
                policy[state_of(total, card, ace)] = np.eye(2)[STICK]
    policy[704:] = np.eye(2)[STICK]  # naturals
    return policy


def exact_values(mdp: FiniteMDP, policy: Numbers) -> Numbers:
    """Return the exact value of every state under a policy, undiscounted, (S,)."""
    r, P = chain(model_of(mdp), policy)
    v = np.zeros(len(r))
    for _ in range(LIMIT):
        v = r + P @ v
    return np.asarray(v)


def squares(mdp: FiniteMDP, policy: Numbers, behaviour: Numbers) -> Numbers:
    """Return E[(ρ G)²] of every state exactly, (S,); only the last step of a game pays.

    One step multiplies the square by π(a)² / b(a), which is a chain with those weights.
    """
    weights = np.where(behaviour > 0, policy**2 / np.where(behaviour > 0, behaviour, 1.0), 0.0)
    counts = np.diff(mdp.offsets)
    row = np.repeat(np.arange(counts.size), counts)
    mass = mdp.probability * weights.ravel()[row]
    state = row // mdp.num_actions
    found: Numbers = np.zeros(mdp.num_states)
    for _ in range(LIMIT):
        onward = np.where(mdp.terminated, mdp.reward**2, found[mdp.next_state])
        found = np.bincount(state, mass * onward, minlength=mdp.num_states)
    return found


def table_of(values: Numbers, ace: int) -> Numbers:
    """Return the values of the book's figure, (10 sums from 12 to 21, 10 dealer's cards from the ace on)."""
    return np.array([[values[state_of(total, card, ace)] for card in CARDS] for total in SUMS])


def surfaces(panels: Mapping[str, Numbers], title: str) -> Figure:
    """Return value functions drawn as surfaces over the dealer's card and the player's sum.

    Args:
        panels: by name, (10, 10) as from ``table_of``; two in a row.
        title: above the figure.
    """
    with style():
        rows = (len(panels) + 1) // 2
        figure = new_figure(8.4, 3.6 * rows)
        cards, sums = np.meshgrid(np.array(CARDS), np.array(SUMS))
        for i, (name, values) in enumerate(panels.items()):
            axes: Any = figure.add_subplot(rows, 2, i + 1, projection="3d")
            axes.plot_surface(cards, sums, values, cmap="viridis", vmin=-1, vmax=1, linewidth=0.2, edgecolor="white")
            axes.set(xlabel="dealer showing", ylabel="player sum", zlim=(-1, 1), title=name)
            axes.set_xticks([1, 4, 7, 10], ["A", "4", "7", "10"])
            axes.set_yticks([12, 15, 18, 21])
            axes.set_box_aspect(None, zoom=0.85)
        figure.suptitle(title, x=0.02, ha="left")
    return figure
