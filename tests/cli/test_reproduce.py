"""`qlearn reproduce` and `qlearn check`: published results run again, and promises looked at."""

import importlib
import json

import pytest

from qlearn.published import PUBLISHED, Claim, exact, measured, reproduction, statement


def test_without_a_name_they_are_listed(qlearn):
    result = qlearn("reproduce")
    assert result.code == 0
    assert all(name in result.out for name in PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_line_of_the_list_is_a_program(name):
    assert reproduction(name).name == name
    assert importlib.import_module(f"qlearn.published.{PUBLISHED[name].module}").__doc__


def test_one_is_run_and_kept(qlearn, tmp_path):
    result = qlearn("reproduce", "sb-6.4", "--seeds", "60", "--out", str(tmp_path), "--json")
    told = json.loads(result.out)
    assert result.code == 0, result.err
    assert told["command"] == "qlearn reproduce sb-6.4 --seeds 60 --seed 0"
    assert {claim["verdict"] for claim in told["results"][0]["claims"]} == {"agrees"}
    assert {path.name for path in tmp_path.iterdir()} >= {"sb-6.4.png", "sb-6.4.svg", "sb-6.4.json", "reproduced.json"}
    kept = json.loads((tmp_path / "sb-6.4.json").read_text())
    assert len(kept["data"]["Sarsa"]) == 60


def test_what_is_exact_needs_no_seeds(qlearn):
    result = qlearn("reproduce", "sb-3.5", "--seeds", "2")
    assert result.code == 0, result.err
    assert "Nothing is random here" in result.out


def test_an_unknown_name_is_an_input_error(qlearn):
    result = qlearn("reproduce", "sb-6.44")
    assert result.code == 2
    assert "did you mean 'sb-6.4'" in result.err
    assert qlearn("reproduce", "sb-6.4", "--seeds", "1").code == 2
    assert "Name one" in qlearn("reproduce", "--seeds", "3").err


def test_a_mean_agrees_where_its_interval_widened_by_the_tolerance_holds_the_number():
    assert measured("m", 3.0, [2.9, 3.0, 3.2, 3.1], "s").agrees
    far = measured("m", 4.0, [2.9, 3.0, 3.2, 3.1], "s")
    assert (far.agrees, far.verdict) == (False, "differs")
    assert measured("m", 4.0, [2.9, 3.0, 3.2, 3.1], "s", tolerance=1.0).agrees
    assert measured("m", 4.0, [2.9, 3.0, 3.2, 3.1], "s", why="its own start").verdict == "explained"


def test_an_exact_number_agrees_within_the_rounding_of_its_source():
    assert exact("v", 3.3, 3.309, "s", tolerance=0.05).agrees
    assert not exact("v", 3.3, 3.36, "s", tolerance=0.05).agrees
    assert isinstance(statement("order", "a > b", "b > a", False, "s"), Claim)


def test_a_difference_without_a_reason_is_told_by_the_exit_code(qlearn, monkeypatch):
    import qlearn.published.cliff_walking as module

    monkeypatch.setitem(module._EXPECTED, "Sarsa", (-99.0, 3.8))
    result = qlearn("reproduce", "sb-6.4", "--seeds", "10")
    assert result.code == 1
    assert "1 differ without a known reason" in result.out


def test_promises_are_looked_at_from_the_shell(qlearn):
    result = qlearn("check", "NChain-v0", "--json")
    assert result.code == 0
    assert json.loads(result.out)["checked"][0]["broken"] == []
    faulty = qlearn("check", "faulty(no-terminal-mask, q-learning)")
    assert faulty.code == 1
    assert "Broken: termination ends." in faulty.out
    assert qlearn("check", "q-lerning").code == 2
