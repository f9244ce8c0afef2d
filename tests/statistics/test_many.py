"""Statements about many runs, tasks and differences: by hand, against SciPy, and as often wrong as they say."""

import itertools

import numpy as np
import pytest
from scipy import stats

from qlearn.statistics import (
    Pilot,
    aggregate_interval,
    compare_in_batches,
    detectable_difference,
    equivalence,
    improvement_across,
    interquartile_mean,
    performance_profile,
    permutation_test,
    pilot,
    power_of,
    probability_of_improvement,
    runs_needed,
    step_down,
    welch_difference,
)


def errors(share, trials, many=3.5):
    """So many standard errors of a share of simulated trials."""
    return many * np.sqrt(share * (1 - share) / trials)


def test_the_interquartile_mean_is_scipys():
    for n in (1, 3, 4, 7, 30):
        x = np.random.default_rng(n).normal(size=n)
        assert interquartile_mean(x) == pytest.approx(stats.trim_mean(x, 0.25))


@pytest.mark.parametrize(("kind", "n", "least"), [("normal", 5, 0.90), ("normal", 10, 0.92), ("camps", 10, 0.90)])
def test_the_stratified_bootstrap_covers_nearly_95_per_cent(kind, n, least):
    random = np.random.default_rng(1)

    def draw(size):
        noise = random.normal(size=(10, size)) * 0.2
        return np.linspace(0, 1, 10)[:, None] + noise + (random.random((10, size)) < 0.3) * (0.8 * (kind == "camps"))

    truth = interquartile_mean(draw(200_000).ravel())
    found = [aggregate_interval(draw(n), resamples=300, seed=i).interval for i in range(400)]
    assert least < np.mean([low <= truth <= high for low, high in found]) < 0.985


def test_resampling_keeps_to_tasks_and_to_its_seed():
    tasks = [np.full(10, 0.0), np.full(10, 1.0)]
    assert aggregate_interval(tasks).interval == (0.5, 0.5)
    random = np.random.default_rng(0)
    tasks = random.normal(size=(3, 8))
    assert aggregate_interval(tasks) == aggregate_interval(tasks)
    assert aggregate_interval(tasks).interval != aggregate_interval(tasks, seed=1).interval
    assert aggregate_interval([[1.0], [2.0, 3.0]]).interval is None


@pytest.mark.parametrize("n", [10, 30])
def test_the_profiles_band_covers_95_per_cent(n):
    random, shares = np.random.default_rng(2), np.linspace(0.1, 0.9, 5)
    runs = random.random((2000, 5, n)) < shares[:, None]
    found = [performance_profile(trial.astype(float), [0.5]) for trial in runs]
    covered = np.mean([one.low[0] <= 0.5 <= one.high[0] for one in found])
    assert covered == pytest.approx(0.95, abs=errors(0.95, 2000) + 0.01)


def test_a_profile_counts_tasks_alike_and_keeps_its_width_at_the_ends():
    found = performance_profile([[0.0] * 10, [1.0] * 40], [-1.0, 0.0, 0.5, 1.0])
    assert found.share.tolist() == [1.0, 0.5, 0.5, 0.0]
    assert found.low[0] < 0.95
    assert found.high[-1] > 0.05


def test_improvement_over_tasks_is_the_mean_and_covers_95_per_cent():
    random = np.random.default_rng(3)
    tasks = random.normal(size=(4, 2, 12))
    by_task = [probability_of_improvement(*task).probability for task in tasks]
    assert improvement_across(list(tasks)).probability == pytest.approx(np.mean(by_task))
    truth = stats.norm.cdf(0.5 / np.sqrt(2))
    data = random.normal(size=(600, 5, 2, 10)) + np.array([0.5, 0.0])[:, None]
    found = [improvement_across(list(trial)).interval for trial in data]
    covered = np.mean([low <= truth <= high for low, high in found])
    assert covered == pytest.approx(0.95, abs=errors(0.95, 600) + 0.01)


def test_a_permutation_tests_p_value_is_a_count_of_deals():
    x, y = np.array([3.0, 1.0, 4.0]), np.array([1.5, 9.0, 2.6])
    both = np.concatenate([x, y])

    def distance(one):
        rest = [i for i in range(6) if i not in one]
        return abs(stats.ttest_ind(both[list(one)], both[rest], equal_var=False).statistic)

    seen = distance((0, 1, 2))
    deals = [distance(one) for one in itertools.combinations(range(6), 3)]
    assert permutation_test(x, y) == pytest.approx(np.mean(np.array(deals) >= seen - 1e-12))
    assert permutation_test(np.arange(6.0) + 1, np.arange(6.0) * 0.5, paired=True) == pytest.approx(2 / 2**6)
    assert permutation_test([1.0, 1.0], [1.0, 1.0]) == 1.0
    assert permutation_test([5.0] * 6, [1.0] * 6) == pytest.approx(2 / 924)


@pytest.mark.parametrize("paired", [True, False])
def test_a_permutation_test_is_wrong_in_5_per_cent_of_skewed_data(paired):
    random = np.random.default_rng(4)
    data = random.exponential(size=(400, 2, 8)) + random.normal(size=(400, 1, 8)) * paired
    found = [permutation_test(x, y, paired=paired, resamples=199, seed=i) for i, (x, y) in enumerate(data)]
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=errors(0.05, 400))


@pytest.mark.parametrize("kind", ["normal", "skewed", "unequal"])
@pytest.mark.parametrize(("paired", "n"), [(True, 8), (True, 30), (False, 10), (False, 30)])
def test_step_down_makes_any_false_claim_in_5_per_cent_of_families(paired, n, kind):
    random = np.random.default_rng(n)
    wrong = 0
    for i in range(500):
        noise = random.exponential(size=(2, 4, n)) - 1 if kind == "skewed" else random.normal(size=(2, 4, n))
        noise *= np.array([1.0, 2.0, 3.0, 1.0])[:, None] if kind == "unequal" else 1.0
        noise += random.normal(size=(2, 1, n)) * paired
        wrong += min(p.min() for p in step_down(list(noise), paired=paired, resamples=299, seed=i)) <= 0.05
    assert 0.015 < wrong / 500 < 0.05 + errors(0.05, 500), wrong / 500


def test_step_down_finds_more_than_correcting_once_and_is_strong_where_some_differ():
    random, wrong, found, strict = np.random.default_rng(5), 0, 0, 0
    for i in range(400):
        x = random.normal(size=(4, 15)) + random.normal(size=15)
        x[3] += 1.2  # the other three are equal
        [p] = step_down([list(x)], paired=True, resamples=499, seed=i)
        equal, clear = [0, 1, 3], [2, 4, 5]  # (0,1) (0,2) (0,3) (1,2) (1,3) (2,3)
        wrong += p[equal].min() <= 0.05
        found += (p[clear] <= 0.05).sum()
        single = [stats.ttest_rel(x[a], x[b]).pvalue for a, b in ((0, 3), (1, 3), (2, 3))]
        strict += (6 * np.array(single) <= 0.05).sum()
    assert wrong / 400 < 0.05 + errors(0.05, 400)
    assert found > 1.05 * strict


def test_step_down_of_one_pair_is_the_sign_flip_test():
    x, y = np.random.default_rng(6).normal(size=(2, 9))
    [p] = step_down([[x + 0.8, y]], paired=True, resamples=20_000)
    assert p[0] == pytest.approx(permutation_test(x + 0.8, y, paired=True), abs=0.01)
    assert [len(p) for p in step_down([[x], [x, y, x + y]])] == [0, 3]
    with pytest.raises(ValueError, match="one run"):
        step_down([[[1.0], [2.0]]])


def sequential(values, **options):
    """Make batches until all is decided."""
    batch = options["batch"]
    have = [batch] * len(values)
    while True:
        found = compare_in_batches([x[:n] for x, n in zip(values, have, strict=True)], **options)
        if found.finished:
            return found
        have = [n + batch * (i in found.wanted) for i, n in enumerate(have)]


@pytest.mark.parametrize(("paired", "methods"), [(False, 2), (False, 4), (True, 4)])
def test_batches_make_any_false_decision_in_5_per_cent_of_comparisons(paired, methods):
    random, wrong = np.random.default_rng(7), 0
    for i in range(300):
        x = random.exponential(size=(methods, 20)) + random.normal(size=20) * paired
        found = sequential(x, batch=5, interims=4, permutations=500, paired=paired, seed=i)
        assert found.runs == (20,) * methods or "open" not in found.decisions.values()
        wrong += any(decision != "not told apart" for decision in found.decisions.values())
    assert wrong / 300 < 0.05 + errors(0.05, 300)


def test_batches_stop_when_they_know_and_tell_who_is_larger():
    random = np.random.default_rng(8)
    runs, right = [], 0
    for i in range(100):
        x = random.normal(size=(3, 30)) + np.array([[0.0], [0.0], [2.0]])
        found = sequential(x, batch=5, interims=6, permutations=1000, seed=i)
        runs.append(found.runs)
        right += found.decisions[0, 2] == found.decisions[1, 2] == "smaller"
        assert found.interim == 6 or found.decisions[0, 1] != "not told apart"
    assert right >= 97
    assert np.mean([r[2] for r in runs]) < 12  # decided early, and no run more
    assert np.mean([r[0] for r in runs]) > 25  # the equal ones have to go on


def test_a_boundary_is_a_share_of_all_permutations():
    x = np.random.default_rng(9).normal(size=(2, 4))
    few = compare_in_batches([x[0], x[1] + 9], batch=4, interims=1)  # 2 of 70 deals are as far: p = 0.029
    assert few.decisions == {(0, 1): "smaller"}
    assert compare_in_batches([x[0], x[1] + 9], batch=4, interims=2).decisions == {(0, 1): "open"}  # 0.025 < 0.029
    assert compare_in_batches([x[0] + 9, x[1]], batch=4, interims=1, paired=True).finished


def test_batches_at_hand_must_be_whole_and_all_that_were_wanted():
    with pytest.raises(ValueError, match="whole batches of 5"):
        compare_in_batches([[1.0] * 4, [1.0] * 5])
    with pytest.raises(ValueError, match="Method 1 has 5 runs where 10 are wanted"):
        compare_in_batches([np.arange(10.0), np.arange(5.0)])
    with pytest.raises(ValueError, match="at least two"):
        compare_in_batches([[1.0] * 5])


@pytest.mark.parametrize("paired", [True, False])
def test_equivalence_is_claimed_wrongly_in_5_per_cent_at_the_margin(paired):
    random = np.random.default_rng(10)
    data = random.normal(size=(1500, 2, 30))
    data[:, 0] += 1.0
    found = [equivalence(x, y, 1.0, paired=paired) for x, y in data]
    assert np.mean([one.equivalent for one in found]) == pytest.approx(0.05, abs=errors(0.05, 1500))
    for one in found[:50]:
        assert one.equivalent == (one.interval.low > -1 and one.interval.high < 1)


def test_equivalence_needs_a_margin():
    with pytest.raises(ValueError, match="margin"):
        equivalence([1.0, 2.0], [1.0, 2.0], 0.0)
    assert equivalence([1.0], [1.0], 1.0).equivalent is False
    assert equivalence([1.0] * 5, [1.5] * 5, 1.0).equivalent is True


def test_power_is_what_simulated_tests_have():
    random = np.random.default_rng(11)
    x = random.normal(0.7, 1.0, (4000, 12))
    measured = np.mean(stats.ttest_1samp(x, 0.0, axis=1).pvalue < 0.05)
    assert power_of(0.7, 1.0, 12) == pytest.approx(measured, abs=errors(measured, 4000))
    first, second = random.normal(1.0, 1.0, (4000, 14)), random.normal(0.0, 2.0, (4000, 14))
    found = Pilot(np.sqrt(5), 25 / 17, 9.0, False)
    measured = np.mean(stats.ttest_ind(first, second, axis=1, equal_var=False).pvalue < 0.05)
    assert power_of(1.0, found.sd, 14, freedom=found.freedom) == pytest.approx(
        measured, abs=errors(measured, 4000) + 0.01
    )


def test_runs_needed_and_detectable_difference_are_each_others_inverse():
    random = np.random.default_rng(12)
    for paired in (True, False):
        found = pilot(*random.normal(size=(2, 10)), paired=paired)
        needed = runs_needed(found, 0.5, level=0.01)
        assert detectable_difference(found, needed, level=0.01) <= 0.5
        assert detectable_difference(found, needed - 1, level=0.01) > 0.5
        assert runs_needed(found, 0.5, assurance=0.8) > runs_needed(found, 0.5)
    with pytest.raises(ValueError, match="not 0"):
        runs_needed(found, 0.0)


def test_a_pilots_upper_bound_is_above_the_true_spread_in_four_of_five():
    random = np.random.default_rng(13)
    data = random.normal(size=(3000, 2, 6))
    above = [pilot(x, y, paired=True).upper_sd(0.8) >= np.sqrt(2) for x, y in data]
    assert np.mean(above) == pytest.approx(0.8, abs=errors(0.8, 3000))


def test_runs_that_do_not_vary_are_judged_by_their_deals():
    found = welch_difference([5.0] * 6, [1.0] * 6)
    assert (found.difference, found.p_value) == (4.0, 2 / 924)
    assert welch_difference([1.0] * 3, [1.0] * 4).p_value == 1.0
