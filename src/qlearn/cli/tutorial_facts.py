"""What the tutorial printed, and what 2,000 rounds of its original code say."""

from __future__ import annotations

NAMES = ("reward sum", "greedy Q-learning", "ε-greedy Q-learning")
ROUNDS, EPISODES, STEPS, DISCOUNT, RATE = 100, 500, 1000, 0.95, 0.8

PRINTED_WINS = (13, 22, 65)
"""The tutorial's own 100 rounds."""

WINS = ((14.2, 3.5), (14.9, 3.6), (70.8, 4.5))
"""Wins of 100 rounds, with the standard deviation of one such count."""

VALUES = ((1526.8, 6.0), (1517.2, 8.5), (2226.3, 18.1))
"""Exact expected return of the final policy: mean and standard error."""

SHARES = (0.0005, 0.004, 0.129)
"""Share of runs whose policy is optimal."""

ORIGINAL_ROUNDS = 2000

RETURNS = {
    "best policy that sees the clock": (3665.8324, None),
    "always forward": (3663.6928, 279.3),
    "always backward": (1603.1872, 25.2),
    "uniform": (1311.25, 77.2),
}
"""Expected return of one episode, and its standard deviation; from linear solves."""

RATES = {
    0.8: (12.8, 27.0),
    0.3: (71.1, 11.2),
    0.1: (91.9, 4.8),
    0.03: (99.0, 2.4),
    0.01: (100.0, 1.34),
    0.001: (3.1, 34.4),
}
"""Learning rate: per cent of 2,000 runs with an optimal policy, root-mean-square error to Q*."""

LOCKED = (0.2, 0.2, 0.2, 0.2, 0.5)
"""Reward sum's probability of forward in states 0 to 4, once every state has been visited."""

NETWORK_EPISODES, NETWORK_SEEDS = 1000, 30
ORIGINAL_NETWORK_SEEDS = 40

NETWORK_CURVE = {
    (1, 50): 1.395,
    (51, 100): 1.634,
    (101, 150): 1.976,
    (201, 300): 2.117,
    (501, 600): 2.416,
    (901, 1000): 2.752,
}
"""Mean reward per step of the tutorial's Keras network in these episodes, from 40 runs of its code."""

LEARNT = 150
"""The episode by which each of those had learnt all that there is to learn."""

NETWORK_OPTIMAL = (76, 114, 0.989)
"""The episode from which its policy is optimal, median and latest; share of later episode ends at which it is."""

NETWORK_ERRORS = (0.40, 0.66, 0.99, 1.69)
"""Root-mean-square error to Q* after the last episode: quartiles and the largest of the 40."""
