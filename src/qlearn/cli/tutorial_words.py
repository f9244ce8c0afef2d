"""What follows from the tutorial's numbers, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.cli import tutorial_facts as facts
from qlearn.cli.terminal import figure, print_table, say, share

if TYPE_CHECKING:
    from qlearn.comparison import Comparison
    from qlearn.training import Runs


def apart(ours: float, reference: float, error: float) -> float:
    """Return how far two numbers are apart, in standard errors.

    >>> apart(10.0, 12.0, 4.0)
    0.5
    """
    return abs(ours - reference) / error if error else 0.0


def difference(found: Comparison) -> str:
    """Say whether the first two agents differ, and by how much they may."""
    pair = next(p for p in found.pairs if {p.first, p.second} == set(facts.NAMES[:2]))
    bounds = pair.difference.interval
    if bounds is None:
        return "With so few runs nothing can be said about differences."
    interval = f"95% interval {figure(bounds.low, 1)} … {figure(bounds.high, 1)}"
    told = f"{pair.first} − {pair.second} = {figure(pair.difference.difference, 1)} ({interval})"
    if pair.significant:
        return f"On these seeds {told}; the original's 2,000 rounds show no difference."
    return f"No difference between the first two was found: {told}."


def print_locked(locked: Any, seen: int) -> None:
    """Print how often reward sum has locked a state onto forward, beside the probability of it."""
    rows = []
    for s, truth in enumerate(facts.LOCKED):
        error = math.sqrt(truth * (1 - truth) / max(1, seen))
        rows.append([str(s), share(float(locked[s])), f"{share(truth)} ± {100 * error:.1f}"])
    name = f"Where reward sum's greedy action is forward, over the {seen} runs that visited every state"
    print_table(["state", "forward, here", "exact probability ± se"], rows, name=name)
    say("It repeats the first action that paid in a state, and never learns what the other one would bring.")


def text_and_code(text: Runs, code: Runs) -> str:
    """Say what the two forms of the rule did on the same random numbers."""
    same = (text.returns == code.returns).all(axis=1)
    told = (
        "The tutorial's text and its code differ: in the code the reward escapes the learning rate. On the same "
        f"random numbers {int(same.sum())} of {len(same)} runs earn the same in every episode"
    )
    if not same.all():
        told += "; the others part where rounding decides between two all but equal values"
    if not same.any():
        return told + "."
    ratio = code.q_table[same].sum(dtype=np.float64) / text.q_table[same].sum(dtype=np.float64)
    return (
        f"{told}. In those the code's values are {ratio:.4f} times the text's (1/{facts.RATE} = {1 / facts.RATE}): "
        "they lead to 1.25 Q*, not to Q*."
    )
