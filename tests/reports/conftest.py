"""A comparison that the tests look at, trained once."""

import pytest

import qlearn as ql


@pytest.fixture(scope="session")
def small():
    """Two agents, twelve seeds, a few episodes, with snapshots."""
    agents = [ql.RewardSum(), ql.QLearning(discount=0.95)]
    return ql.compare(agents, "NChain-v0", episodes=8, seeds=12, snapshots=4)
