"""Results from elsewhere go through the same functions as ours, and what is wrong with a file is said."""

import json

import numpy as np
import pytest

from qlearn.comparison import from_frame
from qlearn.errors import InputError, StoreError


@pytest.fixture
def columns():
    random = np.random.default_rng(0)
    names = [(a, e, s) for a in ("dqn", "c51") for e in ("CartPole", "Acrobot") for s in range(12)]
    score = [float(random.normal(100 + 20 * (a == "c51"), 10)) for a, _, _ in names]
    return {
        "agent": [a for a, _, _ in names],
        "environment": [e for _, e, _ in names],
        "seed": [s for _, _, s in names],
        "score": score,
    }


class Frame:
    """What pandas and Polars have in common."""

    def __init__(self, columns):
        self._columns, self.columns = columns, list(columns)

    def __getitem__(self, name):
        return np.array(self._columns[name])


def test_every_kind_of_table_gives_the_same_scores(columns, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    file = tmp_path / "scores.csv"
    file.write_text(from_frame(columns).to_csv())
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    tables = [Frame(columns), rows, pyarrow.table(columns), file, str(file), [file]]
    told = from_frame(columns).to_json()
    assert all(from_frame(table).to_json() == told for table in tables)
    assert "c51 is better than dqn on 2 of 2 tasks" in told["verdict"]


def test_columns_go_by_the_names_that_are_given(columns):
    theirs = dict(zip(("algo", "env_id", "run", "episodic_return"), columns.values(), strict=True))
    found = from_frame(theirs, agent="algo", environment="env_id", seed="run", score="episodic_return")
    assert found.metric == "episodic_return"
    assert [p.p_value for p in found.pairs] == [p.p_value for p in from_frame(columns).pairs]
    with pytest.raises(InputError, match=r"no column 'agent'.*There are: algo, env_id"):
        from_frame(theirs)
    with pytest.raises(InputError, match="did you mean 'episodic_return'"):
        from_frame(theirs, agent="algo", score="episodic_returns")


def test_several_rows_of_a_run_are_made_one_only_when_asked():
    rows = [{"agent": "a", "seed": s, "step": t, "score": 10 * s + t} for s in range(5) for t in (3, 1, 2)]
    with pytest.raises(InputError, match=r"3 rows with seed 0.*last=100"):
        from_frame(rows)
    assert from_frame(rows, last=2).cells["a", "task"].values.tolist() == [10 * s + 1.5 for s in range(5)]
    by_step = from_frame(rows, last=2, step="step").cells["a", "task"].values
    assert by_step.tolist() == [10 * s + 2.5 for s in range(5)]
    with pytest.raises(InputError, match="last=0"):
        from_frame(rows, last=0)


def test_runs_that_failed_count(tmp_path):
    file = tmp_path / "scores.csv"
    file.write_text("agent,seed,score,failed\na,0,1.0,0\na,1,,1\na,2,nan,0\na,3,2.0,true\nb,0,0.5,0\nb,1,3,0\n")
    found = from_frame(file)
    assert found.cells["a", "task"].failed.tolist() == [False, True, True, True]
    assert found.cells["a", "task"].values.tolist() == [1.0, 0.5, 0.5, 2.0]
    assert found.failures("a")[0] == 3


def test_monitor_files_of_stable_baselines_are_known(tmp_path):
    for algo in ("dqn", "ppo"):
        for run in (1, 2, 3):
            folder = tmp_path / algo / f"CartPole-v1_{run}"
            folder.mkdir(parents=True)
            head = json.dumps({"t_start": 1.0, "env_id": "CartPole-v1"})
            returns = "\n".join(f"{run + i + 100 * (algo == 'ppo')},9,{i}" for i in range(150))
            (folder / "0.monitor.csv").write_text(f"#{head}\nr,l,t\n{returns}\n")
    found = from_frame(sorted(tmp_path.glob("*/*/0.monitor.csv")))
    assert (found.agents, found.tasks) == (("dqn", "ppo"), ("CartPole-v1",))
    assert found.cells["dqn", "CartPole-v1"].seeds.tolist() == [1, 2, 3]
    assert found.cells["dqn", "CartPole-v1"].values.tolist() == [100.5, 101.5, 102.5]
    assert "last 100 episodes, exploration included" in found.verdict


def test_tensorboards_tables_of_cleanrls_runs_are_known(tmp_path):
    for seed in (1, 2):
        name = f"run-Acrobot-v1__dqn_jax__{seed}__170000000{seed}-tag-charts_episodic_return.csv"
        (tmp_path / name).write_text("Wall time,Step,Value\n1.0,500,-90\n2.0,900,-80\n")
    found = from_frame(list(tmp_path.iterdir()), last=1)
    assert found.cells["dqn_jax", "Acrobot-v1"].values.tolist() == [-80, -80]
    (tmp_path / "other.csv").write_text("Wall time,Step,Value\n1.0,500,-90\n")
    with pytest.raises(InputError, match="as CleanRL names its runs"):
        from_frame(tmp_path / "other.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("agent,score\n", "no rows"),
        ("agent,score\na\n", "line 2: expected 2 values"),
        ("agent,score\na,1,2\n", "line 2: expected 2 values"),
        ("agent,score\na,tall\n", "'tall' in the column 'score'"),
        ("agent,score,failed\na,1,perhaps\n", "'perhaps' in the column 'failed'"),
        ("agent,score\na,\n", "finite score"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, words):
    file = tmp_path / "wrong.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=words):
        from_frame(file)


def test_what_is_no_table_is_refused(tmp_path, columns):
    (tmp_path / "bytes.csv").write_bytes(b"agent,score\n\xff\xfe,1\n")
    with pytest.raises(InputError, match="no text"):
        from_frame(tmp_path / "bytes.csv")
    with pytest.raises(StoreError, match=r"nothing\.csv cannot be read"):
        from_frame(tmp_path / "nothing.csv")
    with pytest.raises(InputError, match="no table"):
        from_frame(3)
    with pytest.raises(InputError, match="different lengths"):
        from_frame({**columns, "score": [1.0]})


def test_seeds_that_are_no_numbers_number_the_runs():
    found = from_frame({"agent": ["a", "a"], "seed": ["x7", "x9"], "score": [1, 2]})
    assert found.cells["a", "task"].seeds.tolist() == [0, 1]
