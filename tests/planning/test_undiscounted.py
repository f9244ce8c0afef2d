import itertools
from dataclasses import replace

import numpy as np
import pytest

from qlearn.environments import FiniteMDP
from qlearn.errors import InputError
from qlearn.planning import evaluate_policy, is_optimal, policy_value, solve

END = True


def problem(P, **details):
    return FiniteMDP.from_gymnasium(P, **details)


def test_a_problem_that_never_ends_is_refused_with_a_way_out(chain):
    with pytest.raises(InputError, match=r"NChain-v0 has no value at discount 1.*no outcome ends.*horizon"):
        solve(chain, 1)


def test_the_policy_at_discount_1_arrives_where_greedy_for_q_may_go_round_in_circles(dry_lake):
    solution = solve(dry_lake, 1)
    circling = np.zeros(16, dtype=int)
    assert solution.optimal_actions[0].sum() > 1
    assert solution.optimal_actions[0, circling[0]]
    assert evaluate_policy(dry_lake, circling).mean == 0
    assert evaluate_policy(dry_lake, solution.policy).mean == 1
    assert is_optimal(dry_lake, [circling, solution.policy], solution).tolist() == [False, True]
    assert solution.error_bound < 1e-12


def test_a_free_rest_does_not_tempt_where_only_proper_policies_count():
    mdp = problem({0: {0: [(1, 0, 0, False)], 1: [(1, 0, -5, END)]}})
    solution = solve(mdp, 1)
    assert solution.v.tolist() == [-5]
    assert solution.policy.tolist() == [1]


def test_a_loop_that_pays_is_refused_as_infinite():
    mdp = problem({0: {0: [(1, 1, 2, False)], 1: [(1, 0, 0, END)]}, 1: {0: [(1, 0, -1, False)]}})
    with pytest.raises(InputError, match=r"infinite value at discount 1.*pays 0\.5 a step"):
        solve(mdp, 1)


def test_a_loop_that_costs_is_left():
    mdp = problem({0: {0: [(1, 1, 2, False)], 1: [(1, 0, 0, END)]}, 1: {0: [(1, 0, -3, False)]}})
    assert solve(mdp, 1).v.tolist() == [0, -3]
    assert solve(mdp, 1).error_bound < 1e-12


def test_a_loop_whose_rewards_cancel_has_a_value_but_no_bound():
    mdp = problem({0: {0: [(1, 1, 1, False)], 1: [(1, 0, 3, END)]}, 1: {0: [(1, 0, -1, False)]}})
    solution = solve(mdp, 1)
    assert solution.v.tolist() == [3, 2]
    assert solution.policy[0] == 1
    assert solution.converged
    assert solution.error_bound == np.inf


def test_a_trap_that_can_be_avoided_is_avoided_whatever_it_pays_on_the_way():
    mdp = problem(
        {
            0: {0: [(1, 1, 100, False)], 1: [(1, 0, 1, END)]},
            1: {0: [(1, 1, -1, False)]},
        }
    )
    solution = solve(mdp, 1)
    assert solution.q[0].tolist() == [-np.inf, 1]
    assert solution.v.tolist() == [1, -np.inf]
    assert solution.value == 1
    assert solution.policy[0] == 1


def test_a_start_from_which_no_policy_is_sure_to_end_is_refused_by_name():
    mdp = problem(
        {
            0: {0: [(0.5, 1, 1, False), (0.5, 0, 1, END)]},
            1: {0: [(1, 1, -1, False)]},
        },
        state_names=["gate", "pit"],
    )
    with pytest.raises(InputError, match="starts in state gate"):
        solve(mdp, 1)


def test_a_goal_that_loops_on_itself_without_reward_counts_as_an_end():
    mdp = problem({0: {0: [(0.5, 0, -1, False), (0.5, 1, -1, False)]}, 1: {0: [(1, 1, 0, False)]}})
    assert solve(mdp, 1).v.tolist() == [-2, 0]
    assert policy_value(mdp, [0, 0], 1).tolist() == [-2, 0]


@pytest.mark.parametrize("seed", range(15))
def test_values_at_discount_1_are_the_limit_of_discounted_ones(random_problem, seed):
    mdp = random_problem(seed, ends=0.3)
    mdp = replace(mdp, reward=mdp.reward - 3)  # so that loops cost
    solution = solve(mdp, 1)
    near = solve(mdp, 1 - 1e-7)
    ends = np.isfinite(solution.v)
    np.testing.assert_allclose(solution.v[ends], near.v[ends], rtol=1e-4)
    np.testing.assert_allclose(policy_value(mdp, solution.policy, 1)[ends], solution.v[ends], rtol=1e-11)
    assert solution.error_bound < 1e-9


def power(P):
    for _ in range(40):
        P = P @ P
    return P


def test_the_value_is_that_of_the_best_proper_policy_and_refused_exactly_where_it_does_not_exist(random_problem):
    """Against every deterministic policy of 80 small problems, by matrix powers."""
    outcomes = {"solved": 0, "never sure to end": 0, "infinite": 0}
    for seed in range(80):
        mdp = random_problem(seed, S=4, A=2, k=2, ends=0.25)
        mdp = replace(mdp, reward=mdp.reward - seed % 4)
        P, states = mdp.transition_matrix().toarray().reshape(4, 2, 4), np.arange(4)
        proper, infinite, best = np.zeros(4, bool), False, np.full(4, -np.inf)
        for rule in itertools.product(*(np.flatnonzero(row) for row in mdp.legal)):
            chain, r = P[states, rule], mdp.expected_reward[states, rule]
            ends = power(chain).sum(axis=1) < 1e-9
            proper |= ends
            infinite |= (power((np.eye(4) + chain) / 2) @ r > 1e-9).any()
            inside = np.flatnonzero(ends)
            v = np.linalg.solve(np.eye(len(inside)) - chain[np.ix_(inside, inside)], r[inside])
            best[inside] = np.maximum(best[inside], v)
        if not proper.all():
            outcomes["never sure to end"] += 1
            with pytest.raises(InputError, match="has no value at discount 1"):
                solve(mdp, 1)
        elif infinite:
            outcomes["infinite"] += 1
            with pytest.raises(InputError, match="infinite value"):
                solve(mdp, 1)
        else:
            outcomes["solved"] += 1
            np.testing.assert_allclose(solve(mdp, 1).v, best, atol=1e-9)
    assert min(outcomes.values()) > 5


def test_a_wide_map_with_costs_is_solved_and_certified():
    n = 40
    s = np.arange(n * n)
    y, x = np.divmod(s, n)
    moves = [(0, -1), (1, 0), (0, 1), (-1, 0)]
    to = np.stack([np.clip(y + dy, 0, n - 1) * n + np.clip(x + dx, 0, n - 1) for dy, dx in moves], axis=1)
    outcomes = np.stack([to, np.roll(to, -1, axis=1), np.roll(to, 1, axis=1)], axis=2)
    mdp = FiniteMDP(
        name="map",
        num_states=n * n,
        num_actions=4,
        offsets=np.arange(0, n * n * 12 + 1, 3),
        probability=np.tile([0.8, 0.1, 0.1], n * n * 4),
        next_state=outcomes.ravel(),
        reward=np.full(n * n * 12, -1.0),
        terminated=outcomes.ravel() == n * n - 1,
        initial=np.eye(n * n)[0],
    )
    solution = solve(mdp, 1)
    assert solution.error_bound < 1e-8
    assert solution.value == pytest.approx(solve(mdp, 1 - 1e-9).value, abs=1e-4)


def test_policy_values_that_do_not_exist_are_refused_or_nan(chain, dry_lake):
    with pytest.raises(InputError, match="does not exist at discount 1"):
        policy_value(chain, np.zeros(5, int), 1)
    assert policy_value(dry_lake, np.zeros(16, int), 1)[0] == 0
    mdp = problem({0: {0: [(1, 0, 1, END)]}, 1: {0: [(1, 1, 1, False)]}})
    assert policy_value(mdp, [0, 0], 1)[0] == 1
    assert np.isnan(policy_value(mdp, [0, 0], 1)[1])


def test_only_policy_iteration_is_offered_at_discount_1(lake):
    with pytest.raises(InputError, match="no stopping rule"):
        solve(lake, 1, method="value_iteration")
