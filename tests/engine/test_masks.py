"""Action masks: whichever way they are given, no agent takes or reads an action that is not legal."""

import gymnasium as gym
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import qlearn as ql
from qlearn.environments import JaxEnvironment, MDPEnv, device_environment
from qlearn.errors import EnvironmentFault, InputError

STATES, ACTIONS, GAMMA = 5, 3, 0.9
HUGE = 500.0


def walk():
    """A walk to the right in which the third action is never legal, and the first not at the left end."""
    problem = ql.MDPBuilder("Masked walk")
    problem.states(*(f"s{s}" for s in range(STATES)))
    problem.actions("back", "forward", "trap")
    problem.starts_in("s0")
    problem.ends_after(20)
    for s in range(STATES - 1):
        if s:
            problem.on(f"s{s}", "back").goes_to(f"s{s - 1}", reward=0.1)
        last = s == STATES - 2
        problem.on(f"s{s}", "forward").goes_to(f"s{s + 1}", reward=float(last), ends=last)
    return problem.build()


class Bare(gym.Wrapper):
    """The same game without a word about masks."""

    def reset(self, **how):
        return self.env.reset(**how)[0], {}

    def step(self, action):
        return *self.env.step(action)[:4], {}


class ByMethod(Bare):
    def action_masks(self):
        return self.env.unwrapped.mdp.legal[self.env.unwrapped.state]


class ByKey(Bare):
    def __init__(self, env):
        super().__init__(env)
        mask = gym.spaces.MultiBinary(ACTIONS)
        self.observation_space = gym.spaces.Dict({"state": env.observation_space, "action_mask": mask})

    def _with(self, state):
        return {"state": state, "action_mask": self.env.unwrapped.mdp.legal[state].astype(np.int8)}

    def reset(self, **how):
        return self._with(super().reset(**how)[0]), {}

    def step(self, action):
        state, *rest = super().step(action)
        return self._with(state), *rest


@device_environment
class OnDevice(JaxEnvironment):
    """The same walk as functions of JAX, whose reward for what is not legal is huge."""

    num_actions = ACTIONS
    num_states = STATES
    observation_shape = None
    time_limit: int | None = 20
    identity = "OnDevice"

    def mask(self, state):
        return jnp.stack([state > 0, state >= 0, state < 0])

    def reset(self, noise):
        return jnp.int32(0)

    def observe(self, state):
        return state

    def step(self, state, action, noise, total):
        then = jnp.where(action == 0, state - 1, state + 1)
        over = then == STATES - 1
        paid = jnp.where(over, 1.0, jnp.where(action == 0, 0.1, 0.0))
        legal = (action == 1) | ((action == 0) & (state > 0))
        return then, jnp.where(legal, paid, HUGE).astype(jnp.float32), over


MODEL = walk()
Q = ql.solve(MODEL, discount=GAMMA).q
LEGAL = MODEL.legal[: STATES - 1]


def game():
    return MDPEnv(MODEL)


def copies(num_envs):
    return gym.vector.SyncVectorEnv([game] * num_envs, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP)


WAYS = {
    "info": game,
    "method": lambda: ByMethod(game()),
    "key": lambda: ByKey(game()),
    "device": OnDevice(),
    "vectors": copies,
}
SGD = keras.optimizers.SGD(0.5)


def linear(_, num_actions):
    """A table as a network, in which the action that is never legal looks splendid."""
    layers = [keras.layers.Dense(num_actions, use_bias=False, kernel_initializer="zeros")]
    return keras.Sequential([*layers, keras.layers.Rescaling(1.0, offset=[0.0, 0.0, HUGE])])


def plain(_, num_actions):
    """Without that offset, for heads: values in the middle of C51's range, which here is above what is legal."""
    return keras.Sequential([keras.layers.Dense(num_actions, use_bias=False)])


EXPLORE = ql.EpsilonGreedy(0.5)
COMMON = {"discount": GAMMA, "exploration": EXPLORE}
REPLAY = {"replay": 400, "batch_size": 32, "learning_starts": 40, "train_every": 2, "target_every": 20}
NETWORKS = {
    "DQN": ql.DQN(linear, keras.optimizers.SGD(0.5), **COMMON, **REPLAY),
    "double, 3 steps": ql.DQN(linear, keras.optimizers.SGD(0.5), double=True, n_step=3, **COMMON, **REPLAY),
    "C51": ql.DQN(plain, keras.optimizers.Adam(0.05), head=ql.Categorical(low=-1.0, high=3.0), **COMMON, **REPLAY),
    "QR, by priority": ql.DQN(
        plain, keras.optimizers.Adam(0.05), head=ql.Quantiles(count=7), priorities=ql.Priorities(), **COMMON, **REPLAY
    ),
    "Munchausen": ql.DQN(linear, keras.optimizers.SGD(0.5), munchausen=ql.Munchausen(), **COMMON, **REPLAY),
    "PQN": ql.PQN(
        linear, SGD, num_environments=2, num_steps=8, epochs=2, minibatches=2, max_gradient_norm=None, **COMMON
    ),
    "StreamQ": ql.StreamQ(linear, sparsity=None, scale_rewards=False, **COMMON),
    "linear": ql.LinearQLearning(ql.OneHotFeatures(), learning_rate=0.2, initial_value=HUGE / 10, **COMMON),
    "OnlineQNetwork": ql.OnlineQNetwork(linear, SGD, **COMMON),
}
TABLES = {
    "Double": ql.DoubleQLearning(learning_rate=0.5, initial_value=HUGE, **COMMON),
    "tree backup": ql.TreeBackup(n=3, learning_rate=0.5, initial_value=HUGE, **COMMON),
    "Dyna-Q": ql.DynaQ(learning_rate=0.5, planning_steps=3, **COMMON),
}


@pytest.fixture(scope="module")
def by_the_model():
    return ql.train(NETWORKS["DQN"], MODEL, steps=1500, seeds=2)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_numbers_of_the_model_that_knows_its_masks(by_the_model, way):
    runs = ql.train(NETWORKS["DQN"], WAYS[way], steps=1500, seeds=2)
    n = min(runs.returns.shape[1], by_the_model.returns.shape[1])
    np.testing.assert_allclose(runs.returns[:, :n], by_the_model.returns[:, :n], rtol=1e-6)
    np.testing.assert_allclose(runs.q_table, by_the_model.q_table, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        runs.q_table[:, : STATES - 1][:, LEGAL], np.tile(Q[: STATES - 1][LEGAL], (2, 1)), atol=0.02
    )
    np.testing.assert_allclose(ql.evaluate(runs).exact_return, 1.0)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "DQN"])
def test_no_network_reads_the_splendid_value_of_an_illegal_action(name):
    runs = ql.train(NETWORKS[name], game, steps=2000, seeds=1)
    assert runs.returns[:, : runs.num_episodes.min()].max() < 4.0  # an illegal action would be a fault of the game
    learnt = runs.q_table[0, : STATES - 1][LEGAL]
    assert np.abs(learnt).max() < 4.0
    if name not in (
        "double, 3 steps",
        "PQN",
        "Munchausen",
    ):  # of exploration they learn too, or other values on purpose
        np.testing.assert_allclose(learnt, Q[: STATES - 1][LEGAL], atol=0.15)


@pytest.mark.parametrize("name", TABLES)
def test_tables_meet_masks_on_the_host_and_learn_what_they_learn_on_the_device(name):
    host = ql.train(TABLES[name], game, steps=600, seeds=3)
    device = ql.train(TABLES[name], MODEL, steps=600, seeds=3)
    np.testing.assert_array_equal(host.q_table, device.q_table)
    np.testing.assert_array_equal(host.visits, device.visits)
    assert host.visits[:, :, 2].sum() == 0
    np.testing.assert_array_equal(host.extras["legal"][0, : STATES - 1], LEGAL)
    np.testing.assert_allclose(ql.evaluate(host).exact_return, ql.evaluate(device).exact_return, atol=1e-6)


class Stuck(gym.Env):
    """After three steps nothing is legal."""

    observation_space, action_space = gym.spaces.Box(0, 9, (1,)), gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return np.zeros(1, np.float32), {"action_mask": np.ones(2, np.int8)}

    def step(self, action):
        self.t += 1
        return np.full(1, self.t, np.float32), 0.0, False, False, {"action_mask": np.full(2, self.t < 3, np.int8)}


@device_environment
class StuckOnDevice(OnDevice):
    identity = "StuckOnDevice"

    def mask(self, state):
        return jnp.stack([state > 0, state < 3, state < 0]) & (state < 3)


@pytest.mark.parametrize("world", [Stuck, StuckOnDevice()])
def test_a_state_without_a_legal_action_is_an_error_that_names_it(world):
    agent = ql.DQN(ql.mlp(4), SGD, **COMMON, **REPLAY)
    with pytest.raises(EnvironmentFault, match=r"\(seed 0, episode \d+, step \d+\).* reached a state without a legal"):
        ql.train(agent, world, steps=200, seeds=1)


def test_a_table_on_the_device_asks_for_masks_by_state():
    with pytest.raises(InputError, match="an array `legal`"):
        ql.train(TABLES["Double"], OnDevice(), steps=10)


@pytest.mark.parametrize(
    ("mask", "words"),
    [(np.ones(3), "gave the action mask"), (np.array([0.5, 1.0]), "gave the action mask"), (None, "no info")],
)
def test_what_is_no_mask_is_named(mask, words):
    class Wrong(Stuck):
        def step(self, action):
            told = {} if mask is None else {"action_mask": mask}
            return np.zeros(1, np.float32), 0.0, False, False, told

    with pytest.raises(EnvironmentFault, match=words):
        ql.train(ql.DQN(ql.mlp(4), SGD, **COMMON, **REPLAY), Wrong, steps=50)


def test_masks_that_a_table_met_are_kept_with_it(tmp_path):
    agent, folder = TABLES["Double"], tmp_path / "kept"
    whole = ql.train(agent, game, steps=200, seeds=2)
    ql.train(agent, game, steps=100, seeds=2, checkpoint=folder)
    gone_on = ql.resume(folder, agent=agent, environment=game, steps=200)
    np.testing.assert_array_equal(gone_on.q_table, whole.q_table)
    np.testing.assert_array_equal(gone_on.extras["legal"], whole.extras["legal"])


def test_a_greedy_policy_keeps_to_the_masks_that_were_met_or_asks_for_them(by_the_model):
    table = ql.train(TABLES["Double"], game, steps=200, seeds=2, snapshots=3)
    for policies in (table.greedy_policies(), *table.snapshot_policies().swapaxes(0, 1)):
        np.testing.assert_array_equal(policies.sum(axis=-1), 1)
        assert not policies[:, : STATES - 1][:, ~LEGAL].any()
    assert not by_the_model.greedy_policies()[:, : STATES - 1][:, ~LEGAL].any()
    for world in (game, OnDevice()):
        network = ql.train(NETWORKS["OnlineQNetwork"], world, steps=40, seeds=2, snapshots=2)
        with pytest.raises(InputError, match=r"tells which actions are legal .* `runs.greedy_policies\(legal=…\)`"):
            network.greedy_policies()
        with pytest.raises(InputError, match="tells which actions are legal"):
            network.snapshot_policies()
        assert not network.greedy_policies(MODEL.legal)[:, : STATES - 1][:, ~LEGAL].any()
        assert not network.snapshot_policies(legal=MODEL.legal)[:, :, : STATES - 1][:, :, ~LEGAL].any()
    for wrong, words in ((np.ones(3), r"shape \(3,\)"), (np.zeros((STATES, ACTIONS)), "at least one action")):
        with pytest.raises(InputError, match=words):
            network.greedy_policies(wrong)


def test_runs_are_judged_on_the_form_of_a_problem_that_tells_its_masks_otherwise(by_the_model):
    played = ql.evaluate(by_the_model, game)
    np.testing.assert_allclose(played.exact_return, ql.evaluate(by_the_model).exact_return)
    host = ql.train(TABLES["Double"], game, steps=600, seeds=2)
    np.testing.assert_allclose(ql.evaluate(host, MODEL).exact_return, ql.evaluate(host).exact_return)
    assert ql.evaluate(host, MODEL).method == "exact"
