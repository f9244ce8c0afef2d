"""Exported models give the run's own values outside qlearn, from observations as the environment gives them."""

import json
import os
import re
import subprocess
import sys

import gymnasium as gym
import numpy as np
import onnxruntime
import pytest

import qlearn as ql
from qlearn.training import parse_agent
from qlearn.training.met import observations_met

SMALL = "batch_size=8, learning_starts=16, replay=100"
CASES = [
    ("q-learning(learning_rate=0.5)", "FrozenLake-v1"),
    (f"dqn(mlp(4), adam(0.01), dueling=True, {SMALL})", "CartPole-v1"),
    ("stream-q(mlp(4, layer_norm=True))", "MountainCar-v0"),
    ("pqn(convolution(2), adam(0.01), num_environments=2, num_steps=4, minibatches=2)", "pgx:minatar-breakout"),
]


class Camera(gym.Env):
    """Images of bytes, and actions counted from 3."""

    observation_space = gym.spaces.Box(0, 255, (6, 6, 1), np.uint8)
    action_space = gym.spaces.Discrete(2, start=3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self.np_random.integers(0, 255, (6, 6, 1), np.uint8), {}

    def step(self, action):
        self.t += 1
        seen = self.np_random.integers(0, 255, (6, 6, 1), np.uint8)
        return seen, float(action == 3), self.t == 5, False, {}


def wanted(runs, seed, seen):
    return np.asarray(runs.q_function(seed)(seen))


@pytest.mark.parametrize(("text", "world"), [*CASES, (f"dqn(mlp(4), adam(0.01), {SMALL})", Camera)])
def test_onnxruntime_gives_the_values_of_the_run_from_raw_observations(text, world, tmp_path):
    runs = ql.train(parse_agent(text), world, steps=60, seeds=2)
    written = ql.export(runs, 1, "onnx", tmp_path, evaluation=False)
    seen = observations_met(runs.environment)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (given,) = session.get_inputs()
    assert (given.name, given.shape[1:]) == ("observation", list(seen.shape[1:]))
    for batch in (seen, seen[:1]):
        values = session.run(None, {"observation": batch})[0]
        right = wanted(runs, 1, batch)
        np.testing.assert_allclose(values, right, rtol=0, atol=1e-5 * max(1.0, np.abs(right).max()))
    assert written.model.difference <= 1e-5
    assert written.model.num_checked == len(seen)


class Parts(gym.Env):
    """Two parts, one of them counted, and a mask."""

    observation_space = gym.spaces.Dict(
        {
            "place": gym.spaces.Box(-1, 1, (3,), np.float32),
            "kind": gym.spaces.Discrete(4),
            "action_mask": gym.spaces.MultiBinary(3),
        }
    )
    action_space = gym.spaces.Discrete(3)

    def _seen(self):
        place = self.np_random.uniform(-1, 1, 3).astype(np.float32)
        return {"place": place, "kind": int(self.np_random.integers(4)), "action_mask": np.array([1, 0, 1], np.int8)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self._seen(), {}

    def step(self, action):
        self.t += 1
        return self._seen(), 1.0, self.t == 5, False, {}


def two_inputs(shape, actions):
    import keras

    place, kind = keras.Input((3,), name="place"), keras.Input((4,), name="kind")
    both = keras.layers.Concatenate()([place, kind])
    return keras.Model({"place": place, "kind": kind}, keras.layers.Dense(actions)(both))


@pytest.mark.parametrize("kind", ["keras", "onnx", "stablehlo"])
def test_parts_go_in_by_name_and_the_mask_stays_outside(kind, tmp_path):
    import keras

    agent = ql.DQN(
        two_inputs,
        keras.optimizers.Adam(),
        head=ql.Categorical(0, 5, atoms=6),
        batch_size=8,
        learning_starts=16,
        replay=100,
    )
    runs = ql.train(agent, Parts, steps=40)
    written = ql.export(runs, 0, kind, tmp_path, evaluation=False)
    assert {part.name for part in written.model.inputs} == {"place", "kind"}
    assert written.model.difference <= 1e-5
    card = written.card.read_text(encoding="utf-8")
    assert "take the largest value among the legal ones" in card
    if kind == "onnx":
        seen = {"kind": np.array([0, 3], np.int32), "place": np.full((2, 3), 0.5, np.float32)}
        values = onnxruntime.InferenceSession(written.model.path).run(None, seen)[0]
        np.testing.assert_allclose(values, runs.q_function(0)(seen), rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def runs():
    return ql.train(parse_agent(CASES[1][0]), "CartPole-v1", steps=300, seeds=[3, 5], snapshots=2)


@pytest.fixture(scope="module")
def folder(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "cart"
    found = ql.evaluate(runs)
    for kind in ("keras", "onnx", "stablehlo"):
        ql.export(runs, 5, kind, folder, evaluation=found)
    return folder


def test_what_the_card_says_of_loading_runs_elsewhere_and_gives_the_values_of_the_run(runs, folder):
    card = (folder / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len(blocks) == 3
    right = wanted(runs, 5, np.zeros((2, 4), np.float32)).tolist()
    for block in blocks:
        assert len([line for line in block.splitlines() if line]) == 4
        checked = f"{block}\nassert 'qlearn' not in __import__('sys').modules\nprint(values.tolist())"
        given = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", checked],
            cwd=folder,
            env=os.environ | {"KERAS_BACKEND": "jax"},
            capture_output=True,
            text=True,
            check=True,
        )
        np.testing.assert_allclose(json.loads(given.stdout), right, rtol=0, atol=1e-5 * np.abs(right).max())


def test_the_card_says_what_it_is_worth_and_how_it_is_made_again(runs, folder):
    card = (folder / "README.md").read_text(encoding="utf-8")
    found = ql.evaluate(runs)
    assert f"| this seed, greedy policy, 20 games on fresh random numbers | {found.exact_return[1]:,.2f}" in card
    assert "| all 2 seeds trained, greedy policies |" in card
    assert "the seeds are not in a row" in card
    assert f"qlearn {ql.__version__}" in card
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_holds_one_run(runs, folder):
    with pytest.raises(ql.InputError, match="holds the model of another run"):
        ql.export(runs, 3, "keras", folder)


def test_what_cannot_be_exported_is_named_and_leaves_nothing(runs, tmp_path):
    with pytest.raises(ql.InputError, match="did you mean 'onnx'"):
        ql.export(runs, 5, "onx", tmp_path)
    with pytest.raises(ql.InputError, match="seed 4 was not trained; expected one of 3, 5"):
        ql.export(runs, 4, "keras", tmp_path)
    table = ql.train(ql.QLearning(), "NChain-v0", episodes=2)
    with pytest.raises(ql.InputError, match="seed 4 was not trained"):
        ql.export(table, 4, "keras", tmp_path)
    features = ql.train(ql.LinearSarsa(ql.OneHotFeatures()), "NChain-v0", episodes=2)
    with pytest.raises(ql.InputError, match="features and no network"):
        ql.export(features, 0, "keras", tmp_path)
    predictor = ql.train(ql.TDLambda(), "RandomWalk-v0", episodes=2)
    with pytest.raises(ql.InputError):
        ql.export(predictor, 0, "keras", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_gives_other_values_is_not_kept(runs, tmp_path, monkeypatch):
    import qlearn.training.export_model as file

    right = file.bytes_of
    monkeypatch.setattr(file, "bytes_of", lambda kind, model, parts: right(kind, _worse(model), parts))
    with pytest.raises(ql.StoreError, match="It was not kept"):
        ql.export(runs, 5, "keras", tmp_path, evaluation=False)
    assert list(tmp_path.iterdir()) == []


def _worse(model):
    for variable in model.weights:
        variable.assign(variable.value + np.float32(1e-3))
    return model


def test_layers_of_the_users_own_are_named_in_the_card(tmp_path):
    import keras

    class Doubled(keras.layers.Layer):
        def call(self, inputs):
            return 2.0 * inputs

    def net(shape, actions):
        return keras.Sequential([keras.layers.Input(shape), Doubled(), keras.layers.Dense(actions)])

    runs = ql.train(ql.OnlineQNetwork(net, keras.optimizers.Adam()), "NChain-v0", steps=5)
    written = ql.export(runs, 0, "keras", tmp_path)
    assert written.model.custom == ("Doubled",)
    card = written.card.read_text(encoding="utf-8")
    assert "custom_objects={'Doubled': Doubled}" in card
    assert "The agent is the author's own code" in card
