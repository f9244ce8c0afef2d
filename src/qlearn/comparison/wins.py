"""Who wins how many rounds, and how much such a count scatters."""

from __future__ import annotations

import numpy as np

from qlearn.environments.finite_mdp import BoolArray, FloatArray, IntArray

TIE = 1e-9
"""Relative: exact values closer than this are a tie."""


def first_wins(returns: FloatArray) -> IntArray:
    """Return how often each agent has the highest return, (agents,) int64; ties go to the first agent.

    Args:
        returns: (agents, rounds).

    >>> first_wins(np.array([[1.0, 5.0], [1.0, 7.0]])).tolist()
    [1, 1]
    """
    return np.bincount(returns.argmax(axis=0), minlength=len(returns)).astype(np.int64)


def shared_wins(values: FloatArray) -> FloatArray:
    """Return how often each agent has the highest value, (agents,); k agents that tie get 1/k each.

    Args:
        values: (agents, rounds).

    >>> shared_wins(np.array([[1.0, 5.0], [1.0, 7.0]])).tolist()
    [0.5, 1.5]
    """
    best = values.max(axis=0)
    tied: BoolArray = values >= best - TIE * np.maximum(1.0, np.abs(best))
    wins: FloatArray = (tied / tied.sum(axis=0)).sum(axis=1)
    return wins


def multinomial_sd(wins: IntArray | FloatArray) -> FloatArray:
    """Return the standard deviation of each count if the tournament were held again: √(R p (1 − p)), p = wins / R.

    >>> multinomial_sd(np.array([50, 50])).tolist()
    [5.0, 5.0]
    """
    rounds = float(np.sum(wins))
    share = np.asarray(wins, dtype=np.float64) / rounds
    return np.asarray(np.sqrt(rounds * share * (1 - share)))


def difference_sd(first: float, second: float, rounds: int) -> float:
    """Return the standard deviation of the difference of two counts of wins: √(w₁ + w₂ − (w₁ − w₂)² / R).

    >>> round(difference_sd(13, 22, 100), 1)
    5.8
    """
    return float(np.sqrt(max(0.0, first + second - (first - second) ** 2 / rounds)))
