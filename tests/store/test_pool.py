"""Processes that fill a store together."""

import sys

import numpy as np

import qlearn as ql
from qlearn.comparison.compare import compared

WORLD = """
import os
import sys
import gymnasium as gym

class DiesOnce(gym.Env):
    observation_space, action_space = gym.spaces.Discrete(2), gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        if "pytest" not in sys.modules and os.path.exists("poison"):
            os.remove("poison")
            os.kill(os.getpid(), 9)
        return 0, float(action), True, False, {}
"""


def test_a_process_that_dies_is_replaced_and_nothing_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "dying_worlds.py").write_text(WORLD)
    import dying_worlds

    asked = ql.Specification({"mine": ql.Sarsa()}, "dying_worlds:DiesOnce", episodes=3, seeds=3)
    alone = compared(asked)
    (tmp_path / "poison").write_text("")
    found = compared(asked, store="kept", workers=2, progress=False)
    assert not (tmp_path / "poison").exists()
    np.testing.assert_array_equal(found.runs[0].returns, alone.runs[0].returns)
    with ql.Store("kept", write=False) as store:
        assert len(store) == 3
        assert not store.database.rows("SELECT * FROM leases")
        assert sum(deaths for (deaths,) in store.database.rows("SELECT deaths FROM faults")) > 0
    del sys.modules["dying_worlds"], dying_worlds
