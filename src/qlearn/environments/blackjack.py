"""The exact model of Gymnasium's Blackjack, which Gymnasium itself does not give.

The deck never ends: 1 to 9 have probability 1/13 each, 10 has 4/13.  What the player sees is (sum, dealer's
card, usable ace), numbered ``(sum * 11 + card) * 2 + ace`` as for any tuple of discrete observations, 704 in
all.  The dealer draws until the sum is 17 or more, an ace counting 11 where that does not bust.

**Where the observation is not the whole state.** With ``sab`` or ``natural`` a *natural* (an ace and a ten at
the deal) is paid differently from any other 21 with a usable ace, and Gymnasium's observation does not tell
the two apart.  The model then has ten more states, 704 to 713, one for each dealer's card, for a natural that
has just been dealt.

Source: Sutton & Barto, Reinforcement Learning, 2nd edition, example 5.1; Gymnasium's
    ``toy_text/blackjack.py``.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from functools import cache
from typing import Any

from qlearn.environments.finite_mdp import FiniteMDP

STICK, HIT = 0, 1
SUMS, CARDS, ACES = 32, 11, 2
DEALT_NATURAL = SUMS * CARDS * ACES
DECK = {card: Fraction(4 if card == 10 else 1, 13) for card in range(1, 11)}

Outcome = tuple[float, int, float, bool]
Hand = tuple[int, int]  # the sum, and whether it counts an ace as 11


def state_of(player_sum: int, dealer_card: int, usable_ace: int) -> int:
    """Return the number of an observation.

    >>> state_of(21, 10, 1)
    483
    """
    return (player_sum * CARDS + dealer_card) * ACES + usable_ace


def add_card(hand: Hand, card: int) -> Hand:
    """Return the hand with one more card; an ace counts 11 where that does not bust.

    >>> add_card((16, 1), 10), add_card((10, 0), 1)
    ((16, 0), (21, 1))
    """
    total, usable = hand
    total += card
    if card == 1 and not usable and total + 10 <= 21:
        return total + 10, 1
    return (total - 10, 0) if usable and total > 21 else (total, usable)


@cache
def dealer_distribution(hand: Hand) -> dict[int, Fraction]:
    """Return the distribution of the dealer's score from a hand on: 17 to 21, or 0 for a bust.

    >>> round(float(dealer_distribution((6, 0))[0]), 4)
    0.4232
    """
    if hand[0] > 21:
        return {0: Fraction(1)}
    if hand[0] >= 17:
        return {hand[0]: Fraction(1)}
    scores: defaultdict[int, Fraction] = defaultdict(Fraction)
    for card, chance in DECK.items():
        for score, later in dealer_distribution(add_card(hand, card)).items():
            scores[score] += chance * later
    return dict(scores)


def first_card(card: int) -> Hand:
    """Return the hand that one card makes."""
    return add_card((0, 0), card)


def blackjack_model(
    natural: bool = False,
    sab: bool = False,
    *,
    time_limit: int | None = None,
    name: str = "Blackjack-v1",
    **more: Any,
) -> FiniteMDP:
    """Return the exact model.

    Args:
        natural: pay 1.5 for a natural that wins; without effect where ``sab`` is True, as in Gymnasium.
        sab: the book's rules: a natural wins against everything but a natural.  Gymnasium's id Blackjack-v1
            sets it.
        time_limit: steps after which a game is truncated; None as in Gymnasium.
        name: what the model is called.
        **more: make_env.

    >>> blackjack_model().num_states, blackjack_model(sab=True).num_states
    (704, 714)
    """
    special = natural or sab
    P: list[list[list[Outcome]]] = [
        [[(1.0, state, 0.0, True)], [(1.0, state, 0.0, True)]]  # observations that never come up
        for state in range(DEALT_NATURAL + (CARDS - 1 if special else 0))
    ]
    for card in range(1, CARDS):
        for total in range(4, 22):
            for usable in (0, 1) if total >= 12 else (0,):
                state = state_of(total, card, usable)
                P[state] = [_stick(state, total, card), _hit(total, card, usable)]
        if special:
            state = DEALT_NATURAL + card - 1
            P[state] = [_stick_natural(state, card, sab), _hit(21, card, 1)]
    return FiniteMDP.from_gymnasium(
        P,
        initial=_initial(len(P), special),
        name=name,
        time_limit=time_limit,
        state_names=_state_names(len(P)),
        action_names=("stick", "hit"),
        **more,
    )


def _hit(total: int, dealer_card: int, usable: int) -> list[Outcome]:
    outcomes = []
    for card, chance in DECK.items():
        new, ace = add_card((total, usable), card)
        bust = new > 21
        outcomes.append((float(chance), state_of(new, dealer_card, ace), -1.0 if bust else 0.0, bust))
    return outcomes


def _stick(state: int, total: int, dealer_card: int) -> list[Outcome]:
    return _settled(state, dealer_distribution(first_card(dealer_card)), total, 1.0)


def _stick_natural(state: int, dealer_card: int, sab: bool) -> list[Outcome]:
    """With ``sab`` a draw only against a natural; otherwise a draw against any 21, and a win pays 1.5."""
    if not sab:
        return _settled(state, dealer_distribution(first_card(dealer_card)), 21, 1.5)
    dealers_natural = {1: DECK[10], 10: DECK[1]}.get(dealer_card, Fraction(0))
    return _settled(state, {21: dealers_natural, 0: 1 - dealers_natural}, 21, 1.0)


def _settled(state: int, scores: dict[int, Fraction], total: int, win: float) -> list[Outcome]:
    paid: dict[float, Fraction] = {-1.0: Fraction(0), 0.0: Fraction(0), win: Fraction(0)}
    for score, chance in scores.items():
        paid[win if total > score else 0.0 if total == score else -1.0] += chance
    return [(float(chance), state, reward, True) for reward, chance in paid.items()]


def _initial(num_states: int, special: bool) -> list[float]:
    initial = [Fraction(0)] * num_states
    for dealer_card, shown in DECK.items():
        for one, first in DECK.items():
            for two, second in DECK.items():
                total, usable = add_card(first_card(one), two)
                natural = special and total == 21
                state = DEALT_NATURAL + dealer_card - 1 if natural else state_of(total, dealer_card, usable)
                initial[state] += shown * first * second
    return [float(chance) for chance in initial]


def _state_names(num_states: int) -> list[str]:
    names = [f"({total}, {card}, {usable})" for total in range(SUMS) for card in range(CARDS) for usable in range(ACES)]
    return names + [f"natural, dealer {card}" for card in range(1, num_states - DEALT_NATURAL + 1)]
