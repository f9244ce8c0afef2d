"""Gymnasium's toy-text problems: the model against the environment's own step, and against exact facts."""

import gymnasium as gym
import numpy as np
import pytest

from qlearn.environments import HostEnvironment, make
from qlearn.errors import InputError

MODELS = [
    "FrozenLake-v1",
    "FrozenLake-v1(is_slippery=False)",
    "FrozenLake-v1(success_rate=0.8, reward_schedule=(10, -5, -1))",
    "FrozenLake-v1(desc=['SFSF', 'HFFG'])",
    "FrozenLake-v1(map_name=None)",
    "FrozenLake8x8-v1",
    "Taxi-v4",
    "Taxi-v4(is_rainy=True)",
    "Taxi-v4(is_rainy=True, rainy_probability=0.5)",
    "CliffWalking-v1",
    "CliffWalking-v1(is_slippery=True)",
    "CliffWalkingSlippery-v1",
]


def outcomes_of(mdp, state, action):
    row = state * mdp.num_actions + action
    return slice(mdp.offsets[row], mdp.offsets[row + 1])


def optimum(mdp, discount, horizon=None, tolerance=1e-12):
    matrix, v = mdp.transition_matrix(), np.zeros(mdp.num_states)
    for _ in range(horizon or 100_000):
        new = (mdp.expected_reward + discount * (matrix @ v).reshape(mdp.expected_reward.shape)).max(axis=1)
        if horizon is None and np.abs(new - v).max() < tolerance:
            break
        v = new
    return v


@pytest.mark.parametrize("identity", MODELS)
def test_every_step_of_the_environment_is_an_outcome_of_its_model(identity):
    mdp = make(identity)
    env = mdp.make_env()
    rng = np.random.default_rng(0)
    env.action_space.seed(0)
    state, _ = env.reset(seed=0)
    started, counts = [state], {}
    for _ in range(6000):
        action = int(rng.integers(mdp.num_actions))
        seen, reward, terminated, truncated, _ = env.step(action)
        where = outcomes_of(mdp, state, action)
        match = (mdp.next_state[where] == seen) & (mdp.reward[where] == reward) & (mdp.terminated[where] == terminated)
        assert match.any(), (state, action, seen, reward, terminated)
        counts.setdefault((state, action), []).append((float(mdp.probability[where][match].sum()), seen, reward))
        state = seen
        if terminated or truncated:
            state, _ = env.reset()
            started.append(state)
    assert mdp.initial[started].all()
    # How often each outcome came, against its probability, over all pairs that were seen often: z within 4.5.
    for steps in counts.values():
        if len(steps) >= 50:
            for probability, seen, reward in set(steps):
                share = np.mean([step[1:] == (seen, reward) for step in steps])
                spread = np.sqrt(probability * (1 - probability) / len(steps))
                assert abs(share - probability) <= 4.5 * spread + 1e-12


@pytest.mark.parametrize("identity", MODELS)
def test_the_sampled_outcome_is_the_one_that_the_uniform_number_picks(identity):
    mdp = make(identity)
    env = mdp.make_env()
    state, _ = env.reset(seed=1)
    for t in range(300):
        action = t % mdp.num_actions
        before = env.unwrapped.np_random.bit_generator.state
        seen, reward, terminated, truncated, _ = env.step(action)
        twin = np.random.Generator(np.random.PCG64())
        twin.bit_generator.state = before
        where = outcomes_of(mdp, state, action)
        outcome = int(np.argmax(np.cumsum(mdp.probability[where]) > twin.random()))
        assert (seen, reward, terminated) == (
            mdp.next_state[where][outcome],
            mdp.reward[where][outcome],
            mdp.terminated[where][outcome],
        )
        state = env.reset()[0] if terminated or truncated else seen


@pytest.mark.parametrize(
    ("identity", "limit"),
    [("FrozenLake-v1", 100), ("FrozenLake8x8-v1", 200), ("Taxi-v4", 200), ("CliffWalking-v1", None)],
)
def test_the_time_limit_comes_from_the_registration(identity, limit):
    assert make(identity).time_limit == limit == gym.spec(identity).max_episode_steps
    assert make(identity, max_episode_steps=7).time_limit == 7
    assert make(identity, max_episode_steps=7).make_env().spec.max_episode_steps == 7
    assert make(identity, max_episode_steps=None).time_limit is None
    assert make(identity, max_episode_steps=-1).make_env().spec.max_episode_steps is None


@pytest.mark.parametrize(("discount", "value"), [(0.9, 0.068891), (0.95, 0.180472), (0.99, 0.542026), (1, 14 / 17)])
def test_frozen_lake_has_its_exact_values(discount, value):
    assert optimum(make("FrozenLake-v1"), discount, tolerance=1e-10)[0] == pytest.approx(value, abs=1e-5)


def test_frozen_lake_within_its_100_steps_has_its_exact_value():
    mdp = make("FrozenLake-v1")
    assert optimum(mdp, 1, horizon=mdp.time_limit)[0] == pytest.approx(0.744190, abs=1e-6)


def test_a_dry_frozen_lake_is_worth_discount_to_the_fifth():
    assert optimum(make("FrozenLake-v1", is_slippery=False), 0.9)[0] == pytest.approx(0.9**5)


def test_taxi_has_its_exact_values():
    mdp = make("Taxi-v4")
    starts = optimum(mdp, 1, horizon=200)[mdp.initial > 0]
    assert starts.size == 300
    assert starts.mean() == pytest.approx(7.93, abs=1e-9)
    assert (starts.min(), starts.max()) == (3, 15)
    assert mdp.initial @ optimum(mdp, 0.99) == pytest.approx(6.32746, abs=1e-4)
    assert mdp.state_names[0] == "taxi (0, 0), passenger red, to red"


def test_cliff_walking_obeys_terminated():
    mdp = make("CliffWalking-v1")
    assert optimum(mdp, 1, horizon=500)[36] == -13
    assert optimum(mdp, 0.99)[36] == pytest.approx(-12.2479, abs=1e-4)
    assert not mdp.terminated[outcomes_of(mdp, 47, 0)].any()  # the goal leads on in P
    assert mdp.terminal_states.nonzero()[0].tolist() == [47]
    assert mdp.terminated.sum() == 4  # from above, from the left, and in P twice from the goal itself
    assert mdp.next_state[outcomes_of(mdp, 36, 1)].tolist() == [36]
    assert mdp.reward[outcomes_of(mdp, 36, 1)].tolist() == [-100]


def test_a_random_map_is_drawn_once_and_written_into_the_name():
    mdp = make("FrozenLake-v1", map_name=None)
    assert "desc=[" in mdp.name
    assert make(mdp.name).digest == mdp.digest
    first, second = mdp.make_env().unwrapped.desc, mdp.make_env().unwrapped.desc
    assert first.tolist() == second.tolist()


def test_states_and_actions_have_names():
    mdp = make("FrozenLake-v1")
    assert mdp.state_names[6] == "(1, 2)"
    assert mdp.action_names == ("left", "down", "right", "up")
    assert make("CliffWalking-v1").action_names == ("up", "right", "down", "left")


def test_fickle_taxi_has_no_model_and_says_why():
    host = make("Taxi-v4", fickle_passenger=True)
    assert isinstance(host, HostEnvironment)
    assert "fickle_passenger" in host.reason
    assert (host.num_states, host.num_actions, host.time_limit) == (500, 6, 200)
    assert make("Taxi-v4", fickle_passenger=True, fickle_probability=0.0).digest == make("Taxi-v4").digest


def test_fickle_taxi_steps_outside_its_table():
    env = make("Taxi-v4", fickle_passenger=True, fickle_probability=1.0).make_env()
    table, outside = env.unwrapped.P, 0
    rng = np.random.default_rng(0)
    state, info = env.reset(seed=0)
    for _ in range(5000):
        action = int(rng.choice(np.flatnonzero(info["action_mask"])))
        seen, _, terminated, truncated, info = env.step(action)
        outside += seen not in {s for _, s, _, _ in table[state][action]}
        state = seen
        if terminated or truncated:
            state, info = env.reset()
    assert outside > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"map_name": "9x9"}, "has no map '9x9'. The maps are '4x4', '8x8'"),
        ({"desc": ["FF", "FG"]}, "has no start"),
        ({"success_rate": 1.5}, "has an outcome of probability -0.25"),
        ({"desc": ["SF", "F"]}, "cannot be made with these arguments"),
        ({"slippery": False}, "has no argument 'slippery', did you mean 'is_slippery'?"),
    ],
)
def test_arguments_that_make_no_lake_are_refused(arguments, message):
    with pytest.raises(InputError) as caught:
        make("FrozenLake-v1", **arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize(("old", "new"), [("Taxi-v3", "Taxi-v4"), ("CliffWalking-v0", "CliffWalking-v1")])
def test_an_old_id_suggests_the_present_version(old, new):
    if old in gym.registry:
        pytest.skip(f"this Gymnasium still has {old}")
    with pytest.raises(InputError, match=f"no environment '{old}', did you mean '{new}'"):
        make(old)
