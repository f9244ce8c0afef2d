"""train: budgets, bad input, interruption, saving."""

import functools
import json
import signal

import gymnasium as gym
import numpy as np
import pytest

import qlearn as ql
from qlearn.training import agents_by_name, parse_agent, train_many, written_agent
from tests.interrupts import interrupting


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "episodes=… or steps=…"),
        ({"episodes": 3, "steps": 3}, "not both"),
        ({"episodes": 0}, "episodes=0"),
        ({"episodes": 2.5}, "whole number"),
        ({"steps": True}, "steps=True"),
        ({"episodes": 2, "seeds": 0}, "seeds=0"),
        ({"episodes": 2, "seeds": [1, 1]}, "twice"),
        ({"episodes": 2, "seeds": [-1]}, "seeds reach"),
        ({"episodes": 2, "seeds": "many"}, "seeds='many'"),
        ({"episodes": 2, "seeds": [0.5]}, "whole numbers"),
        ({"episodes": 2, "snapshots": -1}, "snapshots=-1"),
    ],
)
def test_wrong_arguments_are_named(wrong, words):
    with pytest.raises(ql.InputError, match=words):
        ql.train(ql.QLearning(), "NChain-v0", **wrong)


def test_what_is_no_agent_and_what_is_no_environment_are_refused():
    with pytest.raises(ql.InputError, match="not an agent"):
        ql.train("q-learning", "NChain-v0", episodes=1)
    with pytest.raises(ql.InputError, match="did you mean"):
        ql.train(ql.QLearning(), "NChian-v0", episodes=1)


def test_an_agent_of_whole_episodes_needs_a_time_limit():
    endless = ql.FiniteMDP.from_arrays(np.ones((1, 1, 1)), 1.0, name="endless")
    with pytest.raises(ql.InputError, match="no time limit"):
        ql.train(ql.MonteCarloControl(), endless, episodes=1)


class Countdown(gym.Env):
    """Five steps, a reward of 1 for action 1; what goes wrong is chosen."""

    observation_space = gym.spaces.Discrete(6)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, fault=None):
        self.fault = fault

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left = 5
        return 5, {}

    def step(self, action):
        self.left -= 1
        reward = float(action)
        if self.left == 2 and self.fault == "raises":
            raise RuntimeError("the sensor is unplugged")
        if self.left == 2 and self.fault == "nan":
            reward = float("nan")
        if self.left == 2 and self.fault == "outside":
            return 9, reward, False, False, {}
        return self.left, reward, self.left == 0, False, {}


def test_an_environment_of_ones_own_is_trained_in_the_host_loop():
    agent = ql.QLearning(learning_rate=0.5, discount=1.0, exploration=ql.EpsilonGreedy(0.5))
    runs = ql.train(agent, Countdown, episodes=100, seeds=3)
    assert (runs.lengths == 5).all()
    assert runs.settings["loop"] == "host"
    assert (runs.q_table[:, 1:, 1] > runs.q_table[:, 1:, 0]).all()
    np.testing.assert_allclose(runs.q_table[:, 1, 1], 1.0, atol=0.01)


@pytest.mark.parametrize(
    ("fault", "words"), [("raises", "the sensor is unplugged"), ("nan", "reward nan"), ("outside", "outside its space")]
)
def test_a_fault_of_the_environment_names_seed_episode_and_step(fault, words):
    with pytest.raises(ql.EnvironmentFault, match=rf"(?s)seed 4, episode 0, step 2.*{words}"):
        ql.train(ql.QLearning(), lambda: Countdown(fault), episodes=2, seeds=[4])


@pytest.mark.parametrize("returned", [None, (0, 1.0, False, False)])
def test_a_step_that_returns_something_else_is_a_fault_of_the_environment(returned):
    class Odd(Countdown):
        def step(self, action):
            return returned

    with pytest.raises(ql.EnvironmentFault, match=r"seed 0, episode 0, step 0.*step\(\) returned"):
        ql.train(ql.QLearning(), Odd, episodes=1, seeds=1)


def test_a_class_is_no_agent():
    with pytest.raises(ql.InputError, match=r"QLearning is a class.*QLearning\(…\)"):
        ql.train(ql.QLearning, "NChain-v0", episodes=1)


def test_online_returns_are_means_over_completed_episodes():
    runs = ql.train(ql.QLearning(), Countdown, steps=23, seeds=3)
    assert (runs.num_episodes == 4).all()
    np.testing.assert_allclose(runs.online_returns(), np.nanmean(runs.returns, axis=1))
    np.testing.assert_allclose(runs.online_returns(last=0.25), runs.returns[:, 3])
    assert np.isnan(ql.train(ql.QLearning(), Countdown, steps=2, seeds=1).online_returns()).all()


def test_one_instance_serves_one_seed():
    env = Countdown()
    assert ql.train(ql.Sarsa(), env, episodes=2, seeds=1).returns.shape == (1, 2)
    with pytest.raises(ql.InputError, match="serves one seed"):
        ql.train(ql.Sarsa(), env, episodes=2, seeds=2)


def test_divergence_is_flagged_and_kept():
    runs = ql.train(ql.QLearning(learning_rate=1000.0), "NChain-v0", episodes=2, seeds=3)
    assert runs.diverged.all()
    assert runs.returns.shape == (3, 2)
    np.testing.assert_allclose(runs.greedy_policies().sum(axis=2), 1)


def test_progress_reaches_one_and_never_falls():
    told = []
    ql.train(ql.QLearning(), "NChain-v0", episodes=200, seeds=60, progress=lambda share, words: told.append(share))
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("world", ["NChain-v0", Countdown], ids=["device", "host"])
def test_an_interruption_loses_nothing(world):
    agent = ql.QLearning()
    with pytest.raises(ql.Interrupted) as caught:
        ql.train(agent, world, episodes=10_000_000, seeds=2, progress=interrupting(lambda calls, share: share >= 1e-6))
    runs = caught.value.runs
    assert isinstance(caught.value, KeyboardInterrupt)
    assert not runs.complete
    count = int(runs.num_episodes.min())
    assert count > 0
    assert np.isfinite(runs.returns[:, :count]).all()
    again = ql.train(agent, world, episodes=count, seeds=2)
    np.testing.assert_array_equal(again.returns, runs.returns[:, :count])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interruption_of_several_agents_keeps_what_each_has():
    with pytest.raises(ql.Interrupted) as caught:
        train_many(ql.tutorial_agents(), "NChain-v0", episodes=10_000_000, seeds=2, progress=interrupting())
    assert len(caught.value.runs) == 3


def test_saved_runs_come_back_whole(tmp_path):
    runs = ql.train(ql.tutorial_agents()[2], "NChain-v0(n=4)", episodes=5, seeds=[3, 9], snapshots=2)
    path = tmp_path / "folder" / "runs.npz"
    runs.save(path)
    back = ql.Runs.load(path)
    assert back.agent == runs.agent
    assert back.environment.name == "NChain-v0(n=4)"
    for name in ("seeds", "returns", "lengths", "q_table", "visits", "num_steps", "diverged"):
        np.testing.assert_array_equal(getattr(back, name), getattr(runs, name))
    np.testing.assert_array_equal(back.snapshots.q_tables, runs.snapshots.q_tables)
    assert json.dumps(back.settings) == json.dumps(runs.settings)


def test_damaged_and_foreign_files_are_refused_by_name(tmp_path):
    path = tmp_path / "runs"
    ql.train(ql.Sarsa(), "NChain-v0", episodes=1, seeds=1).save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for offset in rng.integers(0, len(whole), 40):
        damaged = bytearray(whole)
        damaged[offset] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with pytest.raises(ql.StoreError, match="runs"):
            ql.Runs.load(path)
    for length in rng.integers(0, len(whole), 40):
        path.write_bytes(whole[:length])
        with pytest.raises(ql.StoreError, match="runs"):
            ql.Runs.load(path)
    with pytest.raises(ql.StoreError, match="nowhere"):
        ql.Runs.load(tmp_path / "nowhere")


def test_runs_of_ones_own_agent_or_environment_ask_for_it(tmp_path):
    agent = ql.OneStep(rule=ql.rules.q_learning)
    runs = ql.train(agent, Countdown, episodes=2, seeds=1)
    runs.save(tmp_path / "runs")
    with pytest.raises(ql.InputError, match="agent=…"):
        ql.Runs.load(tmp_path / "runs")
    with pytest.raises(ql.InputError, match="environment=…"):
        ql.Runs.load(tmp_path / "runs", agent=agent)
    for given in (runs.environment, functools.partial(Countdown), Countdown()):  # whatever `ql.train` takes
        back = ql.Runs.load(tmp_path / "runs", agent=agent, environment=given)
        np.testing.assert_array_equal(back.q_table, runs.q_table)
        assert back.environment.num_states == runs.environment.num_states
        np.testing.assert_array_equal(ql.evaluate(back).exact_return, ql.evaluate(runs).exact_return)
    with pytest.raises(ql.InputError, match=r"holds values of \d+ states and \d+ actions, on 'Countdown'; Taxi-v4"):
        ql.Runs.load(tmp_path / "runs", agent=agent, environment="Taxi-v4")


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    runs = ql.train(ql.Sarsa(), "NChain-v0", episodes=1, seeds=1)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ql.StoreError, match="file"):
        runs.save(tmp_path / "file" / "runs")


@pytest.mark.parametrize("name", [name for name in agents_by_name() if name != "faulty"])  # that takes an agent
def test_every_agent_has_a_name_that_is_read_and_written(name):
    nets = dict.fromkeys(("online-q-network", "dqn", "pqn"), "(mlp(8), adam(0.01))")
    linear = ("linear-sarsa", "linear-expected-sarsa", "linear-q-learning", "linear-prediction")
    nets |= dict.fromkeys(linear, "(tile-coding(tiles=4, low=(0, -1), high=(1, 1)))")
    needs = {"r-max": "(reward_max=10)", "stream-q": "(mlp(8))", "preset": "(dqn, CartPole-v1)"} | nets
    agent = parse_agent(name + needs.get(name, ""))
    assert parse_agent(written_agent(agent)) == agent
    assert agents_by_name()[name][1].endswith(".")


def test_networks_and_optimizers_are_read_and_written_back():
    falling = "adam(polynomial-decay(0.0001, 15625, 0.0), epsilon=1e-05)"
    for text in (
        "pqn(mlp(256, 256, layer_norm=True), " + falling + ", reward_scale=0.1, exploration=greedy)",
        "dqn(mlp(8, activation=tanh), sgd(0.1, momentum=0.9), double=True, target_every=None, target_rate=0.01)",
    ):
        agent = parse_agent(text)
        assert parse_agent(written_agent(agent)) == agent
    import keras

    own = ql.OnlineQNetwork(keras.Sequential([keras.layers.Dense(2)]), keras.optimizers.Adam())
    assert written_agent(own) is None  # no text names it: it has to be passed


def test_settings_are_read_and_written_back():
    explore = "epsilon-greedy(linear(1.0, 0.1, over=50.0), ties=first)"
    text = f"q-learning(learning_rate=per-visit(power=0.8), exploration={explore})"
    agent = parse_agent(text)
    assert parse_agent(written_agent(agent)) == agent
    assert agent.exploration.ties == "first"
    assert parse_agent("n_step_sarsa(n=2, exploration=boltzmann(0.5))").n == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("q-lerning", "did you mean 'q-learning'"),
        ("q-learning(learning_rat=1)", "did you mean 'learning_rate'"),
        ("q-learning(learning_rate=-1)", "learning_rate=-1"),
        ("q-learning(learning_rate='fast')", "learning_rate"),
        ("q-learning(exploration=0.1)", "exploration"),
        ("q-learning(exploration=epsilon-gredy(0.1))", "did you mean 'epsilon-greedy'"),
        ("q-learning(__import__('os'))", "no known"),
        ("q-learning(", "cannot be read"),
        ("", "cannot be read"),
        ("().__class__", "cannot be read"),
        ("r-max", "reward_max"),
        ("sarsa(**{})", "cannot be read"),
        ("q-learning(discount=2)", "discount=2"),
    ],
)
def test_wrong_agents_are_refused_in_words(text, words):
    with pytest.raises(ql.InputError, match=words):
        parse_agent(text)


@pytest.mark.parametrize(
    ("agent", "seeds", "words"),
    [
        (ql.Sarsa(), 10_000_000, "fewer seeds"),
        (ql.NStepSarsa(n=1_000_000_000), 1, "smaller settings"),
    ],
)
def test_what_does_not_fit_into_memory_is_refused_beforehand(agent, seeds, words):
    with pytest.raises(ql.InputError, match=words):
        ql.train(agent, "NChain-v0", episodes=5000, seeds=seeds)


@pytest.mark.parametrize(
    "rule",
    [
        lambda s, b, n, m: b * float("nan"),
        lambda s, b, n, m: 0.5 * b,
        lambda s, b, n, m: 1.0,
        lambda s, b, n, m: None,
        lambda s, b: b,
        lambda s, b, n, m: b if s[0] > 0 else s,
    ],
)
def test_a_rule_that_gives_no_weights_is_refused(rule):
    with pytest.raises(ql.InputError, match="rule"):
        ql.train(ql.OneStep(rule=rule), "NChain-v0", episodes=1)


def test_a_training_in_the_background_hears_sigterm_although_its_shell_ignores_ctrl_c(tmp_path):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        terminate = interrupting(number=signal.SIGTERM)
        with pytest.raises(ql.Interrupted, match="To go on"):
            ql.train(ql.QLearning(), "NChain-v0", steps=10**9, checkpoint=tmp_path, progress=terminate)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)
    assert list(tmp_path.glob("lane-0000-*.npz"))
