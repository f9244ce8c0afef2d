"""`qlearn sweep` and `qlearn report`: words in, pages out."""

import json

import pytest

SHORT = ("--episodes", "5", "--seeds", "4")


def test_a_sweep_prints_every_setting_and_writes_its_page(qlearn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = qlearn("sweep", "NChain-v0", "q-learning", "--set", "learning_rate=0.5,0.1", *SHORT, "--out", "here")
    assert done.code == 0
    assert "learning_rate 0." in done.out
    assert "fresh seeds" in done.out
    assert "To reproduce: qlearn sweep NChain-v0 q-learning --set learning_rate=0.5,0.1 --episodes 5" in done.out
    assert {"report.html", "sweep.json", "sweep.csv", "store"} <= {path.name for path in (tmp_path / "here").iterdir()}
    again = qlearn("report", "here", "--out", "page.html", "--json")
    assert json.loads(again.out)["report"] == "page.html"
    assert "Verdict" in (tmp_path / "page.html").read_text()


def test_a_file_says_the_same_as_words(qlearn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = 'environments = ["NChain-v0"]\nepisodes = 5\nseeds = 4\n[agents]\na = "q-learning"\n'
    (tmp_path / "spec.toml").write_text(text + "[sweep]\nconfirm = 0\n[sweep.settings]\nlearning_rate = [0.5, 0.1]\n")
    words = ("sweep", "NChain-v0", "q-learning", "--set", "learning_rate=0.5,0.1", *SHORT, "--confirm", "0", "--json")
    one, other = json.loads(qlearn(*words).out), json.loads(qlearn("sweep", "spec.toml", "--json").out)
    assert [point["scores"] for point in one["points"]] == [point["scores"] for point in other["points"]]
    assert one["confirmation"] is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sweep", "NChain-v0", "q-learning"), "Nothing varies"),
        (("sweep", "NChain-v0", "--set", "a=1"), "AGENT is missing"),
        (("sweep", "NChain-v0", "q-learning", "--set", "learning_rat=0.1"), "did you mean 'learning_rate'"),
        (("sweep", "NChain-v0", "q-learning", "--set", "learning_rate=0.1", "--metric", "best"), "metric"),
        (("sweep", "nowhere.toml"), "cannot be read"),
        (("report", "nowhere.json"), "is not there"),
        (("report", "."), "holds no store"),
    ],
)
def test_what_cannot_be_is_said_in_words(qlearn, tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    done = qlearn(*words)
    assert done.code == 2
    assert told in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_table_of_runs_from_elsewhere_becomes_a_page(qlearn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{agent},{seed},{seed * gain}" for agent, gain in (("a", 1.0), ("b", 2.0)) for seed in range(5)]
    (tmp_path / "runs.csv").write_text("\n".join(["agent,seed,score", *rows]) + "\n")
    assert qlearn("report", "runs.csv").code == 0
    assert "Differences" in (tmp_path / "report.html").read_text()
    (tmp_path / "bad.json").write_text("{")
    assert qlearn("report", "bad.json").code == 2
