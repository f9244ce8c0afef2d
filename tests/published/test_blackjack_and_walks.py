"""What the reproductions of chapters 5, 6, 7 and 12 are held against."""

import numpy as np
import pytest

from qlearn.environments.blackjack import state_of
from qlearn.planning import evaluate_policy
from qlearn.published.blackjack_parts import LIMIT, exact_values, game, squares, sticks_on_20, table_of
from qlearn.published.walk_parts import errors_of, walk


@pytest.fixture(scope="module")
def book():
    world = game()
    return world, sticks_on_20(world)


def test_the_state_of_figure_5_3_has_the_printed_value(book):
    values = exact_values(*book)
    assert values[state_of(13, 2, 1)] == pytest.approx(-0.27726, abs=2.5e-4)
    assert table_of(values, 0).shape == (10, 10)


def test_exact_values_and_squares_are_mean_and_variance_of_the_return_where_the_policy_itself_plays(book):
    world, policy = book
    values, square = exact_values(world, policy), squares(world, policy, policy)
    known = evaluate_policy(world, policy, LIMIT)
    assert world.initial @ values == pytest.approx(known.mean, abs=1e-12)
    assert world.initial @ square - (world.initial @ values) ** 2 == pytest.approx(known.variance, abs=1e-12)


def test_squares_of_weighted_returns_are_those_of_many_games(book):
    """One state from which the policy sticks and another policy hits half of the time: ρ is 2 or 0."""
    world, policy = book
    place, even = state_of(20, 10, 0), np.full(policy.shape, 0.5)
    assert squares(world, policy, even)[place] == pytest.approx(2 * squares(world, policy, policy)[place])


def test_errors_leave_out_the_ends_of_a_walk():
    true = np.arange(1, 20) / 10 - 1
    values = np.zeros((2, walk().num_states))
    values[1, 1:-1] = true
    values[:, [0, -1]] = 7.0
    np.testing.assert_allclose(errors_of(values, true), [np.sqrt((true**2).mean()), 0.0])
