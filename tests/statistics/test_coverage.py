"""Intervals cover as often as they say, on simulated experiments with a fixed seed."""

import numpy as np
import pytest
from scipy import stats

from qlearn.statistics import (
    mean_interval,
    paired_difference,
    probability_of_improvement,
    welch_difference,
    wilson_interval,
)

TRIALS = 1500
FOUR_ERRORS = 4 * np.sqrt(0.95 * 0.05 / TRIALS)


def covered(intervals, truth):
    return np.mean([low <= truth <= high for low, high in intervals])


@pytest.mark.parametrize("n", [3, 5, 10, 30])
def test_students_interval_covers_95_per_cent_at_any_number_of_normal_runs(n):
    data = np.random.default_rng(1).normal(3.0, 2.0, (TRIALS, n))
    assert covered([mean_interval(x).interval for x in data], 3.0) == pytest.approx(0.95, abs=FOUR_ERRORS)


def test_the_bca_interval_covers_nearly_95_per_cent_of_skewed_data():
    data = np.random.default_rng(2).exponential(1.0, (60, 30))
    assert covered([mean_interval(x, method="bca").interval for x in data], 1.0) > 0.85


def test_wilsons_interval_covers_95_per_cent_on_average_over_shares():
    random = np.random.default_rng(3)
    shares = random.uniform(0, 1, TRIALS)
    hits = [
        low <= p <= high
        for p, (low, high) in zip(shares, (wilson_interval(k, 30) for k in random.binomial(30, shares)), strict=True)
    ]
    assert np.mean(hits) == pytest.approx(0.95, abs=FOUR_ERRORS)


def test_the_paired_interval_covers_95_per_cent_of_correlated_pairs():
    random = np.random.default_rng(4)
    common = random.normal(0, 3, (TRIALS, 10))
    x, y = common + random.normal(1, 1, common.shape), common + random.normal(0, 1, common.shape)
    found = [paired_difference(a, b) for a, b in zip(x, y, strict=True)]
    assert covered([one.interval for one in found], 1.0) == pytest.approx(0.95, abs=FOUR_ERRORS)
    assert np.mean([one.correlation for one in found]) == pytest.approx(0.9, abs=0.03)


def test_welchs_interval_covers_95_per_cent_where_variances_differ():
    random = np.random.default_rng(5)
    x, y = random.normal(0, 1, (TRIALS, 8)), random.normal(0, 4, (TRIALS, 15))
    found = [welch_difference(a, b).interval for a, b in zip(x, y, strict=True)]
    assert covered(found, 0.0) == pytest.approx(0.95, abs=FOUR_ERRORS)


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.5])
@pytest.mark.parametrize("shared", [0.0, 0.8])
def test_the_interval_of_the_probability_of_improvement_covers_nearly_95_per_cent(shift, shared):
    random = np.random.default_rng(6)
    common = random.normal(0, np.sqrt(shared), (500, 30))
    own = np.sqrt(1 - shared)
    x, y = shift + common + random.normal(0, own, (500, 30)), common + random.normal(0, own, (500, 30))
    found = [probability_of_improvement(a, b, paired=True) for a, b in zip(x, y, strict=True)]
    truth = stats.norm.cdf(shift / np.sqrt(2))
    assert covered([one.interval for one in found], truth) > 0.92
    assert np.mean([one.probability for one in found]) == pytest.approx(truth, abs=0.02)


def test_a_difference_called_detectable_is_found_four_times_in_five():
    random = np.random.default_rng(7)
    detectable = np.mean(
        [paired_difference(random.normal(0, 1, 20), np.zeros(20) + 0.0).detectable for _ in range(300)]
    )
    found = [paired_difference(random.normal(detectable, 1, 20), np.zeros(20)).p_value < 0.05 for _ in range(TRIALS)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.05)
