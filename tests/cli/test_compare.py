"""`qlearn compare`."""

import shlex

import pytest

SHORT = ["--episodes", "30", "--seeds", "6"]


def test_without_agents_the_tutorials_three_are_compared(qlearn):
    found = qlearn("compare", "NChain-v0", *SHORT, "--json").json
    assert [agent["name"] for agent in found["agents"]] == ["reward sum", "greedy Q-learning", "ε-greedy Q-learning"]
    assert found["optimum"] == pytest.approx(3663.6928, abs=1e-4)
    assert sum(agent["wins"] for agent in found["agents"]) == 6
    for agent in found["agents"]:
        assert len(agent["exact_return"]) == len(agent["online_return"]) == 6
        assert 0 <= agent["share_optimal"] <= 1


def test_agents_come_in_the_order_given_and_seeds_start_where_told(qlearn):
    words = ["compare", "NChain-v0", "sarsa", "q-learning(learning_rate=0.5)", *SHORT]
    found = qlearn(*words, "--seed", "7", "--json").json
    assert found["seeds"] == list(range(7, 13))
    assert found["agents"][1]["agent"] == "q-learning(learning_rate=0.5)"
    other = qlearn(*words, "--json").json
    assert other["seeds"] == list(range(6))
    assert other["agents"][0]["online_return"] != found["agents"][0]["online_return"]


def test_the_command_that_it_prints_gives_the_same(qlearn):
    words = ["compare", "NChain-v0(n=4)", "sarsa", "--horizon", "100", "--seed", "2"]
    first = qlearn(*words, *SHORT, "--json").json
    again = qlearn(*shlex.split(first["command"])[1:], "--json").json
    assert first["agents"] == again["agents"]


def test_people_get_a_table_a_verdict_and_the_seeds(qlearn):
    done = qlearn("compare", "NChain-v0", *SHORT)
    assert done.code == 0
    assert "3663.7" in done.out or "3,663.7" in done.out
    assert "6 seeds (0 to 5)" in done.out
    assert "To reproduce: qlearn compare NChain-v0 --episodes 30 --seeds 6 --seed 0" in done.out


def test_the_folder_gets_figures_and_numbers(qlearn, tmp_path):
    done = qlearn("compare", "NChain-v0", "sarsa", *SHORT, "--out", "results")
    assert done.code == 0, done.err
    names = {path.suffix for path in (tmp_path / "results").rglob("*")}
    assert {".png", ".svg", ".json"} <= names
    assert "results" in done.out
