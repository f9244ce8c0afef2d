"""Backups of distributions against loops in NumPy, and against what they must agree with."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlearn.rules import munchausen as soft
from qlearn.rules.categorical import categorical_target, cross_entropy, divergence, project, support
from qlearn.rules.quantile import midpoints, quantile_huber, quantile_target
from qlearn.rules.targets import one_step


class Step(NamedTuple):
    reward: jnp.ndarray
    terminated: jnp.ndarray


def step(reward, terminated=False):
    return Step(jnp.float32(reward), jnp.asarray(terminated))


def shared_out(values, masses, atoms):
    """Algorithm 1 of Bellemare et al. (2017): floor and ceiling, one mass at a time, in float64."""
    gap, out = (atoms[-1] - atoms[0]) / (len(atoms) - 1), np.zeros(len(atoms))
    for value, mass in zip(values, masses, strict=True):
        b = (min(max(value, atoms[0]), atoms[-1]) - atoms[0]) / gap
        low = min(int(np.floor(b)), len(atoms) - 1)
        high = min(low + 1, len(atoms) - 1)
        out[low] += mass * (1 - (b - low))
        out[high] += mass * (b - low)
    return out


ATOMS = support(-2.0, 3.0, 11)
PROJECT = jax.jit(project)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(-5, 5, width=32), st.floats(0, 1, width=32)), min_size=7, max_size=7))
def test_the_projection_is_the_papers_algorithm(masses):
    values, weights = (np.array(column, np.float32) for column in zip(*masses, strict=True))
    found = np.asarray(PROJECT(jnp.asarray(values), jnp.asarray(weights), ATOMS), np.float64)
    np.testing.assert_allclose(found, shared_out(values, weights, np.linspace(-2, 3, 11)), atol=2e-5)
    assert found.sum() == pytest.approx(weights.sum(dtype=np.float64), abs=1e-5)


def test_the_projection_keeps_means_within_the_ends_and_gives_the_ends_what_lies_beyond():
    values, masses = jnp.array([-1.3, 0.7, 2.9]), jnp.array([0.2, 0.5, 0.3])
    assert float(PROJECT(values, masses, ATOMS) @ ATOMS) == pytest.approx(float(values @ masses), abs=1e-5)
    assert PROJECT(jnp.array([-9.0, 9.0]), jnp.array([0.25, 0.75]), ATOMS)[jnp.array([0, -1])].tolist() == [0.25, 0.75]


def categorical(outcome, weights, evaluate, extra=None):
    return np.asarray(jax.jit(categorical_target)(outcome, weights, evaluate, ATOMS, jnp.float32(0.9), extra))


RNG = np.random.default_rng(1)
CHANCES = jnp.asarray(RNG.dirichlet(np.ones(11), size=3), jnp.float32)
GREEDY = jnp.array([0.0, 1.0, 0.0])
MIXED = jnp.array([0.5, 0.0, 0.5])


@pytest.mark.parametrize("weights", [GREEDY, MIXED])
@pytest.mark.parametrize("terminated", [False, True])
@pytest.mark.parametrize("extra", [None, (0.3, -7.0, -0.4), (0.3, np.inf, -0.4)])
def test_a_categorical_target_is_the_outcomes_of_all_actions_and_atoms(weights, terminated, extra):
    if extra is not None and weights is GREEDY:
        extra = (np.inf, 0.2, -0.4)  # of weight 0, as where an action is not legal
    added = None if extra is None else jnp.array(extra)
    found = categorical(step(0.25, terminated), weights, CHANCES, added)
    values, masses = [], []
    for action in np.flatnonzero(np.asarray(weights)):
        for atom, chance in zip(np.linspace(-2, 3, 11), np.asarray(CHANCES[action]), strict=True):
            more = 0.0 if extra is None else extra[action]
            values.append(0.25 + (0.0 if terminated else 0.9 * (atom + more)))
            masses.append(float(weights[action]) * chance)
    np.testing.assert_allclose(found, shared_out(values, masses, np.linspace(-2, 3, 11)), atol=1e-5)


def test_the_losses_of_a_distribution_are_its_cross_entropy_and_that_less_its_own():
    logits, target = jnp.asarray(RNG.normal(size=11), jnp.float32), CHANCES[0]
    log_p = np.asarray(logits, np.float64) - np.log(np.exp(np.asarray(logits, np.float64)).sum())
    p = np.asarray(target, np.float64)
    assert float(cross_entropy(logits, target)) == pytest.approx(-(p * log_p).sum(), rel=1e-5)
    assert float(divergence(logits, target)) == pytest.approx((p * (np.log(p) - log_p)).sum(), rel=1e-4)
    assert float(divergence(logits, jnp.eye(11, dtype=jnp.float32)[3])) == pytest.approx(-log_p[3], rel=1e-5)


def test_a_quantile_target_is_one_step_of_every_quantile():
    quantiles = jnp.asarray(RNG.normal(size=(3, 5)), jnp.float32)
    for weights, terminated in ((GREEDY, False), (MIXED, False), (MIXED, True)):
        outcome = step(0.5, terminated)
        found = quantile_target(outcome, weights, quantiles, 0.9)
        each = [float(one_step(outcome, weights, quantiles[:, j], 0.9)) for j in range(5)]
        np.testing.assert_allclose(found, each, rtol=1e-6)
    extra = jnp.array([1.0, np.inf, -1.0])
    found = quantile_target(step(0.5), MIXED, quantiles, 0.9, extra)
    by_hand = 0.5 + 0.9 * 0.5 * ((quantiles[0] + 1.0) + (quantiles[2] - 1.0))
    np.testing.assert_allclose(found, by_hand, rtol=1e-5)


@pytest.mark.parametrize("threshold", [0.3, 1.0])
def test_the_quantile_loss_is_the_double_sum_of_the_paper(threshold):
    predicted, fractions, target = RNG.normal(size=4) * 2, RNG.uniform(size=4), RNG.normal(size=6) * 2
    total = 0.0
    for z, tau in zip(predicted, fractions, strict=True):
        for y in target:
            u = y - z
            huber = 0.5 * u * u if abs(u) <= threshold else threshold * (abs(u) - 0.5 * threshold)
            total += abs(tau - (u < 0)) * huber / threshold / len(target)
    found = quantile_huber(*(jnp.asarray(x, jnp.float32) for x in (predicted, fractions, target)), threshold)
    assert float(found) == pytest.approx(total, rel=1e-5)


def test_the_quantile_loss_is_least_at_the_quantiles():
    samples = jnp.sort(jnp.asarray(RNG.normal(size=400), jnp.float32))
    z, fractions = jnp.zeros(5), midpoints(5)
    slope = jax.jit(jax.grad(lambda z: quantile_huber(z, fractions, samples, 0.01)))
    for _ in range(300):
        z = z - 0.1 * slope(z)
    np.testing.assert_allclose(z, np.quantile(samples, fractions), atol=0.05)


ROW = jnp.array([1.0, 2.0, 0.5])
MASK = jnp.array([True, False, True])


def test_the_soft_policy_is_a_softmax_over_what_is_legal():
    scaled = soft.scaled_log_policy(ROW, MASK, 0.5)
    chances = np.exp(np.array([2.0, 1.0])) / np.exp(np.array([2.0, 1.0])).sum()
    np.testing.assert_allclose(soft.soft_policy(scaled, 0.5), [chances[0], 0.0, chances[1]], rtol=1e-5)
    assert float(scaled[1]) == -np.inf
    far = soft.scaled_log_policy(jnp.array([0.0, 5000.0]), None, 0.03)
    assert far.tolist() == [-5000.0, 0.0]
    assert float(soft.bonus(far, jnp.int32(0), 0.9, -1.0)) == pytest.approx(-0.9)


def test_a_munchausen_target_is_the_papers_equation():
    scaled = soft.scaled_log_policy(ROW, MASK, 0.5)
    weights = soft.soft_policy(scaled, 0.5)
    found = float(one_step(step(1.0), weights, ROW - scaled, 0.9))
    pi = np.asarray(weights, np.float64)[[0, 2]]
    q = np.asarray(ROW, np.float64)[[0, 2]]
    assert found == pytest.approx(1.0 + 0.9 * (pi * (q - 0.5 * np.log(pi))).sum(), rel=1e-5)
    # which is the soft maximum: τ log Σ exp(q / τ)
    assert found == pytest.approx(1.0 + 0.9 * 0.5 * np.log(np.exp(q / 0.5).sum()), rel=1e-5)


def test_with_a_vanishing_temperature_and_no_bonus_it_is_q_learning():
    scaled = soft.scaled_log_policy(ROW, None, 1e-6)
    weights = soft.soft_policy(scaled, 1e-6)
    assert float(one_step(step(1.0), weights, ROW - scaled, 0.9)) == pytest.approx(1.0 + 0.9 * 2.0, abs=1e-5)
