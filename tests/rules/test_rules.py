"""Rules on single rows, against numbers worked out by hand."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qlearn as ql
from qlearn.rules import double_q, expect, expected_sarsa, greedy, one_step, q_learning, sarsa
from qlearn.rules.rows import add_up, draw, highest, pick

ROW = jnp.array([1.0, 5.0, 5.0, -2.0])
BEHAVIOUR = jnp.array([0.1, 0.2, 0.3, 0.4])
NONE = jnp.int32(-1)


def both(function, *arguments):
    """The result, the same with and without compilation."""
    plain, compiled = function(*arguments), jax.jit(function)(*arguments)
    np.testing.assert_array_equal(plain, compiled)
    return np.asarray(plain)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (q_learning, [0, 1, 0, 0]),
        (sarsa, [0, 0, 0, 1]),
        (expected_sarsa, [0.1, 0.2, 0.3, 0.4]),
        (double_q, [0, 0, 0, 1]),
    ],
)
def test_target_policies_give_the_weights_of_their_definition(rule, expected):
    weights = both(lambda row, behaviour: rule(row, behaviour, jnp.int32(3), None), ROW, BEHAVIOUR)
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_greedy_weights_never_fall_on_an_illegal_action():
    mask = jnp.array([True, False, False, True])
    assert greedy(ROW, mask).tolist() == [1, 0, 0, 0]


def test_expectation_leaves_out_what_has_no_weight():
    assert float(expect(jnp.array([0.5, 0.0, 0.5]), jnp.array([2.0, -jnp.inf, 4.0]))) == 3.0


@pytest.mark.parametrize(("terminated", "expected"), [(False, 1.0 + 0.9 * 5.0), (True, 1.0)])
def test_one_step_backup_bootstraps_unless_the_episode_terminated(terminated, expected):
    step = SimpleNamespace(reward=jnp.float32(1.0), terminated=jnp.bool_(terminated))
    assert float(one_step(step, greedy(ROW), ROW, 0.9)) == pytest.approx(expected)


def test_a_terminal_step_ignores_what_the_next_row_holds():
    step = SimpleNamespace(reward=jnp.float32(2.0), terminated=jnp.bool_(True))
    assert float(one_step(step, greedy(ROW), jnp.full(4, jnp.nan), 0.9)) == 2.0


@pytest.mark.parametrize("actions", [2, 4, 18, 40])
def test_rows_are_summed_from_first_to_last_and_picked_evenly(actions):
    row = jnp.asarray(np.random.default_rng(actions).normal(size=actions), jnp.float32)
    total = np.float32(0)
    for value in np.asarray(row):
        total = np.float32(total + value)
    assert float(add_up(row)) == total
    assert float(highest(row)) == np.asarray(row).max()
    marked = jnp.arange(actions) % 2 == 0
    uniform = (jnp.arange(actions, dtype=jnp.float32) + 0.5) / actions
    picked = np.asarray(jax.vmap(pick, (None, 0))(marked, uniform))
    assert set(picked) == set(range(0, actions, 2))
    assert np.bincount(picked)[::2].max() - np.bincount(picked)[::2].min() <= 1


def test_a_draw_never_takes_what_has_no_chance():
    probabilities = jnp.array([0.0, 0.6, 0.4, 0.0])
    assert [int(draw(probabilities, jnp.float32(u))) for u in (0.0, 0.59, 0.61, 0.99999994)] == [1, 1, 2, 2]


CLOCK = SimpleNamespace(episode=jnp.uint32(10), total=jnp.uint32(1000))


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (ql.constant(0.3), 0.3),
        (ql.linear(1.0, 0.5, over=20), 0.75),
        (ql.linear(1.0, 0.5, over=5), 0.5),
        (ql.linear(1.0, 0.0, over=4000, per="step"), 0.75),
        (ql.exponential(0.5, decay=0.999), 0.5 * 0.999**10),
        (ql.exponential(0.5, decay=0.5, end=0.1), 0.1),
        (ql.exponential(0.5, decay=0.999, per="step"), 0.5 * 0.999**1000),
        (ql.per_visit(), 1 / 7),
        (ql.per_visit(scale=2, power=0.5, offset=9), 0.5),
    ],
    ids=str,
)
def test_schedules_follow_their_formula(schedule, expected):
    assert float(schedule.value(CLOCK, jnp.int32(7))) == pytest.approx(expected, rel=1e-5)


class Uniform:
    def __init__(self, *numbers):
        self.numbers = numbers

    def uniform(self, index=0):
        return jnp.float32(self.numbers[index])


def test_epsilon_greedy_explores_below_epsilon_and_breaks_ties_evenly():
    policy = ql.EpsilonGreedy(0.2)
    assert [int(policy.sample(ROW, None, Uniform(0.5, u), CLOCK, None)) for u in (0.1, 0.9)] == [1, 2]
    assert [int(policy.sample(ROW, None, Uniform(0.1, u), CLOCK, None)) for u in (0.1, 0.3, 0.6, 0.9)] == [0, 1, 2, 3]
    np.testing.assert_allclose(policy.probabilities(ROW, None, CLOCK, None), [0.05, 0.45, 0.45, 0.05], rtol=1e-6)


def test_first_ties_take_the_lowest_index():
    assert ql.Greedy(ties="first").greedy(ROW, None).tolist() == [0, 1, 0, 0]


def test_the_zero_sum_test_makes_a_row_that_sums_to_zero_uniform():
    policy = ql.Greedy(ties="first", zero_sum_uniform=True)
    assert policy.greedy(jnp.array([3.0, -3.0]), None).tolist() == [0.5, 0.5]
    assert policy.greedy(jnp.array([3.0, -2.0]), None).tolist() == [1.0, 0.0]
    assert ql.Greedy(ties="first").greedy(jnp.array([3.0, -3.0]), None).tolist() == [1.0, 0.0]


def test_masks_are_honoured_by_every_exploration():
    mask = jnp.array([True, False, False, True])
    for policy in (ql.Greedy(), ql.EpsilonGreedy(1.0), ql.EpsilonGreedy(0.0), ql.Boltzmann(3.0)):
        chances = np.asarray(policy.probabilities(ROW, mask, CLOCK, None))
        assert chances[1] == chances[2] == 0
        assert chances.sum() == pytest.approx(1)
        for u in (0.01, 0.49, 0.51, 0.99):
            assert int(policy.sample(ROW, mask, Uniform(0.0, u), CLOCK, None)) in (0, 3)


def test_boltzmann_weighs_by_the_exponential():
    chances = ql.Boltzmann(2.0).probabilities(jnp.array([0.0, 2.0]), None, CLOCK, None)
    np.testing.assert_allclose(chances, [1 / (1 + np.e), np.e / (1 + np.e)], rtol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ql.EpsilonGreedy(1.2),
        lambda: ql.EpsilonGreedy(-0.1),
        lambda: ql.EpsilonGreedy(ql.linear(2.0, 0.1, over=3)),
        lambda: ql.EpsilonGreedy(float("nan")),
        lambda: ql.EpsilonGreedy("much"),
        lambda: ql.EpsilonGreedy(0.1, ties="last"),
        lambda: ql.Boltzmann(0.0),
        lambda: ql.Boltzmann(ql.linear(1, 0, over=5)),
        lambda: ql.exponential(0.5, decay=1.5),
        lambda: ql.linear(1, 0, over=0),
        lambda: ql.linear(1, 0, over=10, per="hour"),
        lambda: ql.QLearning(learning_rate=float("inf")),
        lambda: ql.QLearning(discount=1.1),
        lambda: ql.QLearning(form="other"),
        lambda: ql.NStepSarsa(n=0),
        lambda: ql.NStepSarsa(n=2.5),
        lambda: ql.DynaQ(planning_steps=-1),
        lambda: ql.RMax(reward_max=1.0, discount=1.0),
        lambda: ql.MonteCarloControl(visits="second"),
    ],
)
def test_wrong_numbers_are_refused_where_the_user_constructs(wrong):
    with pytest.raises(ql.InputError, match=r"expected|makes what is not known") as caught:
        wrong()
    assert len(str(caught.value).splitlines()) == 1
