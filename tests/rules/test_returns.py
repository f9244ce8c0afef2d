"""λ-returns against sums by hand and against the forward view."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.rules.returns import lambda_returns
from qlearn.rules.targets import one_step


def path_of(reward, terminated=(), truncated=()):
    time = range(len(reward))
    return SimpleNamespace(
        reward=jnp.asarray(reward, jnp.float32),
        terminated=jnp.array([t in terminated for t in time]),
        truncated=jnp.array([t in truncated for t in time]),
    )


def forward_view(path, values, discount, trace_decay):
    """(1 − λ) Σ λⁿ⁻¹ Gⁿ with the last n-step return taking the weight that is left; float64, one environment."""
    reward, values = np.asarray(path.reward, np.float64), np.asarray(values, np.float64)
    terminated, truncated = np.asarray(path.terminated), np.asarray(path.truncated)
    result = []
    for start in range(len(reward)):
        total, weight, collected = 0.0, 1.0, 0.0
        for n, t in enumerate(range(start, len(reward))):
            collected += discount**n * reward[t]
            n_step = collected + (0.0 if terminated[t] else discount ** (n + 1) * values[t])
            if terminated[t] or truncated[t] or t == len(reward) - 1:
                total += weight * n_step
                break
            total += weight * (1 - trace_decay) * n_step
            weight *= trace_decay
        result.append(total)
    return np.array(result)


def random_case(seed, length=40):
    rng = np.random.default_rng(seed)
    ends = rng.choice(length, 6, replace=False)
    path = path_of(rng.normal(size=length), terminated=set(ends[:3]), truncated=set(ends[3:]))
    return path, jnp.asarray(rng.normal(size=length) * 5, jnp.float32)


def test_three_steps_by_hand():
    values = jnp.array([4.0, 8.0, 16.0])
    got = lambda_returns(path_of([1.0, 2.0, 3.0]), values, 0.5, 0.5)
    last = 3 + 0.5 * 16
    middle = 2 + 0.5 * (0.5 * last + 0.5 * 8)
    assert got.tolist() == [1 + 0.5 * (0.5 * middle + 0.5 * 4), middle, last]


@pytest.mark.parametrize("trace_decay", [0.0, 0.3, 0.95, 1.0])
def test_the_recursion_is_the_forward_view(trace_decay):
    for seed in range(5):
        path, values = random_case(seed)
        got = lambda_returns(path, values, 0.9, trace_decay)
        np.testing.assert_allclose(got, forward_view(path, values, 0.9, trace_decay), rtol=1e-5, atol=1e-5)


def test_without_traces_it_is_the_one_step_target_to_the_bit():
    path, values = random_case(1)
    rows, weights = values[:, None], jnp.ones((values.shape[0], 1))

    def target(reward, terminated, row, weight):
        return one_step(SimpleNamespace(reward=reward, terminated=terminated), weight, row, 0.99)

    plain = jax.vmap(target)(path.reward, path.terminated, rows, weights)
    assert lambda_returns(path, values, 0.99, 0.0).tolist() == plain.tolist()


def test_truncation_bootstraps_from_the_arrival_and_takes_nothing_from_the_next_episode():
    values = jnp.array([7.0, 100.0])
    got = lambda_returns(path_of([1.0, 50.0], truncated={0}), values, 1.0, 0.9)
    assert float(got[0]) == 8.0


def test_termination_does_not_bootstrap():
    got = lambda_returns(path_of([1.0, 50.0], terminated={0}), jnp.array([7.0, 100.0]), 1.0, 0.9)
    assert float(got[0]) == 1.0


def test_an_end_that_is_both_counts_as_termination():
    got = lambda_returns(path_of([1.0, 50.0], terminated={0}, truncated={0}), jnp.array([7.0, 100.0]), 1.0, 0.9)
    assert float(got[0]) == 1.0


def test_a_value_that_is_not_finite_after_termination_does_no_harm():
    got = lambda_returns(path_of([1.0, 2.0], terminated={0, 1}), jnp.array([jnp.inf, jnp.nan]), 0.9, 0.5)
    assert got.tolist() == [1.0, 2.0]


def test_environments_side_by_side_are_environments_one_by_one():
    cases = [random_case(seed) for seed in range(3)]
    side = SimpleNamespace(
        **{name: jnp.stack([getattr(p, name) for p, _ in cases], axis=1) for name in vars(cases[0][0])}
    )
    together = lambda_returns(side, jnp.stack([v for _, v in cases], axis=1), 0.9, 0.8)
    for column, (path, values) in enumerate(cases):
        assert together[:, column].tolist() == lambda_returns(path, values, 0.9, 0.8).tolist()
