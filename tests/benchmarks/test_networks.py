"""Races of networks: peers take turns, figures from elsewhere are scaled, arithmetic is counted.  Nothing is timed."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # benchmarks/ is no part of the package

from benchmarks import measure, networks_dqn, networks_race, report  # noqa: E402
from benchmarks.networks_race import ZOO, Against, Peer, Scaled  # noqa: E402

DRIVER = """
import sys
sys.path.insert(0, {peers!r})
from clock import serve
runs = []
def work():
    runs.append(1)
    if len(runs) == 3:
        raise ValueError("enough")
    print("noise on standard output")
    return 100 * len(runs)
serve(work, {{"thing": "1.0"}})
"""


@pytest.fixture
def peer(tmp_path):
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER.format(peers=str(networks_race.PEERS)))
    found = Peer(sys.executable, str(driver))
    yield found
    found.close()


def test_a_peer_answers_every_turn_and_says_why_it_failed(peer):
    assert peer.turn()[0] == 100
    amount, process, wall = peer.turn()
    assert amount == 200
    assert 0 <= process <= wall + 0.1
    assert peer.versions == {"thing": "1.0"}
    with pytest.raises(RuntimeError, match="ValueError: enough"):
        peer.turn()


def test_a_contestant_that_fails_leaves_the_race():
    timings, failed = networks_race.alternate({"one": lambda: 5, "none": lambda: 1 // 0}, 2)
    assert timings["one"].amount == [5, 5]
    assert list(failed) == ["none"]


def test_a_figure_from_elsewhere_is_scaled_turn_by_turn_by_what_its_anchor_makes_here():
    timings = {
        ZOO: measure.Timings([600, 2400], [1.0, 1.0], [1.0, 2.0]),
        "ours": measure.Timings([10, 10], [1, 1], [1, 1]),
    }
    scaled = {"far": Scaled(5.0, ZOO)}
    assert scaled["far"].rate(timings, "process") == [2.5, 10.0]
    rows = {row["what"]: row for row in networks_race.rows_of(timings, {}, scaled, [Against("ours", "far", 3)])}
    found = rows["ours / far"]
    assert (found["ratio"]["min"], found["ratio"]["max"], found["met"]) == (1.0, 4.0, False)
    assert "**not met**" in report.table([found])


def test_a_comparison_with_what_was_not_measured_claims_nothing():
    timings = {"ours": measure.Timings([10], [1.0], [1.0])}
    rows = networks_race.rows_of(timings, {"peer": "gone"}, {"far": Scaled(5.0, ZOO)}, [Against("ours", "peer", 1)])
    assert [(row["ratio"], row["met"]) for row in rows] == [(None, None)] * 4
    assert "not measured (gone)" in report.table(rows)


def test_the_arithmetic_of_an_update_counts_every_product():
    found = networks_dqn.update_flops(4, (120, 84), 2, 128)
    assert found["forward"] == 2 * 128 * (4 * 120 + 120 * 84 + 84 * 2)
    assert found["backward"] == 2 * found["forward"] - 2 * 128 * 4 * 120
    assert found["adam"] == 13 * (4 * 120 + 120 + 120 * 84 + 84 + 84 * 2 + 2)
