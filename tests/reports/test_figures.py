"""Figures say what they show; looking at them is for people, the rest is checked here."""

import dataclasses

import matplotlib as mpl
import numpy as np
import pytest

import qlearn as ql
from qlearn.errors import InputError
from qlearn.reports import final_values, learning_curves, policy_map, q_heatmap
from qlearn.reports.final_values import pile
from qlearn.reports.learning_curves import trailing_mean
from qlearn.reports.policy_layout import layout_of


def words(figure):
    texts = [text.get_text() for text in figure.findobj(mpl.text.Text)]
    return "\n".join(texts)


def test_learning_curves_tell_online_return_and_greedy_value_apart(small):
    figure = learning_curves(small)
    told = words(figure)
    assert "online return, exploration included" in told
    assert "exact value of the greedy policy" in told
    assert "optimum 3663.69" in told
    assert "ceiling 3665.83" in told
    assert "uniform policy 1311.25" in told
    assert "online ceiling" in told
    assert len(figure.axes) == 4


def test_smoothing_looks_only_backwards():
    values = np.zeros((1, 20))
    values[0, 10] = 5.0
    smooth = trailing_mean(values, 5)[0]
    assert (smooth[:10] == 0).all()
    assert smooth[10:15] == pytest.approx([1.0] * 5)
    assert (smooth[15:] == 0).all()


def test_every_seed_has_its_mark(small):
    figure = final_values(small)
    marks = [len(dots.get_offsets()) for dots in figure.axes[0].collections]
    assert sum(marks) == 24


def test_equal_values_are_piled_and_never_hidden_behind_each_other():
    heights = pile(np.array([3.0, 1.0, 3.0, 3.0]), (0.0, 4.0))
    assert len({*heights[[0, 2, 3]]}) == 3


def test_the_heat_map_shows_the_table_the_truth_and_their_difference(small):
    agent = small.agents[1]
    panels = q_heatmap(small, agent.name).axes[:3]
    learnt, star, difference = [np.asarray(axes.images[0].get_array()) for axes in panels]
    mean = agent.runs.q_table.astype(float).mean(axis=0)
    assert learnt == pytest.approx(mean)
    assert star[0] == pytest.approx([61.379482, 60.577751], abs=1e-4)
    assert np.nan_to_num(difference) == pytest.approx(
        np.where(agent.runs.visits.sum(axis=0) == 0, 0, mean - star), abs=1e-6
    )


def test_the_heat_map_says_whose_table_it_shows(small):
    assert "mean of 12 seeds" in words(q_heatmap(small, 1))
    one = q_heatmap(small, 1, seed=3)
    assert "learnt Q, seed 3" in words(one)
    assert np.asarray(one.axes[0].images[0].get_array()) == pytest.approx(small.agents[1].runs.q_table[3])
    with pytest.raises(InputError, match="Seed 99"):
        q_heatmap(small, 1, seed=99)
    with pytest.raises(InputError, match="no agent 'x'"):
        q_heatmap(small, "x")


def test_an_agent_without_a_discount_is_not_measured_against_q_star(small):
    assert "no estimate of Q*" in words(q_heatmap(small, 0))
    assert len([axes for axes in q_heatmap(small, 0).axes if axes.images]) == 2


def test_cells_that_were_never_tried_and_terminal_states_are_hatched():
    found = ql.compare([ql.QLearning()], "FrozenLake-v1", episodes=2, seeds=2, snapshots=0)
    for figure in (q_heatmap(found), policy_map(found)):
        hatches = {patch.get_hatch() for patch in figure.findobj(mpl.patches.Patch) if patch.get_hatch()}
        assert hatches == {"////", "xxxx"}
        assert "terminal state" in words(figure)


def test_all_tied_actions_are_drawn():
    found = ql.compare([ql.QLearning(discount=1.0)], "CliffWalking-v1", episodes=1, seeds=1, horizon=50, snapshots=0)
    best = policy_map(found).axes[1]
    arrows = [text for text in best.texts if getattr(text, "arrow_patch", None) is not None]
    tied = found.truth.solution.optimal_actions[~found.environment.terminal_states]
    assert len(arrows) == tied.sum() > len(tied)


def test_layouts_follow_the_names_of_states_and_actions():
    lake = layout_of(ql.make("FrozenLake-v1(map_name='8x8')"))
    assert (lake.columns, lake.rows, lake.places[9]) == (8, 8, (1, 1))
    assert lake.ways == ((-1, 0), (0, 1), (1, 0), (0, -1))
    chain = layout_of(ql.make("NChain-v0"))
    assert (chain.columns, chain.rows) == (5, 1)
    assert layout_of(ql.make("Taxi-v4")).places is None
    plain = ql.FiniteMDP.from_arrays([[[0, 1.0]], [[1, 0]]], R=1.0, terminals=[1])
    assert layout_of(plain).places is None


def test_problems_without_a_shape_are_drawn_as_a_table():
    taxi = ql.compare([ql.QLearning()], "Taxi-v4", episodes=1, seeds=1, snapshots=0)
    assert len(policy_map(taxi).axes[0].images) == 1
    q_heatmap(taxi)


def test_figures_leave_matplotlibs_settings_alone(small):
    before = dict(mpl.rcParams)
    with mpl.rc_context({"font.size": 33.0}):
        figure = final_values(small)
        assert mpl.rcParams["font.size"] == 33.0
        assert figure.axes[0].xaxis.label.get_size() == 10
    assert dict(mpl.rcParams) == before


def test_without_snapshots_and_with_one_seed_figures_still_come():
    found = ql.compare([ql.QLearning()], "NChain-v0", episodes=2, seeds=1, snapshots=0)
    assert "the one seed" in words(learning_curves(found))
    assert len(learning_curves(found).axes) == 1
    final_values(found)
    policy_map(found)
    never = dataclasses.replace(found, truth=None)
    assert "optimum" not in words(final_values(never))
