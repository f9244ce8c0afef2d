"""The host loop where copies of an environment do not keep step with each other."""

import gymnasium as gym
import keras
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import qlearn as ql
from qlearn.engine.vector_host_run import VectorHostRun


class Countdown(gym.Env):
    """Episodes of 1 to 9 steps, their length drawn at the reset; never observes 0."""

    observation_space = gym.spaces.Box(-100.0, 100.0, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.length, self.t = int(self.np_random.integers(1, 10)), 0
        return np.array([self.length, 1.0], np.float32), {}

    def step(self, action):
        self.t += 1
        return np.array([self.length, 1.0 + self.t], np.float32), 1.0, self.t >= self.length, False, {}


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_replays_of_seeds_that_do_not_keep_step_hold_true_transitions_and_no_holes(mode):
    def many(num_envs):
        return SyncVectorEnv([Countdown] * num_envs, autoreset_mode=mode)

    agent = ql.DQN(
        ql.mlp(4),
        keras.optimizers.Adam(0.01),
        replay=400,
        batch_size=8,
        learning_starts=20,
        train_every=4,
        target_every=100,
    )
    run = VectorHostRun(agent, ql.make(many), np.arange(3), "step", (300,))
    run.run(lambda: False, lambda made: None)
    assert (run.finish().steps == 300).all()
    for seed in range(3):
        rows = np.asarray(run._state[0].replay.rows[seed][:300])  # of the only lane
        reward, terminated, seen, arrived = rows[:, 0], rows[:, 2], rows[:, 4:6], rows[:, 6:8]
        assert (reward == 1).all()  # each was written, and none is of a step that was only a reset
        assert (seen[:, 0] == arrived[:, 0]).all()  # of one episode
        assert (arrived[:, 1] == seen[:, 1] + 1).all()
        assert (terminated == (arrived[:, 1] - 1 >= seen[:, 0])).all()
        same = terminated[:-1] == 0
        assert (arrived[:-1][same] == seen[1:][same]).all()  # in time order
