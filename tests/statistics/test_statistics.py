"""Statistics against hand-made numbers and SciPy's own."""

import numpy as np
import pytest
from scipy import stats

from qlearn.statistics import (
    cautions,
    holm,
    mean_interval,
    paired_difference,
    probability_of_improvement,
    quartiles,
    two_humped,
    welch_difference,
    wilson_interval,
)


def test_the_mean_of_one_run_has_no_interval():
    found = mean_interval([7.0])
    assert (found.mean, found.interval, found.sd, found.standard_error) == (7.0, None, None, None)


def test_equal_runs_have_an_interval_without_width():
    assert mean_interval([0.1] * 7).interval == (0.1, 0.1)
    assert mean_interval([0.1] * 7, method="bca").interval == (0.1, 0.1)


def test_students_interval_is_scipys():
    x = [1.0, 4.0, 2.0, 8.0]
    theirs = stats.ttest_1samp(x, 0.0).confidence_interval(0.9)
    assert mean_interval(x, level=0.9).interval == pytest.approx(tuple(theirs))


@pytest.mark.parametrize("values", [[], [[1.0]], [1.0, np.nan], [np.inf]])
def test_runs_that_are_no_numbers_are_refused(values):
    with pytest.raises(ValueError, match=r"shape|must count"):
        mean_interval(values)


def test_quartiles_are_interpolated():
    assert quartiles([0, 1, 2, 3]) == (0.75, 1.5, 2.25)


def test_wilsons_interval_is_scipys_and_keeps_its_width_at_the_ends():
    for k in (0, 1, 15, 30):
        theirs = stats.binomtest(k, 30).proportion_ci(method="wilson")
        assert wilson_interval(k, 30) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert wilson_interval(30, 30).high == 1.0
    with pytest.raises(ValueError, match="expected 0 to n"):
        wilson_interval(3, 2)


def test_probability_of_improvement_counts_ties_as_one_half():
    assert probability_of_improvement([1.0] * 5, [1.0] * 5).probability == 0.5
    assert probability_of_improvement([1.0, 1.0 + 1e-13], [1.0, 1.0]).probability == 0.5
    x, y = np.random.default_rng(0).integers(0, 4, (2, 40)).astype(float)
    by_hand = np.mean((x[:, None] > y) + 0.5 * (x[:, None] == y))
    assert probability_of_improvement(x, y).probability == pytest.approx(by_hand)


def test_beating_and_being_beaten_add_up_to_one():
    x, y = np.random.default_rng(1).normal(size=(2, 25))
    one, other = probability_of_improvement(x, y, paired=True), probability_of_improvement(y, x, paired=True)
    assert one.probability + other.probability == pytest.approx(1)
    assert one.interval.low == pytest.approx(1 - other.interval.high)


def test_always_winning_is_not_certainty():
    found = probability_of_improvement(np.arange(10) + 100.0, np.arange(10.0))
    assert found.probability == 1.0
    assert found.interval.low == pytest.approx(wilson_interval(10, 10).low)
    assert probability_of_improvement([1.0], [0.0]).interval is None


def test_the_paired_test_is_scipys():
    x, y = np.random.default_rng(2).normal(size=(2, 12))
    assert paired_difference(x, y).p_value == pytest.approx(stats.ttest_rel(x, y).pvalue)
    assert welch_difference(x, y[:7]).p_value == pytest.approx(stats.ttest_ind(x, y[:7], equal_var=False).pvalue)


def test_common_noise_narrows_the_paired_interval():
    random = np.random.default_rng(3)
    noise = random.normal(0, 10, 30)
    x, y = noise + random.normal(1, 1, 30), noise + random.normal(0, 1, 30)
    paired, free = paired_difference(x, y), welch_difference(x, y)
    assert paired.difference == pytest.approx(free.difference)
    assert np.ptp(paired.interval) < np.ptp(free.interval) / 3
    assert paired.correlation > 0.95


def test_equal_differences_are_judged_by_flipping_signs():
    assert paired_difference(np.arange(8.0) + 2, np.arange(8.0)).p_value == 2 / 2**8
    same = paired_difference(np.arange(8.0), np.arange(8.0))
    assert (same.difference, same.p_value, same.interval) == (0.0, 1.0, (0.0, 0.0))
    one = paired_difference([2.0], [1.0])
    assert (one.difference, one.interval, one.p_value) == (1.0, None, None)


def test_pairs_need_equal_numbers():
    with pytest.raises(ValueError, match="same seeds"):
        paired_difference([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="equal numbers"):
        probability_of_improvement([1.0, 2.0], [1.0], paired=True)


def test_a_stricter_test_detects_only_larger_differences():
    x, y = np.random.default_rng(4).normal(size=(2, 20))
    assert paired_difference(x, y, test_level=0.01).detectable > paired_difference(x, y).detectable


def test_holm_corrects_step_by_step_and_keeps_the_order():
    assert holm([0.02, 0.01, 0.9, 0.03]).tolist() == pytest.approx([0.06, 0.04, 0.9, 0.06])
    assert holm([]).tolist() == []


def test_two_camps_are_flagged_and_outliers_normal_and_skewed_runs_are_not():
    random = np.random.default_rng(5)
    camps = np.concatenate([random.normal(0, 1, 30), random.normal(12, 1, 20)])
    assert two_humped(camps)
    assert not two_humped(np.append(random.normal(0, 1, 50), 1000.0))
    assert not two_humped([1.0] * 20)
    assert not two_humped([0.0, 0.0, 1.0, 1.0])
    assert np.mean([two_humped(x) for x in random.normal(0, 1, (300, 30))]) < 0.01
    assert np.mean([two_humped(x) for x in random.exponential(1, (300, 30))]) < 0.03


@pytest.mark.parametrize(("runs", "words"), [(1, "nothing can be said"), (3, "significant"), (9, "fewer than ten")])
def test_few_runs_come_with_a_warning(runs, words):
    assert words in cautions(runs)[0]
    assert cautions(10) == ()
