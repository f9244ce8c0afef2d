"""One suite over every agent: what it promises, kept; and every planted fault, caught."""

import re
import types

import numpy as np
import pytest

import qlearn as ql
from qlearn.agents.faults import FAULTS
from qlearn.checking import worlds
from qlearn.checking.convergence import bound
from qlearn.environments.problems import PROBLEMS
from qlearn.training import parse_agent
from qlearn.training.vocabulary import AGENTS

SETTINGS = {
    "r-max": "reward_max=2",
    "linear-sarsa": "one-hot-features()",
    "linear-expected-sarsa": "one-hot-features()",
    "linear-q-learning": "one-hot-features()",
    "linear-prediction": "one-hot-features()",
    "online-q-network": "mlp(8), adam(0.01)",
    "stream-q": "mlp(8, layer_norm=True)",
    "dqn": "mlp(8), adam(0.01), replay=200, batch_size=16, learning_starts=50, train_every=5, target_every=50",
    "pqn": "mlp(8), adam(0.01), num_environments=2, num_steps=10, minibatches=4",
}
NAMES = [name for name in AGENTS if name not in ("preset", "faulty")]


def described(name):
    return parse_agent(f"{name}({SETTINGS[name]})" if name in SETTINGS else name)


@pytest.mark.parametrize("name", NAMES)
def test_every_agent_keeps_what_it_promises(name):
    found = ql.check(described(name))
    assert found.fine, str(found)
    assert sum(promise.verdict == "kept" for promise in found.promises) >= 5, str(found)


PLANTED = {
    "no-terminal-mask": ("q-learning", "termination ends"),
    "truncation-as-termination": ("sarsa", "truncation goes on"),
    "first-index-ties": ("expected-sarsa", "ties"),
    "traces-not-cut": ("watkins-q-lambda", "traces cut"),
    "double-selection": ("double-q-learning", "unbiased maximum"),
    "reward-outside-the-learning-rate": ("q-learning", "termination ends"),
    "learning-rate-on-the-wrong-term": ("q-learning", "convergence"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_planted_fault_is_caught(fault):
    agent, promise = PLANTED[fault]
    found = ql.check(f"faulty({fault}, {agent})")
    assert promise in found.broken, str(found)


def test_a_fault_befalls_only_agents_that_can_have_it():
    with pytest.raises(ql.InputError, match="cannot have the fault 'traces-not-cut'"):
        ql.faults.plant("traces-not-cut", ql.QLearning())
    with pytest.raises(ql.InputError, match="did you mean 'no-terminal-mask'"):
        ql.faults.plant("no-terminal-maks", ql.QLearning())


def test_a_faulty_agent_trains_beside_the_sound_one_with_the_same_noise():
    sound, faulty = ql.QLearning(learning_rate=0.5), ql.faults.plant("truncation-as-termination", ql.QLearning())
    runs = [ql.train(agent, worlds.endless(), episodes=1, seeds=2) for agent in (sound, faulty)]
    assert runs[1].label == "ε-greedy Q-learning with truncation as termination"
    np.testing.assert_array_equal(runs[0].lengths, runs[1].lengths)


BROKEN = {"termination ends", "truncation goes on", "convergence"}


@ql.agent
class Stubborn:
    """Someone's own agent, which never learns, and whose number is structure."""

    discount: float = 0.9
    exploration: object = ql.EpsilonGreedy(0.1)
    label = "stubborn"
    version = 1

    def learner(self, spec):
        import jax.numpy as jnp

        from qlearn.agents.learner import Learner

        table = jnp.zeros((spec.num_states, spec.num_actions))
        return Learner(
            lambda noise: table,
            lambda q, s, noise, clock: (self.exploration.sample(q[s], None, noise, clock, None), q),
            lambda q, trajectory, noise, clock: q,
            lambda q, s: q[s],
        )


def test_an_agent_of_ones_own_is_told_what_it_breaks():
    found = ql.check(Stubborn())
    assert set(found.broken) == BROKEN
    assert "termination ends" in str(found)
    assert "3 broken" in str(found).splitlines()[0]


def test_what_an_agent_says_it_does_not_promise_is_not_looked_at():
    @ql.agent
    class Honest(Stubborn):
        exempt = types.MappingProxyType(dict.fromkeys(BROKEN, "it never learns"))

    assert ql.check(Honest()).fine


@pytest.mark.parametrize("name", ["NChain-v0", "FrozenLake-v1", "Taxi-v4", "CartPole-v1"])
def test_environments_keep_what_they_promise(name):
    assert ql.check(name).fine, str(ql.check(name))


@pytest.mark.parametrize("name", [name for name in PROBLEMS if not re.search("Rental|Race|Puddle", name)])
def test_every_problem_keeps_what_it_promises(name):
    found = ql.check(name)
    assert found.fine, str(found)


def test_a_game_that_does_not_follow_its_model_is_found_out():
    import dataclasses

    import gymnasium as gym

    chain = ql.make("NChain-v0")
    slips_more = dataclasses.replace(chain, make_env=lambda: gym.make("NChain-v0", slip=0.3))
    assert ql.check(slips_more).broken == ("games follow the model",)
    pays_more = dataclasses.replace(chain, make_env=lambda: gym.make("NChain-v0", large=11))
    assert "which the model does not list" in str(ql.check(pays_more))


def test_an_environment_that_forgets_its_seed_is_found_out():
    import gymnasium as gym

    class Forgetful(gym.Env):
        observation_space, action_space = gym.spaces.Discrete(50), gym.spaces.Discrete(2)
        count = 0

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return 0, {}

        def step(self, action):
            Forgetful.count += 1
            return Forgetful.count % 50, 0.0, Forgetful.count % 7 == 0, False, {}

    assert "seeds repeat" in ql.check(Forgetful).broken


def test_rules_and_explorations_are_looked_at_too():
    def first(select, behaviour, next_action, mask):
        import jax.numpy as jnp

        return jnp.arange(select.shape[0]) == 0

    assert ql.check(ql.rules.expected_sarsa).fine
    assert "relabelling" in ql.check(first).broken
    for exploration in (ql.Greedy(), ql.EpsilonGreedy(0.3), ql.Boltzmann(0.7), ql.UpperConfidence(2.0)):
        assert ql.check(exploration).fine, str(ql.check(exploration))


def test_what_cannot_be_checked_is_an_input_error():
    with pytest.raises(ql.InputError, match="is a class"):
        ql.check(ql.QLearning)
    with pytest.raises(ql.InputError, match="no known agent"):
        ql.check("q-lerning")


def test_the_bound_falls_as_the_theory_says():
    """Noise of a running mean with steps n^-0.7 has variance α σ² / (2 (1 − γ)) for n large: simulated here."""
    rng, n, deviation = np.random.default_rng(1), 4000, 2.0
    values = np.zeros(2000)
    for k in range(1, n + 1):
        values += k**-0.7 * (0.6 * values + rng.normal(0, deviation, values.size) - values)
    noise = bound(np.array([n]), deviation, 0.0)[0] / 6
    assert values.std() == pytest.approx(noise, rel=0.1)


def test_a_class_that_jax_does_not_know_is_an_input_error():
    class Undecorated(Stubborn):
        pass

    with pytest.raises(ql.InputError, match=r"Make its class .* with @ql.agent"):
        ql.check(Undecorated())
