"""Figures of the tutorial and of textbooks."""

import numpy as np
import pytest

from qlearn.environments import FiniteMDP
from qlearn.planning import (
    average_reward,
    epsilon_soft,
    evaluate_policies,
    evaluate_policy,
    finite_horizon,
    is_optimal,
    online_ceiling,
    optimum,
    policy_value,
    solve,
    uniform_policy,
)

FORWARD, BACKWARD = np.zeros(5, int), np.ones(5, int)
STEPS = [(0, -1), (1, 0), (0, 1), (-1, 0)]  # left, down, right, up


def grid(rows, columns, leave):
    """A grid on which a step off the edge stays; ``leave(state, following)`` gives (next, reward, terminated)."""
    P = {}
    for s in range(rows * columns):
        y, x = divmod(s, columns)
        P[s] = {}
        for a, (dy, dx) in enumerate(STEPS):
            inside = 0 <= y + dy < rows and 0 <= x + dx < columns
            following = (y + dy) * columns + x + dx if inside else s
            P[s][a] = [(1.0, *leave(s, following, inside))]
    return P


@pytest.fixture(scope="module")
def maze():
    """Dyna maze (Sutton & Barto, figure 8.2), states and walls as drawn there."""
    walls = {(1, 2), (2, 2), (3, 2), (4, 5), (0, 7), (1, 7), (2, 7)}
    blocked, goal = {y * 9 + x for y, x in walls}, 8

    def leave(s, following, inside):
        following = s if following in blocked else following
        return following, float(following == goal), following == goal

    return FiniteMDP.from_gymnasium(grid(6, 9, leave), initial=2 * 9, name="Dyna maze")


def test_q_of_nchain_is_the_tutorials_table(chain):
    table = [
        [61.379482, 60.577751],
        [64.891290, 61.455703],
        [69.512090, 62.610903],
        [75.592090, 64.130903],
        [83.592090, 66.130903],
    ]
    solution = solve(chain, 0.95)
    np.testing.assert_allclose(solution.q, table, atol=1e-6)
    assert solution.error_bound < 1e-10
    assert solution.converged
    assert solution.policy.tolist() == FORWARD.tolist()


def test_returns_of_one_nchain_episode_are_the_tutorials(chain):
    assert finite_horizon(chain).value == pytest.approx(3665.8324, abs=1e-4)
    for policy, mean, sd in [
        (FORWARD, 3663.6928, 279.3),
        (BACKWARD, 1603.1872, 25.2),
        (uniform_policy(chain), 1311.25, 77.2),
    ]:
        value = evaluate_policy(chain, policy)
        assert value.mean == pytest.approx(mean, abs=1e-4)
        assert value.sd == pytest.approx(sd, abs=0.05)


def test_optimum_of_nchain_is_the_return_of_always_forward_and_its_ceiling_is_above(chain):
    solution = solve(chain, 0.95)
    assert optimum(chain, 0.95) == solution.expected_return == pytest.approx(3663.6928, abs=1e-4)
    assert solution.ceiling == pytest.approx(3665.8324, abs=1e-4)
    assert solution.value == pytest.approx(61.379482, abs=1e-6)


def test_forward_pays_3_6768_a_step_in_the_long_run(chain):
    assert average_reward(chain) == pytest.approx(3.6768, abs=1e-10)
    assert average_reward(chain, FORWARD) == pytest.approx(3.6768, abs=1e-10)


@pytest.mark.parametrize(("discount", "forward"), [(0.83593, True), (0.8359, False), (0.5, False), (0.999, True)])
def test_forward_is_optimal_from_discount_0_83593_on(chain, discount, forward):
    solution = solve(chain, discount)
    assert is_optimal(chain, [FORWARD], solution)[0] == forward


def test_online_ceiling_of_nchain_follows_epsilon_as_in_the_tutorial(chain):
    epsilon = 0.5 * 0.999 ** np.arange(1, 1001)
    always = 0.5 * epsilon[:, None, None] * np.ones((1000, 5, 2))
    always[:, :, 0] += 1 - epsilon[:, None]
    forward = evaluate_policies(chain, always) / 1000
    assert forward[:50].mean() == pytest.approx(1.882, abs=5e-4)
    assert forward[900:].mean() == pytest.approx(2.757, abs=5e-4)
    soft = epsilon_soft(chain, epsilon[949], 0.95)
    assert soft.expected_return / 1000 == pytest.approx(forward[949], abs=1e-12)
    assert (online_ceiling(chain, epsilon) / 1000 > forward).all()


@pytest.mark.parametrize(("discount", "value"), [(0.9, 0.068891), (0.95, 0.180472), (0.99, 0.542026), (1, 14 / 17)])
def test_slippery_frozen_lake_has_the_known_values(lake, discount, value):
    solution = solve(lake, discount)
    assert solution.v[0] == pytest.approx(value, abs=1e-6)
    assert solution.error_bound < 1e-9


def test_frozen_lake_within_100_steps_has_the_known_values(lake):
    assert solve(lake, 0.99).expected_return == pytest.approx(0.74016, abs=1e-5)
    assert solve(lake, 0.99).ceiling == pytest.approx(0.744190, abs=1e-6)
    assert evaluate_policy(lake, uniform_policy(lake)).mean == pytest.approx(0.01394, abs=1e-5)


@pytest.mark.parametrize("discount", [0.5, 0.9, 0.99, 1])
def test_frozen_lake_without_slip_is_worth_the_discount_of_its_five_steps_before_the_last(dry_lake, discount):
    solution = solve(dry_lake, discount)
    assert solution.v[0] == pytest.approx(discount**5, abs=1e-12)
    assert solution.expected_return == 1.0


def test_taxi_has_the_known_values(taxi):
    solution = solve(taxi, 1)
    assert solution.value == pytest.approx(7.93, abs=1e-9)
    starts = solution.v[taxi.initial > 0]
    assert (starts.min(), starts.max()) == pytest.approx((3, 15))
    assert solve(taxi, 0.99).value == pytest.approx(6.32746, abs=1e-5)


def test_cliff_walking_has_the_known_values(cliff):
    assert solve(cliff, 1).value == pytest.approx(-13, abs=1e-9)
    assert solve(cliff, 0.99).value == pytest.approx(-12.2479, abs=1e-4)


def test_the_best_soft_policy_on_the_cliff_beats_greedy_around_q(cliff):
    soft = epsilon_soft(cliff, 0.1, 1)
    assert soft.value == pytest.approx(-20.71, abs=0.01)
    tied = solve(cliff, 1).optimal_actions
    around = 0.1 * uniform_policy(cliff) + 0.9 * tied / tied.sum(axis=1, keepdims=True)
    assert cliff.initial @ policy_value(cliff, around, 1) == pytest.approx(-50.80, abs=0.01)


def test_gridworld_of_example_3_5_has_the_books_values():
    def leave(s, following, inside):
        if s in (1, 3):
            return (21, 10.0, False) if s == 1 else (13, 5.0, False)
        return following, 0.0 if inside else -1.0, False

    world = FiniteMDP.from_gymnasium(grid(5, 5, leave))
    uniform = policy_value(world, uniform_policy(world), 0.9)
    np.testing.assert_allclose(uniform[:5], [3.31, 8.79, 4.43, 5.32, 1.49], atol=0.005)
    np.testing.assert_allclose(solve(world, 0.9).v[:5], [21.98, 24.42, 21.98, 19.42, 17.48], atol=0.005)


def test_gridworld_of_example_4_1_has_the_books_values():
    def leave(s, following, inside):
        return (s, 0.0, True) if s in (0, 15) else (following, -1.0, following in (0, 15))

    world = FiniteMDP.from_gymnasium(grid(4, 4, leave), initial=5)
    np.testing.assert_allclose(policy_value(world, uniform_policy(world), 1)[:4], [0, -14, -20, -22], atol=1e-9)
    assert solve(world, 1).v[:4].tolist() == [0, -1, -2, -3]


def test_the_same_grid_with_goals_that_loop_for_ever_has_the_same_values():
    def leave(s, following, inside):
        return (s, 0.0, False) if s in (0, 15) else (following, -1.0, False)

    world = FiniteMDP.from_gymnasium(grid(4, 4, leave), initial=5)
    np.testing.assert_allclose(policy_value(world, uniform_policy(world), 1)[:4], [0, -14, -20, -22], atol=1e-9)
    assert solve(world, 1).v[:4].tolist() == [0, -1, -2, -3]


def test_dyna_maze_is_fourteen_steps_long(maze):
    assert solve(maze, 0.95).value == pytest.approx(0.513342, abs=1e-6)
