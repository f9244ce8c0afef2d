"""Settings that share lanes have the numbers that each has alone."""

import dataclasses

import jax
import numpy as np
import pytest

import qlearn as ql
from qlearn.training.grid import packed_jobs, train_grid
from qlearn.training.plan import Plan, seeds_of

RATES = (0.5, 0.1, 0.02)


def same(one, other):
    """Every array of two runs, to the bit."""
    for name in ("returns", "lengths", "num_episodes", "num_steps", "table", "counts", "diverged"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for tree, twin in ((one.knowledge, other.knowledge), (one.extras, other.extras)):
        for a, b in zip(jax.tree.leaves(tree), jax.tree.leaves(twin), strict=True):
            np.testing.assert_array_equal(a, b)
    if one.snapshots is not None:
        np.testing.assert_array_equal(one.snapshots.positions, other.snapshots.positions)
        np.testing.assert_array_equal(one.snapshots.tables, other.snapshots.tables)


def held_against_each_alone(agents, environment, **asked):
    together = train_grid(agents, environment, **asked)
    for agent, runs in zip(agents, together, strict=True):
        assert runs.agent is agent
        alone = ql.train(agent, environment, **asked)
        same(runs, alone)
        assert runs.settings == alone.settings


def explored(rate, epsilon):
    schedule = ql.exponential(epsilon, decay=0.99, per="episode")
    return ql.QLearning(learning_rate=rate, exploration=ql.EpsilonGreedy(schedule))


@pytest.mark.parametrize(
    "agents",
    [
        [explored(rate, epsilon) for rate in RATES for epsilon in (0.5, 0.1)],
        [ql.SarsaLambda(learning_rate=rate, trace_decay=trace) for rate, trace in ((0.1, 0.9), (0.3, 0.0))],
        [ql.MonteCarloControl(discount=discount) for discount in (1.0, 0.9)],
    ],
    ids=lambda agents: type(agents[0]).__name__,
)
def test_settings_of_a_table_in_one_lane_are_each_what_it_is_alone(agents):
    held_against_each_alone(agents, "NChain-v0", episodes=3, seeds=[5, 0, 7], snapshots=2)


def test_episodes_of_any_length_and_budgets_in_steps_come_apart_again():
    agents = [ql.QLearning(learning_rate=rate, initial_value=value) for rate, value in ((0.1, 0.0), (0.5, 1.0))]
    held_against_each_alone(agents, "FrozenLake-v1", steps=200, seeds=5)


def test_networks_share_lanes_by_learning_rate_and_exploration():
    import keras

    network = keras.Sequential([keras.layers.Dense(4, "relu"), keras.layers.Dense(2)])
    agents = [
        ql.OnlineQNetwork(network, keras.optimizers.Adam(rate), discount=0.95, exploration=ql.EpsilonGreedy(epsilon))
        for rate, epsilon in ((1e-2, 0.1), (1e-3, 0.5))
    ]
    held_against_each_alone(agents, "NChain-v0", steps=300, seeds=3, snapshots=2)


def test_lanes_are_filled_and_structures_kept_apart():
    agents = [ql.QLearning(learning_rate=rate) for rate in RATES] + [ql.NStepSarsa(n=n) for n in (1, 2)]
    jobs = Plan(agents, ql.make("NChain-v0"), seeds_of(30), 2, "episode", 0).jobs()
    sizes = [len(some.rows) for some in packed_jobs(jobs)]
    assert sizes == [56, 34, 30, 30]
    planners = [ql.PosteriorSampling(), ql.PosteriorSampling()]
    alone = Plan(planners, ql.make("NChain-v0"), seeds_of(3), 2, "episode", 0).jobs()
    assert [some.job.agent for some in packed_jobs(alone)] == [job.agent for job in alone]


def test_what_was_complete_comes_along_when_it_is_interrupted(monkeypatch):
    import threading

    class Stopped(threading.Event):
        def __init__(self):
            super().__init__()
            self.set()

    from qlearn.training import grid

    monkeypatch.setattr(grid, "threading", dataclasses.make_dataclass("T", [("Event", object)])(Stopped))
    agents = [ql.QLearning(learning_rate=rate) for rate in RATES]
    with pytest.raises(ql.Interrupted) as stopped:
        train_grid(agents, "NChain-v0", episodes=5, seeds=2)
    assert [runs.complete for runs in stopped.value.runs] == [False] * 3
