"""`qlearn compare --store` and `qlearn runs`."""

import csv
import json

import pytest

SPEC = """
environments = ["FrozenLake-v1"]
episodes = 6
seeds = 3
[agents]
one = "sarsa"
two = "q-learning(learning_rate=0.5)"
"""


@pytest.fixture
def kept(qlearn, tmp_path):
    """A store that a specification filled, and what the comparison said."""
    (tmp_path / "spec.toml").write_text(SPEC)
    done = qlearn("compare", "spec.toml", "--store", "kept", "--json")
    return done.json


def test_a_specification_is_compared_and_kept(kept, qlearn):
    assert [agent["name"] for agent in kept["agents"]] == ["one", "two"]
    assert kept["command"] == "qlearn compare spec.toml --store kept"
    found = qlearn("runs", "list", "kept", "--json").json
    assert [(one["agent"], one["budget"], one["seeds"]) for one in found["runs"]] == [
        ("sarsa", 6, [0, 1, 2]),
        ("q-learning(learning_rate=0.5)", 6, [0, 1, 2]),
    ]
    more = qlearn("compare", "spec.toml", "--store", "kept", "--seeds", "4", "--episodes", "9", "--json").json
    assert len(more["seeds"]) == 4
    again = qlearn("compare", "FrozenLake-v1", "sarsa", "--seeds", "3", "--episodes", "6", "--store", "kept", "--json")
    assert again.json["agents"][0]["exact_return"] == kept["agents"][0]["exact_return"]


def test_tables_of_runs_come_in_three_forms(kept, qlearn, tmp_path):
    for name in ("runs.csv", "runs.json", "runs.parquet"):
        assert qlearn("runs", "export", "kept", name).code == 0
    rows = list(csv.DictReader((tmp_path / "runs.csv").read_text().splitlines()))
    plain = json.loads((tmp_path / "runs.json").read_text())
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(tmp_path / "runs.parquet").to_pylist()
    assert len(rows) == 6
    assert plain == table
    scores = [agent["exact_return"] for agent in kept["agents"]]
    assert [row["score"] for row in plain] == pytest.approx([value for some in scores for value in some], abs=1e-12)
    assert float(rows[4]["score"]) == plain[4]["score"]


def test_runs_are_shown_verified_deleted_and_computed_again(kept, qlearn):
    shown = qlearn("runs", "show", "kept", "2", "--json").json
    assert len(shown["found"][0]["runs"]) == 3
    assert qlearn("runs", "verify", "kept", "--json").json["problems"] == []
    assert "Nothing was deleted" in qlearn("runs", "delete", "kept", "2").out
    assert "3 runs were deleted" in qlearn("runs", "delete", "kept", "2", "--yes").out
    assert len(qlearn("runs", "list", "kept", "--json").json["runs"]) == 1
    again = qlearn("runs", "resume", "kept", "--json").json
    assert [agent["exact_return"] for agent in again["agents"]] == [agent["exact_return"] for agent in kept["agents"]]


def test_parts_are_merged(qlearn, tmp_path):
    (tmp_path / "spec.toml").write_text(SPEC)
    for part in (1, 2):
        assert "3 runs are kept" in qlearn("compare", "spec.toml", "--store", f"p{part}", "--shard", f"{part}/2").out
    assert qlearn("runs", "merge", "all", "p1", "p2").code == 0
    assert "6 finished runs" in qlearn("runs", "verify", "all").out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["compare", "nowhere.toml"], 2, "nowhere.toml cannot be read"),
        (["compare", "spec.toml", "sarsa"], 2, "names the agents"),
        (["compare", "NChain-v0", "--shard", "1/2"], 2, "--store"),
        (["compare", "spec.toml", "--store", "x", "--shard", "3/2"], 2, "'3/2' is no shard"),
        (["compare", "spec.toml", "--import", "nomodule"], 2, "--import nomodule"),
        (["runs", "list", "nowhere"], 4, "There is no store"),
        (["runs", "show", "kept", "9"], 2, "no runs number 9"),
        (["runs", "lst", "kept"], 2, "did you mean 'list'"),
        (["runs", "export", "kept", "a.xls"], 2, "expected .csv, .json or .parquet"),
        (["runs", "merge", "kept"], 2, "nothing to merge"),
        (["runs", "delete", "kept"], 2, "Name the rows"),
    ],
)
def test_mistakes_are_named(kept, qlearn, words, code, told):
    done = qlearn(*words)
    assert (done.code, done.out) == (code, "")
    assert told in done.err


def test_ones_own_module_is_imported_only_when_the_command_line_says_so(qlearn, tmp_path):
    (tmp_path / "my_worlds.py").write_text(
        "import qlearn as ql\n\ndef short_chain(n=3):\n    return ql.make('NChain-v0', n=n, loop='host').make_env()\n"
    )
    (tmp_path / "own.toml").write_text(SPEC.replace("FrozenLake-v1", "my_worlds:short_chain").replace("= 6", "= 1"))
    refused = qlearn("compare", "own.toml")
    assert refused.code == 2
    assert "--import my_worlds" in refused.err
    found = qlearn("compare", "own.toml", "--import", "my_worlds", "--json", "--store", "own").json
    assert found["environment"] == "short_chain"


def test_what_goes_on_after_ctrl_c_names_the_folder(capfd, tmp_path):
    from qlearn.cli.compare import _interrupted
    from qlearn.cli.options import Output
    from qlearn.errors import Interrupted

    stopped, output = Interrupted("Interrupted: 2 of 3 runs are kept."), Output(out=tmp_path / "results")
    assert _interrupted(stopped, None, output, "qlearn compare NChain-v0", tmp_path / "results" / "store") == 130
    told = capfd.readouterr()
    assert "2 of 3 runs are kept" in told.err
    assert "--out" in told.out
    assert not (tmp_path / "results").exists()
