"""Stores that are damaged, older, newer, read-only or of another's making."""

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

import qlearn as ql
from qlearn.store import Database, groups, merge, verify
from qlearn.store.packing import pack
from qlearn.training.plan import Plan

WORLD = "FrozenLake-v1"


def test_one_run_with_two_results_is_refused(small, tmp_path):
    shutil.copytree(small, tmp_path / "other")
    with ql.Store(tmp_path / "other") as other:
        change_a_return(other)
    with ql.Store(small) as store:
        source = Database(tmp_path / "other", write=False)
        with pytest.raises(ql.StoreError, match=r"Seed 0 at 6 .* has other returns"):
            merge(store.database, source)
        source.close()


def change_a_return(store):
    """Put another number into the first result, sealed as if it had been computed."""
    from qlearn.store.overview import units_in
    from qlearn.store.records import read_result, write_results

    unit = units_in(store.database)[0][0]
    result, origin = read_result(store.database, unit, 6)
    from qlearn.store.identity import canonical

    arrays = result.arrays | {"returns": result.arrays["returns"] + 1}
    number = store.database.rows("SELECT id FROM origins")[0][0]
    packed = [(canonical(result.facts), pack(arrays))]
    with store.database.writing():
        write_results(store.database, [unit], (6, 4), (number, origin), packed)


@pytest.mark.parametrize(
    "order",
    [
        "UPDATE results SET content = X'00' WHERE id = 1",
        "UPDATE results SET facts = replace(facts, ':6', ':7')",
        "UPDATE results SET budget = 7, detail = 9 WHERE id = 1",
        "UPDATE results SET detail = 9",
        "UPDATE origins SET told = '{}'",
        "UPDATE subjects SET told = replace(told, 'QLearning', 'Sarsa')",
        "UPDATE subjects SET settings = replace(settings, 'q-learning', 'sarsa')",
        "UPDATE units SET seed = seed + 100",
    ],
)
def test_whatever_is_changed_in_a_row_is_named_and_never_believed(small, order):
    with ql.Store(small) as store, store.database.writing():
        assert store.database.run(order) > 0
    with ql.Store(small) as store:
        assert verify(store.database).problems
        with pytest.raises(ql.StoreError, match="damaged"):
            groups(store.database)


def test_what_is_damaged_is_taken_out_and_computed_again(small, plan, same):
    before = plan([ql.QLearning()], range(3), 6)
    with ql.Store(small) as store:
        whole = store.runs([before])[0][0]
        with store.database.writing():
            store.database.run("UPDATE results SET content = X'00' WHERE id = 2")
            store.database.run("UPDATE states SET sha256 = X'00' WHERE unit = 1")
        found = verify(store.database, mend=True)
        assert (found.results, found.states, found.mended) == (2, 2, 2)
        assert not verify(store.database).problems
        same(store.runs([before])[0][0], whole)


def test_a_newer_store_is_refused_untouched_and_something_else_too(small, tmp_path):
    file = small / "store.sqlite"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 2")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = file.read_bytes()
    for write in (True, False):
        with pytest.raises(ql.StoreError, match=r"newer qlearn \(format 2"):
            ql.Store(small, write=write)
    assert file.read_bytes() == content
    assert [one.name for one in small.iterdir()] == ["store.sqlite"]
    other = tmp_path / "other.db"
    sqlite3.connect(other).execute("CREATE TABLE a (b)").connection.close()
    with pytest.raises(ql.StoreError, match="no store of qlearn"):
        ql.Store(other)
    with pytest.raises(ql.StoreError, match="There is no store"):
        ql.Store(tmp_path / "nowhere", write=False)


def test_a_store_of_format_1_opens(tmp_path, plan, same):
    shutil.copytree(Path(__file__).with_name("format-1"), tmp_path / "kept")
    with ql.Store(tmp_path / "kept") as store:
        assert verify(store.database).problems == ()
        group = groups(store.database)[0]
        assert (group.agent, group.environment, group.budget, group.seeds) == ("q-learning", WORLD, 6, (0, 1, 2))
        found = store.runs([plan([ql.QLearning()], range(3), 6)])[0][0]
        further = store.runs([plan([ql.QLearning()], range(3), 12)])[0][0]
    same(found, ql.train(ql.QLearning(), WORLD, episodes=6, seeds=3))
    same(further, ql.train(ql.QLearning(), WORLD, episodes=12, seeds=3))


def test_an_older_store_is_brought_up_whole_or_not_at_all(small, monkeypatch):
    from qlearn.store import layout

    def step(connection):
        connection.executescript("CREATE TABLE later (a); INSERT INTO later VALUES (1)")

    def broken(connection):
        step(connection)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(layout, "FORMAT", 2)
    monkeypatch.setattr(layout, "STEPS", (*layout.STEPS, broken))
    with pytest.raises(ql.StoreError, match="disk I/O error"):
        ql.Store(small)
    monkeypatch.setattr(layout, "STEPS", (layout.STEPS[0], step))
    with ql.Store(small) as store:
        assert store.database.rows("SELECT a FROM later") == [(1,)]
        assert store.database.rows("PRAGMA user_version") == [(2,)]
        assert len(store) == 3


def test_what_cannot_be_written_is_said_before_anything_is_trained(tmp_path, lanes, plan):
    (tmp_path / "file").write_text("")
    with pytest.raises(ql.StoreError, match=r"Could not use the store .*file"):
        ql.compare([ql.QLearning()], WORLD, episodes=2, seeds=2, store=tmp_path / "file")
    with ql.Store(tmp_path / "kept", write=True) as store:
        store.runs([plan([ql.QLearning()], range(2), 2)])
    lanes.clear()
    with ql.Store(tmp_path / "kept", write=False) as store, pytest.raises(ql.StoreError, match="readonly"):
        store.runs([plan([ql.QLearning()], range(3), 2)])
    assert not lanes


def test_an_environment_that_fails_for_one_seed_lets_the_others_finish(tmp_path):
    import gymnasium as gym

    class Fails(gym.Env):
        observation_space, action_space = gym.spaces.Discrete(2), gym.spaces.Discrete(2)
        bad = None

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            Fails.bad = seed if Fails.bad is None else Fails.bad
            self.mine = seed
            return 0, {}

        def step(self, action):
            if self.mine == Fails.bad:
                raise RuntimeError("out of order")
            return 0, 1.0, True, False, {}

    world = ql.make(Fails)
    Fails.bad = None
    with ql.Store(tmp_path) as store:
        asked = Plan([ql.QLearning()], world, np.arange(3), 4, "episode", 0)
        with pytest.raises(ql.EnvironmentFault, match="out of order"):
            store.runs([asked])
        assert len(store) == 2
        assert not store.database.rows("SELECT * FROM leases")
