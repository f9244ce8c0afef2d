"""Scores: pairs, distance from the optimum, failures, and a verdict that claims no more than they hold."""

import json

import numpy as np
import pytest
from scipy import stats

from qlearn.comparison import Cell, Scores
from qlearn.errors import InputError


@pytest.fixture(scope="module")
def many():
    """Three agents on three tasks, 30 seeds with common noise; c is better than the others on "lake" by 1."""
    random = np.random.default_rng(3)
    cells = {}
    for task in ("maze", "cliff", "lake"):
        common = random.normal(0, 1, 30)
        for agent in ("a", "b", "c"):
            cells[agent, task] = common + random.normal(0, 0.3, 30) + (agent == "c" and task == "lake")
    ends = {"optimum": dict.fromkeys(["maze", "cliff", "lake"], 4.0), "control": {"maze": -4.0, "cliff": -4.0}}
    return Scores(cells, paired=True, margin=0.5, **ends)


def test_pairs_are_corrected_over_all_tasks_and_paired_by_seed(many):
    assert len(many.pairs) == 9
    found = next(p for p in many.pairs if (p.first, p.second, p.task) == ("b", "c", "lake"))
    x, y = many.cells["b", "lake"].values, many.cells["c", "lake"].values
    assert found.difference.p_value == pytest.approx(stats.ttest_rel(x, y).pvalue)
    assert found.significant
    assert found.p_value == pytest.approx(min(1, 9 * found.difference.p_value), rel=0.2)
    assert {(p.first, p.second, p.task) for p in many.pairs if p.significant} == {
        ("a", "c", "lake"),
        ("b", "c", "lake"),
    }


def test_at_least_holds_for_all_pairs_together(many):
    found = next(p for p in many.pairs if (p.first, p.second, p.task) == ("b", "c", "lake"))
    x, y = many.cells["b", "lake"].values, many.cells["c", "lake"].values
    theirs = stats.ttest_rel(x, y).confidence_interval(1 - 0.05 / 9)
    assert found.together == pytest.approx(tuple(theirs))
    assert found.at_least == pytest.approx(-theirs.high)
    assert found.at_least < -found.difference.interval.high
    assert all(p.at_least is None for p in many.pairs if not p.significant)


def test_seeds_pair_whatever_their_order_and_only_where_they_are_the_same():
    random = np.random.default_rng(0)
    noise, order = random.normal(0, 5, 20), random.permutation(20)
    first, second = noise + random.normal(0, 0.1, 20), noise + random.normal(0.5, 0.1, 20)
    mixed = Cell.of(second[order], order)
    found = Scores({("a", "t"): first, ("b", "t"): mixed}, paired=True).pairs[0]
    assert (found.difference.method, found.significant) == ("paired", True)
    assert found.difference.correlation > 0.99
    other = Scores({("a", "t"): first, ("b", "t"): Cell.of(second, np.arange(20) + 1)}, paired=True).pairs[0]
    assert (other.difference.method, other.significant) == ("welch", False)


def test_the_verdict_says_where_who_by_how_much_and_what_could_have_been_found(many):
    told = many.verdict
    assert "c is better than a on 1 of 3 tasks (lake by " in told
    assert "equal to it to within the margin on 2 (maze and cliff)" in told
    assert "over 2 tasks of the 3, those with a known optimum" in told
    assert Scores(dict(many.cells), paired=True).verdict.count("would have been found") >= 3
    json.dumps(many.to_json(), allow_nan=False)


def test_normalised_scores_go_from_the_control_at_0_to_the_optimum_at_1(many):
    normal = many.normalised
    assert normal.tasks == ("maze", "cliff")
    assert normal.cells["a", "maze"].values == pytest.approx((many.cells["a", "maze"].values + 4) / 8)
    means = many.across.interquartile_means
    pooled = np.concatenate([normal.cells["a", task].values for task in normal.tasks])
    assert means["a"].value == pytest.approx(stats.trim_mean(pooled, 0.25))
    profile = many.across.profiles([0.5])["a"]
    assert profile.share[0] == pytest.approx(np.mean(pooled > 0.5))


def test_raw_scores_of_several_tasks_have_no_common_mean(many):
    assert Scores(dict(many.cells)).across.interquartile_means is None
    assert "no optimum is known" in Scores(dict(many.cells)).verdict


def test_failed_runs_count_with_the_worst_score_and_are_told():
    found = Scores({("a", "t"): [1.0, np.nan, 3.0, np.inf] * 5, ("b", "t"): [0.5] * 19 + [0.4]})
    assert sorted(set(found.cells["a", "t"].values)) == [0.4, 1.0, 3.0]
    assert found.failures("a")[:2] == (10, 20)
    assert "Failed: a in 10 of 20 runs (50%; 29.9% to 70.1%)" in found.verdict
    assert "10 runs on t had no finite score and count as failed, with the worst score there, 0.4" in found.verdict


def test_with_three_runs_nothing_is_claimed_and_below_ten_a_warning_comes():
    few = Scores({("a", "t"): [1.0, 1.1, 1.2], ("b", "t"): [9.0, 9.1, 9.2]})
    assert not few.pairs[0].significant
    assert "With 3 runs each no difference is claimed" in few.verdict
    some = Scores({("a", "t"): [1.0, 1.1, 1.2, 1.3], ("b", "t"): [9.0, 9.1, 9.2, 9.3]})
    assert "fewer than ten" in some.verdict
    assert "b is better than a by 8" in some.verdict


def test_cells_may_be_missing_and_nothing_is_said_of_them(many):
    cells = {key: cell for key, cell in many.cells.items() if key != ("c", "maze")}
    found = Scores(cells, paired=True)
    assert len(found.pairs) == 7
    assert found.shared_tasks == ("cliff", "lake")
    assert "1 of 9 pairs of agent and task have no runs" in found.verdict


def test_scores_are_joined_over_tasks(many):
    parts = [
        Scores({key: cell for key, cell in many.cells.items() if key[1] == task}, paired=True, margin=0.5)
        for task in many.tasks
    ]
    assert [p.p_value for p in Scores.joined(parts).pairs] == [p.p_value for p in many.pairs]
    with pytest.raises(InputError, match="a on maze is in two"):
        Scores.joined([parts[0], parts[0]])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"cells": {}}, "no scores"),
        ({"cells": {("a", "t"): [[1.0]]}}, "one number for each run"),
        ({"cells": {("a", "t"): [np.nan]}}, "no run|No run"),
        ({"cells": {("a", "t"): [1.0]}, "optimum": {"u": 1.0}}, "which is no task"),
        ({"cells": {("a", "t"): [1.0]}, "optimum": {"t": np.nan}}, "finite number"),
        ({"cells": {("a", "t"): [1.0]}, "margin": 0.0}, "margin"),
    ],
)
def test_scores_that_are_none_are_refused_by_name(wrong, words):
    with pytest.raises(InputError, match=words):
        Scores(**wrong)
    with pytest.raises(InputError, match="Seed 3 is there twice"):
        Cell.of([1.0, 2.0, 3.0], [1, 3, 3])


def test_the_tutorials_comparison_is_told_as_it_is(tutorial):
    told = tutorial.verdict
    assert "No difference was found between reward sum and greedy Q-learning" in told
    assert told.count("ε-greedy Q-learning is better than") == 2
    best = tutorial.agents[2]
    assert best.regret_percent == pytest.approx(39.2, abs=4)
    assert best.share_optimal == pytest.approx(0.129, abs=0.08)
    assert "ε-greedy Q-learning has the highest mean and loses" in told
    assert "The others: greedy Q-learning loses 5" in told.replace("reward sum loses 5", "greedy Q-learning loses 5")
    assert tutorial.scores.pairs == tuple(type(pair)(**{**vars(pair), "task": "NChain-v0"}) for pair in tutorial.pairs)
