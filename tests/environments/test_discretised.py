"""A grid in front of arrays, and Puddle World, against plain NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import qlearn as ql
from qlearn.engine import noise
from qlearn.environments.cartpole import CartPoleState
from qlearn.environments.problems.puddles import Point


def places(n, stream=noise.ENVIRONMENT):
    """The noise of n seeds at one place."""
    words, zero = jnp.arange(n, dtype=jnp.uint32), jnp.zeros(n, jnp.uint32)
    return noise.at(words, stream, zero, zero, environment=zero)


def test_the_number_of_a_bin_is_that_of_numpys_grid():
    bins, low, high = (3, 1, 7, 4), (-2.4, -3.0, -0.2, -3.0), (2.4, 3.0, 0.2, 3.0)
    world = ql.discretised("CartPole-v1", bins, low=low, high=high)
    states = np.random.default_rng(0).uniform(np.array(low) * 1.5, np.array(high) * 1.5, (4000, 4)).astype(np.float32)
    found = np.asarray(jax.vmap(world.observe)(CartPoleState(*jnp.asarray(states.T))))
    edges = [np.linspace(a, b, n + 1)[1:-1] for n, a, b in zip(bins, low, high, strict=True)]
    coordinates = [np.searchsorted(edge, x, side="right") for edge, x in zip(edges, states.T, strict=True)]
    expected = np.ravel_multi_index(coordinates, bins)
    assert (found != expected).mean() < 0.001  # but for rounding at an edge
    assert (world.num_states, found.dtype) == (84, np.int32)
    assert np.unique(found).size == 84


def test_a_table_learns_cart_pole_on_the_device_and_is_judged_by_games():
    rate = ql.EpsilonGreedy(ql.linear(1.0, 0.02, over=60_000, per="step"))
    agent = ql.QLearning(learning_rate=0.1, discount=0.99, exploration=rate)
    runs = ql.train(agent, ql.discretised("CartPole-v1", (6, 6, 12, 12)), steps=150_000, seeds=8)
    assert runs.q_table.shape == (8, 5184, 2)
    worth = ql.evaluate(runs)
    assert worth.method == "rollouts"
    assert worth.exact_return.mean() > 250  # 22 is what acting at random gives
    assert runs.q_function(0)([0, 1]).shape == (2, 2)


def test_what_is_behind_the_grid_goes_on_as_it_was():
    plain, world = ql.make("MountainCar-v0", max_episode_steps=33), ql.discretised("MountainCar-v0", 5)
    assert (world.num_actions, world.time_limit, world.num_states) == (3, 200, 25)
    state = plain.reset(jax.tree.map(lambda x: x[0], places(1, noise.RESET)))
    one = plain.step(state, jnp.int32(2), None, jnp.uint32(0))
    other = world.step(state, jnp.int32(2), None, jnp.uint32(0))
    jax.tree.map(np.testing.assert_array_equal, one, other)
    assert ql.discretised(plain, 5).time_limit == 33


@pytest.mark.parametrize("more", [{}, {"low": (-1.0, -0.1), "high": (0.5, 0.1)}])
def test_its_name_makes_it_again(more, tmp_path):
    world = ql.discretised(ql.make("MountainCar-v0", gravity=0.002, max_episode_steps=9), (4, 5), **more)
    assert ql.make(world.name) == world
    assert ql.make("discretised:MountainCar-v0(bins=3)").num_states == 9
    runs = ql.train(ql.Sarsa(), world, episodes=2, seeds=2)
    runs.save(tmp_path / "runs")
    np.testing.assert_array_equal(ql.Runs.load(tmp_path / "runs").q_table, runs.q_table)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: ql.discretised("FrozenLake-v1", 3), "observes arrays"),
        (lambda: ql.discretised(ql.make("CartPole-v1", loop="host"), 3), "on the device"),
        (lambda: ql.discretised("CartPole-v1", (3, 3)), "or 4 of them"),
        (lambda: ql.discretised("CartPole-v1", 0), "bins=0"),
        (lambda: ql.discretised("CartPole-v1", 3, low=(5.0,) * 4), "rise"),
        (lambda: ql.discretised("CartPole-v1", 3, low=(0.0,), high=(1.0,)), "4 finite numbers"),
        (lambda: ql.discretised("CartPole-v1", 1000), "product"),
        (lambda: ql.make("discretised:CartPole-v1"), "needs bins"),
        (lambda: ql.make("discretised:CartPole-v1(bins=3)", loop="host"), "on the device only"),
    ],
)
def test_what_cannot_be_cut_into_bins_is_refused(make, told):
    with pytest.raises(ql.InputError, match=told):
        make()


def wet(x, y):
    """How deep a point is in both puddles together, found by looking along their lines."""
    along = np.linspace(0, 1, 2001)[:, None]
    depth = 0.0
    for begin, end in (((0.1, 0.75), (0.45, 0.75)), ((0.45, 0.4), (0.45, 0.8))):
        line = np.array(begin) + along * (np.array(end) - begin)
        distance = np.sqrt(((line[:, None] - np.stack([x, y], axis=1)) ** 2).sum(axis=2)).min(axis=0)
        depth = depth + np.maximum(0.0, 0.1 - distance)
    return depth


def test_puddles_cost_400_times_the_depth():
    world = ql.make("PuddleWorld-v0")
    x, y = np.random.default_rng(1).uniform(0, 1, (2, 3000)).astype(np.float32)
    found = np.asarray(jax.vmap(world.reward)(Point(jnp.asarray(x), jnp.asarray(y))))
    np.testing.assert_allclose(found, -1 - 400 * wet(x, y), atol=0.01)
    assert (found < -1).mean() > 0.1
    assert found.min() < -41  # where both puddles meet


def test_puddle_worlds_steps_starts_and_goal_are_suttons():
    world = ql.make("PuddleWorld-v0")
    n = 20_000
    start = jax.vmap(world.reset)(places(n, noise.RESET))
    assert float((start.x + start.y).max()) < 1.9
    for axis in start:
        assert abs(float(axis.mean()) - (0.5 - 0.005 * (0.9667 - 0.5) / 0.995)) < 4 / np.sqrt(12 * n)
    middle = Point(jnp.full(n, 0.5), jnp.full(n, 0.2))
    moves = {0: (0.0, 0.05), 1: (0.0, -0.05), 2: (0.05, 0.0), 3: (-0.05, 0.0)}
    stepped = jax.jit(jax.vmap(world.step, in_axes=(0, None, 0, None)))
    for action, move in moves.items():
        after, _, over = stepped(middle, jnp.int32(action), places(n), jnp.uint32(0))
        for axis, begin, by in zip(after, (0.5, 0.2), move, strict=True):
            left = (np.asarray(axis, np.float64) - begin - by) / 0.01
            assert stats.kstest(left, "norm").pvalue > 1e-4
        assert not over.any()
    corner = Point(jnp.full(n, 0.94), jnp.full(n, 0.94))
    after, reward, over = stepped(corner, jnp.int32(0), places(n), jnp.uint32(0))
    np.testing.assert_array_equal(over, after.x + after.y >= 1.9)
    assert 0.5 < float(over.mean()) < 1
    assert float(after.y.max()) <= 1.0
    np.testing.assert_array_equal(reward, -1.0)


def test_tile_coded_sarsa_learns_its_way_around_the_puddles():
    tiles = ql.TileCoding(tilings=8, tiles=10, low=(0.0, 0.0), high=(1.0, 1.0))
    agent = ql.LinearSarsa(
        tiles, trace_decay=0.9, traces="replacing", learning_rate=0.5, discount=1.0, exploration=ql.EpsilonGreedy(0.1)
    )
    runs = ql.train(agent, "PuddleWorld-v0", episodes=200, seeds=8)
    assert runs.returns[:, :5].mean() < -300
    assert runs.returns[:, -50:].mean() > -60
