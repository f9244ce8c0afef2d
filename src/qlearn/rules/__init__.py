"""Target policies, backups, exploration and schedules: rules that see values, never storage."""

from __future__ import annotations

from qlearn.rules.confidence import CountBonus, UpperConfidence
from qlearn.rules.exploration import Boltzmann, EpsilonGreedy, Greedy
from qlearn.rules.munchausen import Munchausen
from qlearn.rules.schedules import Schedule, constant, exponential, linear, per_visit
from qlearn.rules.targets import (
    double_q,
    expect,
    expected_sarsa,
    greedy,
    one_step,
    q_learning,
    sarsa,
)

__all__ = [
    "Boltzmann",
    "CountBonus",
    "EpsilonGreedy",
    "Greedy",
    "Munchausen",
    "Schedule",
    "UpperConfidence",
    "constant",
    "double_q",
    "expect",
    "expected_sarsa",
    "exponential",
    "greedy",
    "linear",
    "one_step",
    "per_visit",
    "q_learning",
    "sarsa",
]
