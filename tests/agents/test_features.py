"""Features against their formulas in plain NumPy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qlearn as ql
from qlearn.agents.learner import Spec

LOW, HIGH = (-1.2, -0.07), (0.5, 0.07)
CAR = Spec(0, 3, observation_shape=(2,))
WALK = Spec(1000, 1)


def points(n, low=LOW, high=HIGH, seed=0):
    return np.random.default_rng(seed).uniform(low, high, (n, len(low))).astype(np.float32)


def places(basis, observations):
    return np.asarray(jax.jit(jax.vmap(lambda x: basis.encode(x).places))(jnp.asarray(observations)))


def values(basis, observations):
    return np.asarray(jax.jit(jax.vmap(lambda x: basis.encode(x).values))(jnp.asarray(observations)))


def suttons_tiles(point, tilings, tiles, low, high):
    """The coordinates of every tiling's tile, as his software computes them before it hashes them."""
    fine = np.floor((point - np.array(low)) * np.array(tiles) / (np.array(high) - low) * tilings).astype(int)
    return [(t, *((q + t * (1 + 2 * j)) // tilings for j, q in enumerate(fine))) for t in range(tilings)]


def test_one_tile_of_every_tiling_is_active_and_each_tile_has_a_place_of_its_own():
    coding = ql.TileCoding(tilings=8, tiles=(8, 5), low=LOW, high=HIGH)
    basis = coding.bind(CAR)
    found = places(basis, points(5000))
    assert (basis.size, basis.active) == (8 * 9 * 6, 8)
    np.testing.assert_array_equal(found // (9 * 6), np.tile(np.arange(8), (5000, 1)))
    assert found.max() < basis.size


def test_the_tiles_are_those_of_suttons_software():
    coding = ql.TileCoding(tilings=8, tiles=8, low=LOW, high=HIGH)
    where = points(3000).astype(np.float64)
    found = places(coding.bind(CAR), where.astype(np.float32))
    named = {}
    for point, row in zip(where.astype(np.float32).astype(np.float64), found, strict=True):
        for theirs, ours in zip(suttons_tiles(point, 8, (8, 8), LOW, HIGH), row, strict=True):
            named.setdefault(theirs, set()).add(int(ours))
    several = sum(len(ours) > 1 for ours in named.values())
    assert several <= 2  # points on an edge, to the last bit of float32
    assert len({min(ours) for ours in named.values()}) == len(named)


def test_points_share_the_fewer_tiles_the_farther_they_are_apart():
    coding = ql.TileCoding(tilings=8, tiles=8, low=(0.0, 0.0), high=(8.0, 8.0))
    basis, middle = coding.bind(CAR), np.array([4.0625, 4.0625], np.float32)
    for j in (0, 1):
        shifted = np.array([middle + np.eye(2, dtype=np.float32)[j] * k / 8 for k in range(10)])
        shared = (places(basis, shifted) == places(basis, middle[None])).sum(axis=1)
        np.testing.assert_array_equal(shared, [8, 7, 6, 5, 4, 3, 2, 1, 0, 0])
    diagonal = np.array([middle + k / 8 for k in range(9)], np.float32)  # the two dimensions' edges lie apart
    shared = (places(basis, diagonal) == places(basis, middle[None])).sum(axis=1)
    assert (np.diff(shared) <= 0).all()
    assert shared[2] < 6


def test_what_lies_outside_or_is_no_number_counts_as_an_end():
    basis = ql.TileCoding(tilings=4, tiles=4, low=LOW, high=HIGH).bind(CAR)
    outside = np.array([[-9.0, 9.0], [9.0, -9.0], [np.nan, np.inf], [-np.inf, np.nan]], np.float32)
    inside = np.array([[LOW[0], HIGH[1]], [HIGH[0], LOW[1]], [LOW[0], HIGH[1]], [LOW[0], LOW[1]]], np.float32)
    np.testing.assert_array_equal(places(basis, outside), places(basis, inside))


def test_hashed_tiles_stay_in_their_tilings_places_and_spread():
    six = Spec(0, 3, observation_shape=(6,))
    coding = ql.TileCoding(tilings=8, tiles=6, low=(0.0,) * 6, high=(1.0,) * 6, hashed=8 * 4096)
    found = places(coding.bind(six), points(20_000, (0.0,) * 6, (1.0,) * 6))
    np.testing.assert_array_equal(found // 4096, np.tile(np.arange(8), (20_000, 1)))
    used = [np.unique(found[:, t]).size / 4096 for t in range(8)]
    distinct = len({tuple(row) for row in np.floor(points(20_000, (0.0,) * 6, (1.0,) * 6) * 6)})
    assert min(used) > 0.9 * (1 - np.exp(-distinct / 4096))  # as many as balls thrown at random


def test_fourier_features_are_the_cosines_of_all_frequencies_with_their_rates():
    basis, where = ql.Fourier(order=(3, 2), low=LOW, high=HIGH).bind(CAR), points(50)
    share = (where.astype(np.float64) - LOW) / (np.array(HIGH) - LOW)
    frequencies = np.array(list(itertools.product(range(4), range(3))))
    np.testing.assert_allclose(values(basis, where), np.cos(np.pi * share @ frequencies.T), atol=3e-6)
    norms = np.linalg.norm(frequencies, axis=1)
    np.testing.assert_allclose(np.asarray(basis.rates), 1 / np.where(norms == 0, 1, norms), rtol=1e-6)


@pytest.mark.parametrize("normalised", [True, False])
def test_radial_features_are_gaussian_bumps_on_a_grid(normalised):
    basis, where = (
        ql.RadialBasis(centres=(4, 3), low=LOW, high=HIGH, width=0.2, normalised=normalised).bind(CAR),
        points(40),
    )
    share = (where.astype(np.float64) - LOW) / (np.array(HIGH) - LOW)
    centres = np.array(list(itertools.product(np.linspace(0, 1, 4), np.linspace(0, 1, 3))))
    heights = np.exp(-((share[:, None] - centres) ** 2).sum(axis=2) / (2 * 0.2**2))
    expected = heights / heights.sum(axis=1, keepdims=True) if normalised else heights
    np.testing.assert_allclose(values(basis, where), expected, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("groups", [1, 10, 7])
def test_aggregation_cuts_states_into_groups_that_differ_by_one_at_most(groups):
    basis = ql.StateAggregation(groups).bind(WALK)
    found = places(basis, np.arange(1000, dtype=np.int32))[:, 0]
    sizes = np.bincount(found)
    assert sizes.size == groups
    assert sizes.max() - sizes.min() <= 1
    assert (np.diff(found) >= 0).all()


def test_one_hot_features_number_the_states_and_tiles_may_number_them_too():
    np.testing.assert_array_equal(
        places(ql.OneHotFeatures().bind(WALK), np.arange(1000, dtype=np.int32))[:, 0], range(1000)
    )
    tiles = ql.TileCoding(tilings=1, tiles=5, low=0.0, high=1000.0).bind(WALK)
    np.testing.assert_array_equal(places(tiles, np.arange(1000, dtype=np.int32))[:, 0], np.arange(1000) // 200)


@pytest.mark.parametrize(
    ("features", "spec"),
    [
        (ql.TileCoding(low=LOW, high=HIGH), CAR),
        (ql.RadialBasis(low=LOW, high=HIGH), CAR),
        (ql.Fourier(low=LOW, high=HIGH), CAR),
        (ql.StateAggregation(7), WALK),
        (ql.OneHotFeatures(), WALK),
    ],
)
def test_a_constant_can_be_written_in_the_features(features, spec):
    basis = features.bind(spec)
    weights = np.asarray(basis.constant(jnp.float32(-3.0)), np.float64)
    seen = points(20) if spec is CAR else np.arange(0, 1000, 50, dtype=np.int32)
    worth = weights[places(basis, seen)].sum(axis=1) if basis.active else values(basis, seen) @ weights
    np.testing.assert_allclose(worth, -3.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: ql.TileCoding(low=(0.0,), high=(0.0,)), "no ranges"),
        (lambda: ql.TileCoding(low=(0.0,), high=(np.inf,)), "finite"),
        (lambda: ql.TileCoding(tilings=0, low=0.0, high=1.0), "tilings=0"),
        (lambda: ql.TileCoding(tiles=(4, 4), low=0.0, high=1.0), "tiles="),
        (lambda: ql.TileCoding(low=0.0, high=1.0).bind(CAR), "2"),
        (
            lambda: ql.TileCoding(tiles=99, low=(0.0,) * 6, high=(1.0,) * 6).bind(Spec(0, 2, observation_shape=(6,))),
            "hashed",
        ),
        (lambda: ql.RadialBasis(width=0.0, low=0.0, high=1.0), "width=0"),
        (lambda: ql.Fourier(order=-1, low=0.0, high=1.0), "order=-1"),
        (lambda: ql.StateAggregation(2000).bind(WALK), "at most 1000"),
        (lambda: ql.OneHotFeatures().bind(CAR), "discretised"),
    ],
)
def test_wrong_settings_are_refused_by_name(make, told):
    with pytest.raises(ql.InputError, match=told):
        make()
