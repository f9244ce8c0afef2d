"""`VectorHost`: whatever a vector environment does after an episode, the transitions delivered are the true ones."""

import multiprocessing
import os
import signal

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.wrappers import RecordEpisodeStatistics, TimeLimit

from qlearn.environments import make
from qlearn.environments.cartpole import CartPole, CartPoleState
from qlearn.environments.vector_host import VectorHost
from qlearn.errors import EnvironmentFault, InputError


def seed_of(seed, environment, episode):
    """Small numbers that can be read off an observation."""
    return 100 * seed + 10 * environment + episode


def counting_env(trouble=None, at=1000, tables=False):
    """A class made here, so that worker processes get it by value.

    An episode that is reset with the seed s lasts 2 + s % 4 steps (5,000 with trouble) and ends by termination where s
    is even, else by truncation.  It shows (s, steps so far) and pays s + steps / 8 + action / 2.
    """

    class Counting(gym.Env):
        observation_space = spaces.MultiDiscrete([1000, 6000]) if tables else spaces.Box(-1, 1e6, (2,), np.float64)
        action_space = spaces.Discrete(3, start=1)
        closed = 0

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            assert seed is not None
            assert not options
            self.s, self.t = seed, 0
            return self.seen(), {"anything": object()}

        def seen(self):
            return np.array([self.s, self.t], self.observation_space.dtype)

        def step(self, action):
            assert self.action_space.contains(action)
            reward, over = self.s + self.t / 8 + (action - 1) / 2, False
            if trouble is not None and self.t == at and self.s % 100 == 10:
                reward, over, seen = trouble(reward)
                if seen is not None:
                    return seen, reward, over, False, {}
            self.t += 1
            ended = self.t == (5000 if trouble else 2 + self.s % 4)
            return self.seen(), reward, over or (ended and self.s % 2 == 0), ended and self.s % 2 == 1, {"k": [1]}

        def close(self):
            Counting.closed += 1

    return Counting


class CountingVector(VectorEnv):
    """The same in vector form, in any of the three modes; it has no seeds for later episodes but counts them itself."""

    single_action_space = spaces.Discrete(3, start=1)
    single_observation_space = spaces.Box(-1, 1e6, (2,), np.float64)

    def __init__(self, num_envs, mode, trouble=None):
        self.num_envs, self.mode, self.trouble = num_envs, mode, trouble
        self.metadata = {"autoreset_mode": mode}
        self.action_space = spaces.MultiDiscrete([3] * num_envs, start=[1] * num_envs)
        self.observation_space = spaces.Box(-1, 1e6, (num_envs, 2), np.float64)
        self.buffer = np.zeros((num_envs, 2))  # handed out and written again, as fast vector environments do

    def reset(self, *, seed=None, options=None):
        if options is None:
            self.s = seed + 10 * np.arange(self.num_envs)
            self.t = np.zeros(self.num_envs, int)
            self.over = np.zeros(self.num_envs, bool)
        else:
            assert seed is None
            assert (options["reset_mask"] == self.over).all()
            self.restart(self.over)
        return self.seen(), {}

    def restart(self, mask):
        self.s, self.t = self.s + mask, np.where(mask, 0, self.t)
        self.over = self.over & ~mask

    def seen(self):
        self.buffer[:] = np.stack([self.s, self.t], axis=1)
        return self.buffer

    def step(self, actions):
        assert actions.dtype == np.int64
        assert self.action_space.contains(actions)
        assert self.mode != AutoresetMode.DISABLED or not self.over.any()
        resting = self.over.copy()
        reward = np.where(resting, 0.0, self.s + self.t / 8 + (actions - 1) / 2)
        self.t = self.t + ~resting
        self.restart(resting)
        ended = ~resting & (self.t == 2 + self.s % 4)
        flags = ended & (self.s % 2 == 0), ended & (self.s % 2 == 1)
        info = {}
        if self.mode == AutoresetMode.SAME_STEP:
            final = np.full(self.num_envs, None, object)
            for i in np.flatnonzero(ended):
                final[i] = np.array([self.s[i], self.t[i]], float)
            info = {"final_obs": final, "_final_obs": ended} if ended.any() else {}
            self.restart(ended)
        else:
            self.over = ended
        given = self.seen(), reward, *flags, info
        return given if self.trouble is None else self.trouble(given)


def truth(seeds, count, actions):
    """The transitions of every copy by a plain loop over plain environments: (seen, action, reward, arrival, flags)."""
    env, found = counting_env()(), {}
    for i, seed in enumerate(seeds):
        for j in range(count):
            episode, rows = 0, []
            seen, _ = env.reset(seed=seed_of(seed, j, 0))
            for action in actions[:, i * count + j]:
                arrival, reward, terminated, truncated, _ = env.step(int(action) + 1)
                rows.append((*seen, action, reward, *arrival, terminated, truncated))
                seen = arrival
                if terminated or truncated:
                    episode += 1
                    seen, _ = env.reset(seed=seed_of(seed, j, episode))
            found[i * count + j] = rows
    return found


def delivered(host, seeds, count, actions, steps):
    """What VectorHost delivers for the same actions: each copy takes its next one only when its step was valid."""
    vector = VectorHost(host, np.array(seeds), count, seed_of)
    size = len(seeds) * count
    rows, taken = {i: [] for i in range(size)}, np.zeros(size, int)
    try:
        for _ in range(steps):
            seen, chosen = vector.observations, actions[taken, np.arange(size)]
            stepped = vector.step(chosen, np.ones(size, bool))
            for i in np.flatnonzero(stepped.valid):
                flags = stepped.terminated[i], stepped.truncated[i]
                rows[i].append((*seen[i], chosen[i], stepped.reward[i], *stepped.observation[i], *flags))
            assert not (stepped.terminated | stepped.truncated)[~stepped.valid].any()
            taken += stepped.valid
    finally:
        vector.close()
    return rows


SEEDS, COUNT = [0, 3, 5], 2
ACTIONS = np.random.default_rng(0).integers(0, 3, (61, len(SEEDS) * COUNT))


@pytest.mark.parametrize("vectorization", ["sync", "async"])
def test_copies_deliver_exactly_the_true_transitions(vectorization):
    host = make(counting_env(), vectorization=vectorization)
    expected = truth(SEEDS, COUNT, ACTIONS[:40])
    assert delivered(host, SEEDS, COUNT, ACTIONS, 40) == expected
    assert any(row[-1] for row in expected[0])
    assert any(row[-2] for row in expected[0])
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_every_autoreset_mode_delivers_exactly_the_true_transitions(mode):
    def counting(num_envs):
        return CountingVector(num_envs, mode)

    host = make(counting)
    assert (host.vectorization, host.observation_shape, host.num_actions) == ("own", (2,), 3)
    expected, rows = truth(SEEDS, COUNT, ACTIONS[:60]), delivered(host, SEEDS, COUNT, ACTIONS, 60)
    for i, found in rows.items():
        assert found == expected[i][: len(found)]
        assert len(found) == 60 if mode != AutoresetMode.NEXT_STEP else 35 < len(found) < 60


def test_copies_that_are_not_live_stay_where_they_are():
    host = make(counting_env())
    vector = VectorHost(host, np.array([0, 1]), 1, seed_of)
    vector.step(np.array([0, 0]), np.ones(2, bool))
    before = vector.observations
    for _ in range(5):
        stepped = vector.step(np.array([0, 0]), np.array([True, False]))
        assert stepped.valid.tolist() == [True, False]
        assert vector.observations[1].tolist() == before[1].tolist() == [100, 1]
    assert vector.observations[0].tolist() != before[0].tolist()
    vector.close()


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_in_a_vector_form_seeds_that_are_not_live_rest_and_siblings_are_dropped(mode):
    host = make(lambda num_envs: CountingVector(num_envs, mode))
    vector = VectorHost(host, np.array([0, 1]), 2, seed_of)
    before = vector.observations
    for _ in range(9):
        stepped = vector.step(np.zeros(4, int), np.array([True, False, False, False]))
        assert not stepped.valid[1:].any()
        assert not (stepped.terminated | stepped.truncated)[1:].any()
        assert not stepped.reward[1:].any()
        assert vector.observations[2:].tolist() == before[2:].tolist()
    vector.close()


def test_observations_that_can_be_counted_are_numbers():
    host = make(counting_env(tables=True))
    vector = VectorHost(host, np.array([0, 1]), 1, seed_of)
    assert host.num_states == 6_000_000
    assert vector.observations.tolist() == [0, 600_000]
    assert vector.step(np.zeros(2, int), np.ones(2, bool)).observation.tolist() == [1, 600_001]
    vector.close()


def test_wrapped_environments_keep_their_time_limit():
    host = make(lambda: RecordEpisodeStatistics(TimeLimit(counting_env(lambda r: (r, False, None))(), 7)))
    assert host.time_limit == 7
    vector = VectorHost(host, np.array([1]), 1, seed_of)
    flags = [vector.step(np.zeros(1, int), np.ones(1, bool)).truncated[0] for _ in range(14)]
    assert flags == ([False] * 6 + [True]) * 2
    vector.close()


@pytest.mark.parametrize("identity", ["CartPole-v1", "NChain-v0"])
@pytest.mark.parametrize("vectorization", ["sync", "own"])
def test_a_seed_meets_the_same_whoever_its_neighbours_are(identity, vectorization):
    host = make(identity, vectorization=vectorization, max_episode_steps=20)

    def run(seeds):
        vector = VectorHost(host, np.array(seeds), 2, seed_of)
        rng, seen = np.random.default_rng(0), []
        for _ in range(60):
            actions = np.tile(rng.integers(0, 2, 2), len(seeds))
            seen.append(vector.step(actions, np.ones(actions.size, bool)))
        vector.close()
        return {s: [np.stack(x)[:, 2 * i : 2 * i + 2] for x in zip(*seen, strict=True)] for i, s in enumerate(seeds)}

    many, alone = run([4, 7, 9]), run([7])
    for a, b in zip(many[7], alone[7], strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(many[4][0], many[9][0])
    assert not np.array_equal(many[4][0][:, 0], many[4][0][:, 1])  # nor are the copies of one seed the same


@pytest.mark.parametrize("vectorization", ["sync", "own"])
def test_gymnasiums_cartpole_arrives_truly_also_where_an_episode_ends(vectorization):
    """Every transition, the last of an episode included, is what CartPole's physics makes of the one before."""
    host = make("CartPole-v1", vectorization=vectorization, max_episode_steps=20)
    vector = VectorHost(host, np.array([1, 2]), 3, seed_of)
    step = jax.jit(jax.vmap(lambda s, a: CartPole().step(CartPoleState(*s), a, None, jnp.uint32(0))))
    rng, ends = np.random.default_rng(0), [0, 0]
    for _ in range(200):
        seen, actions = vector.observations, rng.integers(0, 2, 6)
        stepped = vector.step(actions, np.ones(6, bool))
        after, _, terminated = step(jnp.asarray(seen), jnp.asarray(actions))
        mine = np.stack(after, axis=1)
        np.testing.assert_allclose(stepped.observation[stepped.valid], mine[stepped.valid], atol=1e-5)
        np.testing.assert_array_equal(stepped.terminated[stepped.valid], np.asarray(terminated)[stepped.valid])
        ends[0] += int(stepped.terminated.sum())
        ends[1] += int(stepped.truncated.sum())
    assert min(ends) > 5
    vector.close()


def crash(reward):
    raise RuntimeError("the simulator lost its licence")


TROUBLES = [
    (crash, "raised RuntimeError: the simulator lost its licence. Expected a step without errors. Mend the env"),
    (lambda r: (float("nan"), False, None), "gave the reward nan; expected a finite number of float32. Mend its step"),
    (lambda r: ("1", False, None), "gave the reward '1'; expected a finite number"),
    (lambda r: (r, 1, np.zeros(2)), "gave terminated=1; expected True or False. Mend its step()."),
    (lambda r: (r, False, np.zeros(3)), "gave an observation of shape (3,); its space says (2,). Mend the"),
    (lambda r: (r, False, np.array([np.inf, 0])), "gave an observation with inf at [0]; expected finite numbers of fl"),
    (lambda r: (r, False, np.array(["a", "b"])), "which holds no numbers; expected an array of shape (2,)"),
]


@pytest.mark.parametrize(("trouble", "message"), TROUBLES)
def test_a_fault_at_step_1000_names_seed_environment_episode_and_step(trouble, message):
    host = make(counting_env(trouble))
    vector = VectorHost(host, np.array([4, 8]), 2, seed_of)
    for _ in range(1000):
        vector.step(np.zeros(4, int), np.ones(4, bool))
    with pytest.raises(EnvironmentFault) as caught:
        vector.step(np.zeros(4, int), np.ones(4, bool))
    assert str(caught.value).startswith("Counting (seed 4, environment 1, episode 0, step 1000)")
    assert message in str(caught.value)


def stepped_on(host, steps):
    vector = VectorHost(host, np.array([4]), 2, seed_of)
    for _ in range(steps):
        vector.step(np.zeros(2, int), np.ones(2, bool))


def test_a_fault_in_another_process_is_named_and_leaves_none():
    host = make(counting_env(lambda reward: 1 / 0, at=3), vectorization="async")
    with pytest.raises(EnvironmentFault, match=r"Counting \(seed 4, environment 1, episode 0, step 3\) raised ZeroDiv"):
        stepped_on(host, 9)
    assert not multiprocessing.active_children()


def test_ctrl_c_does_not_reach_the_processes():
    vector = VectorHost(make(counting_env(), vectorization="async"), np.array([0]), 2, seed_of)
    for process in multiprocessing.active_children():
        os.kill(process.pid, signal.SIGINT)
    for _ in range(5):
        assert vector.step(np.zeros(2, int), np.ones(2, bool)).valid.all()
    vector.close()
    assert not multiprocessing.active_children()


def test_a_process_that_ends_itself_is_named_and_leaves_none():
    host = make(counting_env(lambda reward: os._exit(7), at=3), vectorization="async")
    with pytest.raises(
        EnvironmentFault, match=r"seed 4, environment 1.*step 3\) ended its own process \(exit code 7\)"
    ):
        stepped_on(host, 9)
    assert not multiprocessing.active_children()


def test_what_fails_at_the_start_is_named_too():
    made = []

    def second_breaks():
        made.append(1)
        if len(made) > 2:
            raise OSError("no more licences")
        return counting_env()()

    with pytest.raises(EnvironmentFault, match=r"\(seed 9, episode 0, step 0\) raised OSError: no more licences"):
        VectorHost(make(second_breaks), np.array([8, 9]), 1, seed_of)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: (g[0][:, :1], *g[1:]), r"gave an observation of shape \(2, 1\); its space says \(2, 2\)"),
        (lambda g: (g[0], g[1] * np.nan, *g[2:]), "gave copy 0 the reward nan; expected a finite number"),
        (lambda g: (*g[:2], g[2].astype(int), *g[3:]), r"gave terminated=array.*expected 2 times True or False"),
        (lambda g: (*g[:4], {}), r"info\['final_obs'\] is missing"),
        (lambda g: g[:4], "returned 4 values; Gymnasium's returns a tuple of 5"),
        (lambda g: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_faults_of_a_vector_form_name_the_seed_and_the_steps(change, message):
    host = make(lambda num_envs: CountingVector(num_envs, AutoresetMode.SAME_STEP, change))
    with pytest.raises(EnvironmentFault, match=message) as caught:
        stepped_on(host, 9)
    assert "<lambda> (seed 4, environments 0 to 1 in episodes " in str(caught.value)


def test_functions_that_make_no_vector_environment_are_refused():
    with pytest.raises(InputError, match="has an argument `num_envs`, but made a Counting"):
        make(lambda num_envs: counting_env()())
    with pytest.raises(InputError, match=r"metadata\['autoreset_mode'\] = None; expected one of"):
        make(lambda num_envs: CountingVector(num_envs, None))
    with pytest.raises(InputError, match=r"made one of 1; expected a gymnasium\.vector\.VectorEnv of 3"):
        VectorHost(make(lambda num_envs: CountingVector(1, AutoresetMode.SAME_STEP)), np.array([0]), 3, seed_of)
    with pytest.raises(InputError, match="makes vector environments, so vectorization='async' does not fit"):
        make(lambda num_envs: CountingVector(1, AutoresetMode.SAME_STEP), vectorization="async")
    with pytest.raises(InputError, match="has no vector form of its own: it has no argument `num_envs`"):
        make(counting_env(), vectorization="own")
    with pytest.raises(InputError, match="One instance cannot be stepped with vectorization='async'"):
        make(counting_env()(), vectorization="async")


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_one_copy_of_a_vector_form_plays_like_any_environment(mode):
    env = make(lambda num_envs: CountingVector(num_envs, mode)).make_env()
    for seed in (4, 7):
        seen, _ = env.reset(seed=seed)
        for t in range(1, 3 + seed % 4):
            assert tuple(seen) == (seed, t - 1)
            seen, reward, terminated, truncated, _ = env.step(1)
            ends = t == 2 + seed % 4
            assert (terminated, truncated) == (ends and seed % 2 == 0, ends and seed % 2 == 1)
            assert reward == seed + (t - 1) / 8
        assert tuple(seen) == (seed, t)
    env.close()


def test_an_environment_that_cannot_be_sent_to_another_process_says_so():
    import threading

    lock = threading.Lock()

    def locked():
        assert lock
        return counting_env()()

    with pytest.raises(InputError, match="locked cannot be sent to another process"):
        VectorHost(make(locked, vectorization="async"), np.array([0]), 1, seed_of)
    assert not multiprocessing.active_children()


def test_copies_are_closed_and_an_instance_is_left_open():
    kind = counting_env()
    vector = VectorHost(make(kind), np.array([0, 1]), 1, seed_of)
    before = kind.closed
    vector.close()
    vector.close()
    assert kind.closed == before + 2
    vector = VectorHost(make(kind()), np.array([0]), 1, seed_of)
    vector.close()
    assert kind.closed == before + 2
