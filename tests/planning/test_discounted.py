from dataclasses import replace

import numpy as np
import pytest
from quantecon.markov import DiscreteDP
from scipy.optimize import linprog

from qlearn.environments import FiniteMDP
from qlearn.errors import InputError
from qlearn.planning import policy_value, solve

METHODS = ["value_iteration", "policy_iteration", "modified_policy_iteration"]


def pairs(mdp):
    """The legal rows: state, action, rewards and transition matrix."""
    state, action = np.nonzero(mdp.legal)
    rows = state * mdp.num_actions + action
    return state, action, mdp.expected_reward[state, action], mdp.transition_matrix().tocsr()[rows]


def by_linear_programming(mdp, discount):
    state, _, reward, P = pairs(mdp)
    bounds = discount * P.toarray() - np.eye(mdp.num_states)[state]
    found = linprog(np.ones(mdp.num_states), A_ub=bounds, b_ub=-reward, bounds=(None, None), method="highs")
    return found.x


@pytest.mark.parametrize("ends", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(10))
def test_all_methods_and_linear_programming_agree(random_problem, seed, ends):
    mdp = random_problem(seed, ends=ends)
    discount = [0.0, 0.3, 0.9, 0.99][seed % 4]
    solutions = [solve(mdp, discount, method=method) for method in METHODS]
    for solution in solutions:
        assert solution.converged
        np.testing.assert_allclose(solution.v, solutions[0].v, atol=2e-9)
        np.testing.assert_allclose(solution.q, solutions[0].q, atol=2e-9)
        np.testing.assert_allclose(policy_value(mdp, solution.policy, discount), solution.v, atol=2e-9)
    np.testing.assert_allclose(by_linear_programming(mdp, discount), solutions[0].v, atol=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_an_independent_solver_finds_the_same_values_and_policy(random_problem, seed):
    mdp = random_problem(100 + seed, S=20)
    state, action, reward, P = pairs(mdp)
    other = DiscreteDP(reward, P.toarray(), 0.95, state, action).solve(method="policy_iteration")
    solution = solve(mdp, 0.95)
    np.testing.assert_allclose(solution.v, other.v, atol=1e-9)
    assert solution.policy.tolist() == other.sigma.tolist()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(8))
def test_the_error_bound_holds(random_problem, seed, method):
    mdp = random_problem(seed, ends=0.1 * (seed % 2))
    truth = solve(mdp, 0.97, method="policy_iteration").v
    for tolerance in (1.0, 1e-2, 1e-5):
        rough = solve(mdp, 0.97, method=method, tolerance=tolerance)
        assert np.abs(rough.v - truth).max() <= rough.error_bound <= tolerance
        assert np.abs(rough.q.max(axis=1) - truth).max() <= rough.error_bound


def test_a_bound_near_discount_1_says_what_double_precision_allows(chain):
    solution = solve(chain, 0.999999)
    assert 0 < solution.error_bound < 0.1
    assert solution.converged
    assert solution.value == pytest.approx(3.6768e6, rel=1e-4)


@pytest.mark.parametrize("factor", [2.0, 0.25, 3.0])
def test_rewards_times_c_give_values_times_c(random_problem, factor):
    mdp = random_problem(3)
    scaled = solve(replace(mdp, reward=factor * mdp.reward), 0.9)
    np.testing.assert_allclose(scaled.q, factor * solve(mdp, 0.9).q, rtol=1e-12)
    if np.log2(factor) % 1 == 0:
        assert (scaled.q == factor * solve(mdp, 0.9).q).all()


def test_a_constant_added_to_every_reward_shifts_values_by_it_over_1_minus_discount(random_problem):
    mdp = random_problem(4)
    shifted = solve(replace(mdp, reward=mdp.reward + 3), 0.9)
    np.testing.assert_allclose(shifted.v, solve(mdp, 0.9).v + 3 / (1 - 0.9), atol=1e-10)


def test_names_of_states_and_actions_do_not_matter(random_problem):
    mdp = random_problem(5)
    rng = np.random.default_rng(5)
    old_state, old_action = rng.permutation(mdp.num_states), rng.permutation(mdp.num_actions)
    new_state = np.argsort(old_state)
    P = {
        s: {
            a: [
                (mdp.probability[i], new_state[mdp.next_state[i]], mdp.reward[i], False)
                for i in range(mdp.offsets[row], mdp.offsets[row + 1])
            ]
            for a in range(mdp.num_actions)
            for row in [old_state[s] * mdp.num_actions + old_action[a]]
        }
        for s in range(mdp.num_states)
    }
    renamed = FiniteMDP.from_gymnasium(P, initial=mdp.initial[old_state])
    q = solve(mdp, 0.9).q
    np.testing.assert_allclose(solve(renamed, 0.9).q, q[old_state][:, old_action], atol=1e-11)


def test_illegal_actions_are_minus_infinity_and_never_chosen(random_problem):
    mdp = random_problem(6)
    solution = solve(mdp, 0.9)
    assert (np.isneginf(solution.q) == ~mdp.legal).all()
    assert mdp.legal[np.arange(mdp.num_states), solution.policy].all()
    assert not (solution.optimal_actions & ~mdp.legal).any()


def test_large_sparse_problems_agree_with_the_independent_solver(random_problem):
    mdp = random_problem(7, S=5000, A=4)
    state, action, reward, P = pairs(mdp)
    other = DiscreteDP(reward, P, 0.95, state, action).solve(method="mpi", epsilon=1e-8, max_iter=5000)
    solution = solve(mdp, 0.95)
    assert solution.method == "modified_policy_iteration"
    assert solution.error_bound <= 1e-9
    np.testing.assert_allclose(solution.v, other.v, atol=1e-7)


def test_tied_actions_are_all_optimal_and_the_policy_takes_the_lowest():
    mdp = FiniteMDP.from_arrays([[[1.0]] * 3], R=[[0.1 + 0.2, 0.3, 0.2]])
    solution = solve(mdp, 0.9)
    assert solution.optimal_actions.tolist() == [[True, True, False]]
    assert solution.policy.tolist() == [0]


def test_results_are_immutable_and_say_where_they_came_from(chain):
    solution = solve(chain, 0.95)
    with pytest.raises(ValueError, match="read-only"):
        solution.q[0, 0] = 1
    assert (solution.mdp, solution.discount, solution.horizon) == (chain, 0.95, 1000)
    assert solution.version
    assert solution.wall_time > 0
    assert solution.iterations > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"discount": 1.5}, "must be in"),
        ({"discount": float("nan")}, "must be in"),
        ({"discount": 0.9, "tolerance": 0}, "must be above 0"),
        ({"discount": 0.9, "method": "policy_iteratoin"}, "did you mean 'policy_iteration'"),
        ({"discount": 0.9, "horizon": -1}, "whole number"),
    ],
)
def test_wrong_arguments_are_refused_with_a_way_out(chain, settings, message):
    with pytest.raises(InputError, match=message):
        solve(chain, **settings)


def test_a_model_that_changes_is_refused_because_each_of_its_models_has_an_optimum(chain, random_problem):
    mdp = random_problem(8)
    changing = mdp.changing_to(mdp, at_step=500)
    with pytest.raises(InputError, match=r"changes at step 500.*Solve each by itself"):
        solve(changing, 0.9)
