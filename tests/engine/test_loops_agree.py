"""One definition of every agent runs in both loops: the same numbers, step for step."""

import dataclasses

import numpy as np
import pytest

import qlearn as ql

AGENTS = [
    ql.RewardSum(),
    ql.QLearning(learning_rate=0.5),
    ql.QLearning(learning_rate=0.5, form="code"),
    ql.QLearning(learning_rate=ql.per_visit(power=0.8), exploration=ql.EpsilonGreedy(ql.per_visit(power=0.5))),
    ql.QLearning(exploration=ql.Boltzmann(2.0)),
    ql.Sarsa(learning_rate=0.3),
    ql.ExpectedSarsa(exploration=ql.EpsilonGreedy(ql.linear(1.0, 0.1, over=60, per="step"))),
    ql.DoubleQLearning(learning_rate=0.5),
    ql.NStepSarsa(n=3),
    ql.MonteCarloControl(),
    ql.NStepExpectedSarsa(n=3),
    ql.TreeBackup(n=2),
    ql.QSigma(n=3),
    ql.SarsaLambda(traces="dutch"),
    ql.TrueOnlineSarsaLambda(),
    ql.WatkinsQLambda(traces="replacing"),
    ql.PengQLambda(trace_steps=5),
    ql.TDLambda(),
    ql.MonteCarloPrediction(),
    ql.MonteCarloExploringStarts(),
    ql.OffPolicyMonteCarlo(),
    ql.DoubleExpectedSarsa(learning_rate=0.5),
    ql.MaxminQLearning(num_tables=3),
    ql.SpeedyQLearning(),
    ql.WeightedQLearning(),
    ql.DynaQ(planning_steps=4),
    ql.DynaQPlus(planning_steps=2),
    ql.PrioritisedSweeping(),
    ql.RMax(reward_max=10.0, known_after=3, discount=0.9),
    ql.QLearning(exploration=ql.UpperConfidence(3.0)),
    ql.DifferentialQLearning(),
    ql.DifferentialSarsa(),
    ql.RLearning(),
    ql.PosteriorSampling(),
    ql.UCRL2(reward_max=10.0),
    ql.GradientBandit(),
    ql.ThompsonSampling(reward_std=5.0),
]


CASES = [("NChain-v0", agent) for agent in AGENTS]
CASES += [
    ("FrozenLake-v1", agent) for agent in AGENTS if agent.label in ("Sarsa", "3-step Sarsa", "Monte Carlo control")
]


@pytest.mark.parametrize(
    ("name", "agent"), CASES, ids=[f"{name}, {agent.label} {i}" for i, (name, agent) in enumerate(CASES)]
)
def test_device_loop_and_host_loop_give_the_same_numbers(name, agent, fed):
    mdp = dataclasses.replace(ql.make(name), time_limit=30)
    seeds, episodes = 3, 6
    device = ql.train(agent, mdp, episodes=episodes, seeds=seeds)
    host = ql.train(agent, fed(mdp, seeds, episodes), episodes=episodes, seeds=seeds)
    np.testing.assert_array_equal(device.lengths, host.lengths)
    np.testing.assert_array_equal(device.returns, host.returns)
    np.testing.assert_array_equal(device.visits, host.visits)
    np.testing.assert_allclose(device.q_table, host.q_table, rtol=2e-6, atol=1e-6)


def test_the_start_of_an_episode_is_drawn_alike_in_both_loops(fed):
    taxi = dataclasses.replace(ql.make("Taxi-v4"), time_limit=20)
    agent = ql.QLearning(learning_rate=0.5)
    device = ql.train(agent, taxi, episodes=5, seeds=2)
    host = ql.train(agent, fed(taxi, 2, 5), episodes=5, seeds=2)
    np.testing.assert_array_equal(device.visits, host.visits)
    np.testing.assert_allclose(device.q_table, host.q_table, rtol=2e-6)


def test_agents_of_whole_episodes_finish_theirs_with_a_budget_of_steps_in_both_loops(fed):
    lake = dataclasses.replace(ql.make("FrozenLake-v1"), time_limit=30)
    device = ql.train(ql.MonteCarloControl(), lake, steps=50, seeds=4)
    host = ql.train(ql.MonteCarloControl(), fed(lake, 4, 60), steps=50, seeds=4)
    np.testing.assert_array_equal(device.num_steps, host.num_steps)
    np.testing.assert_array_equal(device.visits, host.visits)
    np.testing.assert_array_equal(device.num_steps, device.visits.sum(axis=(1, 2)))
    assert (device.num_steps >= 50).all()
    assert (device.lengths.sum(axis=1) == device.num_steps).all()
