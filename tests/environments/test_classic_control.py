"""CartPole, Acrobot and MountainCar on the device against Gymnasium's own, step for step."""

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from qlearn.engine import noise
from qlearn.environments import FiniteMDP, HostEnvironment, JaxEnvironment, device_environment, make
from qlearn.environments.acrobot import Acrobot, AcrobotState
from qlearn.environments.cartpole import CartPole, CartPoleState
from qlearn.environments.device import on_device
from qlearn.environments.mountain_car import MountainCar, MountainCarState
from qlearn.errors import InputError

IDS = {"CartPole-v1": CartPoleState, "Acrobot-v1": AcrobotState, "MountainCar-v0": MountainCarState}


def balance(state, rng):
    """Push where the pole falls: keeps it up for hundreds of steps."""
    return int(state[2] + 0.3 * state[3] > 0) if rng.random() < 0.9 else int(rng.integers(2))


def swing(state, rng):
    """Drive the way it moves already."""
    return (0 if state[-1] < 0 else 2) if rng.random() < 0.8 else int(rng.integers(3))


POLICIES = {"CartPole-v1": balance, "Acrobot-v1": swing, "MountainCar-v0": swing}


def played(identity, steps, seed=0, **arguments):
    """Gymnasium's transitions: state before, action, state after, observation, reward, terminated, truncated."""
    env, rng = gym.make(identity, **arguments), np.random.default_rng(seed)
    env.reset(seed=seed)
    rows = []
    for i in range(steps):
        before = np.array(env.unwrapped.state)
        explores = (i // 500) % 2
        action = int(rng.integers(env.action_space.n)) if explores else POLICIES[identity](before, rng)
        observation, reward, terminated, truncated, _ = env.step(action)
        rows.append((before, action, np.array(env.unwrapped.state), observation, reward, terminated, truncated))
        if terminated or truncated:
            env.reset()
    return [np.array(column) for column in zip(*rows, strict=True)]


def ours(environment, states, actions):
    """What our environment makes of the same states and actions, all at once."""
    before = IDS[environment.identity](*jnp.asarray(states.T, jnp.float32))

    def one(state, action):
        after, reward, terminated = environment.step(state, action, None, jnp.uint32(0))
        return jnp.stack(after), environment.observe(after), reward, terminated

    return [np.asarray(x) for x in jax.jit(jax.vmap(one))(before, jnp.asarray(actions, jnp.int32))]


@pytest.mark.parametrize("identity", IDS)
def test_every_step_is_gymnasiums(identity):
    states, actions, after, seen, reward, terminated, truncated = played(identity, 6000)
    mine = ours(make(identity), states, actions)
    np.testing.assert_allclose(mine[0], after, atol=3e-6, rtol=3e-6)
    np.testing.assert_allclose(mine[1], seen, atol=3e-6, rtol=3e-6)
    np.testing.assert_array_equal(mine[2], reward)
    np.testing.assert_array_equal(mine[3], terminated)
    assert terminated.sum() > 10  # both ends of an episode come up
    assert truncated.any()
    assert [x.dtype for x in mine] == [np.float32, np.float32, np.float32, np.bool_]


@pytest.mark.parametrize(
    ("identity", "arguments"),
    [("CartPole-v1", {"sutton_barto_reward": True}), ("MountainCar-v0", {"goal_velocity": 0.03})],
)
def test_arguments_of_gymnasium_mean_the_same(identity, arguments):
    states, actions, _, _, reward, terminated, _ = played(identity, 3000, seed=3, **arguments)
    mine = ours(make(identity, **arguments), states, actions)
    np.testing.assert_array_equal(mine[2], reward)
    np.testing.assert_array_equal(mine[3], terminated)


@pytest.mark.parametrize(("identity", "episodes"), [("CartPole-v1", 200), ("MountainCar-v0", 15)])
def test_whole_episodes_end_at_gymnasiums_step(identity, episodes):
    env, environment, rng = gym.make(identity), make(identity), np.random.default_rng(1)
    step = jax.jit(environment.step)
    for episode in range(episodes):
        env.reset(seed=episode)
        state = IDS[identity](*jnp.asarray(env.unwrapped.state, jnp.float32))
        for count in range(1, environment.time_limit + 1):
            action = int(rng.integers(2)) if identity == "CartPole-v1" else swing(env.unwrapped.state, rng)
            _, reward, terminated, truncated, _ = env.step(action)
            state, mine, over = step(state, jnp.int32(action), None, jnp.uint32(0))
            assert (bool(over), float(mine)) == (terminated, reward)
            assert truncated == (count == environment.time_limit)
            if terminated or truncated:
                break


def test_an_acrobot_stays_with_gymnasiums_until_chaos_parts_them():
    env, environment, rng = gym.make("Acrobot-v1"), make("Acrobot-v1"), np.random.default_rng(1)
    step = jax.jit(environment.step)
    for episode in range(5):
        seen, _ = env.reset(seed=episode)
        state = AcrobotState(*jnp.asarray(env.unwrapped.state, jnp.float32))
        np.testing.assert_allclose(environment.observe(state), seen, atol=1e-6)
        for _ in range(40):
            action = int(rng.integers(3))
            seen, _, terminated, _, _ = env.step(action)
            state, _, over = step(state, jnp.int32(action), None, jnp.uint32(0))
            np.testing.assert_allclose(environment.observe(state), seen, atol=2e-3)
            assert bool(over) == terminated


@pytest.mark.parametrize("identity", IDS)
def test_start_states_have_gymnasiums_distribution(identity):
    environment, count = make(identity), 20_000
    start = jax.jit(
        jax.vmap(lambda seed: environment.reset(noise.at(seed, noise.RESET, jnp.uint32(3), jnp.uint32(0))))
    )(jnp.arange(count, dtype=jnp.uint32))
    mine = np.stack([np.asarray(x) for x in start])
    env, others = gym.make(identity), []
    for i in range(500):
        env.reset(seed=i)
        others.append(env.unwrapped.state)
    low, high = {"CartPole-v1": (-0.05, 0.05), "Acrobot-v1": (-0.1, 0.1), "MountainCar-v0": (-0.6, -0.4)}[identity]
    random = mine[:1] if identity == "MountainCar-v0" else mine  # a car starts at rest
    assert identity != "MountainCar-v0" or not mine[1].any()
    for values, theirs in zip(random, np.array(others).T, strict=False):
        assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-4
        assert stats.ks_2samp(values, theirs).pvalue > 1e-4
    apart = np.atleast_2d(np.corrcoef(random)) - np.eye(len(random))
    assert np.abs(apart).max() < 5 / np.sqrt(count)


@pytest.mark.parametrize("identity", IDS)
def test_sizes_and_time_limits_are_gymnasiums(identity):
    environment, theirs = make(identity), gym.make(identity)
    assert environment.num_actions == theirs.action_space.n
    assert environment.observation_shape == theirs.observation_space.shape
    assert environment.observation_dtype == "float32"
    assert environment.time_limit == theirs.spec.max_episode_steps
    assert (environment.num_states, environment.version, environment.mask(None)) == (0, 1, None)


def test_names_can_be_typed_again():
    for text in ("CartPole-v1", "CartPole-v1(gravity=1.62, max_episode_steps=200)", "Acrobot-v1(torque=2.0)"):
        assert make(text).name == text
        assert make(make(text).name) == make(text)
        assert hash(make(text)) == hash(make(text))
    assert make("MountainCar-v0", max_episode_steps=None).time_limit is None
    assert repr(make("MountainCar-v0")) == "<MountainCar MountainCar-v0: observes (2,), 3 actions, time limit 200>"


def test_a_new_gravity_compiles_nothing_and_a_grid_of_them_is_an_axis():
    step = jax.jit(lambda environment, state: environment.step(state, jnp.int32(0), None, jnp.uint32(0))[0].spin)
    state = CartPoleState(*jnp.full(4, 0.03, jnp.float32))
    earth, moon = step(CartPole(), state), step(CartPole(gravity=1.62), state)
    assert earth > moon
    assert step._cache_size() == 1
    leaves, structure = jax.tree.flatten(CartPole())
    assert all(isinstance(leaf, float) for leaf in leaves)
    grid = jax.tree.unflatten(structure, [jnp.full(2, leaf) for leaf in leaves])
    np.testing.assert_allclose(jax.vmap(step, (0, None))(grid, state), [earth, earth])


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda: CartPole(tau=0), "CartPole-v1: tau=0 is out of range; expected a number above 0"),
        (lambda: CartPole(gravity=float("nan")), "gravity=nan is out of range; expected a finite number"),
        (lambda: CartPole(sutton_barto_reward=1), "sutton_barto_reward=1; expected True or False"),
        (lambda: Acrobot(time_limit=0), "`max_episode_steps` of Acrobot-v1 is 0"),
        (lambda: MountainCar(start_low=0.9), "min_position=-1.2, start_low=0.9, start_high=-0.4, max_position=0.6 do"),
    ],
)
def test_numbers_are_checked_where_a_user_gives_them(make_it, message):
    with pytest.raises(InputError) as caught:
        make_it()
    assert message in str(caught.value)


def test_a_problem_of_ones_own_is_an_environment_like_any_other():
    @device_environment
    class Walk(JaxEnvironment):
        """A walk on the line."""

        identity = "Walk"
        num_actions = 2
        observation_shape = (1,)
        stride: float = 1.0
        time_limit: int | None = 9

        def reset(self, noise):
            return jnp.float32(0.0)

        def observe(self, state):
            return state[None]

        def step(self, state, action, noise, total):
            after = state + self.stride * (2 * action - 1).astype(jnp.float32)
            return after, after, jnp.abs(after) > 3.0

    walk = Walk(stride=2.0)
    assert make(walk) is walk
    assert make(Walk, stride=2.0) == walk
    assert walk.name == "Walk(stride=2.0)"
    after, reward, over = walk.step(walk.reset(None), jnp.int32(1), None, jnp.uint32(0))
    assert (float(after), float(reward), bool(over)) == (2.0, 2.0, False)
    with pytest.raises(InputError, match="is made already and takes no arguments"):
        make(walk, stride=1.0)
    with pytest.raises(InputError, match="runs on the device only"):
        make(Walk, loop="host")


def test_the_host_can_be_asked_for_and_the_device_insisted_on():
    host = make("CartPole-v1", loop="host")
    assert isinstance(host, HostEnvironment)
    assert (host.name, host.observation_shape, host.num_states) == ("CartPole-v1(loop='host')", (4,), 0)
    assert isinstance(make(host.name), HostEnvironment)
    assert isinstance(make("CartPole-v1", loop="device"), CartPole)
    for identity, states in (("NChain-v0", 5), ("FrozenLake-v1", 16)):
        host = make(identity, loop="host", max_episode_steps=7)
        assert isinstance(host, HostEnvironment)
        assert (host.num_states, host.time_limit) == (states, 7)
        assert make(host.name).name == host.name
        assert isinstance(make(identity, loop="device"), FiniteMDP)
    with pytest.raises(InputError, match="is ordinary Python, which cannot run on the device"):
        make(lambda: gym.make("CartPole-v1"), loop="device")


def test_a_finite_model_on_the_device_shows_its_state():
    model = on_device(make("NChain-v0"))
    assert (model.observation_shape, model.observation_dtype) == (None, "int32")
    assert int(model.observe(jnp.int32(3))) == 3
