"""The plain loops that linear agents race against do what those agents do."""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qlearn as ql
from qlearn.agents.learner import Spec
from qlearn.environments.mountain_car import MountainCarState


@pytest.fixture(scope="module")
def loop():
    sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks/ is no part of the package
    from benchmarks import linear_loop

    return linear_loop


@pytest.fixture(scope="module")
def points(loop):
    return np.random.default_rng(0).uniform(loop.LOW, loop.HIGH, (400, 2))


def test_the_lean_loop_has_the_tiles_of_tile_coding(loop, points):
    lean = np.array([loop.tiles_at_once(x, v) for x, v in points])
    basis = ql.TileCoding(tilings=8, tiles=8, low=loop.LOW, high=loop.HIGH).bind(Spec(0, 3, observation_shape=(2,)))
    ours = np.asarray(jax.vmap(lambda x: basis.encode(x).places)(jnp.asarray(points, jnp.float32)))
    assert (lean != ours).mean() < 0.001  # but for points on an edge, in float32


def test_the_hashed_loop_has_eight_tiles_for_each_action(loop, points):
    places = loop.Places()
    found = np.array([[loop.tiles_of(places, x, v, action) for action in (-1, 0, 1)] for x, v in points])
    assert all(len(set(row.ravel())) == 24 for row in found)
    assert len(places.of) < loop.SIZE  # so that nothing collides


def test_the_car_of_the_loops_is_ours(loop, points):
    world = ql.make("MountainCar-v0", max_position=0.5)
    actions = np.arange(len(points)) % 3
    state = MountainCarState(*jnp.asarray(points.T, jnp.float32))
    step = jax.vmap(world.step, in_axes=(0, 0, None, None))
    after, reward, over = step(state, jnp.asarray(actions, jnp.int32), None, jnp.uint32(0))
    expected = np.array([loop.drive(x, v, a - 1) for (x, v), a in zip(points, actions, strict=True)])
    np.testing.assert_allclose(np.stack(after, axis=1), expected, atol=1e-6)
    np.testing.assert_array_equal(reward, -1.0)
    assert (np.asarray(over) == (expected[:, 0] == 0.5)).mean() > 0.99


@pytest.mark.parametrize("decay", [None, 0.9])
def test_the_lean_loop_learns_to_reach_the_goal(loop, decay):
    weights = loop.learn_leanly(6000, 0, decay=decay)
    assert -160 < weights[loop.tiles_at_once(-0.5, 0.0)].sum(axis=0).max() < -20
