"""A sample of what ``make kills`` and ``make damage`` do in full: kills at random moments, and damaged files."""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the scripts of the make targets are no package

import checkpoint_damage
import checkpoint_kills


@pytest.mark.parametrize(("place", "steps"), [(0, 20_000), (3, 1_500)])
def test_what_is_killed_at_random_moments_ends_the_same_and_loses_an_interval_at_most(place, steps):
    case = checkpoint_kills.CASES[place]
    _, kills = checkpoint_kills.run_case(case, 2, random.Random(place), lambda *_, **__: None, steps)
    assert len(kills) == 2
    assert all(kill.lost <= kill.limit for kill in kills)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return checkpoint_damage.make(tmp_path_factory.mktemp("damage"))


@pytest.mark.parametrize(
    ("name", "every"),
    [
        ("state of a lane", 401),
        ("checkpoint.json", 31),
        ("runs.npz", 101),
        ("episodes.csv", 29),
        ("TensorBoard's file", 61),
    ],
)
def test_damage_is_refused_by_name_passed_over_or_made_good(folder, name, every):
    _, counts = checkpoint_damage.CHECKS[name](folder, every)
    assert {kind for kind, _ in counts} == {"cut", "flipped"}


def test_damage_takes_no_more_memory_than_a_few_files(folder):
    most, size = checkpoint_damage.check_memory(folder)
    assert most < 3 * size + 2**20
