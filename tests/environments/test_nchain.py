"""NChain-v0 as the tutorial has it, to the last detail."""

import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import InvalidAction, ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import qlearn.environments
from qlearn.environments.nchain import NChainEnv, nchain_model
from qlearn.environments.registration import register
from qlearn.errors import InputError

register()


class Scripted:
    """A random stream that gives what it is told and counts."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)

    def random(self):
        return self.numbers.pop(0)


def chain(state=0, u=0.5, **arguments):
    env = NChainEnv(**arguments)
    env.reset()
    env.state = state
    env.np_random = Scripted(u)
    return env


@pytest.mark.parametrize(
    ("state", "action", "u", "next_state", "reward", "slipped"),
    [
        (0, 0, 0.2, 1, 0, False),  # exactly `slip` is no slip
        (0, 0, 0.19999999, 0, 2, True),
        (3, 0, 0.5, 4, 0, False),  # arriving pays nothing
        (4, 0, 0.5, 4, 10, False),
        (4, 0, 0.0, 0, 2, True),
        (4, 1, 0.5, 0, 2, False),
        (4, 1, 0.1, 4, 10, True),
        (0, 1, 0.5, 0, 2, False),  # from state 0 too
        (2, 1, 0.1, 3, 0, True),
    ],
)
def test_a_step_does_what_the_tutorial_says(state, action, u, next_state, reward, slipped):
    env = chain(state, u)
    assert env.step(action) == (next_state, reward, False, False, {"slipped": slipped})
    assert env.np_random.numbers == []  # one uniform number, no more


def test_a_reset_draws_nothing():
    env = NChainEnv()
    env.reset(seed=5)
    before = env.np_random.bit_generator.state
    assert env.reset() == (0, {"slipped": False})
    assert env.np_random.bit_generator.state == before


def test_the_slips_are_those_of_the_seed():
    env = NChainEnv()
    env.reset(seed=3)
    uniform = gym.utils.seeding.np_random(3)[0].random(200)
    assert [env.step(0)[4]["slipped"] for _ in range(200)] == (uniform < 0.2).tolist()


@pytest.mark.parametrize("action", [2, -1, 0.5, "forward", None])
def test_an_action_outside_the_space_is_an_error(action):
    with pytest.raises(InvalidAction, match=r"must be 0 \(forward\) or 1 \(backward\)"):
        chain().step(action)


def test_stepping_or_drawing_before_a_reset_is_an_error():
    with pytest.raises(ResetNeeded):
        NChainEnv().step(0)
    with pytest.raises(ResetNeeded):
        NChainEnv(render_mode="ansi").render()
    with pytest.raises(ResetNeeded):
        gym.make("NChain-v0").step(0)


def test_an_episode_is_truncated_after_1000_steps_and_never_terminated():
    env = gym.make("NChain-v0")
    env.reset(seed=0)
    ends = [env.step(t % 2)[2:4] for t in range(1000)]
    assert ends == [(False, False)] * 999 + [(False, True)]
    assert env.spec.max_episode_steps == 1000
    assert env.spec.reward_threshold is None
    assert env.observation_space == gym.spaces.Discrete(5)
    assert env.action_space == gym.spaces.Discrete(2)


@pytest.mark.parametrize("render_mode", [None, "ansi", "rgb_array"])
def test_gymnasiums_own_check_passes(render_mode):
    env = gym.make("NChain-v0", render_mode=render_mode)
    check_env(env.unwrapped, skip_render_check=render_mode is None)


def test_the_arguments_change_the_chain():
    env = chain(2, n=3, small=-1, large=7.5, slip=0.0)
    assert env.step(0)[:2] == (2, 7.5)
    env = chain(n=3, small=-1, large=7.5, slip=1.0, u=0.999)
    assert env.step(0)[:2] == (0, -1)
    assert env.observation_space.n == 3


@pytest.mark.parametrize(
    "arguments", [{"n": 0}, {"n": 2.5}, {"slip": -0.1}, {"slip": "a"}, {"small": np.nan}, {"large": np.inf}]
)
def test_arguments_that_make_no_chain_are_named(arguments):
    with pytest.raises(InputError, match=f"`{next(iter(arguments))}` is"):
        nchain_model(**arguments)
    with pytest.raises(InputError, match=f"`{next(iter(arguments))}` is"):
        NChainEnv(**arguments)


@pytest.mark.parametrize("arguments", [{}, {"n": 9, "slip": 0.35, "small": 1, "large": 4}, {"n": 1}])
def test_the_model_and_the_environment_agree_for_every_uniform_number(arguments):
    mdp = nchain_model(**arguments)
    for state in range(mdp.num_states):
        for action in (0, 1):
            row = state * 2 + action
            lo, hi = mdp.offsets[row], mdp.offsets[row + 1]
            cumulative = np.cumsum(mdp.probability[lo:hi])
            for u in (0.0, 0.1, 0.1999999, 0.2, 0.3499, 0.35, 0.7, 0.999999):
                outcome = lo + int(np.argmax(u < cumulative))
                got = chain(state, u, **arguments).step(action)
                assert got[:3] == (mdp.next_state[outcome], mdp.reward[outcome], mdp.terminated[outcome])
                assert got[4]["slipped"] == (outcome == lo)  # outcome 0 is the slip


def test_a_chain_that_never_or_always_slips_has_one_outcome():
    assert nchain_model(slip=0.0).probability.tolist() == [1.0] * 10
    never, always = nchain_model(slip=0.0), nchain_model(slip=1.0)
    np.testing.assert_array_equal(never.expected_reward, always.expected_reward[:, ::-1])


def test_the_model_has_the_tutorials_optimum():
    mdp = nchain_model()
    q = np.zeros((5, 2))
    for _ in range(1000):
        q = mdp.expected_reward + 0.95 * (mdp.transition_matrix() @ q.max(axis=1)).reshape(5, 2)
    forward = [61.379482, 64.891290, 69.512090, 75.592090, 83.592090]
    backward = [60.577751, 61.455703, 62.610903, 64.130903, 66.130903]
    np.testing.assert_allclose(q, np.stack([forward, backward], axis=1), atol=1e-6)


def test_the_text_shows_where_we_are_and_what_slipped():
    env = chain(1, 0.1, render_mode="ansi")
    assert env.render().startswith(" 0  - (1) -  2 ")
    assert "start" in env.render()
    env.step(0)
    assert env.render() == "(0) -  1  -  2  -  3  -  4    forward, slipped: backward, reward 2\n"


def test_the_picture_shows_the_state_and_the_slip():
    env = gym.make("NChain-v0", render_mode="rgb_array", slip=0.5)
    env.reset(seed=0)
    start = env.render()
    assert start.dtype == np.uint8
    assert start.ndim == 3
    assert start.shape[2] == 3
    frames = {}
    for _ in range(20):
        state, _, _, _, info = env.step(0)
        frames.setdefault((state, info["slipped"]), env.render())
    orange = {key: ((frame[..., 0] > 150) & (frame[..., 2] < 90)).any() for key, frame in frames.items()}
    assert all(seen == slipped for (_, slipped), seen in orange.items())
    assert len({frame.tobytes() for frame in frames.values()}) == len(frames)


def test_a_long_chain_is_drawn_around_the_current_state():
    env = chain(50, n=100, render_mode="rgb_array")
    assert env.render().shape == chain(8, n=9, render_mode="rgb_array").render().shape


def same(one, other):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            same(one[key], other[key])
    elif isinstance(one, tuple):
        for a, b in zip(one, other, strict=True):
            same(a, b)
    else:
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_the_vector_form_equals_single_chains_in_every_autoreset_mode(mode):
    ours = gym.make_vec("NChain-v0", num_envs=4, max_episode_steps=7, autoreset_mode=mode)
    theirs = SyncVectorEnv([lambda: gym.make("NChain-v0", max_episode_steps=7)] * 4, autoreset_mode=mode)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    assert ours.metadata["autoreset_mode"] == mode
    same(ours.reset(seed=3), theirs.reset(seed=3))
    rng = np.random.default_rng(0)
    for t in range(40):
        actions = rng.integers(0, 2, 4)
        stepped = ours.step(actions)
        same(stepped, theirs.step(actions))
        if mode == AutoresetMode.DISABLED and stepped[3].any():
            mask = stepped[3]
            options = [{"reset_mask": mask.copy()} for _ in range(2)]
            same(ours.reset(options=options[0]), theirs.reset(options=options[1]))
        if t == 20:  # episodes of unequal length from here on
            mask = np.array([True, False, True, False])
            seeds = [7, None, 9, None]
            options = [{"reset_mask": mask.copy()} for _ in range(2)]
            same(ours.reset(seed=seeds, options=options[0]), theirs.reset(seed=seeds, options=options[1]))
    assert len(set(ours.np_random)) == 4


def test_chains_beside_each_other_do_not_touch_each_others_streams():
    few, many = gym.make_vec("NChain-v0", num_envs=2), gym.make_vec("NChain-v0", num_envs=6)
    few.reset(seed=11)
    many.reset(seed=11)
    for _ in range(100):
        assert few.step(np.zeros(2, int))[0].tolist() == many.step(np.zeros(6, int))[0][:2].tolist()


def test_the_vector_form_refuses_what_the_chain_refuses():
    envs = gym.make_vec("NChain-v0", num_envs=2, max_episode_steps=1, autoreset_mode=AutoresetMode.DISABLED)
    with pytest.raises(ResetNeeded):
        envs.step(np.array([0, 0]))
    envs.reset(seed=1)
    for actions in ([0, 2], [0], [0.5, 0.5]):
        with pytest.raises(InvalidAction):
            envs.step(np.array(actions))
    with pytest.raises(InputError, match="`seed` has 1 entries"):
        envs.reset(seed=[1])
    with pytest.raises(InputError, match="`reset_mask` must be 2 booleans"):
        envs.reset(options={"reset_mask": np.array([False, False])})
    envs.step(np.array([0, 0]))
    with pytest.raises(ResetNeeded, match="reset it"):
        envs.step(np.array([0, 0]))


def test_the_vector_form_draws_every_chain():
    envs = gym.make_vec("NChain-v0", num_envs=2, render_mode="ansi", slip=0.0)
    envs.reset(seed=1)
    envs.step(np.array([0, 1]))
    first, second = envs.render()
    assert "(1)" in first
    assert "backward" in second


@pytest.mark.parametrize(
    "program",
    [
        "import gymnasium; gymnasium.make('qlearn:NChain-v0')",
        "import qlearn, gymnasium; gymnasium.make('NChain-v0')",
        "import gymnasium, qlearn; gymnasium.make('NChain-v0')",
        "import qlearn; from gymnasium.envs.registration import registry; registry['NChain-v0']",
        "import qlearn; from gymnasium import make_vec; make_vec('NChain-v0', num_envs=2).reset()",
        "import qlearn, sys; assert not {'gymnasium', 'numpy'} & set(sys.modules)",
        "from importlib.util import find_spec; import qlearn; find_spec('gymnasium')\n"
        "import gymnasium; gymnasium.make('NChain-v0')",
        "import qlearn, sys, gymnasium; assert not any('AfterGym' in repr(f) for f in sys.meta_path)",
        "import qlearn, gymnasium, importlib; importlib.reload(qlearn); gymnasium.make('NChain-v0')",
    ],
)
def test_importing_qlearn_registers_the_chain_without_loading_gymnasium(program):
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_room_loads_its_names_when_used():
    assert qlearn.environments.FiniteMDP.__name__ == "FiniteMDP"
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = qlearn.environments.nothing
