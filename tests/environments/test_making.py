"""`ql.make` and the host's description of an environment."""

import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from qlearn.environments import FiniteMDP, HostEnvironment, JaxEnvironment, list_environments, make, parse, written
from qlearn.environments.nchain import nchain_model
from qlearn.environments.problems import PROBLEMS
from qlearn.errors import EnvironmentFault, InputError


class Spaces(gym.Env):
    """An environment with any spaces, which always observes the first thing it can."""

    def __init__(self, observation_space=None, action_space=None):
        self.observation_space = spaces.Discrete(3) if observation_space is None else observation_space
        self.action_space = spaces.Discrete(2) if action_space is None else action_space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}


def test_an_id_may_bring_arguments_and_keywords_override_them():
    assert make("NChain-v0").digest == nchain_model().digest
    assert make("NChain-v0(n=10, slip=0.1)").digest == nchain_model(10, 0.1).digest
    assert make("NChain-v0(n=10, slip=0.1)", n=7).name == "NChain-v0(n=7, slip=0.1)"
    assert make(" NChain-v0 ( ) ").name == "NChain-v0"
    assert make("qlearn:NChain-v0").name == "NChain-v0"


@pytest.mark.parametrize(
    "identity",
    [
        "NChain-v0",
        "NChain-v0(n=10, small=0.5)",
        "NChain-v0(max_episode_steps=50)",
        "NChain-v0(max_episode_steps=None)",
        "FrozenLake-v1(desc=['SF', 'FG'], is_slippery=False)",
        "Blackjack-v1(sab=False, natural=True)",
    ],
)
def test_a_models_name_can_be_typed_again(identity):
    mdp = make(identity)
    assert mdp.name == identity
    assert make(mdp.name).digest == mdp.digest


def test_numpy_arguments_are_written_plainly():
    assert make("NChain-v0", n=np.int64(6), slip=np.float64(0.25)).name == "NChain-v0(n=6, slip=0.25)"
    assert written("x", {"a": np.array(["SF", "FG"]), "b": (np.int8(1),)}) == "x(a=['SF', 'FG'], b=(1,))"


def test_a_model_is_returned_as_it_is():
    mdp = nchain_model()
    assert make(mdp) is mdp
    with pytest.raises(InputError, match="takes no arguments, but n came with it"):
        make(mdp, n=3)
    host = make(Spaces)
    assert make(host) is host


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ("NChian-v0", "no environment 'NChian-v0', did you mean 'NChain-v0'?"),
        ("NChain", "no environment 'NChain', did you mean 'NChain-v0'?"),
        ("nchain-v0", "did you mean 'NChain-v0'?"),
        ("FrozenLake-v0", "did you mean 'FrozenLake-v1'?"),
        ("zzz", "`qlearn envs` lists them"),
        ("no_such_module:X-v0", "names the module 'no_such_module', which cannot be imported"),
        ("NChain-v0(nn=3)", "has no argument 'nn', did you mean 'n'? It takes n, slip, small, large"),
        ("NChain-v0(render_mode='ansi')", "has no argument 'render_mode'"),
        ("NChain-v0(n=3, n=4)", "gives an argument twice"),
        ("NChain-v0(3)", "has an argument without a name"),
        ("NChain-v0(*[3])", "has an argument without a name"),
        ("NChain-v0(**{'n': 3})", "has an argument without a name"),
        ("NChain-v0(n=3", "cannot be read"),
        ("NChain-v0(n=3) or 1", "cannot be read"),
        ("NChain-v0(n=3)(n=4)", "cannot be read"),
        ("FrozenLake-v1(map_name=8x8)", "cannot be read"),
        ("FrozenLake-v1(map_name=big)", "Put text into quotes: map_name='big'"),
        ("NChain-v0(n=__import__('os').getpid())", "is no plain value"),
        ("NChain-v0(n=(lambda: 3)())", "is no plain value"),
        ("NChain-v0(max_episode_steps=0)", "`max_episode_steps` of NChain-v0 is 0"),
        ("NChain-v0(max_episode_steps='a')", "`max_episode_steps` of NChain-v0 is 'a'"),
        ("", "cannot be read"),
        ("Pendulum-v1", "continuous actions (Box(-2.0, 2.0, (1,), float32)); value-based agents choose"),
        ("CartPole-v1(gravty=1.0)", "has no argument 'gravty', did you mean 'gravity'?"),
        ("CartPole-v1(time_limit=1)", "has no argument 'time_limit'"),
        ("CartPole-v1(gravity='low')", "CartPole-v1: gravity='low' is out of range; expected a finite number"),
        ("CartPole-v1(pole_mass=0)", "pole_mass=0 is out of range; expected a number above 0"),
        ("CartPole-v1(max_episode_steps=0)", "`max_episode_steps` of CartPole-v1 is 0"),
        ("CartPole-v1(loop='gpu')", "loop='gpu' is unknown; expected 'host' or 'device'"),
        ("CartPole-v1(vectorization='threads')", "expected one of 'sync', 'async', 'own'"),
        ("CartPole-v1(loop='host', gravity=1.0)", "has no argument 'gravity'"),
        ("CartPole-v1(loop='device', vectorization='own')", "is for the host, and loop='device' was asked for"),
        ("Acrobot-v1(vectorization='own')", "Acrobot-v1 has no vector form of its own"),
        ("CartPole-v0(loop='device')", "has no form on the device"),
    ],
)
def test_what_cannot_be_made_is_said_with_a_way_out(identity, message):
    with pytest.raises(InputError) as caught:
        make(identity)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


@pytest.mark.parametrize("thing", [3, None, ["NChain-v0"]])
def test_what_is_no_environment_is_refused(thing):
    with pytest.raises(InputError, match="is no environment; pass an id such as 'NChain-v0'"):
        make(thing)


def test_reading_and_writing_a_name_are_inverse():
    arguments = {"a": 1, "b": -0.5, "c": "x, y)", "d": [1, (2, None)], "e": True, "f": {"g": 1}}
    assert parse(written("Some/Name-v3", arguments)) == ("Some/Name-v3", arguments)


@pytest.mark.parametrize(
    ("space", "size", "numbers"),
    [
        (spaces.Discrete(4, start=-2), 4, {-2: 0, 1: 3}),
        (spaces.MultiDiscrete([2, 3, 4]), 24, {(0, 0, 1): 1, (0, 1, 0): 4, (1, 2, 3): 23}),
        (spaces.MultiDiscrete([[2, 3], [2, 2]]), 24, {((1, 2), (1, 1)): 23, ((0, 0), (1, 0)): 2}),
        (spaces.MultiDiscrete([2, 2], start=[5, 7]), 4, {(5, 7): 0, (6, 8): 3}),
        (
            spaces.Tuple([spaces.Discrete(32), spaces.Discrete(11), spaces.Discrete(2)]),
            704,
            {(21, 10, 1): 483},
        ),
        (spaces.Tuple([spaces.Discrete(2, start=1), spaces.Discrete(3)]), 6, {(1, 0): 0, (2, 2): 5}),
    ],
)
def test_observations_are_numbered(space, size, numbers):
    host = make(lambda: Spaces(space))
    assert host.num_states == size
    for observation, number in numbers.items():
        given = observation if isinstance(space, spaces.Tuple | spaces.Discrete) else np.array(observation)
        assert host.encode(given) == number
        assert isinstance(host.encode(given), int)


def test_batches_of_observations_are_numbered_as_vector_environments_give_them():
    for space in (
        spaces.Discrete(4, start=3),
        spaces.MultiDiscrete([2, 3]),
        spaces.Tuple([spaces.Discrete(2), spaces.Discrete(3)]),
    ):
        host = make(lambda space=space: Spaces(space))
        envs = gym.vector.SyncVectorEnv([host.make_env] * 5)
        batch, _ = envs.reset(seed=1)
        singles = [tuple(part[i] for part in batch) if isinstance(batch, tuple) else batch[i] for i in range(5)]
        assert host.encode_batch(batch).tolist() == [host.encode(one) for one in singles]


def test_an_observation_outside_its_space_is_the_environments_fault():
    host = make(Spaces)
    with pytest.raises(EnvironmentFault, match="Spaces gave the observation 3, which lies outside its space"):
        host.encode(3)
    with pytest.raises(EnvironmentFault, match="it has 2 components, its space has 1"):
        host.encode((0, 1))
    with pytest.raises(EnvironmentFault, match=r"observation 1\.5, which lies outside its space"):
        host.encode(1.5)


@pytest.mark.parametrize(
    ("declared", "dtype"),
    [("float64", "float32"), ("float16", "float32"), ("uint8", "uint8"), ("int64", "int32"), ("int16", "int16")],
)
def test_arrays_are_passed_on_in_a_type_that_networks_take(declared, dtype):
    host = make(lambda: Spaces(spaces.Box(0, 9, (2, 3), declared)))
    assert (host.num_states, host.observation_shape, host.observation_dtype) == (0, (2, 3), dtype)
    seen = host.encode(host.make_env().reset(seed=1)[0])
    assert (seen.shape, seen.dtype) == ((2, 3), np.dtype(dtype))
    assert host.encode([[1, 2, 3], [4, 5, 6]]).tolist() == [[1, 2, 3], [4, 5, 6]]
    batch = host.encode_batch(np.ones((5, 2, 3), declared))
    assert (batch.shape, batch.dtype) == ((5, 2, 3), np.dtype(dtype))


def test_values_beyond_the_bounds_of_a_box_are_passed_on():
    host = make(lambda: Spaces(spaces.Box(0, 1, (2,))))
    assert host.encode([-3.0, 8.0]).tolist() == [-3.0, 8.0]


@pytest.mark.parametrize(
    ("box", "given", "message"),
    [
        (spaces.Box(0, 1, (2,)), np.zeros(3), r"gave an observation of shape (3,); its space says (2,)"),
        (spaces.Box(0, 1, (2,)), 0.0, "gave an observation of shape (); its space says (2,)"),
        (spaces.Box(0, 1, (2,)), [0.0, np.nan], "gave an observation with nan at [1]; expected finite numbers"),
        (spaces.Box(0, 1, (2,)), [0.0, 1e300], "gave an observation with 1e+300 at [1]; expected finite"),
        (spaces.Box(0, 1, (2,)), ["0", "1"], "which holds no numbers; expected an array of shape (2,)"),
        (spaces.Box(0, 1, (2,)), None, "gave the observation None, which holds no numbers"),
        (spaces.Box(0, 1, (2,)), [[1], [2, 3]], "which holds no numbers"),
        (spaces.Box(0, 255, (2,), np.uint8), [0, 256], "not all of it are numbers that uint8 can hold"),
        (spaces.Box(0, 255, (2,), np.uint8), [0, 1.5], "not all of it are numbers that uint8 can hold"),
        (spaces.Box(0, 2**40, (2,), np.int64), [0, 2**40], "not all of it are numbers that int32 can hold"),
    ],
)
def test_arrays_that_no_network_can_use_are_the_environments_fault(box, given, message):
    host = make(lambda: Spaces(box))
    with pytest.raises(EnvironmentFault) as caught:
        host.encode(given)
    assert message in str(caught.value)
    assert str(caught.value).endswith("check_env` finds such faults.")


def test_actions_are_counted_from_zero():
    host = make(lambda: Spaces(action_space=spaces.Discrete(3, start=-1)))
    assert [host.decode_action(a) for a in range(host.num_actions)] == [-1, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"action_space": spaces.MultiDiscrete([2, 2])}, "needs `Discrete` actions"),
        ({"action_space": spaces.Box(0, 1)}, "has continuous actions"),
        (
            {"observation_space": spaces.Dict({"a": spaces.Text(2)})},
            "at 'a'; agents need `Discrete`, `MultiDiscrete`, `MultiBinary`, a `Box`, or a `Dict` or `Tuple` of these",
        ),
        (
            {"observation_space": spaces.Discrete(10**12)},
            "has 1,000,000,000,000 different observations",
        ),
    ],
)
def test_spaces_that_fit_no_agent_are_refused(arguments, message):
    with pytest.raises(InputError) as caught:
        make(Spaces, **arguments)
    assert message in str(caught.value)


def test_a_function_makes_a_host_environment():
    def my_chain(slip=0.2):
        return gym.make("NChain-v0", slip=slip)

    host = make(my_chain, slip=0.5)
    assert isinstance(host, HostEnvironment)
    assert host.name == "my_chain(slip=0.5)"
    assert (host.num_states, host.num_actions, host.time_limit, host.single) == (5, 2, 1000, False)
    assert host.make_env().unwrapped.slip == 0.5
    assert "not known" in host.reason
    with pytest.raises(InputError, match="my_chain has no argument 'slp', did you mean 'slip'"):
        make(my_chain, slp=1)


def test_an_instance_serves_one_seed():
    env = gym.make("NChain-v0")
    host = make(env)
    assert host.single
    assert host.make_env() is env
    assert "one seed" in host.reason
    with pytest.raises(InputError, match="takes no arguments"):
        make(env, n=3)


def test_what_an_environment_raises_while_it_is_made_is_its_fault():
    def broken():
        raise RuntimeError("no license\nsecond line")

    with pytest.raises(EnvironmentFault, match=r"broken failed while it was made \(RuntimeError: no license\)"):
        make(broken)
    with pytest.raises(InputError, match="made a int; it must make"):
        make(lambda: 3)


def test_a_registered_id_without_a_model_is_a_host_environment():
    gym.register(id="Spaces-v0", entry_point=Spaces, max_episode_steps=9)
    try:
        host = make("Spaces-v0")
        assert isinstance(host, HostEnvironment)
        assert host.time_limit == 9
        assert make("Spaces-v0(max_episode_steps=4)").name == "Spaces-v0(max_episode_steps=4)"
        assert make("Spaces-v0(max_episode_steps=4)").make_env().spec.max_episode_steps == 4
    finally:
        del gym.registry["Spaces-v0"]


def test_listing_environments_loads_no_jax():
    program = "import sys, qlearn.environments as e; e.list_environments(); print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def on_device(identity):
    return identity in PROBLEMS and PROBLEMS[identity].device


def test_the_listed_environments_are_what_their_line_says():
    rows = list_environments()
    assert rows[0].id == "NChain-v0"
    assert (rows[0].num_states, rows[0].num_actions, rows[0].time_limit) == (5, 2, 1000)
    assert {"FrozenLake-v1", "Blackjack-v1"} <= {row.id for row in rows}
    for row in rows:
        made = make(row.id)
        assert row.summary
        assert isinstance(made, FiniteMDP if row.num_states and not on_device(row.id) else JaxEnvironment)
        assert (made.num_states or None, made.num_actions) == (row.num_states, row.num_actions)
        assert made.time_limit == row.time_limit
        if row.num_states is None:
            assert made.observation_shape == row.observation_shape
