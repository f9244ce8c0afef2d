"""Any finite model as a Gymnasium environment."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import InvalidAction, ResetNeeded
from gymnasium.utils.env_checker import check_env

from qlearn.environments import FiniteMDP, MDPBuilder, MDPEnv, make
from qlearn.errors import InputError


@pytest.mark.parametrize("identity", ["NChain-v0", "FrozenLake-v1", "Taxi-v4(is_rainy=True)", "CliffWalking-v1"])
def test_a_model_steps_exactly_as_the_environment_it_came_from(identity):
    mdp = make(identity)
    ours, theirs = MDPEnv(mdp), mdp.make_env()
    observation = ours.reset(seed=4)[0], theirs.reset(seed=4)[0]
    rng = np.random.default_rng(0)
    for _ in range(1500):
        if np.count_nonzero(mdp.initial) == 1 and identity != "NChain-v0":
            # Gymnasium draws a number for a certain start too; ours does not, so both streams are set equal.
            ours.np_random.bit_generator.state = theirs.unwrapped.np_random.bit_generator.state
        assert observation[0] == observation[1]
        action = int(rng.integers(mdp.num_actions))
        mine, its = ours.step(action), theirs.step(action)
        assert mine[:4] == its[:4]
        observation = (ours.reset()[0], theirs.reset()[0]) if mine[2] or mine[3] else (mine[0], its[0])


@pytest.mark.parametrize("identity", ["NChain-v0", "FrozenLake-v1", "Blackjack-v1(sab=False)", "CliffWalking-v1"])
def test_gymnasiums_own_check_passes(identity):
    check_env(MDPEnv(make(identity)), skip_render_check=True)


def forked():
    b = MDPBuilder("fork")
    b.starts_in({"A": 0.5, "B": 0.5})
    b.on("A", "left").ends(reward=1)
    b.on("A", "right").goes_to("B")
    b.on("B", "left").ends(reward=-1, reward_noise=2)
    return b.build()


def test_an_illegal_action_is_an_error_and_the_mask_tells():
    env = MDPEnv(forked())
    _, info = env.reset(seed=0, options=None)
    env.state = 1
    with pytest.raises(InvalidAction, match=r"Action 1 is not legal in state 1 \('B'\); legal are \[0\]"):
        env.step(1)
    with pytest.raises(InvalidAction, match="must be 0 to 1"):
        env.step(2)
    assert info["action_mask"].dtype == np.int8
    env.state = 0
    assert env.step(1)[4]["action_mask"].tolist() == [1, 0]


def test_stepping_before_a_reset_is_an_error():
    with pytest.raises(ResetNeeded):
        MDPEnv(forked()).step(0)


def test_the_first_state_and_the_noise_have_their_distributions():
    env = MDPEnv(forked())
    starts, rewards = [], []
    for i in range(4000):
        starts.append(env.reset(seed=1 if i == 0 else None)[0])
        env.state = 1
        rewards.append(env.step(0)[1])
    assert np.mean(starts) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(4000))
    assert np.mean(rewards) == pytest.approx(-1, abs=4 * 2 / np.sqrt(4000))
    assert np.std(rewards) == pytest.approx(2, rel=0.06)


def test_the_time_limit_truncates():
    env = MDPEnv(make("NChain-v0", max_episode_steps=3))
    for _ in range(2):
        env.reset()
        assert [env.step(0)[3] for _ in range(3)] == [False, False, True]


def test_a_change_comes_at_its_total_step_and_a_seeded_reset_begins_a_new_run():
    one = FiniteMDP.from_arrays([[[1.0]]], R=1.0, time_limit=4)
    two = FiniteMDP.from_arrays([[[1.0]]], R=2.0, time_limit=4)
    env = MDPEnv(one.changing_to(two, at_step=6))
    for seed in (0, 1):
        rewards = []
        env.reset(seed=seed)
        for _ in range(10):
            _, reward, _, truncated, _ = env.step(0)
            rewards.append(reward)
            if truncated:
                env.reset()
        assert rewards == [1] * 6 + [2] * 4


def test_a_step_is_drawn_as_one_line():
    env = MDPEnv(forked(), render_mode="ansi")
    env.reset(seed=0)
    env.state = 0
    env.step(1)
    assert env.render() == "A, right: reward 0, B\n"
    with pytest.raises(InputError, match="must be None or 'ansi'"):
        MDPEnv(forked(), render_mode="human")
    assert isinstance(env, gym.Env)
