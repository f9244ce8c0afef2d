"""Agents under names of their own: settings known from elsewhere, kept as data."""

from __future__ import annotations

from typing import Any

from qlearn.agents import OnlineQNetwork, QLearning, RewardSum, mlp
from qlearn.agents.backend import load_keras
from qlearn.rules import EpsilonGreedy, Greedy, exponential

_TUTORIAL_RATE, _TUTORIAL_DISCOUNT = 0.8, 0.95
_TUTORIAL_FADING = exponential(0.5 * 0.999, decay=0.999, per="episode")


def tutorial_reward_sum() -> RewardSum:
    """The tutorial's first agent: adds up rewards, acts greedily, first of equals, uniform where a row sums to 0."""
    return RewardSum(exploration=Greedy(ties="first", zero_sum_uniform=True))


def tutorial_greedy() -> QLearning:
    """The tutorial's second agent: Q-learning without exploration but for rows that sum to 0."""
    return QLearning(
        learning_rate=_TUTORIAL_RATE,
        discount=_TUTORIAL_DISCOUNT,
        exploration=Greedy(ties="first", zero_sum_uniform=True),
    )


def tutorial_epsilon_greedy() -> QLearning:
    """The tutorial's third agent: ε is 0.5 · 0.999 in the first episode and falls by 0.1% an episode."""
    return QLearning(
        learning_rate=_TUTORIAL_RATE,
        discount=_TUTORIAL_DISCOUNT,
        exploration=EpsilonGreedy(_TUTORIAL_FADING, ties="first", zero_sum_uniform=True),
    )


def tutorial_agents() -> list[Any]:
    """The tutorial's three table agents, in its order.

    >>> [agent.label for agent in tutorial_agents()]
    ['reward sum', 'greedy Q-learning', 'ε-greedy Q-learning']
    """
    return [tutorial_reward_sum(), tutorial_greedy(), tutorial_epsilon_greedy()]


def tutorial_network() -> OnlineQNetwork:
    """The tutorial's Keras network: ten sigmoid units, Adam as it comes, one step at a time.

    ε falls as for its third table agent; a row that sums to 0 is no exception here.

    >>> tutorial_network().model, tutorial_network().optimizer
    (mlp(10, activation='sigmoid'), Adam(0.001))
    """
    adam = load_keras().optimizers.Adam()
    exploration = EpsilonGreedy(_TUTORIAL_FADING, ties="first")
    return OnlineQNetwork(mlp(10, activation="sigmoid"), adam, discount=_TUTORIAL_DISCOUNT, exploration=exploration)
