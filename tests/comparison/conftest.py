"""Comparisons that several tests look at, trained once."""

import pytest

import qlearn as ql
from qlearn.training import tutorial_agents


@pytest.fixture(scope="session")
def tutorial():
    """The tutorial's three agents as it trains them, on 300 seeds."""
    return ql.compare(tutorial_agents(), "NChain-v0", episodes=500, seeds=300, snapshots=0)


@pytest.fixture(scope="session")
def small():
    """Two agents, twelve seeds, a few episodes, with snapshots."""
    agents = [ql.RewardSum(), ql.QLearning(discount=0.95)]
    return ql.compare(agents, "NChain-v0", episodes=8, seeds=12, snapshots=4)
