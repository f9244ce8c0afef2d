"""The frame around the commands: help, wrong input, exit codes, streams."""

import os
import subprocess
import sys

import pytest

COMMANDS = ["tutorial", "compare", "train", "solve", "play", "envs", "agents", "bench"]


def test_help_names_every_command(qlearn):
    done = qlearn("--help")
    assert done.code == 0
    assert all(name in done.out for name in COMMANDS)


def test_without_a_word_help_is_shown(qlearn):
    assert qlearn().out == qlearn("--help").out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples_and_the_shared_options(qlearn, command):
    done = qlearn(command, "--help")
    assert done.code == 0
    assert "Examples:" in done.out
    assert f"qlearn {command}" in done.out
    assert all(option in done.out for option in ("--json", "--seed", "--out"))


def test_help_and_version_load_nothing_heavy():
    code = (
        "import sys; from qlearn.cli import run; run(['--help']); run(['--version']);"
        "print([m for m in ('jax', 'numpy', 'scipy', 'matplotlib', 'gymnasium', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_is_that_of_the_package(qlearn):
    from qlearn import __version__

    assert qlearn("--version").out == f"qlearn {__version__}\n"


WRONG = [
    (["slove"], "'solve'"),
    (["--nonsense"], "no command"),
    (["solve"], "ENV is missing"),
    (["solve", "NChian-v0"], "'NChain-v0'"),
    (["solve", "Taxi-v3"], "'Taxi-v4'"),
    (["solve", "NChain-v0(m=3)"], "no argument 'm'"),
    (["solve", "NChain-v0(n=0)"], "at least 1"),
    (["solve", "NChain-v0("], "cannot be read"),
    (["solve", ""], "cannot be read"),
    (["solve", "NChain-v0", "more"], "one word too many"),
    (["solve", "NChain-v0", "--dicsount", "0.9"], "--discount"),
    (["solve", "NChain-v0", "--discount", "much"], "--discount"),
    (["solve", "NChain-v0", "--discount", "1.5"], "0 to 1"),
    (["solve", "NChain-v0", "--discount", "nan"], "0 to 1"),
    (["solve", "NChain-v0", "--discount", "1"], "no value at discount 1"),
    (["solve", "NChain-v0", "--horizon", "0"], "at least 1"),
    (["solve", "NChain-v0", "--seed"], "needs a value"),
    (["solve", "Taxi-v4(fickle_passenger=True)"], "no model"),
    (["solve", "CartPole-v1"], "has no model"),
    (["play", "NCahin-v0"], "'NChain-v0'"),
    (["train", "NChain-v0"], "AGENT is missing"),
    (["train", "NChain-v0", "q-lerning"], "'q-learning'"),
    (["train", "NChain-v0", "q-learning(learning_rat=1)"], "'learning_rate'"),
    (["train", "NChain-v0", "q-learning(learning_rate=-1)"], "learning_rate=-1"),
    (["train", "NChain-v0", "q-learning", "--episodes", "0"], "--episodes is 0"),
    (["train", "NChain-v0", "q-learning", "--episodes", "five"], "--episodes"),
    (["train", "NChain-v0", "q-learning", "--episodes", "5", "--steps", "5"], "exclude each other"),
    (["train", "NChain-v0", "q-learning", "--seeds", "-3"], "--seeds is -3"),
    (["train", "NChain-v0", "q-learning", "--seed", "-1"], "--seed is -1"),
    (["train", "NChain-v0", "q-learning", "--seeds", "1.5"], "'1.5' is not a whole number"),
    (["train", "NChain-v0", "q-learning", "--seeds", "100000000"], "fewer seeds"),
    (["compare", "NChain-v0", "sarsa", "foo"], "'foo'"),
    (["compare", "NChain-v0", "--snapshots", "-1"], "--snapshots is -1"),
    (["tutorial", "--rounds", "1"], "--rounds is 1"),
    (["bench", "--repeats", "0"], "--repeats is 0"),
    (["agents", "--jsn"], "--json"),
]


@pytest.mark.parametrize(("words", "told"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_wrong_input_is_told_in_three_lines_at_most_and_leaves_nothing(qlearn, tmp_path, words, told):
    out = ["--out", "made"] if words[:1] != ["--nonsense"] and words[-1] != "--seed" else []
    done = qlearn(*words, *out)
    assert done.code == 2
    assert told in done.err
    assert 1 <= done.err.count("\n") <= 3
    assert "Traceback" not in done.err
    assert done.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command", [["train", "NChain-v0", "sarsa"], ["compare", "NChain-v0"], ["tutorial"], ["bench"]]
)
def test_a_folder_that_cannot_be_written_is_told_before_the_work(qlearn, tmp_path, monkeypatch, command):
    monkeypatch.setattr("qlearn.training.train_many", None)  # nothing is trained
    monkeypatch.setattr("qlearn.training.train", None)
    (tmp_path / "file").write_text("")
    done = qlearn(*command, "--out", "file/below")
    assert done.code == 4
    assert "file/below" in done.err
    assert done.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_ctrl_c_without_results_says_how_to_start_again(qlearn, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("qlearn.planning.solve", interrupt)
    done = qlearn("solve", "NChain-v0(n=3)")
    assert done.code == 130
    assert "To start again: qlearn solve 'NChain-v0(n=3)'" in done.err
    assert done.out == ""


def test_json_stands_alone_on_standard_output_and_in_the_folder(qlearn, tmp_path):
    done = qlearn("solve", "NChain-v0", "--json", "--out", "a/b")
    assert done.err == ""
    assert (tmp_path / "a" / "b" / "solution.json").read_text(encoding="utf-8") == done.out
    assert done.json["environment"] == "NChain-v0"


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["envs"], ["agents"], ["solve", "FrozenLake-v1"]])
def test_any_width_will_do(qlearn, monkeypatch, width, words):
    monkeypatch.setenv("COLUMNS", str(width))
    assert qlearn(*words).code == 0


def test_tables_keep_to_a_narrow_terminal(qlearn, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    done = qlearn("solve", "NChain-v0")
    table = done.out.partition("Value")[0].splitlines()[1:]
    assert max(map(len, table)) <= 40
    assert "61.379482" in done.out


def test_no_colour_goes_into_a_pipe(qlearn):
    for words in (["--help"], ["envs"], ["solve", "NChain-v0"]):
        assert "\x1b" not in qlearn(*words).out


def test_a_terminal_of_ascii_gets_ascii(started):
    process = started("agents", PYTHONIOENCODING="ascii")
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert b"epsilon-greedy(e)" in out
    assert out.isascii()


def test_json_is_ascii_where_the_stream_is(started):
    process = started("agents", "--json", PYTHONIOENCODING="ascii")
    out, _ = process.communicate()
    assert process.returncode == 0
    assert out.isascii()


def test_a_reader_who_leaves_early_hears_no_complaint(started):
    process = started("solve", "Taxi-v4", "--json")
    process.stdout.read(1)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")  # noqa: PTH110
def test_a_full_disk_is_told_in_one_line():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        command = [sys.executable, "-m", "qlearn", "envs"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
