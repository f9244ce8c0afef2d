"""Agents with a network run in both loops: the same numbers, step for step, where both meet the same noise."""

import functools

import gymnasium as gym
import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import qlearn as ql
from qlearn.engine import noise
from qlearn.engine.vector_host_run import episode_seed_of
from qlearn.engine.worlds import on_device, spec_of
from qlearn.environments import HostEnvironment


class FedWorld(gym.Env):
    """An environment of JAX, stepped as ordinary Python with the noise that the device loop draws."""

    def __init__(self, world, spec, places):
        self.world, self.places, self.spec_of_learner = world, places, spec
        self.action_space = gym.spaces.Discrete(spec.num_actions)
        if spec.observation_shape is None:
            self.observation_space = gym.spaces.Discrete(spec.num_states)
        else:
            self.observation_space = gym.spaces.Box(-np.inf, np.inf, spec.observation_shape)

    def _seen(self):
        seen = np.asarray(self.world.observe(self.state))
        return int(seen) if self.spec_of_learner.observation_shape is None else seen

    def reset(self, *, seed=None, options=None):
        self.seed, self.copy, self.episode = self.places[seed]
        self.t = 0
        self.state = reset(self.world, self.seed, self.copy, self.episode, 0)
        return self._seen(), {}

    def step(self, action):
        place = (self.seed, self.copy, self.episode, self.t)
        self.state, reward, terminated = step(self.world, self.state, jnp.int32(action), *place)
        self.t += 1
        truncated = self.t >= self.world.time_limit and not bool(terminated)
        return self._seen(), float(reward), bool(terminated), truncated, {}


@jax.jit
def reset(world, *place):
    return world.reset(at(noise.RESET, *place))


@jax.jit
def step(world, state, action, *place):
    return world.step(state, action, at(noise.ENVIRONMENT, *place), jnp.uint32(0))


def at(stream, seed, copy, episode, step):
    seed, copy, episode, step = (jnp.asarray(x, jnp.uint32) for x in (seed, copy, episode, step))
    return noise.at(seed, stream, episode, step, environment=copy)


def fed(environment, *, seeds, copies, episodes):
    spec = spec_of(environment)
    places = {episode_seed_of(s, c, e): (s, c, e) for s in range(seeds) for c in range(copies) for e in range(episodes)}
    return HostEnvironment(
        name="fed",
        make_env=functools.partial(FedWorld, on_device(environment), spec, places),
        num_states=spec.num_states,
        num_actions=spec.num_actions,
        sizes=(spec.num_states,) if spec.num_states else (),
        starts=(0,) if spec.num_states else (),
        time_limit=spec.time_limit,
        observation_shape=spec.observation_shape,
        observation_dtype=spec.observation_dtype,
    )


HALF = ql.EpsilonGreedy(ql.linear(1.0, 0.2, over=100, per="step"))
AGENTS = {
    "online": lambda: ql.OnlineQNetwork(ql.mlp(8), keras.optimizers.Adam(0.01), exploration=HALF),
    "stream": lambda: ql.StreamQ(ql.mlp(8, layer_norm=True), exploration=HALF),
    "dqn": lambda: ql.DQN(
        ql.mlp(8),
        keras.optimizers.Adam(0.01),
        exploration=HALF,
        replay=120,
        batch_size=8,
        learning_starts=20,
        train_every=4,
        target_every=40,
        double=True,
        dueling=True,
        n_step=3,
    ),
    "pqn": lambda: ql.PQN(
        ql.mlp(8), keras.optimizers.Adam(0.01), exploration=HALF, num_environments=3, num_steps=8, minibatches=4
    ),
}
BINS = {5: ql.StateAggregation(3), 4: ql.TileCoding(tiles=4, low=(-2.4, -3.0, -0.2, -3.0), high=(2.4, 3.0, 0.2, 3.0))}
LINEAR = {
    "steps": {"n": 3},
    "whole": {"n": None},
    "traces": {"trace_decay": 0.8, "traces": "dutch"},
}
WORLDS = {
    "chain": lambda: ql.make("NChain-v0", max_episode_steps=25),
    "cartpole": lambda: ql.make("CartPole-v1", max_episode_steps=15),  # falls and runs out of time
}


OWN = tuple(AGENTS)
SMALL = {"replay": 120, "batch_size": 8, "learning_starts": 20, "train_every": 4, "target_every": 40}
AGENTS |= {
    "rainbow": lambda: ql.DQN(
        ql.mlp(8),
        keras.optimizers.Adam(0.01),
        exploration=ql.Greedy(),
        **SMALL,
        double=True,
        dueling=True,
        n_step=3,
        noisy=True,
        head=ql.Categorical(0, 30, atoms=11),
        priorities=ql.Priorities(importance=ql.linear(0.4, 1.0, over=200, per="step")),
    ),
    "quantiles": lambda: ql.DQN(
        ql.mlp(8),
        keras.optimizers.Adam(0.01),
        exploration=HALF,
        **SMALL | {"train_every": 6, "replay": 60, "target_every": 60},
        num_environments=3,
        updates=2,
        noisy=True,
        munchausen=ql.Munchausen(),
        head=ql.ImplicitQuantiles(samples=4, target_samples=4, policy_samples=4, cosines=4),
        priorities=ql.Priorities(),
    ),
}
CASES = [(agent, world, 3) for agent in OWN for world in WORLDS] + [("dqn", "cartpole", 1)]
CASES += [("rainbow", "cartpole", 3), ("quantiles", "chain", 3)]


@pytest.mark.parametrize(("agent", "world", "seeds"), CASES)
def test_device_loop_and_host_loop_give_the_same_numbers(agent, world, seeds):
    environment, described = WORLDS[world](), AGENTS[agent]()
    device = ql.train(described, environment, steps=240, seeds=seeds)
    host = ql.train(described, fed(environment, seeds=seeds, copies=3, episodes=60), steps=240, seeds=seeds)
    assert (device.settings["loop"], host.settings["loop"]) == ("device", "host")
    assert device.num_episodes.min() > 5
    np.testing.assert_array_equal(device.num_steps, host.num_steps)
    np.testing.assert_array_equal(device.lengths, host.lengths)
    np.testing.assert_allclose(device.returns, host.returns, rtol=1e-6)
    # Two programs round products and sums in another order; some hundred updates of Adam carry that on.
    for one, other in zip(jax.tree.leaves(device.knowledge), jax.tree.leaves(host.knowledge), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize(("way", "world"), [("steps", "cartpole"), ("traces", "chain"), ("whole", "chain")])
def test_linear_agents_give_the_same_numbers_in_both_loops(way, world):
    environment = WORLDS[world]()
    features = BINS[5 if world == "chain" else 4]
    described = ql.LinearSarsa(features, exploration=HALF, **LINEAR[way])
    device = ql.train(described, environment, steps=240, seeds=3)
    host = ql.train(described, fed(environment, seeds=3, copies=1, episodes=60), steps=240, seeds=3)
    np.testing.assert_array_equal(device.lengths, host.lengths)
    np.testing.assert_allclose(device.returns, host.returns, rtol=1e-6)
    np.testing.assert_allclose(device.knowledge.weights, host.knowledge.weights, rtol=2e-4, atol=2e-5)


def test_a_budget_of_episodes_ends_alike_in_both_loops():
    environment, described = WORLDS["cartpole"](), AGENTS["online"]()
    device = ql.train(described, environment, episodes=7, seeds=3, snapshots=3)
    host = ql.train(described, fed(environment, seeds=3, copies=1, episodes=30), episodes=7, seeds=3, snapshots=3)
    np.testing.assert_array_equal(device.lengths, host.lengths)
    np.testing.assert_array_equal(device.num_steps, device.lengths.sum(axis=1))
    np.testing.assert_array_equal(device.num_steps, host.num_steps)
    np.testing.assert_array_equal(device.snapshots.positions, host.snapshots.positions)
    for one, other in zip(
        jax.tree.leaves(device.snapshots.knowledge), jax.tree.leaves(host.snapshots.knowledge), strict=True
    ):
        assert one.shape[:2] == (3, 4)
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-4)
