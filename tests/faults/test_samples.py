"""A sample of the harnesses that `make faults` runs whole."""

import pytest


def test_settings_that_cannot_be_meant_are_refused_by_name_and_leave_nothing(harness, monkeypatch):
    monkeypatch.setattr("qlearn.cli.cache.keep_compiled", lambda: None)  # it would change JAX for all other tests
    counts, failed = harness("settings").tried(150, seed=11)
    assert failed == []
    assert len(counts) == 16


@pytest.mark.parametrize("name", ["table, learning rate 1,000", "linear, Baird's counterexample"])
def test_learning_that_runs_away_is_flagged_counted_and_told(harness, name):
    divergence = harness("divergence")
    wrong, steps = divergence.wrong_with(*divergence.wild()[name])
    assert wrong == []
    assert steps is None or all(1000 < step < 3000 for step in steps)


def test_infinite_rewards_are_refused_where_they_come(harness):
    assert harness("divergence").infinite() == []


@pytest.mark.parametrize(
    ("agent", "ways"),
    [
        ("q-learning", ["again", "1 workers", "4 workers", "another order", "one seed", "1,000 seeds", "resumed"]),
        ("double-q-learning", ["short calls", "hash seed 4242, elsewhere"]),
    ],
)
def test_the_same_numbers_come_whatever_changes_around_a_run(harness, agent, ways):
    determinism = harness("determinism")
    found, count = determinism.differing(agent, determinism.TABLES[agent], only=ways)
    assert (found, count) == ([], len(ways))
