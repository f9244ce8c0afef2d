"""Atari through ALE's own vector environment: every transition is the game's own, whatever resets lie between."""

import itertools

import gymnasium as gym
import jax
import numpy as np
import pytest

import qlearn as ql
from qlearn.environments.vector_host import VectorHost
from qlearn.errors import InputError

pytest.importorskip("ale_py")
from gymnasium.vector import AutoresetMode

SHORT = {"max_num_frames_per_episode": 240, "img_height": 20, "img_width": 20, "num_threads": 1}
SEED = 7


def ours(game, steps, actions):
    """Transitions of one copy, as training gets them."""
    host = VectorHost(ql.make(game, **SHORT), np.array([0]), 1, lambda seed, copy, episode: SEED)
    found = []
    for action in actions[:steps]:
        seen = host.observations[0]
        moved = host.step(np.array([action]), np.ones(1, bool))
        assert moved.valid.all()  # no step is lost to a reset
        found.append([seen, *(column[0] for column in moved[:4])])
    host.close()
    return found


def alone(game, steps, actions, **how):
    """The same from ALE, where a call after an end only resets."""
    envs = gym.make_vec(
        game, 1, vectorization_mode="vector_entry_point", autoreset_mode=AutoresetMode.NEXT_STEP, **SHORT, **how
    )
    seen, info = envs.reset(seed=SEED)
    found, lives = [], [int(info["lives"][0])]
    while len(found) < steps:
        arrived, reward, terminated, truncated, info = envs.step(np.array([actions[len(found)]]))
        found.append([seen[0], arrived[0], reward[0], terminated[0], truncated[0]])
        lives.append(int(info["lives"][0]))
        seen = arrived
        if terminated[0] or truncated[0]:
            seen, *_ = envs.step(np.array([0]))
    envs.close()
    return found, lives


@pytest.mark.parametrize("life", [False, True])
def test_every_transition_is_that_of_the_game_final_observations_and_first_ones_too(life):
    actions = np.random.default_rng(0).integers(0, 4, 400)
    theirs, lives = alone("ALE/Breakout-v5", 300, actions, episodic_life=life)
    mine = ours(f"ALE/Breakout-v5(episodic_life={life})", 300, actions)
    for one, two in zip(theirs, mine, strict=True):
        for a, b in zip(one, two, strict=True):
            np.testing.assert_array_equal(a, b)
    ends = np.array([[t, c] for _, _, _, t, c in mine])
    if life:  # every life that is lost ends an episode, and the next one begins with the lives that are left
        assert ends[:, 0].sum() == sum(a > b for a, b in itertools.pairwise(lives)) > 2
    else:
        assert ends[:, 1].sum() > 2  # 240 frames are 60 steps


def test_frames_kept_once_train_the_same_network_as_whole_stacks():
    settings = {"replay": 120, "batch_size": 8, "learning_starts": 40, "train_every": 4, "num_environments": 2}
    settings |= {"target_every": 40, "n_step": 2, "exploration": ql.EpsilonGreedy(0.5)}
    game = ql.make("ALE/Pong-v5", **SHORT | {"max_num_frames_per_episode": 80})
    import keras

    one, two = (
        ql.train(ql.DQN(ql.mlp(4), keras.optimizers.SGD(1e-7), frames=k, **settings), game, steps=300, seeds=2)
        for k in (4, 1)
    )
    np.testing.assert_array_equal(one.returns, two.returns)
    assert one.num_episodes.min() >= 8
    assert (one.lengths[one.lengths > 0] <= 20).all()
    for a, b in zip(jax.tree.leaves(one.knowledge), jax.tree.leaves(two.knowledge), strict=True):
        np.testing.assert_array_equal(a, b)


def test_ids_arguments_and_limits_are_as_a_user_writes_them():
    game = ql.make("ALE/Pong-v5(episodic_life=True, max_episode_steps=50)")
    assert game.name == "ALE/Pong-v5(episodic_life=True, max_episode_steps=50)"
    assert (game.observation_shape, game.observation_dtype, game.time_limit) == ((4, 84, 84), "uint8", 50)
    assert ql.make("ALE/Pong-v5").time_limit == 27_000
    for wrong, words in (
        ("ALE/Pong-v5(episodc_life=True)", "did you mean 'episodic_life'"),
        ("ALE/Brakout-v5", "did you mean 'ALE/Breakout-v5'"),
        ("ALE/Pong-v5(max_episode_steps=None)", "always has a time limit"),
    ):
        with pytest.raises(InputError, match=words):
            ql.make(wrong)


def test_the_plain_game_is_there_for_wrappers_of_ones_own():
    plain = ql.make("ALE/Pong-v5", vectorization="sync")
    assert plain.observation_shape == (210, 160, 3)
