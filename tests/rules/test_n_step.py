"""n-step outcomes against a walk along the trajectory."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlearn.rules.n_step import n_step
from qlearn.rules.targets import one_step


class Path(NamedTuple):
    reward: jnp.ndarray
    terminated: jnp.ndarray
    truncated: jnp.ndarray


def path(rewards, terminated=(), truncated=()):
    at = np.arange(len(rewards))
    return Path(
        jnp.asarray(rewards, jnp.float32),
        jnp.asarray(np.isin(at, list(terminated))),
        jnp.asarray(np.isin(at, list(truncated))),
    )


def outcome_of(steps, discount):
    return jax.jit(n_step)(steps, jnp.float32(discount))


def walk(rewards, terminated, truncated, discount):
    """The definition, step by step, in float64."""
    total, power = 0.0, 1.0
    for i, reward in enumerate(rewards):
        total += power * reward
        power *= discount
        if terminated[i] or truncated[i]:
            break
    return total, bool(terminated[i]), power, i + 1


def test_three_steps_add_their_discounted_rewards_and_leave_the_cube_for_what_follows():
    outcome = n_step(path([1.0, 2.0, 4.0]), 0.5)
    assert (float(outcome.reward), float(outcome.discount), int(outcome.num_steps)) == (3.0, 0.125, 3)
    target = one_step(outcome, jnp.array([1.0, 0.0]), jnp.array([8.0, 0.0]), outcome.discount)
    assert float(target) == 4.0


def test_termination_ends_the_sum_and_leaves_nothing_for_what_follows():
    outcome = n_step(path([1.0, 2.0, 4.0], terminated=[1]), 0.5)
    assert (float(outcome.reward), bool(outcome.terminated), int(outcome.num_steps)) == (2.0, True, 2)
    assert float(one_step(outcome, jnp.array([1.0]), jnp.array([8.0]), outcome.discount)) == 2.0


def test_truncation_ends_the_sum_and_bootstraps_with_the_steps_that_were_made():
    outcome = n_step(path([1.0, 2.0, 4.0], truncated=[1]), 0.5)
    assert (float(outcome.reward), bool(outcome.terminated), float(outcome.discount)) == (2.0, False, 0.25)
    assert float(one_step(outcome, jnp.array([1.0]), jnp.array([8.0]), outcome.discount)) == 4.0


def test_a_termination_after_a_truncation_belongs_to_another_episode():
    assert not n_step(path([1.0, 2.0, 4.0], terminated=[1], truncated=[0]), 0.5).terminated


@pytest.mark.parametrize("discount", [0.0, 0.3, 0.99, 1.0])
def test_one_step_is_the_step_itself_to_the_bit(discount):
    outcome = n_step(path([0.1], terminated=[0]), discount)
    assert outcome.reward == jnp.float32(0.1)
    assert outcome.discount == jnp.float32(discount)
    assert outcome.terminated
    assert outcome.num_steps == 1


ends = st.sampled_from(["", "terminated", "truncated"])
steps = st.lists(st.tuples(st.floats(-10, 10, width=32), ends), min_size=1, max_size=6)


@given(steps, st.floats(0, 1, width=32))
def test_it_is_the_walk_along_any_trajectory(steps, discount):
    rewards = [reward for reward, _ in steps]
    terminated, truncated = ([end == word for _, end in steps] for word in ("terminated", "truncated"))
    outcome = outcome_of(path(rewards, np.flatnonzero(terminated), np.flatnonzero(truncated)), discount)
    total, ended, power, count = walk(rewards, terminated, truncated, discount)
    np.testing.assert_allclose(outcome.reward, total, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(outcome.discount, power, rtol=1e-4, atol=1e-37)
    assert (bool(outcome.terminated), int(outcome.num_steps)) == (ended, count)


def test_many_trajectories_are_walked_side_by_side():
    rewards = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    never = np.zeros((3, 2, 2), bool)
    outcome = n_step(Path(jnp.asarray(rewards), jnp.asarray(never), jnp.asarray(never)), 0.5)
    np.testing.assert_allclose(outcome.reward, rewards[0] + rewards[1] / 2 + rewards[2] / 4)
