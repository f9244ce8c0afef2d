"""Agents of average rewards: their gain against the exact one, and each done a second time in NumPy."""

import dataclasses

import numpy as np
import pytest

import qlearn as ql
from qlearn.environments import problems

STEPS = 150


@pytest.fixture(scope="module")
def ring():
    """Four states, three actions, nothing random; action 2 in state 3 ends the episode, and there is a clock."""
    rng = np.random.default_rng(4)
    P = [[[(1.0, (s + a + 1) % 4, float(rng.normal()), s == 3 and a == 2)] for a in range(3)] for s in range(4)]
    return ql.FiniteMDP.from_gymnasium(P, time_limit=12, initial=1)


def continuing(runs, ring, seed):
    """(state, action, reward, next state, next action) as the agent learns them: what follows an end is a start."""
    visits = runs.snapshots.visits[seed].reshape(STEPS + 1, -1)
    taken = [divmod(int(cell), 3) for cell in np.diff(visits, axis=0).argmax(axis=1)]
    told = []
    for (s, a), (s2, a2) in zip(taken, [*taken[1:], (-1, -1)], strict=True):
        end = bool(ring.terminated[s * 3 + a])
        there = int(ring.next_state[s * 3 + a])
        told.append((s, a, ring.reward[s * 3 + a], s2 if end else there, a2 if s2 == there or end else None))
    return told


def test_each_does_what_its_equations_say_step_by_step(ring):
    explore, steady = ql.EpsilonGreedy(0.5), dataclasses.replace(ring, time_limit=None)
    given = {"learning_rate": 0.25, "exploration": explore, "initial_gain": 0.5}
    differential = ql.DifferentialQLearning(gain_ratio=0.5, **given)
    sarsa, schwartz = ql.DifferentialSarsa(gain_rate=0.1, **given), ql.RLearning(gain_rate=0.1, **given)
    for agent, problem in ((differential, ring), (schwartz, ring), (sarsa, steady)):
        runs = ql.train(agent, problem, steps=STEPS, seeds=2, snapshots=STEPS)
        for seed in range(2):
            q, gain = np.zeros((4, 3)), 0.5
            for t, (s, a, r, s2, a2) in enumerate(continuing(runs, problem, seed)[:-1]):
                error = r - gain + (q[s2, a2] if agent is sarsa else q[s2].max()) - q[s, a]
                q[s, a] += 0.25 * error
                if agent is not schwartz:
                    gain += (0.125 if agent is differential else 0.1) * error
                elif np.isclose(q[s, a], q[s].max(), atol=1e-6):
                    gain += 0.1 * (r - gain + q[s2].max() - q[s].max())
                if not problem.terminated[s * 3 + a]:  # else it waits for what follows
                    assert runs.snapshots.extras["gain"][seed, t] == pytest.approx(gain, abs=1e-4)
                    np.testing.assert_allclose(runs.snapshots.q_tables[seed, t + 1], q, atol=1e-4)


def test_the_differential_gain_is_what_the_table_has_gained(ring):
    agent = ql.DifferentialQLearning(gain_ratio=0.3, initial_gain=-1.0, initial_value=2.0)
    runs = ql.train(agent, ring, steps=2000, seeds=5)
    np.testing.assert_allclose(runs.extras["gain"], -1.0 + 0.3 * (runs.q_table - 2.0).sum(axis=(1, 2)), atol=1e-3)


@pytest.mark.parametrize("ends", [False, True], ids=["never ends", "ends"])
def test_the_learnt_gain_comes_to_the_exact_one(ends):
    rng = np.random.default_rng(2)
    P, R = rng.dirichlet(np.full(5, 0.5), size=(5, 3)), rng.normal(size=(5, 3))
    problem = ql.FiniteMDP.from_arrays(P, R, terminals=[4] if ends else [], time_limit=None)
    exact = ql.planning.average_reward(problem)
    slow, explore = ql.linear(0.1, 0.001, over=50_000, per="step"), ql.EpsilonGreedy(0.5)
    differential = ql.DifferentialQLearning(learning_rate=slow, exploration=explore)
    gains = ql.train(differential, problem, steps=60_000, seeds=16).extras["gain"]
    assert abs(gains.mean() - exact) < 0.02
    schwartz = ql.RLearning(learning_rate=slow, gain_rate=0.0005, exploration=explore)
    assert abs(ql.train(schwartz, problem, steps=60_000, seeds=16).extras["gain"].mean() - exact) < 0.05


def test_differential_sarsa_learns_the_gain_of_what_it_does():
    """With every action drawn evenly, that is the gain of the uniform policy."""
    problem = problems.access_control()
    exact = ql.planning.average_reward(problem, ql.planning.uniform_policy(problem))
    agent = ql.DifferentialSarsa(learning_rate=0.02, gain_rate=0.0005, exploration=ql.EpsilonGreedy(1.0))
    runs = ql.train(agent, problem, steps=40_000, seeds=32)
    gains = runs.extras["gain"]
    assert abs(gains.mean() - exact) < 4 * gains.std() / np.sqrt(32) + 0.01


def test_extras_have_a_value_for_every_mark_and_every_seed(ring):
    runs = ql.train(ql.RLearning(), ring, steps=100, seeds=70, snapshots=4)
    assert runs.extras["gain"].shape == (70,)
    assert runs.snapshots.extras["gain"].shape == (70, 4)
    np.testing.assert_array_equal(runs.snapshots.extras["gain"][:, -1], runs.extras["gain"])
