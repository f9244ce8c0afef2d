"""What is written, printed and named."""

import io
import json

import pytest
from rich.console import Console

import qlearn as ql
from qlearn.errors import InputError, StoreError
from qlearn.reports import print_comparison, print_tournament, save


def printed(show, thing, width):
    out = io.StringIO()
    show(thing, Console(file=out, width=width))
    return out.getvalue()


def test_a_folder_holds_data_table_and_every_figure_twice(small, tmp_path):
    paths = save(small, tmp_path / "new")
    names = [path.name for path in paths]
    figures = [
        "learning-curves",
        "final-values",
        "policies",
        "q-table-1-reward-sum",
        "q-table-2-epsilon-greedy-q-learning",
    ]
    assert names == ["comparison.json", "comparison.csv", "table.tex"] + [
        f"{name}.{ending}" for name in figures for ending in ("png", "svg")
    ]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(names)
    assert json.loads((tmp_path / "new" / "comparison.json").read_text())["optimum"] == small.optimum
    assert paths[3].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in paths[4].read_bytes()


def test_the_same_comparison_gives_the_same_files(small, tmp_path):
    first, second = (save(small, tmp_path / name, formats=["svg"]) for name in "ab")
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, second, strict=True))


def test_an_unknown_format_is_refused_before_anything_is_written(small, tmp_path):
    with pytest.raises(InputError, match="no format of a figure"):
        save(small, tmp_path / "new", formats=["gif"])
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_an_error_of_the_store(small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        save(small, tmp_path / "file" / "folder", formats=[])


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_printed_comparison_fits_its_terminal_and_tells_all(small, width):
    text = printed(print_comparison, small, width)
    assert max(map(len, text.split("\nTo reproduce:")[0].splitlines())) <= width
    for words in ("1311.25", "3663.69", "3665.83", "quartiles", "qlearn compare NChain-v0"):
        assert words in text


def test_the_printed_tournament_has_wins_and_their_spread():
    found = ql.tournament([ql.RewardSum(), ql.QLearning()], "NChain-v0", rounds=3, episodes=2)
    text = printed(print_tournament, found, 90)
    assert "± sd" in text
    assert "exact value" in text
