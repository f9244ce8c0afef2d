"""Environments that are ordinary Python, kept and gone on with: exactly, or from the last beginning of an episode."""

import json
import signal
import subprocess
import sys

import gymnasium as gym
import jax
import numpy as np
import pytest

import qlearn as ql
from qlearn.engine import vector_host_run
from qlearn.engine.tape import Tape
from qlearn.training import parse_agent
from tests.interrupts import interrupting

DQN = "dqn(mlp(4), adam(0.01), replay=60, batch_size=8, learning_starts=20, train_every=5, target_every=20, n_step=3)"
PQN = "pqn(mlp(4), adam(0.01), num_environments=3, num_steps=5, minibatches=3)"
CART = "CartPole-v1(loop='host')"
LAKE = "FrozenLake-v1(loop='host')"


def same(one, other):
    np.testing.assert_array_equal(one.returns, other.returns)
    np.testing.assert_array_equal(one.lengths, other.lengths)
    assert one.settings == other.settings
    for name in ("table", "counts", "knowledge"):
        pairs = zip(jax.tree.leaves(getattr(one, name)), jax.tree.leaves(getattr(other, name)), strict=True)
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in pairs), name


PROGRAM = """
import sys, json
import qlearn as ql
if __name__ == "__main__":
    for folder, out, steps in json.loads(sys.argv[1]):
        ql.resume(folder, steps=steps).save(out)
"""


def test_in_a_fresh_process_it_is_the_same(tmp_path):
    """Tables and networks; copies one after the other, in processes, and in a vector form that shares its stream."""
    cases = [("sarsa-lambda", LAKE), (PQN, CART), (DQN, "CartPole-v1(loop='host', vectorization='own')")]
    orders, wholes = [], []
    for i, (text, world) in enumerate(cases):
        agent = parse_agent(text)
        wholes.append(ql.train(agent, world, steps=310, seeds=3))
        ql.train(agent, world, steps=150, seeds=3, checkpoint=tmp_path / f"{i}")
        orders.append((str(tmp_path / f"{i}"), str(tmp_path / f"{i}.npz"), 310))
    (tmp_path / "program.py").write_text(PROGRAM)
    subprocess.run([sys.executable, str(tmp_path / "program.py"), json.dumps(orders)], check=True)
    for (_, out, _), whole in zip(orders, wholes, strict=True):
        same(ql.Runs.load(out), whole)


@pytest.mark.parametrize(("text", "world"), [("n-step-sarsa", LAKE), (DQN, CART)])
def test_a_signal_at_any_step_loses_nothing(text, world, tmp_path, monkeypatch):
    monkeypatch.setattr(vector_host_run, "_TELL_SECONDS", 0.0)  # progress is told at every step
    agent, settings = parse_agent(text), {"steps": 400, "seeds": 3, "snapshots": 2}
    whole = ql.train(agent, world, **settings)
    with pytest.raises(ql.Interrupted, match=r"To go on: ql\.resume"):
        ql.train(
            agent,
            world,
            checkpoint=tmp_path,
            progress=interrupting(lambda calls, share: calls == 1, signal.SIGTERM),
            **settings,
        )
    with pytest.raises(ql.Interrupted, match=r"To go on: ql\.resume"):
        ql.resume(tmp_path, progress=interrupting())
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    found = ql.resume(tmp_path)
    same(found, whole)
    np.testing.assert_array_equal(found.snapshots.positions, whole.snapshots.positions)


class Wild(gym.Env):
    """Rewards and observations that no seed reaches; episodes of 37 steps."""

    observation_space = gym.spaces.Box(-9.0, 9.0, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self):
        self.rng = np.random.default_rng()

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.t += 1
        seen = np.clip(self.rng.normal(size=2), -9, 9).astype(np.float32)
        return seen, float(self.rng.normal()), self.t >= 37, False, {}


class WildTable(Wild):
    observation_space = gym.spaces.Discrete(40)

    def reset(self, *, seed=None, options=None):
        super().reset()
        return 0, {}

    def step(self, action):
        _, *rest = super().step(action)
        return self.t, *rest


@pytest.mark.parametrize(("text", "world"), [(DQN, Wild), ("n-step-sarsa", WildTable)])
def test_where_it_cannot_be_restored_the_episode_begins_again_and_that_is_said(text, world, tmp_path):
    agent = parse_agent(text)
    ql.train(agent, world, steps=100, seeds=2, checkpoint=tmp_path)
    with pytest.warns(ql.InexactResumeWarning, match="2 episodes of 2 of 2 seeds could not be gone on with"):
        runs = ql.resume(tmp_path, environment=world, steps=250)
    assert runs.settings["begun_again"] == {"0": 1, "1": 1}
    assert (runs.num_steps == 250).all()
    # Two episodes by step 74, then 26 steps of one that was cut off, and 150 steps of new ones.
    assert (runs.lengths == 37).all()
    assert runs.lengths.shape == (2, 2 + 4)
    runs.save(tmp_path / "runs.npz")
    loaded = ql.Runs.load(tmp_path / "runs.npz", agent=agent, environment=ql.make(world))
    assert loaded.settings == runs.settings


def test_the_last_step_of_an_episode_that_was_cut_off_is_marked_truncated(tmp_path):
    agent = parse_agent(DQN)
    ql.train(agent, Wild, steps=100, seeds=1, checkpoint=tmp_path)
    with pytest.warns(ql.InexactResumeWarning):
        ql.resume(tmp_path, environment=Wild, steps=150)
    from qlearn.training.checkpoint import Folder

    rows = next(x for name, x in Folder(tmp_path, 1.0).load(0).items() if x.ndim == 3 and x.shape[1:] == (60, 8))[0]
    truncated, terminated = rows[:, 3], rows[:, 2]
    assert truncated.sum() == 1  # of steps 91 to 150, which the replay holds
    assert truncated[(100 - 1) % 60] == 1
    assert terminated[(100 - 1) % 60] == 0


def test_an_episode_agent_makes_such_an_episode_again_from_its_beginning(tmp_path):
    def world():
        return gym.wrappers.TimeLimit(WildTable(), 50)

    agent = ql.MonteCarloControl()
    with pytest.raises(ql.Interrupted):
        ql.train(
            agent,
            world,
            steps=5 * 37,
            seeds=1,
            checkpoint=tmp_path,
            progress=interrupting(lambda calls, share: calls == 50),
        )
    with pytest.warns(ql.InexactResumeWarning, match="One episode of 1 of 1 seeds"):
        runs = ql.resume(tmp_path, environment=world)
    assert runs.lengths.tolist() == [[37] * 5]
    assert runs.num_steps.tolist() == [5 * 37]  # what was made of the episode that was cut off is not counted


class Counting:
    """Two environments of one number each, which a tape plays on."""

    def __init__(self, drift=0):
        self.drift, self.observations = drift, np.zeros(2, np.int64)

    def begin_again(self, marked, numbers):
        self.observations[marked] = 100 * numbers[marked]

    def play(self, actions, live):
        self.observations = np.where(live, self.observations + actions + self.drift, self.observations)
        return self.observations, np.zeros(2), np.zeros(2, bool)


def recorded(rng, steps, tape, world):
    live_rows = rng.random((steps, 2)) < 0.7
    both = np.ones(2, bool)
    tape.begin(both, np.zeros(2, np.int64), world.observations)
    numbers = np.zeros(2, np.int64)
    for live in live_rows:
        actions = rng.integers(0, 3, 2)
        over = live & (rng.random(2) < 0.02)
        tape.add(actions, live)
        seen, reward, _ = world.play(actions, live)
        tape.answered(seen, reward, over, live)
        if over.any():
            numbers += over
            world.begin_again(over, numbers)
            tape.begin(over, numbers, world.observations)


@pytest.mark.parametrize("most", [2**26, 3000])  # bytes: a tape that has room, and one that forgets what is over
def test_a_tape_brings_environments_to_where_they_were(most, monkeypatch):
    monkeypatch.setattr("qlearn.engine.tape._MOST", most)
    rng = np.random.default_rng(3)
    for steps in (0, 1, 90, 300, 2000):
        tape, world, again = Tape(2, 3), Counting(), Counting()
        recorded(rng, steps, tape, world)
        other = Tape(2, 3)
        other.thaw({name: x.copy() for name, x in tape.freeze().items()})
        assert not other.restore(again).any()
        np.testing.assert_array_equal(again.observations, world.observations)
        if steps > 1:
            assert other.restore(Counting(drift=1)).any()


def test_a_tape_gives_up_an_episode_that_is_too_long(monkeypatch):
    monkeypatch.setattr("qlearn.engine.tape._MOST", 2000)
    tape, world = Tape(2, 3), Counting()
    both = np.ones(2, bool)
    tape.begin(both, np.zeros(2, np.int64), world.observations)
    for _ in range(4000):
        tape.add(np.ones(2, np.int64), both)
        tape.answered(world.play(np.ones(2), both)[0], np.zeros(2), ~both, both)
    assert sum(x.nbytes for x in tape.freeze().values()) < 4000
    assert tape.restore(Counting()).all()
