"""Stores and environments that are ordinary Python: their episodes are played again, and gone on with."""

import os

import gymnasium as gym
import numpy as np
import pytest

import qlearn as ql
from qlearn.training import parse_agent
from qlearn.training.plan import Plan

HOST = "FrozenLake-v1(loop='host')"


@pytest.mark.parametrize(
    ("text", "unit", "budget"),
    [("sarsa", "episode", 60), ("sarsa-lambda", "step", 900), ("monte-carlo-control", "episode", 40)],
)
def test_what_was_interrupted_or_asked_further_is_what_was_never_stopped(
    text, unit, budget, tmp_path, plan, same, lanes
):
    agent, interrupted = parse_agent(text), []

    def interrupt(share, _):
        if share > 0.4 and not interrupted:
            interrupted.append(share)
            os.kill(os.getpid(), 2)

    with ql.Store(tmp_path, every=0.0) as store:
        with pytest.raises(ql.Interrupted, match="0 of 3 runs are kept"):
            store.runs([plan([agent], range(3), budget, unit, world=HOST, snapshots=0)], progress=interrupt)
        assert store.database.rows("SELECT final FROM states") == [(0,)] * 3
        lanes.clear()
        found = store.runs([plan([agent], range(5), budget, unit, world=HOST, snapshots=0)])[0][0]
        assert sorted(lanes) == [(budget, [0, 1, 2]), (budget, [3, 4])]
        lanes.clear()
        further = store.runs([plan([agent], [1, 4, 5], 2 * budget, unit, world=HOST, snapshots=0)])[0][0]
        assert sorted(lanes) == [(2 * budget, [1, 4]), (2 * budget, [5])]
    same(found, ql.train(agent, HOST, seeds=5, **{f"{unit}s": budget}))
    same(further, ql.train(agent, HOST, seeds=[1, 4, 5], **{f"{unit}s": 2 * budget}))


def test_only_what_is_missing_is_stepped_and_what_cannot_be_played_again_begins_anew(tmp_path):
    made = []

    class Walk(gym.Env):
        observation_space, action_space = gym.spaces.Discrete(4), gym.spaces.Discrete(2)
        seeded = True

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.rng = self.np_random if Walk.seeded else np.random.default_rng()
            self.at = 0
            return 0, {}

        def step(self, action):
            made.append(action)
            self.at += 1
            return int(self.rng.integers(4)), float(action), self.at == 10, False, {}

    def run(folder, steps):
        made.clear()
        with ql.Store(tmp_path / folder) as store:
            store.runs([Plan([ql.QLearning()], ql.make(Walk), np.arange(2), steps, "step", 0)])
        return len(made)

    again = 2 * 5  # steps of the episodes that had begun
    assert run("seeded", 305) == 2 * 305
    assert run("seeded", 405) == 2 * 100 + again
    Walk.seeded = False
    assert run("by chance", 305) == 2 * 305
    assert run("by chance", 405) == 2 * 405 + again
