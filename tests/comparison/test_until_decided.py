"""Batches of seeds until it is decided: no seed more, and the numbers of an ordinary comparison."""

import numpy as np
import pytest

import qlearn as ql
from qlearn.comparison import compare_until_decided


def test_a_clear_difference_is_decided_early_and_equal_agents_cost_all_runs():
    agents = [ql.QLearning(learning_rate=0.1), ql.RewardSum(), ql.RewardSum()]
    found = compare_until_decided(agents, "NChain-v0", episodes=30, batch=8, interims=3)
    assert found.better == (("ε-greedy Q-learning", "reward sum #1"), ("ε-greedy Q-learning", "reward sum #2"))
    assert found.runs["ε-greedy Q-learning"] < 24
    assert found.runs["reward sum #1"] == found.runs["reward sum #2"] == 24
    assert "no difference was found between reward sum #1 and reward sum #2" in found.verdict
    whole = ql.compare(agents, "NChain-v0", episodes=30, seeds=24, snapshots=0)
    np.testing.assert_array_equal(found.scores.cells["reward sum #1", "NChain-v0"].values, whole.agents[1].exact_return)


def test_one_agent_or_no_batch_is_refused():
    with pytest.raises(ql.InputError, match="nothing to decide"):
        compare_until_decided([ql.QLearning()], "NChain-v0", episodes=1)
    with pytest.raises(ql.InputError, match="batch=1"):
        compare_until_decided([ql.QLearning(), ql.Sarsa()], "NChain-v0", episodes=1, batch=1)
