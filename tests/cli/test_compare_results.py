"""`qlearn compare --results`: results from elsewhere, in words and as data."""

import json

import pytest


@pytest.fixture
def theirs(tmp_path):
    rows = [f"{algo},{seed},{seed + 50 * (algo == 'ppo')}" for algo in ("dqn", "ppo") for seed in range(12)]
    file = tmp_path / "theirs.csv"
    file.write_text("\n".join(["algo,seed,return", *rows]) + "\n")
    return str(file)


def test_results_from_elsewhere_get_a_verdict(qlearn, theirs, tmp_path):
    words = ["compare", "--results", theirs, "--agent-column", "algo", "--score-column", "return"]
    told = qlearn(*words)
    assert told.code == 0
    assert "ppo is better than dqn by 50" in " ".join(told.out.split())
    found = json.loads(qlearn(*words, "--json", "--out", str(tmp_path / "out")).out)
    assert found["differences"][0]["difference"] == -50
    assert (tmp_path / "out" / "scores.csv").read_text().count("\n") == 25
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == found


def test_what_does_not_go_together_is_said(qlearn, theirs):
    for words, said in [
        (["--results", theirs], "--agent-column"),
        (["NChain-v0", "--results", theirs], "exclude each other"),
        (["NChain-v0", "--last", "3"], "--results FILE"),
        ([], "ENV is missing"),
    ]:
        told = qlearn("compare", *words)
        assert told.code == 2
        assert said in told.err
    assert qlearn("compare", "--results", "nothing.csv").code == 4
