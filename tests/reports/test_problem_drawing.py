"""Drawings of problems: what is in the picture, and what is refused."""

import matplotlib.patches as mpatches
import numpy as np
import pytest
from matplotlib.text import Annotation, Text

import qlearn as ql
from qlearn.errors import InputError
from qlearn.planning import uniform_policy
from qlearn.reports import draw
from qlearn.reports.problem_scene import BARRED, NEVER, TERMINAL, WALL, short

problems = ql.problems


def texts(figure):
    return [t.get_text() for t in figure.axes[0].findobj(Text) if t.get_text()]


def arrows(figure):
    return [a for a in figure.axes[0].texts if isinstance(a, Annotation)]


def hatches(figure):
    return [p.get_hatch() for p in figure.axes[0].patches if p.get_hatch()]


def test_every_tied_action_of_a_state_has_an_arrow_and_ends_have_none():
    grid = problems.grid_world("S.\n.G")
    truth = ql.solve(grid, 0.9)
    figure = draw(grid, truth.v, truth.optimal_actions)
    assert len(arrows(figure)) == 4  # two from the start, one from each neighbour of the goal
    assert hatches(figure) == [TERMINAL]
    assert {"0.90", "1.00", "S"} <= set(texts(figure))
    assert "terminal state" in [t.get_text() for t in figure.legends[0].get_texts()]


def test_values_of_actions_show_their_largest_and_the_greedy_ones():
    grid = problems.grid_world("SG")
    q = np.array([[0.1, 0.5, 0.5, 0.2], [0, 0, 0, 0]])
    figure = draw(grid, q)
    assert len(arrows(figure)) == 2
    assert "0.500" in texts(figure)


def test_what_was_never_visited_what_cannot_be_reached_and_walls_are_told_apart():
    maze = problems.shortcut_maze()
    visits = np.ones((maze.num_states, 4))
    visits[0] = 0
    figure = draw(maze, visits=visits)
    closed = 1  # the shortcut, before it opens
    assert sorted(hatches(figure)) == sorted([TERMINAL, NEVER] + [BARRED] * closed)
    assert any(
        p.get_facecolor()[:3] == mpatches.Patch(facecolor=WALL).get_facecolor()[:3] for p in figure.axes[0].patches
    )
    assert [t.get_text() for t in figure.legends[0].get_texts()] == [
        "terminal state", "never visited", "cannot be reached", "no state",
    ]  # fmt: skip


def test_the_length_of_an_arrow_is_the_share_of_its_action():
    grid = problems.grid_world("S.G")
    policy = np.tile([0.5, 0.25, 0.25, 0.0], (3, 1))
    figure = draw(grid, policy=policy)
    lengths = [np.hypot(*np.subtract(a.xy, a.xyann)) for a in arrows(figure)[:3]]
    assert lengths[0] > lengths[1] == pytest.approx(lengths[2])


def test_a_chain_is_a_row_kings_point_diagonally_and_staying_is_a_dot():
    river = problems.river_swim()
    figure = draw(river, policy=[1] * 6)
    assert all(a.xy[0] > a.xyann[0] and a.xy[1] == a.xyann[1] for a in arrows(figure))
    kings = problems.grid_world("..G\n...\nS..", moves="kings and stay")
    policy = np.zeros((9, 9), bool)
    policy[:, [4, 8]] = True
    figure = draw(kings, policy=policy)
    assert all(a.xy[0] > a.xyann[0] and a.xy[1] < a.xyann[1] for a in arrows(figure))
    assert len(figure.axes[0].lines) == 8


def test_a_problem_without_a_shape_is_a_graph_with_an_end():
    figure = draw(problems.maximisation_bias(), values=[0.0, -0.1], policy=[1, 2])
    assert {"A\n0.000", "B\n−0.100", "end"} <= set(texts(figure))
    drawn = [p for p in figure.axes[0].patches if isinstance(p, mpatches.FancyArrowPatch)]
    assert len(drawn) == 4  # left, right, the arm that is chosen, and the nine that are not
    star = draw(problems.baird_star())
    assert sum(isinstance(p, mpatches.Circle) for p in star.axes[0].patches) == 7


@pytest.mark.parametrize("identity", ["CarRental-v0", "AccessControl-v0", "Gambler-v0", "Blackjack-v1", "Taxi-v4"])
def test_large_problems_are_drawn_too(identity):
    mdp = ql.make(identity)
    figure = draw(mdp, np.arange(mdp.num_states), uniform_policy(mdp), np.ones(mdp.num_states), title="t")
    figure.canvas.draw()
    assert figure._suptitle.get_text() == "t"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: draw("CartPole-v1"), "not known"),
        (lambda: draw(problems.race_track()), "2,361 states"),
        (lambda: draw("NChain-v0", values=[1, 2]), r"`values` has shape \(2,\); expected \(5,\) or \(5, 2\)"),
        (lambda: draw("NChain-v0", visits=[1, 2, -1, 0, 0]), "`visits`"),
        (lambda: draw("NChain-v0", policy=[1, 2]), "policy"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_counts_are_short():
    assert [short(n) for n in (0, 999, 1000, 1234, 56789, 4.2e6)] == ["0", "999", "1k", "1.2k", "57k", "4.2M"]
