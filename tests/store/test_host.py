"""Stores and environments that are ordinary Python: their episodes are played again, and gone on with."""

import gymnasium as gym
import numpy as np
import pytest

import qlearn as ql
from qlearn.engine import vector_host_run
from qlearn.engine.vector_host_kept import KeptVectorHostRun
from qlearn.training import parse_agent
from qlearn.training.plan import Plan
from tests.interrupts import interrupting

HOST = "FrozenLake-v1(loop='host')"


@pytest.mark.parametrize(
    ("text", "unit", "budget"),
    [("sarsa", "episode", 60), ("sarsa-lambda", "step", 900), ("monte-carlo-control", "episode", 40)],
)
def test_what_was_interrupted_or_asked_further_is_what_was_never_stopped(
    text, unit, budget, tmp_path, plan, same, lanes
):
    agent, interrupt = parse_agent(text), interrupting(lambda calls, share: share > 0.4)
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


DQN = "dqn(mlp(8), adam(0.01), replay=200, batch_size=16, learning_starts=50, train_every=5, target_every=50)"
PQN = "pqn(mlp(8), adam(0.01), num_environments=2, num_steps=10, minibatches=4)"
CART = "CartPole-v1(loop='host')"
OWN = "CartPole-v1(loop='host', vectorization='own')"


@pytest.mark.parametrize(
    "case",
    [
        (DQN, CART, "step", 600),
        (DQN, CART, "episode", 30),
        (f"{DQN[:-1]}, noisy=True, exploration=greedy, priorities=priorities())", OWN, "step", 600),
        (PQN, CART, "step", 610),
        (PQN, OWN, "step", 610),
        (PQN, "CartPole-v1(loop='host', max_episode_steps=7)", "step", 610),
        ("online-q-network(mlp(8), adam(0.01))", "NChain-v0(max_episode_steps=40, loop='host')", "step", 600),
        ("stream-q(mlp(8, layer_norm=True))", CART, "step", 600),
    ],
)
def test_networks_go_on_where_they_were_and_further(case, tmp_path, plan, same, monkeypatch):
    text, world, unit, budget = case
    monkeypatch.setattr(vector_host_run, "_TELL_SECONDS", 0.0)  # progress is told at every step
    agent, interrupt = parse_agent(text), interrupting(lambda calls, share: share > 0.4)
    thaw, gone_on = KeptVectorHostRun.thaw, []

    def thaw_and_note(self, *given, **named):
        thaw(self, *given, **named)
        gone_on.extend(self.seeds.tolist())

    monkeypatch.setattr(KeptVectorHostRun, "thaw", thaw_and_note)
    with ql.Store(tmp_path, every=0.0) as store:
        with pytest.raises(ql.Interrupted, match="0 of 3 runs are kept"):
            store.runs([plan([agent], range(3), budget, unit, world=world, snapshots=3)], progress=interrupt)
        assert store.database.rows("SELECT final FROM states") == [(0,)] * 3
        found = store.runs([plan([agent], range(5), budget, unit, world=world, snapshots=3)])[0][0]
        assert sorted(gone_on) == [0, 1, 2]
        gone_on.clear()
        further = store.runs([plan([agent], [1, 4, 5], 2 * budget, unit, world=world, snapshots=3)])[0][0]
    assert sorted(gone_on) == ([1, 4] if unit == "step" else [])  # by episodes, seeds arrive at different times
    same(found, ql.train(agent, world, seeds=5, **{f"{unit}s": budget}))
    same(further, ql.train(agent, world, seeds=[1, 4, 5], **{f"{unit}s": 2 * budget}))


@pytest.mark.parametrize("text", ["q-learning", DQN])
def test_only_what_is_missing_is_stepped_and_what_cannot_be_played_again_begins_anew(text, tmp_path):
    agent, made = parse_agent(text), []

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
            store.runs([Plan([agent], ql.make(Walk), np.arange(2), steps, "step", 0)])
        return len(made)

    again = 2 * 5  # steps of the episodes that had begun
    assert run("seeded", 305) == 2 * 305
    assert run("seeded", 405) == 2 * 100 + again
    Walk.seeded = False
    assert run("by chance", 305) == 2 * 305
    assert run("by chance", 405) == 2 * 405 + again
