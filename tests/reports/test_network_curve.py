"""The network's curve says what it shows, and refuses what it cannot."""

import matplotlib as mpl
import numpy as np
import pytest

import qlearn as ql
from qlearn.errors import InputError
from qlearn.reports import network_curve


@pytest.fixture(scope="module")
def runs():
    agent = ql.QLearning(exploration=ql.EpsilonGreedy(ql.exponential(0.5, decay=0.9)), discount=0.95)
    return ql.train(agent, "NChain-v0", episodes=60, seeds=12, snapshots=20)


def words(figure):
    return "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def line(axes, label):
    """The points of the line that looks as the legend's handle of this label does."""
    handle = next(h for h in axes.figure.legends[0].legend_handles if label in h.get_label())
    found = [
        x for x in axes.lines if x.get_color() == handle.get_color() and x.get_linewidth() == handle.get_linewidth()
    ]
    return found[0].get_xdata(), found[0].get_ydata()


def test_it_tells_what_was_earned_from_what_was_known(runs):
    figure = network_curve(runs)
    told = words(figure)
    for part in (
        "What it earned",
        "What it knew",
        "mean of 12 seeds",
        "Student's t",
        "middle 80%",
        "online ceiling",
        "ε = 0.5",
        "optimum 3.664",
        "uniform policy 1.311",
        "12 seeds × 60 episodes",
    ):
        assert part in told


def test_the_ceiling_and_the_means_are_the_computed_ones(runs):
    left, right = network_curve(runs).axes
    _, ceiling = line(left, "online ceiling")
    exact = ql.planning.online_ceiling(runs.environment, 0.5 * 0.9 ** np.arange(60)) / 1000
    np.testing.assert_allclose(ceiling, exact, rtol=1e-6)
    x, mean = line(right, "mean of")
    assert list(x) == list(range(0, 61, 3))
    np.testing.assert_allclose(mean, ql.evaluate(runs).curve.mean(axis=0) / 1000, rtol=1e-12)
    _, first = line(left, "first seed, every")
    np.testing.assert_allclose(first, runs.returns[0] / 1000)


def test_one_seed_has_neither_interval_nor_band(runs):
    alone = ql.train(runs.agent, "NChain-v0", episodes=5, seeds=1, snapshots=5)
    told = words(network_curve(alone))
    assert "the one seed" in told
    assert "interval" not in told
    assert "80%" not in told


def test_an_agent_without_epsilon_has_no_ceiling():
    runs = ql.train(ql.QLearning(exploration=ql.Boltzmann(1.0)), "NChain-v0", episodes=5, seeds=2, snapshots=5)
    assert "ceiling" not in words(network_curve(runs))


def test_runs_without_snapshots_or_of_short_episodes_are_refused(runs):
    with pytest.raises(InputError, match="no snapshots"):
        network_curve(ql.train(runs.agent, "NChain-v0", episodes=2, seeds=2))
    lake = ql.train(runs.agent, "FrozenLake-v1", episodes=9, seeds=2, snapshots=2)
    with pytest.raises(InputError, match="learning_curves"):
        network_curve(lake)
