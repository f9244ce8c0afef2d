"""Processes that fill a store together."""

import os
import subprocess
import sys

import numpy as np
import pytest

import qlearn as ql
from qlearn.comparison.compare import compared
from qlearn.engine.host_loop import episode_seed

WORLD = f"""
import os
import sys
import time
import gymnasium as gym

class DiesOnce(gym.Env):
    observation_space, action_space = gym.spaces.Discrete(2), gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.bad = seed == {episode_seed(1, 2)}
        return 0, {{}}

    def step(self, action):
        if "pytest" not in sys.modules and os.path.exists("poison"):
            os.remove("poison")
            os.kill(os.getpid(), 9)
        return 0, float(action), True, False, {{}}

class Hangs(DiesOnce):
    def step(self, action):
        if self.bad:
            time.sleep(1000)  # outside of Python, where nothing but its process can be ended
        return super().step(action)
"""


@pytest.fixture
def worlds(tmp_path, monkeypatch):
    """A module of the user's own, in the present folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "dying_worlds.py").write_text(WORLD)
    import dying_worlds

    yield dying_worlds
    del sys.modules["dying_worlds"]


def test_a_process_that_dies_is_replaced_and_nothing_is_missing(tmp_path, worlds):
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


def test_a_process_that_hangs_outside_of_python_is_ended_at_its_limit_and_the_others_finish(worlds):
    asked = ql.Specification({"mine": ql.Sarsa()}, "dying_worlds:Hangs(patience=5)", episodes=4, seeds=5)
    with pytest.raises(ql.EnvironmentFault, match=r"Hangs \(seed 1, episode 2, step 0\) took longer than 5 s") as told:
        compared(asked, store="kept", workers=2, progress=False)
    assert (told.value.seed, told.value.episode, told.value.step) == (1, 2, 0)
    with ql.Store("kept", write=False) as store:
        assert len(store) == 4
        assert not store.database.rows("SELECT * FROM leases")
    assert not workers_of(os.getpid())


def test_copies_of_an_environment_say_whose_call_does_not_come_back(worlds):
    from qlearn.environments.vector_host import VectorHost

    host = VectorHost(ql.make(worlds.Hangs, patience=9), np.array([4, 7]), 1, lambda *_: 0)
    fault = host._copies._patience.fault()
    host.close()
    assert (fault.seed, fault.episode, fault.step) == (7, 0, 0)
    assert "Hangs (seed 7, episode 0, step 0) took longer than 9 s" in str(fault)


def workers_of(pid):
    """The process ids of the workers that a process began."""
    told = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [line.split()[0] for line in told.stdout.splitlines() if "comparison.pool" in line]
