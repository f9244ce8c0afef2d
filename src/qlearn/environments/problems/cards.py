"""Blackjack as the book plays it; the model is in `qlearn.environments.blackjack`."""

from __future__ import annotations

from qlearn.environments.finite_mdp import FiniteMDP


def blackjack(sab: bool = True, natural: bool = False) -> FiniteMDP:
    """Return Gymnasium's Blackjack-v1, by default with the rules of Sutton and Barto.

    **Exact optimum** at discount 1: −0.043113 with the book's rules, −0.046556 with neither, −0.025729 with
    ``natural`` alone.

    Args:
        sab: the book's rules: a natural wins against everything but a natural.
        natural: without ``sab``, pay 1.5 for a natural that wins.

    >>> from qlearn.planning import solve
    >>> round(solve(blackjack(), discount=1).value, 6)
    -0.043113
    """
    from qlearn.environments.making import make

    made = make("Blackjack-v1", sab=sab, natural=natural)
    assert isinstance(made, FiniteMDP)
    return made
