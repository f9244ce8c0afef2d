"""Observations of several arrays: read as their spaces declare, packed into bytes and back, fed to models by name."""

import copy

import gymnasium as gym
import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from gymnasium import spaces

import qlearn as ql
from qlearn.agents.backend import lenient
from qlearn.agents.learner import Spec
from qlearn.agents.observed import packed, unpacked
from qlearn.environments.parts import Part, packed_row, packed_rows, row_bytes, unpacked_rows
from qlearn.errors import EnvironmentFault, InputError

SPACE = spaces.Dict(
    {
        "place": spaces.Box(-10, 10, (2,), np.float64),
        "room": spaces.Discrete(4, start=1),
        "inner": spaces.Tuple((spaces.MultiBinary(3), spaces.MultiDiscrete([2, 3], start=[0, 5]))),
    }
)


class Tree(gym.Env):
    """Walks about at random; every observation is drawn from the space."""

    def __init__(self, space=SPACE, shown=None):
        self.observation_space, self.action_space, self.shown = copy.deepcopy(space), spaces.Discrete(2), shown

    def _seen(self):
        return self.observation_space.sample() if self.shown is None else self.shown

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        self.t = 0
        return self._seen(), {}

    def step(self, action):
        self.t += 1
        return self._seen(), float(action), self.t == 3, False, {}


def test_a_dict_becomes_parts_with_numbers_for_what_is_counted_and_zeros_and_ones_for_what_is_multiple():
    world = ql.make(Tree)
    assert {part.name: (part.shape, part.dtype, part.values) for part in world.parts} == {
        "inner.0": ((3,), "int8", 0),
        "inner.1": ((5,), "bool", 0),
        "place": ((2,), "float32", 0),
        "room": ((), "int32", 4),
    }
    shown = {"place": np.array([1.5, -2.0]), "room": 3, "inner": (np.array([1, 0, 1], np.int8), np.array([1, 7]))}
    found = world.read(shown)
    assert found["room"] == 2
    assert found["inner.1"].tolist() == [False, True, False, False, True]
    assert found["place"].dtype == np.float32
    row = world.encode(shown)
    assert row.dtype == np.uint8
    assert row.shape == world.observation_shape == (3 + 5 + 8 + 4,)
    again = unpacked_rows(world.parts, row[None])
    assert all(np.array_equal(again[name][0], value) for name, value in found.items())


def test_rows_of_bytes_are_the_same_in_numpy_and_in_compiled_programs_and_come_back_whole():
    rng = np.random.default_rng(0)
    kinds = ("float32", "uint8", "int8", "bool", "int32", "uint32", "int16", "float16", "uint16")
    parts = tuple(Part(kind, (2, 3) if i % 2 else (), kind) for i, kind in enumerate(kinds))
    values = {p.name: rng.integers(0, 2 if p.dtype == "bool" else 100, (5, *p.shape)).astype(p.dtype) for p in parts}
    rows = packed_rows(parts, values)
    assert rows.shape == (5, row_bytes(parts))
    np.testing.assert_array_equal(rows[2], packed_row(parts, {name: x[2] for name, x in values.items()}))
    np.testing.assert_array_equal(jax.jit(lambda v: packed(parts, v))(values), rows)
    back = jax.jit(lambda r: unpacked(parts, r))(rows)
    for name, value in values.items():
        np.testing.assert_array_equal(back[name], value, name)
        assert back[name].dtype == name


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ({"place": np.zeros(2), "room": 1}, "has no 'inner.0'"),
        (
            {"place": np.zeros(3), "room": 1, "inner": (np.zeros(3), np.array([0, 5]))},
            r"\(in .place.\) gave an observation of shape \(3,\); its space says",
        ),
        ({"place": np.zeros(2), "room": 5, "inner": (np.zeros(3), np.array([0, 5]))}, "outside its space"),
        ({"place": np.array([0, np.nan]), "room": 1, "inner": (np.zeros(3), np.array([0, 5]))}, "nan at"),
        ({"place": np.zeros(2), "room": 1, "inner": (np.zeros(3), np.array([0, 4]))}, "outside its space"),
    ],
)
def test_what_is_not_as_declared_is_named(shown, words):
    with pytest.raises(EnvironmentFault, match=words):
        ql.make(Tree).encode(shown)


def test_many_combinations_are_zeros_and_ones_and_few_are_counted_as_ever():
    few, many = (ql.make(lambda n=n: Tree(spaces.MultiDiscrete([n] * 8))) for n in (2, 50))
    assert (few.num_states, few.parts) == (256, ())
    assert many.parts == (Part("observation", (400,), "bool"),)
    assert ql.make(lambda: Tree(spaces.MultiBinary(5))).observation_shape == (5,)


class Cart(gym.Wrapper):
    """CartPole whose four numbers come as a dict of two arrays and the side as a number."""

    def __init__(self, flat):
        super().__init__(gym.make("CartPole-v1"))
        self.flat = flat
        one = spaces.Box(-np.inf, np.inf, (2,), np.float32)
        parts = {"moved": one, "turned": one, "side": spaces.Discrete(2)}
        self.observation_space = spaces.Box(-np.inf, np.inf, (6,), np.float32) if flat else spaces.Dict(parts)

    def _shown(self, seen):
        side = int(seen[0] > 0)
        if self.flat:
            return np.concatenate([seen[:2], seen[2:], np.eye(2, dtype=np.float32)[side]])
        return {"moved": seen[:2], "turned": seen[2:], "side": side}

    def reset(self, **how):
        seen, info = self.env.reset(**how)
        return self._shown(seen), info

    def step(self, action):
        seen, *rest = self.env.step(action)
        return self._shown(seen), *rest


def by_name():
    """Two layers on all the numbers, which come in by name, in another order than the environment's."""
    layers = keras.layers
    inputs = [layers.Input((2,), name="turned"), layers.Input((2,), name="side"), layers.Input((2,), name="moved")]
    whole = layers.Concatenate()([inputs[2], inputs[0], inputs[1]])
    hidden = layers.Dense(8, "tanh", kernel_initializer=keras.initializers.GlorotUniform(seed=1))(whole)
    return keras.Model(inputs, layers.Dense(2, kernel_initializer=keras.initializers.GlorotUniform(seed=2))(hidden))


def in_one():
    layers = keras.layers
    whole = layers.Input((6,))
    hidden = layers.Dense(8, "tanh", kernel_initializer=keras.initializers.GlorotUniform(seed=1))(whole)
    return keras.Model(whole, layers.Dense(2, kernel_initializer=keras.initializers.GlorotUniform(seed=2))(hidden))


def agent_of(model):
    small = {"replay": 200, "batch_size": 16, "learning_starts": 40, "train_every": 4, "target_every": 40}
    return ql.DQN(model, keras.optimizers.Adam(1e-2), double=True, n_step=2, **small)


def test_a_model_of_several_inputs_learns_what_the_flattened_one_learns():
    parts, flat = (
        ql.train(agent_of(model), lambda flat=flat: Cart(flat), steps=400, seeds=2)
        for model, flat in ((by_name(), False), (in_one(), True))
    )
    np.testing.assert_array_equal(parts.returns, flat.returns)
    rng = np.random.default_rng(0)
    moved, turned, side = rng.normal(size=(7, 2)), rng.normal(size=(7, 2)), rng.integers(0, 2, 7)
    dicts = {"moved": moved.astype(np.float32), "turned": turned.astype(np.float32), "side": side}
    rows = np.concatenate([moved, turned, np.eye(2)[side]], axis=1).astype(np.float32)
    for seed in (0, 1):
        np.testing.assert_allclose(parts.q_function(seed)(dicts), flat.q_function(seed)(rows), rtol=1e-5, atol=1e-6)
        taken = parts.q_network(seed)
        given = {"moved": dicts["moved"], "turned": dicts["turned"], "side": np.eye(2, dtype=np.float32)[side]}
        with lenient():
            values = np.asarray(taken([given[tensor.name] for tensor in taken.inputs]))
        np.testing.assert_allclose(values, flat.q_function(seed)(rows), rtol=1e-5, atol=1e-6)


def test_stream_q_scales_every_part_as_the_one_array():
    agents = (ql.StreamQ(model, sparsity=None) for model in (by_name(), in_one()))
    # A number that is counted is never scaled, so the flat one would scale too much: only its first step is alike.
    parts, flat = (
        ql.train(agent, lambda flat=flat: Cart(flat), steps=60, seeds=1)
        for agent, flat in zip(agents, (False, True), strict=True)
    )
    scales = parts.knowledge.scaling.observations
    assert set(scales) == {"moved", "turned"}
    np.testing.assert_allclose(scales["moved"].mean[0], flat.knowledge.scaling.observations.mean[0, :2], atol=0.2)
    taken = parts.q_network(0)
    given = {"moved": np.ones((1, 2)), "turned": np.ones((1, 2)), "side": np.array([[1.0, 0.0]])}
    shown = {"moved": np.ones((1, 2), np.float32), "turned": np.ones((1, 2), np.float32), "side": np.array([0])}
    with lenient():
        values = np.asarray(taken(given))
    np.testing.assert_allclose(values, parts.q_function(0)(shown), rtol=1e-5)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("moved", "turned"), "has no input 'side'"),
        (("moved", "turned", "sid"), "an input 'sid'.*did you mean 'side'"),
    ],
)
def test_a_model_with_other_inputs_is_refused_with_the_names(names, words):
    layers = keras.layers
    inputs = [layers.Input((2,), name=name) for name in names]
    model = keras.Model(inputs, layers.Dense(2)(layers.Concatenate()(inputs)))
    with pytest.raises(InputError, match=words):
        ql.train(agent_of(model), lambda: Cart(False), steps=10)


def test_a_table_is_refused_with_the_parts_in_words():
    with pytest.raises(InputError, match=r"observes several arrays \(inner.0 \(3,\)"):
        ql.train(ql.QLearning(learning_rate=0.1), Tree, steps=10)


@pytest.mark.parametrize("vectorization", ["async", "own"])
def test_however_copies_are_stepped_the_observations_are_the_same(vectorization):
    from qlearn.environments.vector_host import VectorHost

    def seen(world):
        host = VectorHost(world, np.arange(2), 2, lambda seed, copy, episode: 10 * seed + copy)
        rows = [host.observations]
        try:
            rows += [host.step(np.zeros(4, np.int64), np.ones(4, bool)).observation for _ in range(2)]
        finally:
            host.close()
        return np.stack(rows)

    if vectorization == "own":
        world = ql.make(copies)
        rows = seen(world)
        assert rows.shape == (3, 4, *world.observation_shape)
        parts = unpacked_rows(world.parts, rows)
        assert ((parts["room"] >= 0) & (parts["room"] < 4)).all()
        assert np.isfinite(parts["place"]).all()
    else:
        np.testing.assert_array_equal(seen(ql.make(Tree, vectorization="async")), seen(ql.make(Tree)))


def copies(num_envs):
    return gym.vector.SyncVectorEnv([Tree] * num_envs, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP)


def test_wrappers_of_gymnasium_go_on_working():
    def stacked():
        env = gym.wrappers.FlattenObservation(gym.wrappers.TimeAwareObservation(Cart(False), flatten=False))
        return gym.wrappers.FrameStackObservation(env, 3)

    world = ql.make(stacked)
    assert world.observation_shape == (3, 7)
    runs = ql.train(agent_of(ql.mlp(4)), stacked, steps=60, seeds=1)
    assert runs.num_steps[0] == 60


def test_networks_see_all_but_the_mask_and_a_spec_knows_its_bytes():
    spec = Spec(0, 2, None, None, (9,), "uint8", (Part("a", (2,), "float32"), Part("action_mask", (1,), "bool")))
    assert spec.mask({"a": jnp.zeros(2), "action_mask": jnp.ones(2, bool)}).tolist() == [True, True]
    assert ql.mlp(3)  # a builder by name stays what it was
