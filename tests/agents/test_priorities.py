"""Prioritised replay: the sum tree against NumPy, and priorities that come and go as transitions do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.agents.learner import Clock
from qlearn.agents.priorities import Priorities, Ranking
from qlearn.agents.sum_tree import SumTree
from qlearn.engine import noise
from qlearn.errors import InputError
from qlearn.rules.schedules import linear, per_visit


def place(total, seed=3):
    return noise.at(jnp.uint32(seed), noise.UPDATE, jnp.uint32(0), jnp.asarray(total, jnp.uint32))


def clock(total=0):
    return Clock(jnp.zeros(1, jnp.uint32), jnp.zeros(1, jnp.uint32), jnp.asarray(total, jnp.uint32))


@pytest.mark.parametrize("size", [1, 5, 16, 1000])
def test_a_tree_finds_what_a_running_sum_finds_and_every_node_is_the_sum_of_its_children(size):
    rng, tree = np.random.default_rng(size), SumTree(size)
    values = np.where(rng.random(size) < 0.3, 0, rng.integers(1, 9, size)).astype(np.float32)
    values[rng.integers(size)] = 4
    nodes = jax.jit(tree.write)(tree.empty(), jnp.arange(size, dtype=jnp.int32), jnp.asarray(values))
    heap = np.asarray(nodes)
    assert all(heap[i] == heap[2 * i] + heap[2 * i + 1] for i in range(1, len(heap) // 2))
    assert float(tree.total(nodes)) == values.sum()
    assert nodes.nbytes == tree.num_bytes
    targets = np.concatenate([rng.uniform(0, values.sum(), 50), np.arange(values.sum())]).astype(np.float32)
    found = jax.jit(tree.find)(nodes, jnp.asarray(targets))
    np.testing.assert_array_equal(found, np.searchsorted(np.cumsum(values), targets, side="right"))
    changed = jnp.array([0, size - 1, 0], jnp.int32)
    again = np.asarray(jax.jit(tree.write)(nodes, changed, jnp.array([2.0, 3.0, 2.0])))
    assert again[1] == again[len(again) // 2 :].sum()


def test_what_is_0_is_never_found_whatever_rounding_does():
    tree, rng = SumTree(300), np.random.default_rng(0)
    values = np.where(np.arange(300) % 3 == 0, rng.random(300) * 1e-3, 0).astype(np.float32)
    values[150] = 1e6
    nodes = tree.write(tree.empty(), jnp.arange(300, dtype=jnp.int32), jnp.asarray(values))
    ends = np.nextafter(np.float32(1), np.float32(0)) * np.asarray(tree.total(nodes))
    targets = np.concatenate([rng.random(4000) * ends, [0, ends, tree.total(nodes)]]).astype(np.float32)
    assert (values[np.asarray(tree.find(nodes, jnp.asarray(targets)))] > 0).all()


def entered(ranking, rows, period):
    """Priorities after so many rows, written ``period`` at a time, none of them learnt from."""
    ranked, enter = ranking.empty(), jax.jit(ranking.enter, static_argnums=2)
    count = period * ranking.num_environments
    for start in range(0, rows, period):
        ranked = enter(ranked, jnp.uint32(start * ranking.num_environments), count)
    return np.asarray(ranking.tree.at(ranked.nodes, jnp.arange(ranking.places)))


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("rows", [3, 6, 30, 33, 75])  # begun, partly full, just full, over the end, twice
def test_exactly_those_can_be_drawn_whose_outcome_is_whole_and_not_overwritten(n, rows):
    copies, capacity = 2, 30
    ranking = Ranking(Priorities(), capacity * copies, copies, n)
    found = entered(ranking, rows, period=3)
    expected = np.zeros((capacity, copies))
    for row in range(max(0, rows - capacity), rows - n + 1):
        expected[row % capacity] = 1.0
    np.testing.assert_array_equal(found, expected.reshape(-1))


def test_a_new_transition_gets_the_largest_priority_so_far_and_a_learnt_one_its_own():
    ranking = Ranking(Priorities(exponent=0.5, smallest=0.0), 8, 1, 1)
    enter, rate = jax.jit(ranking.enter, static_argnums=2), jax.jit(ranking.rate)
    learnt = jnp.asarray(True)
    ranked = enter(ranking.empty(), jnp.uint32(0), 2)
    ranked = enter(ranked, jnp.uint32(2), 2)
    ranked = rate(ranked, jnp.array([0, 2]), jnp.array([9.0, 0.25]), learnt)
    ranked = enter(ranked, jnp.uint32(4), 2)
    assert ranked.nodes[8:].tolist() == [3, 1, 0.5, 1, 3, 3, 0, 0]
    ranked = rate(ranked, jnp.array([0, 1]), jnp.array([1.0, 1.0]), learnt)
    ranked = enter(ranked, jnp.uint32(6), 2)  # the largest ever, though nothing is so wrong any more
    assert ranked.nodes[8:].tolist() == [1, 1, 0.5, 1, 3, 3, 3, 3]
    same = rate(ranked, jnp.array([1, 2]), jnp.array([100.0, 5.0]), ~learnt)
    assert all(np.array_equal(a, b) for a, b in zip(same, ranked, strict=True))
    broken = rate(ranked, jnp.array([1, 2]), jnp.array([np.nan, np.inf]), learnt)
    assert np.isfinite(np.asarray(broken.nodes)).all()


def test_draws_follow_the_priorities_and_weights_take_the_bias_back():
    size, batch, alpha, beta = 20, 64, 0.7, 0.4
    ranking = Ranking(Priorities(exponent=alpha, importance=beta, smallest=0.0), size, 1, 1)
    errors = np.random.default_rng(2).exponential(size=size).astype(np.float32) + 0.05
    ranked = ranking.enter(ranking.empty(), jnp.uint32(0), size)
    ranked = ranking.rate(ranked, jnp.arange(size), jnp.asarray(errors), jnp.asarray(True))
    draws = jax.jit(jax.vmap(lambda total: ranking.draw(ranked, place(total), 0, batch, clock())))
    places, weights = (np.asarray(x) for x in draws(jnp.arange(300, dtype=jnp.uint32)))
    chances = errors**alpha / (errors**alpha).sum()
    shares = np.bincount(places.ravel(), minlength=size) / places.size
    # stratified: the error of a share is below that of independent draws
    assert (np.abs(shares - chances) < 4 * np.sqrt(chances * (1 - chances) / places.size)).all()
    raw = (size * chances[places]) ** -beta
    np.testing.assert_allclose(weights, raw / raw.max(axis=1, keepdims=True), rtol=1e-4)
    assert (np.diff(places, axis=1) >= 0).all()  # one of each equal part of the whole


def test_importance_follows_its_schedule_and_an_exponent_of_0_is_even():
    ranking = Ranking(Priorities(exponent=0.0, importance=linear(0.0, 1.0, over=10, per="step")), 4, 1, 1)
    ranked = ranking.enter(ranking.empty(), jnp.uint32(0), 4)
    ranked = ranking.rate(ranked, jnp.arange(4), jnp.array([1.0, 2.0, 3.0, 4.0]), jnp.asarray(True))
    assert ranked.nodes[4:].tolist() == [1.0] * 4
    steep = Ranking(Priorities(exponent=1.0, importance=linear(0.0, 1.0, over=10, per="step"), smallest=0.0), 4, 1, 1)
    ranked = steep.rate(ranked, jnp.arange(4), jnp.array([1.0, 2.0, 3.0, 4.0]), jnp.asarray(True))
    draw = jax.jit(lambda total: steep.draw(ranked, place(total), 0, 8, clock(total)))
    for total, power in ((0, 0.0), (5, 0.5), (10, 1.0), (99, 1.0)):
        places, weights = draw(jnp.uint32(total))
        errors = np.asarray(places) + 1.0
        np.testing.assert_allclose(weights, (errors.min() / errors) ** power, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"exponent": -1}, "exponent=-1 is out of range"),
        ({"importance": 1.5}, "importance"),
        ({"smallest": float("nan")}, "smallest=nan is out of range"),
        ({"importance": per_visit()}, "counts the visits"),
    ],
)
def test_wrong_numbers_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        Priorities(**settings)
