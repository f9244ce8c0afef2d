"""gymnax's and pgx's environments by id, against these libraries' own step."""

import sys

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import qlearn as ql
from qlearn.engine import noise
from qlearn.environments import JaxEnvironment, make
from qlearn.environments.cartpole import CartPole, CartPoleState
from qlearn.errors import InputError

gymnax = pytest.importorskip("gymnax")
pgx = pytest.importorskip("pgx")

MINATAR = ["Asterix", "Breakout", "Freeway", "Seaquest", "SpaceInvaders"]
ZERO = jnp.uint32(0)


def place(stream, seed, step):
    return noise.at(seed, stream, ZERO, step)


def random_action(environment, seed, step):
    uniform = place(noise.BEHAVIOUR, seed, step).uniform(0)
    return (uniform * environment.num_actions).astype(jnp.int32)


@jax.jit
def played(environment, seeds, steps):
    """Random play: observation, action, reward, terminated of each step, (seeds, steps, …)."""

    def one(seed):
        def body(state, step):
            action = random_action(environment, seed, step)
            after, reward, over = environment.step(state, action, place(noise.ENVIRONMENT, seed, step), step)
            fresh = environment.reset(place(noise.RESET, seed, step))
            row = environment.observe(state), action, reward, over
            return jax.tree.map(lambda a, b: jnp.where(over, a, b), fresh, after), row

        return jax.lax.scan(body, environment.reset(place(noise.RESET, seed, jnp.uint32(10**6))), steps)[1]

    return jax.vmap(one)(seeds)


def run(identity, seeds=8, steps=200):
    environment = make(identity)
    rows = played(environment, jnp.arange(seeds, dtype=jnp.uint32), jnp.arange(steps, dtype=jnp.uint32))
    return environment, [np.asarray(x) for x in rows]


@pytest.mark.parametrize(
    ("identity", "shape", "dtype", "actions", "limit"),
    [
        ("gymnax:Breakout-MinAtar", (10, 10, 4), "bool", 3, 1000),
        ("gymnax:FrozenLake-misc", None, "int32", 4, 100),
        ("gymnax:DeepSea-bsuite(size=10)", (10, 10), "float32", 2, 10),
        ("gymnax:FourRooms-misc", (4,), "int32", 4, 500),
        ("pgx:minatar-breakout", (10, 10, 4), "bool", 3, None),
        ("pgx:minatar-freeway(max_episode_steps=100)", (10, 10, 7), "bool", 3, 100),
    ],
)
def test_they_are_environments_like_any_other(identity, shape, dtype, actions, limit):
    environment, (seen, _, reward, terminated) = run(identity, steps=60)
    assert isinstance(environment, JaxEnvironment)
    assert (environment.observation_shape, environment.observation_dtype) == (shape, dtype)
    assert (environment.num_actions, environment.time_limit) == (actions, limit)
    assert seen.shape == (8, 60, *(shape or ()))
    assert [str(x.dtype) for x in (seen, reward, terminated)] == [dtype, "float32", "bool"]
    assert environment.num_states == (16 if shape is None else 0)
    assert make(environment.name) == environment
    assert environment.name == identity
    assert hash(make(environment.name)) == hash(environment)


@pytest.mark.parametrize("game", MINATAR)
def test_minatar_shows_nothing_but_zeros_and_ones(game):
    env, params = gymnax.make(f"{game}-MinAtar")
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):

        def body(state, key):
            key, other = jax.random.split(key)
            seen, state, *_ = env.step(key, state, jax.random.randint(other, (), 0, env.num_actions), params)
            return state, seen

        _, state = env.reset(jax.random.key(0), params)
        _, seen = jax.lax.scan(body, state, jax.random.split(jax.random.key(1), 600))
    assert np.isin(np.asarray(seen), (0, 1)).all()


def test_gymnaxs_cartpole_moves_as_ours():
    environment, (seen, action, reward, terminated) = run("gymnax:CartPole-v1")
    step = jax.jit(jax.vmap(lambda s, a: CartPole().step(CartPoleState(*s), a, None, ZERO)))
    after, mine, over = step(jnp.asarray(seen.reshape(-1, 4)), jnp.asarray(action.reshape(-1)))
    goes_on = ~terminated[:, :-1]
    after = np.stack(after, axis=1).reshape(seen.shape)
    np.testing.assert_allclose(after[:, :-1][goes_on], seen[:, 1:][goes_on], atol=1e-6)
    np.testing.assert_array_equal(np.asarray(over).reshape(terminated.shape), terminated)
    np.testing.assert_array_equal(np.asarray(mine).reshape(reward.shape), reward)
    assert terminated.sum() > 20
    assert environment.time_limit == 500


def test_time_limits_are_the_engines_and_never_a_termination():
    environment, (_, _, _, terminated) = run("gymnax:MountainCar-v0(max_episode_steps=50)", seeds=2, steps=260)
    assert environment.time_limit == 50
    assert not terminated.any()
    assert make("gymnax:MountainCar-v0", max_episode_steps=None).time_limit is None


def test_settings_of_gymnax_are_leaves_so_that_another_gravity_compiles_nothing():
    _, (usual, *_) = run("gymnax:CartPole-v1")
    before = played._cache_size()
    _, (light, *_) = run("gymnax:CartPole-v1(gravity=1.5)")
    assert played._cache_size() == before
    assert not np.array_equal(light, usual)
    assert make("gymnax:CartPole-v1(gravity=9.8)").name == "gymnax:CartPole-v1"
    assert make("gymnax:Acrobot-v1(dt=0.1)").name == "gymnax:Acrobot-v1(dt=0.1)"


def test_pgx_steps_as_pgx_does():
    environment = make("pgx:minatar-breakout", sticky_action_prob=0.5)
    game = type(pgx.make("minatar-breakout"))(sticky_action_prob=0.5)
    step, theirs = jax.jit(environment.step), jax.jit(game.step)
    seed = jnp.uint32(3)
    mine, its = environment.reset(place(noise.RESET, seed, ZERO)), game.init(place(noise.RESET, seed, ZERO).key(0))
    for t in range(40):
        action, here = random_action(environment, seed, jnp.uint32(t)), place(noise.ENVIRONMENT, seed, jnp.uint32(t))
        np.testing.assert_array_equal(environment.observe(mine), its.observation)
        mine, reward, terminated = step(mine, action, here, jnp.uint32(t))
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            its = theirs(its, action, here.key(0))
        assert (float(reward), bool(terminated)) == (float(its.rewards[0]), bool(its.terminated))
        if terminated:
            break
    assert bool(terminated)


def test_pgx_repeats_actions_as_often_as_it_is_told():
    _, (never, *_) = run("pgx:minatar-breakout(sticky_action_prob=0.0)", steps=20)
    _, (usual, *_) = run("pgx:minatar-breakout", steps=20)
    assert make("pgx:minatar-breakout(sticky_action_prob=0.1)").name == "pgx:minatar-breakout"
    assert not np.array_equal(never, usual)


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ("gymnax:CartPole-v2", "no environment 'gymnax:CartPole-v2', did you mean 'gymnax:CartPole-v1'?"),
        ("gymnax:zzz", "gymnax has CartPole-v1, "),
        ("gymnax:Pendulum-v1", "has continuous actions"),
        ("gymnax:CartPole-v1(gravty=1.0)", "has no argument 'gravty', did you mean 'gravity'?"),
        ("gymnax:CartPole-v1(gravity='x')", "gravity='x' does not fit; expected something like 9.8"),
        ("gymnax:FourRooms-misc(resample_init_pos=2)", "resample_init_pos=2 does not fit; expected something like Fa"),
        ("gymnax:CartPole-v1(max_steps_in_episode=4)", "the time limit is called `max_episode_steps` here"),
        ("gymnax:CartPole-v1(max_episode_steps=0)", "`max_episode_steps` of gymnax:CartPole-v1 is 0"),
        ("gymnax:DeepSea-bsuite(size='x')", "gymnax could not make DeepSea-bsuite"),
        ("gymnax:CartPole-v1(loop='host')", "runs on the device only"),
        ("pgx:minatar-brekout", "did you mean 'pgx:minatar-breakout'?"),
        ("pgx:go_9x9", "is a game for 2 players; agents of qlearn play alone"),
        ("pgx:minatar-breakout(sticky=1)", "has no argument 'sticky', did you mean 'sticky_action_prob'?"),
        ("pgx:minatar-breakout(sticky_action_prob=2)", "expected a probability from 0 to 1"),
    ],
)
def test_what_cannot_be_made_is_said_with_a_way_out(identity, message):
    with pytest.raises(InputError) as caught:
        make(identity)
    assert message in str(caught.value)


@pytest.mark.parametrize("library", ["gymnax", "pgx"])
def test_a_library_that_is_missing_is_named_with_its_command(library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError) as caught:
        make(f"{library}:Anything")
    assert f"it is not installed. Run `pip install 'qlearn[{library}]'`." in str(caught.value)


def test_2048_of_pgx_is_played_by_its_masks():
    agent = ql.OnlineQNetwork(ql.mlp(2), keras.optimizers.SGD(1e-4), exploration=ql.EpsilonGreedy(1.0))
    runs = ql.train(agent, "pgx:2048", steps=600, seeds=2)
    # pgx ends a game with −1 at an action that the board does not allow: by chance within a dozen moves.
    assert runs.num_episodes.min() > 2
    assert min(runs.lengths[k, :n].min() for k, n in enumerate(runs.num_episodes)) > 40
