"""Training networks: what comes back, what is refused, and what is said when something goes wrong."""

import functools

import gymnasium as gym
import jax
import keras
import numpy as np
import pytest

import qlearn as ql
from tests.interrupts import interrupting


class Corridor(gym.Env):
    """Three actions, two numbers seen; written as users write environments.  It misbehaves where it is told to."""

    def __init__(self, fault=None, at=1000):
        self.observation_space = gym.spaces.Box(-10.0, 10.0, (2,), np.float32)
        self.action_space = gym.spaces.Discrete(3)
        self.fault, self.at, self.total = fault, at, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place, self.t = float(self.np_random.uniform(-1, 1)), 0
        return self._seen(), {}

    def _seen(self):
        return np.array([self.place, self.t / 20], np.float32)

    def step(self, action):
        self.place += 0.5 * (int(action) - 1)
        self.t += 1
        self.total += 1
        reward = -abs(self.place)
        if self.fault is not None and self.total > self.at:
            if self.fault == "raises":
                raise RuntimeError("the motor is gone")
            if self.fault == "reward":
                reward = float("nan")
            if self.fault == "shape":
                return np.zeros(3, np.float32), reward, False, False, {}
        return self._seen(), reward, abs(self.place) > 3, self.t >= 20, {}


def small(**settings):
    return ql.OnlineQNetwork(ql.mlp(8), keras.optimizers.Adam(0.01), **settings)


def small_dqn(**settings):
    usual = {"replay": 500, "batch_size": 16, "learning_starts": 50, "train_every": 5, "target_every": 100}
    return ql.DQN(ql.mlp(16), keras.optimizers.Adam(0.003), **(usual | settings))


def predicted(model, seen):
    """What Keras gives, which mixes ranks as the tests do not let qlearn do."""
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        return model.predict_on_batch(seen)


@functools.cache
def cartpole_runs():
    return ql.train(small_dqn(), "CartPole-v1", steps=1000, seeds=[4, 9], snapshots=2)


def test_an_environment_of_ones_own_is_learnt_and_judged():
    calm = ql.EpsilonGreedy(ql.linear(1.0, 0.05, over=2000, per="step"))
    runs = ql.train(small_dqn(exploration=calm, discount=0.9), Corridor, steps=6000, seeds=2)
    assert runs.settings["loop"] == "host"
    found = ql.evaluate(runs)
    assert found.method == "rollouts"
    assert (found.exact_return > -12).all()  # from the middle of [−1, 1] and staying near 0; doing nothing costs −10
    assert (runs.num_steps == 6000).all()


def test_runs_hold_a_network_for_every_seed():
    runs = cartpole_runs()
    one, other = runs.q_network(4), runs.q_network(9)
    assert isinstance(one, keras.Model)
    seen = np.ones((3, 4), np.float32)
    assert predicted(one, seen).shape == (3, 2)
    assert not np.allclose(predicted(one, seen), predicted(other, seen))
    with pytest.raises(ql.InputError, match="seed 5 was not trained; expected one of 4, 9"):
        runs.q_network(5)
    with pytest.raises(ql.InputError, match="arrays, which no table can list"):
        runs.q_table  # noqa: B018


def test_the_network_of_a_seed_gives_its_q_table_where_states_can_be_counted():
    runs = ql.train(small(), "NChain-v0", steps=300, seeds=3)
    for i in range(3):
        values = predicted(runs.q_network(i), np.eye(5, dtype=np.float32))
        np.testing.assert_allclose(values, runs.q_table[i], rtol=1e-5)


def test_a_stream_network_scales_its_observations_itself():
    runs = ql.train(ql.StreamQ(ql.mlp(8, layer_norm=True)), "CartPole-v1", steps=500, seeds=2)
    model = runs.q_network(1)
    assert any(isinstance(layer, keras.layers.Normalization) for layer in model.layers)
    assert np.isfinite(predicted(model, np.ones((1, 4), np.float32))).all()


def test_runs_with_networks_come_back_from_a_file(tmp_path):
    runs = cartpole_runs()
    runs.save(tmp_path / "runs.npz")
    back = ql.Runs.load(tmp_path / "runs.npz")
    assert back.agent == runs.agent
    for one, other in zip(jax.tree.leaves(back.knowledge), jax.tree.leaves(runs.knowledge), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(ql.evaluate(back).curve, ql.evaluate(runs).curve)
    wider = ql.DQN(ql.mlp(17), keras.optimizers.Adam(0.003))
    with pytest.raises(ql.InputError, match="Pass the agent that was trained"):
        ql.Runs.load(tmp_path / "runs.npz", agent=wider)


def test_snapshots_and_chunks_change_nothing(monkeypatch):
    from qlearn.engine import vector_run

    plain = ql.train(small_dqn(), "CartPole-v1", steps=1000, seeds=[4, 9])
    monkeypatch.setattr(vector_run, "_CHUNK_SECONDS", 0.0)  # every chunk too long: they shrink to one update each
    watched = ql.train(small_dqn(), "CartPole-v1", steps=1000, seeds=[4, 9], snapshots=4)
    for one, other in zip(jax.tree.leaves(plain.knowledge), jax.tree.leaves(watched.knowledge), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(plain.returns, watched.returns)
    assert watched.snapshots.positions.tolist() == [0, 250, 500, 750, 1000]


def test_divergence_is_noticed_counted_and_said():
    wild = ql.OnlineQNetwork(ql.mlp(8), keras.optimizers.SGD(1e3))
    with pytest.warns(ql.DivergenceWarning, match=r"3 of 3 runs.*seed 0 at step \d.*smaller learning rate"):
        runs = ql.train(wild, "CartPole-v1", steps=2000, seeds=3)
    assert runs.diverged.all()
    assert (runs.diverged_at > 0).all()
    assert (runs.num_steps == runs.diverged_at).all()  # stopped there
    assert runs.complete
    assert "3 of 3 runs" in " ".join(ql.evaluate(runs).notes)


@pytest.mark.filterwarnings("ignore::qlearn.DivergenceWarning")
def test_what_is_kept_of_a_diverged_seed_does_not_depend_on_the_length_of_chunks(monkeypatch):
    from qlearn.engine import vector_run

    wild = ql.OnlineQNetwork(ql.mlp(8), keras.optimizers.SGD(3.0))
    plain = ql.train(wild, "CartPole-v1", steps=2000, seeds=3)
    monkeypatch.setattr(vector_run, "_CHUNK_SECONDS", 0.0)
    cut = ql.train(wild, "CartPole-v1", steps=2000, seeds=3)
    assert plain.diverged.any()
    for one, other in zip(jax.tree.leaves(plain.knowledge), jax.tree.leaves(cut.knowledge), strict=True):
        np.testing.assert_array_equal(one, other)


def test_divergence_on_the_host_is_noticed_too():
    wild = ql.OnlineQNetwork(ql.mlp(8), keras.optimizers.SGD(1e3))
    with pytest.warns(ql.DivergenceWarning, match="2 of 2 runs"):
        runs = ql.train(wild, Corridor, steps=500, seeds=2)
    assert (runs.diverged_at > 0).all()


@pytest.mark.parametrize(
    ("agent", "environment", "words"),
    [
        (lambda: ql.OnlineQNetwork(ql.mlp(8), "adam"), "NChain-v0", "is no optimizer; expected a keras.optimizers"),
        (lambda: ql.OnlineQNetwork("net", keras.optimizers.Adam()), "NChain-v0", "is no network"),
        (
            lambda: ql.OnlineQNetwork(keras.Sequential([keras.layers.Dense(3)]), keras.optimizers.Adam()),
            "NChain-v0",
            "axis 1 .*3 .*2",
        ),
        (
            lambda: ql.OnlineQNetwork(
                keras.Sequential([keras.layers.Input((7,)), keras.layers.Dense(2)]), keras.optimizers.Adam()
            ),
            "CartPole-v1",
            "7.*4",
        ),
        (ql.QLearning, "CartPole-v1", "which no table can list. Pass an agent with features or a network"),
        (small, "Pendulum-v1", "continuous actions"),
        (lambda: small_dqn(replay=10**9), "CartPole-v1", "smaller `replay=`"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_the_cure(agent, environment, words):
    with pytest.raises(ql.InputError, match=words):
        ql.train(agent(), environment, steps=100)


@pytest.mark.parametrize(
    ("fault", "words"),
    [("raises", "RuntimeError: the motor is gone"), ("reward", "reward nan"), ("shape", r"shape \(3,\)")],
)
def test_a_fault_of_the_environment_names_seed_episode_and_step(fault, words):
    with pytest.raises(ql.EnvironmentFault, match=words) as caught:
        ql.train(small_dqn(), functools.partial(Corridor, fault, 1000), steps=3000, seeds=[11])
    assert "seed 11, episode" in str(caught.value)
    assert "step" in str(caught.value)


def test_an_interrupt_keeps_what_was_complete():
    with pytest.raises(ql.Interrupted) as caught:
        ql.train(small_dqn(), "CartPole-v1", steps=50_000_000, seeds=2, progress=interrupting())
    runs = caught.value.runs
    assert not runs.complete
    assert (runs.num_steps > 0).all()
    assert isinstance(runs.q_network(1), keras.Model)


def test_progress_tells_the_current_return():
    told = []
    ql.train(small(), "CartPole-v1", steps=500, seeds=2, progress=lambda share, words: told.append(words))
    assert "return" in told[-1]
