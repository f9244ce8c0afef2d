"""A seed's numbers depend on nothing beside it."""

import os
import subprocess
import sys

import numpy as np
import pytest

import qlearn as ql
from qlearn.agents import Spec
from qlearn.engine import lane_run
from qlearn.environments import FiniteMDP


def random_problem(actions, states=7, limit=25):
    rng = np.random.default_rng(actions)
    P = rng.dirichlet(np.full(states, 0.3), size=(states, actions))
    return FiniteMDP.from_arrays(P, rng.normal(size=(states, actions)), terminals=[states - 1], time_limit=limit)


def same(one, other):
    for name in ("returns", "lengths", "table", "counts", "num_steps"):
        left, right = getattr(one, name), getattr(other, name)
        if name in ("returns", "lengths"):  # padded to the longest run beside it
            width = min(left.shape[1], right.shape[1])
            for rest in (left[:, width:], right[:, width:]):
                assert (np.isnan(rest) | (rest == 0)).all()
            left, right = left[:, :width], right[:, :width]
        np.testing.assert_array_equal(left, right, err_msg=name)


def taken(runs, chosen):
    import dataclasses

    parts = {n: getattr(runs, n)[chosen] for n in ("returns", "lengths", "table", "counts", "num_steps")}
    return dataclasses.replace(runs, **parts)


@pytest.mark.parametrize("actions", [4, 6, 18])
@pytest.mark.parametrize(
    "agent", [ql.QLearning(), ql.ExpectedSarsa(exploration=ql.Boltzmann(0.5)), ql.DoubleQLearning()]
)
def test_many_seeds_at_once_equal_the_same_seeds_one_by_one(agent, actions):
    problem = random_problem(actions)
    many = ql.train(agent, problem, steps=400, seeds=range(150))  # three lanes, the last one partly filled
    few = ql.train(agent, problem, steps=400, seeds=[149, 3, 60])
    alone = ql.train(agent, problem, steps=400, seeds=[60])
    same(taken(many, [149, 3, 60]), few)
    same(taken(many, [60]), alone)


def test_the_length_of_chunks_changes_nothing(monkeypatch):
    problem = random_problem(4)
    whole = ql.train(ql.Sarsa(), problem, episodes=40, seeds=5)
    monkeypatch.setattr(lane_run, "_CHUNK_SECONDS", 0.0)  # every chunk too long: they shrink to one update each
    same(whole, ql.train(ql.Sarsa(), problem, episodes=40, seeds=5))


def test_snapshots_change_nothing():
    problem = random_problem(4)
    plain = ql.train(ql.QLearning(), problem, episodes=30, seeds=5)
    watched = ql.train(ql.QLearning(), problem, episodes=30, seeds=5, snapshots=7)
    same(plain, watched)
    assert watched.snapshots.positions.tolist() == [0, 4, 9, 13, 17, 21, 26, 30]
    np.testing.assert_array_equal(watched.snapshots.q_tables[:, -1], plain.q_table)
    np.testing.assert_array_equal(watched.snapshots.q_tables[:, 0], 0)


def test_snapshots_change_nothing_where_episodes_outlast_them():
    problem = random_problem(4)  # an agent of whole episodes passes several snapshots with one episode
    agent = ql.MonteCarloControl()
    same(ql.train(agent, problem, steps=40, seeds=5), ql.train(agent, problem, steps=40, seeds=5, snapshots=20))


def test_a_shorter_budget_is_the_beginning_of_a_longer_one():
    problem = random_problem(6)
    short = ql.train(ql.QLearning(), problem, episodes=10, seeds=4)
    long = ql.train(ql.QLearning(), problem, episodes=25, seeds=4, snapshots=5)
    np.testing.assert_array_equal(short.returns, long.returns[:, :10])
    np.testing.assert_array_equal(short.q_table, long.snapshots.q_tables[:, 2])


def test_a_budget_of_steps_is_kept_to_the_step_and_counts_whole_episodes():
    runs = ql.train(ql.QLearning(), random_problem(4), steps=333, seeds=20)
    assert (runs.num_steps == 333).all()
    assert (runs.visits.sum(axis=(1, 2)) == 333).all()
    for seed in range(20):
        count = runs.num_episodes[seed]
        assert np.isfinite(runs.returns[seed, :count]).all()
        assert np.isnan(runs.returns[seed, count:]).all()
        assert 333 - 25 < runs.lengths[seed].sum() <= 333


def test_a_budget_of_episodes_stops_every_seed_at_its_own_last_step():
    runs = ql.train(ql.QLearning(), random_problem(4), episodes=12, seeds=20)
    assert (runs.num_episodes == 12).all()
    np.testing.assert_array_equal(runs.lengths.sum(axis=1), runs.num_steps)
    np.testing.assert_array_equal(runs.visits.sum(axis=(1, 2)), runs.num_steps)
    assert np.unique(runs.num_steps).size > 1


def test_two_agents_with_one_seed_meet_the_same_environment():
    # One action only: whatever the agent, the walk is the environment's, also after episodes of unequal length.
    rng = np.random.default_rng(0)
    walk = FiniteMDP.from_arrays(rng.dirichlet(np.ones(6), size=(6, 1)), rng.normal(size=(6, 1)), terminals=[5])
    one = ql.train(ql.QLearning(), walk, episodes=30, seeds=5)
    other = ql.train(ql.DynaQ(planning_steps=2), walk, episodes=30, seeds=5)
    np.testing.assert_array_equal(one.returns, other.returns)
    np.testing.assert_array_equal(one.lengths, other.lengths)


def test_what_xla_is_told_changes_no_bit():
    program = (
        "import sys, qlearn as ql\n"
        "runs = ql.train(ql.QLearning(learning_rate=0.3), 'FrozenLake-v1', episodes=30, seeds=9)\n"
        "sys.stdout.write(runs.q_table.tobytes().hex() + runs.returns.tobytes().hex())"
    )

    def output(**extra):
        return subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, **extra}, capture_output=True, check=True
        ).stdout

    assert output() == output(QLEARN_PLAIN_XLA="1")


def test_a_new_number_compiles_nothing():
    import jax

    problem = random_problem(4)
    ql.train(ql.QLearning(learning_rate=0.1), problem, episodes=3, seeds=2)
    counts = []
    with jax.log_compiles(False):
        from qlearn.engine.device_loop import by_update, runner

        program = runner(by_update, lane_run._STEPS // ql.QLearning().learner(Spec(7, 4)).lane, False, True)
        before = program._cache_size()
        ql.train(ql.QLearning(learning_rate=0.7, discount=0.5), problem, episodes=5, seeds=3)
        counts = [before, program._cache_size()]
    assert counts[0] == counts[1] > 0
