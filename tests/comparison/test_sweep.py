"""Sweeps: every setting is what it is alone, the choice is said to be biased, and fresh seeds judge it."""

import csv
import dataclasses
import io
import json

import numpy as np
import pytest

import qlearn as ql
from qlearn.comparison.search import search
from qlearn.comparison.settings import grid_of, path_of, paths_of, with_settings
from qlearn.comparison.sweep_toml import from_toml, read_settings, words_of
from qlearn.comparison.sweep_words import rivals
from qlearn.errors import InputError
from qlearn.reports.report import page_of
from qlearn.reports.sensitivity import interaction, sensitivity
from qlearn.statistics import mean_interval

RATES = [0.8, 0.1, 0.02]
METHODS = {"Q": ql.QLearning(), "S": ql.Sarsa()}


@pytest.fixture(scope="module")
def swept():
    return ql.sweep(
        METHODS, "NChain-v0", {"learning_rate": RATES, "epsilon": [0.5, 0.1]}, episodes=20, seeds=12, confirm=6
    )


def test_every_setting_scores_what_it_would_in_a_comparison(swept):
    agents = [ql.QLearning(learning_rate=0.1, exploration=ql.EpsilonGreedy(0.1)), ql.Sarsa(learning_rate=0.8)]
    point = next(p for p in swept.points if p.method == "Q" and p.values == {"learning_rate": 0.1, "epsilon": 0.1})
    alone = ql.compare(agents, "NChain-v0", episodes=20, seeds=12, snapshots=0).agents[0]
    assert point.scores.tolist() == alone.exact_return
    assert point.mean == alone.exact
    assert point.share_optimal == alone.share_optimal
    assert len(swept.points) == 12


def test_the_best_is_the_highest_mean_and_runs_again_on_seeds_that_did_not_choose_it(swept):
    for method, best in zip(METHODS, swept.bests, strict=True):
        assert best.score == max(point.scores.mean() for point in swept.points if point.method == method)
    held = swept.confirmation
    assert held.seeds.tolist() == list(range(12, 18))
    assert [row.runs.agent for row in held.agents] == [best.agent for best in swept.bests]
    assert swept.best.score == max(best.score for best in swept.bests)


def test_the_verdict_says_that_the_choice_is_biased_and_what_fresh_seeds_say(swept):
    for words in ("chosen by this number, it is biased upwards", "On 6 fresh seeds", "the number to report"):
        assert swept.verdict.count(words) == 2
    assert "Tuned with 6 settings each" in swept.verdict
    edge = ql.sweep(ql.QLearning(), "NChain-v0", {"learning_rate": [0.5, 0.8, 1.0]}, episodes=2, seeds=4, confirm=0)
    assert "Mind the edge" in edge.verdict or edge.best.values["learning_rate"] == 0.8
    assert "no unbiased number is known" in edge.verdict


def test_settings_that_score_the_same_are_rivals(swept):
    best = swept.bests[0]
    near = rivals(swept, best)
    assert all(point.method == best.method and point is not best for point in near)
    same = [p for p in swept.points if p.method == "Q" and p is not best and np.array_equal(p.scores, best.scores)]
    assert all(point in near for point in same)


def test_curves_hold_each_setting_once(swept):
    curves = swept.curves("learning_rate")
    assert [len(curve.points) for curve in curves] == [3] * 4
    assert {id(point) for curve in curves for point in curve.points} == {id(point) for point in swept.points}
    assert curves[0].name == "Q, epsilon 0.5"
    assert [point.values["learning_rate"] for point in curves[0].points] == RATES


def test_figures_show_the_numbers(swept):
    left, right = sensitivity(swept, "learning_rate").axes
    drawn = {tuple(line.get_ydata()) for line in left.lines}
    for curve in swept.curves("learning_rate"):
        rising = sorted(curve.points, key=lambda point: point.values["learning_rate"])
        assert tuple(point.mean.mean for point in rising) in drawn
    assert left.get_xscale() == "log"
    assert right.get_ylim() == (-0.03, 1.03)
    cells = interaction(swept, "learning_rate", "epsilon", "S").axes[0].images[0].get_array()
    found = {(p.values["epsilon"], p.values["learning_rate"]): p.scores.mean() for p in swept.points if p.method == "S"}
    expected = [[found[epsilon, rate] for rate in sorted(RATES)] for epsilon in (0.1, 0.5)]
    np.testing.assert_allclose(cells, expected)
    with pytest.raises(InputError, match="does not vary"):
        sensitivity(swept, "discount")


def test_data_hold_a_line_for_each_setting_and_seed(swept):
    rows = list(csv.DictReader(io.StringIO(swept.to_csv())))
    assert len(rows) == 12 * 12
    mine = [float(r["score"]) for r in rows if (r["method"], r["learning_rate"], r["epsilon"]) == ("Q", "0.02", "0.5")]
    assert mean_interval(np.array(mine)).mean == swept.points[4].mean.mean
    told = json.loads(json.dumps(swept.to_json(), allow_nan=False))
    assert told["points"][0]["values"] == {"learning_rate": 0.8, "epsilon": 0.5}
    assert told["confirmation"]["seeds"] == list(range(12, 18))


def test_the_page_of_a_sweep_has_its_curves_maps_and_fresh_seeds(swept):
    text = page_of(swept)
    for words in (
        "Sensitivity",
        "Settings together",
        "On fresh seeds",
        "where it was chosen (biased)",
        "Each against each",
    ):
        assert words in text
    assert page_of(swept) == text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"learning_rat": [0.1]}, "no setting 'learning_rat', did you mean 'learning_rate'"),
        ({"learning_rate": [0.1, -1.0]}, "out of range"),
        ({"learning_rate": [0.1, 0.1]}, "twice"),
        ({"learning_rate": []}, "no values"),
        ({}, "nothing to vary"),
        ([{"learning_rate": [0.1]}] * 3, "one for each agent"),
        ([{"learning_rate": [0.1]}, {"learning_rate": [0.1, 0.2]}], "Unequal budgets for tuning: Q 1, S 2"),
    ],
)
def test_what_cannot_be_is_refused_before_training(settings, words):
    with pytest.raises(InputError, match=words):
        ql.sweep(METHODS, "NChain-v0", settings, episodes=2, seeds=2)


def test_parts_are_reached_by_their_paths():
    agent = ql.QLearning(exploration=ql.EpsilonGreedy(ql.exponential(0.5, decay=0.9)))
    changed = with_settings(agent, {"decay": 0.5, "exploration.epsilon.start": 0.2, "discount": 0.7})
    assert changed.exploration.epsilon.decay == 0.5
    assert changed.exploration.epsilon.start == 0.2
    assert changed.discount == 0.7
    assert "exploration.epsilon.decay" in paths_of(agent)
    part = dataclasses.make_dataclass("Part", [("start", float, 0.0)], frozen=True)
    two = dataclasses.make_dataclass("Two", [("one", part, part()), ("other", part, part())])
    with pytest.raises(InputError, match="several settings 'start'"):
        path_of(two(), "start")


def test_texts_say_what_varies_and_back():
    words = ["learning_rate=0.001..0.8/5/log", "n=1,2,4", "exploration=greedy"]
    found = read_settings(words)
    assert found == {
        "learning_rate": ql.Range(0.001, 0.8, count=5, log=True),
        "n": [1, 2, 4],
        "exploration": ["greedy"],
    }
    assert words_of(found) == words
    assert len(grid_of({"learning_rate": found["learning_rate"], "n": found["n"]})) == 15
    for wrong in ("learning_rate", "=1", "a=", "a=x..1"):
        with pytest.raises(InputError):
            read_settings([wrong])


def test_a_specification_says_what_varies_for_all_and_for_one():
    text = """
        environments = ["NChain-v0"]
        episodes = 5
        [agents]
        a = "sarsa"
        b = "q-learning"
        [sweep]
        confirm = 3
        [sweep.settings]
        learning_rate = {low = 0.1, high = 0.4, count = 2}
        [sweep.agents.b]
        discount = [0.9]
    """
    asked = from_toml(text)
    assert asked.settings == (
        {"learning_rate": ql.Range(0.1, 0.4, count=2)},
        {"learning_rate": ql.Range(0.1, 0.4, count=2), "discount": [0.9]},
    )
    assert (asked.confirm, asked.specification.episodes) == (3, 5)
    for old, new, words in (
        ("confirm", "confrim", "did you mean 'confirm'"),
        ("[sweep.agents.b]", "[sweep.agents.c]", "names 'c'"),
        ("count = 2", "cuont = 2", "no key 'cuont'"),
        ("[agents]", "episods = 5\n[agents]", "did you mean 'episodes'"),
    ):
        with pytest.raises(InputError, match=words):
            from_toml(text.replace(old, new))


def test_a_store_keeps_what_a_sweep_computed(tmp_path):
    asked = {"episodes": 3, "seeds": 3, "confirm": 2, "store": tmp_path / "kept"}
    first = ql.sweep(ql.QLearning(), "NChain-v0", {"learning_rate": [0.5, 0.1]}, **asked)
    again = ql.sweep(ql.QLearning(), "NChain-v0", {"learning_rate": [0.5, 0.1]}, **asked)
    without = ql.sweep(ql.QLearning(), "NChain-v0", {"learning_rate": [0.5, 0.1]}, **{**asked, "store": None})
    for one in (again, without):
        assert [point.scores.tolist() for point in one.points] == [point.scores.tolist() for point in first.points]
    from qlearn.store import Store

    with Store(tmp_path / "kept") as kept:
        assert len(kept) == 2 * 3 + 2


def test_optuna_searches_gives_up_early_and_goes_on_where_it_was(tmp_path):
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    space = {"learning_rate": ql.Range(0.001, 1.0, log=True), "epsilon": [0.1, 0.5]}
    asked = {"episodes": 15, "seeds": 16, "confirm": 4}
    begun = search(ql.QLearning(), "NChain-v0", space, trials=3, storage=storage, **asked)
    found = search(ql.QLearning(), "NChain-v0", space, trials=6, storage=storage, **asked)
    assert len(found.points) == 6
    for old, new in zip(begun.points, found.points, strict=False):
        np.testing.assert_array_equal(old.scores, new.scores)
    whole = [point for point in found.points if point.mean is not None]
    assert all(np.isnan(point.scores[8:]).all() for point in found.points if point.mean is None)
    assert found.best.score == max(point.score for point in whole)
    assert found.confirmation.seeds.tolist() == [16, 17, 18, 19]
    grid = ql.sweep(found.best.agent, "NChain-v0", {"discount": [0.95]}, episodes=15, seeds=16, confirm=0)
    np.testing.assert_array_equal(grid.points[0].scores, found.best.scores)
    assert "TPESampler" in page_of(found)
    marks = sensitivity(found, "learning_rate").axes[0].lines[0]
    assert len(marks.get_xdata()) == len(whole)
    assert marks.get_linestyle() == "None"
