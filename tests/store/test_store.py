"""Stores: computed once, gone on with to the bit, shared, refused where they are damaged."""

import dataclasses
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import jax
import numpy as np
import pytest

import qlearn as ql
from qlearn.store import Database, groups, merge, verify
from qlearn.store.asked import nested
from qlearn.store.identity import digest_of, subject_of
from qlearn.store.owners import Owner, machine, me
from qlearn.store.packing import pack, pack_rows, unpack
from qlearn.training import parse_agent
from qlearn.training.plan import Plan

WORLD = "FrozenLake-v1"
DQN = "dqn(mlp(8), adam(0.01), replay=100, batch_size=8, learning_starts=20, train_every=4, target_every=40)"


def plan(agents, seeds, budget, unit="episode", *, world=WORLD, snapshots=4):
    return Plan(agents, ql.make(world), np.array(seeds), budget, unit, snapshots)


def same(one, other):
    for name in ("seeds", "returns", "lengths", "num_episodes", "num_steps", "diverged"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name in ("table", "counts", "knowledge", "extras"):
        pairs = zip(jax.tree.leaves(getattr(one, name)), jax.tree.leaves(getattr(other, name)), strict=True)
        assert all(np.array_equal(a, b, equal_nan=True) and a.dtype == b.dtype for a, b in pairs), name


def same_snapshots(one, other):
    np.testing.assert_array_equal(one.positions, other.positions)
    for name in ("tables", "counts", "knowledge", "extras"):
        for a, b in zip(jax.tree.leaves(getattr(one, name)), jax.tree.leaves(getattr(other, name)), strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)


def counted(monkeypatch):
    """The seeds of every lane that is run from here on."""
    from qlearn.store import compute

    lanes, whole = [], compute.run

    def run(jobs, *rest):
        lanes.append((jobs[0].positions[-1], sorted(jobs[0].seeds.tolist())))
        return whole(jobs, *rest)

    monkeypatch.setattr(compute, "run", run)
    return lanes


def test_more_seeds_agents_and_episodes_compute_only_what_is_missing_and_to_the_bit(tmp_path, monkeypatch):
    q, sarsa = ql.QLearning(), ql.Sarsa()
    lanes = counted(monkeypatch)
    with ql.Store(tmp_path) as store:
        store.runs([plan([q], range(3), 40)])
        assert lanes == [(40, [0, 1, 2])]
        lanes.clear()
        found = store.runs([plan([q, sarsa], range(5), 90)])[0]
        assert sorted(lanes) == [(90, [0, 1, 2]), (90, [0, 1, 2, 3, 4]), (90, [3, 4])]
        lanes.clear()
        again = store.runs([plan([q, sarsa], [4, 2], 90)])[0]
        assert not lanes
    for agent, runs, few in zip([q, sarsa], found, again, strict=True):
        same(runs, ql.train(agent, WORLD, episodes=90, seeds=5))
        same(few, ql.train(agent, WORLD, episodes=90, seeds=[4, 2]))
    with ql.Store(tmp_path / "straight") as straight:
        other = straight.runs([plan([q, sarsa], range(5), 90)])[0]
    for one, two in zip(found, other, strict=True):
        same_snapshots(one.snapshots, two.snapshots)


@pytest.mark.parametrize(
    ("text", "world", "unit", "budget"),
    [
        ("r-max(reward_max=1)", WORLD, "episode", 30),
        ("r-learning", "RiverSwim-v0", "step", 300),
        ("monte-carlo-control", WORLD, "step", 300),
        ("online-q-network(mlp(8), adam(0.01))", "NChain-v0(max_episode_steps=40)", "step", 200),
        ("online-q-network(mlp(8), adam(0.01))", "NChain-v0(max_episode_steps=40)", "episode", 6),
        (DQN, "CartPole-v1", "step", 300),
        ("sarsa", "FrozenLake-v1(loop='host')", "episode", 10),
    ],
)
def test_half_and_then_more_is_the_whole_for_every_kind_of_agent(text, world, unit, budget, tmp_path):
    agent, many = parse_agent(text), 4 if "dqn" not in text and "host" not in world else 0
    with ql.Store(tmp_path) as store:
        store.runs([plan([agent], range(2), budget // 2, unit, world=world, snapshots=many)])
        found = store.runs([plan([agent], range(3), budget, unit, world=world, snapshots=many)])[0][0]
    same(found, ql.train(agent, world, seeds=3, **{f"{unit}s": budget}))


def test_what_was_interrupted_goes_on_within_a_lane(tmp_path):
    agent, length = ql.Sarsa(), 200_000
    world = "NChain-v0(max_episode_steps=50)"
    with ql.Store(tmp_path, every=0.05) as store:
        timer = threading.Timer(2.0, os.kill, (os.getpid(), 2))
        timer.start()
        with pytest.raises(ql.Interrupted, match="0 of 2 runs are kept"):
            store.runs([plan([agent], range(2), length, world=world)])
        timer.join()
        stages = store.database.rows("SELECT stage, final FROM states")
        assert len(stages) == 2
        assert not store.database.rows("SELECT * FROM leases")
        found = store.runs([plan([agent], range(2), length, world=world)])[0][0]
    same(found, ql.train(agent, world, episodes=length, seeds=2))


def test_snapshots_of_a_larger_budget_are_among_those_of_a_smaller_one():
    for most in (1, 7, 50):
        for budget in range(1, 400, 13):
            kept = nested(budget, most)
            assert len(kept) <= most + 1
            for further in (budget + 1, 2 * budget, 5 * budget + 3):
                assert {p for p in nested(further, most) if p <= budget} <= set(kept)


def test_identity_is_made_of_everything_that_determines_the_numbers():
    world, plain = ql.make(WORLD), ql.QLearning()

    def identity(agent=plain, world=world, unit="episode", lane=56):
        from qlearn.store.identity import canonical

        return digest_of(canonical(subject_of(agent, world, unit, lane)))

    class Newer(ql.QLearning):
        version = 99

    others = [
        identity(ql.QLearning(learning_rate=0.1000001)),
        identity(ql.QLearning(exploration=ql.EpsilonGreedy(0.2))),
        identity(ql.Sarsa()),
        identity(Newer()),
        identity(world=ql.make(WORLD, is_slippery=False)),
        identity(world=dataclasses.replace(world, time_limit=99)),
        identity(unit="step"),
        identity(lane=8),
        identity(world=ql.make(WORLD, loop="host")),
        identity(parse_agent("online-q-network(mlp(8), adam(0.01))")),
        identity(parse_agent("online-q-network(mlp(8), adam(0.02))")),
        identity(parse_agent("online-q-network(mlp(9), adam(0.01))")),
    ]
    assert len({identity(), *others}) == len(others) + 1
    assert identity(ql.QLearning(learning_rate=0.1)) == identity()


def test_a_setting_that_nobody_can_name_is_refused():
    mine = ql.OneStep(rule=lambda select, behaviour, next_action, mask: behaviour, discount=0.9)
    with pytest.raises(ql.InputError, match="lambda"):
        subject_of(mine, ql.make(WORLD), "episode", 56)


def test_what_is_packed_comes_back_to_the_bit():
    rng = np.random.default_rng(0)
    arrays = {
        "wide": np.array([0.1, np.nan, np.inf, 1e300] * 8),
        "narrow": rng.integers(0, 9, 40) / 2,
        "whole": rng.integers(0, 2**40, 40),
        "small": rng.integers(0, 200, 40),
        "minus": -rng.integers(1, 200, 40),
        "flag": rng.random(40) < 0.5,
        "none": np.zeros((3, 0)),
        "single": np.float32(2.5),
    }
    back = unpack(pack(arrays))
    for name, array in arrays.items():
        assert back[name].dtype == np.asarray(array).dtype
        np.testing.assert_array_equal(back[name], array)
    rows = pack_rows({"a": np.stack([arrays["narrow"], arrays["whole"] / 3]), "b": np.arange(2)})
    np.testing.assert_array_equal(unpack(rows[1])["a"], arrays["whole"] / 3)


def test_what_a_dead_process_held_is_taken_over_at_once_and_what_a_living_one_holds_is_not(tmp_path):
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    from qlearn.store.owners import _start_of

    living = Owner(machine(), sleeper.pid, _start_of(sleeper.pid))
    reused = dataclasses.replace(living, start=living.start - 5)
    assert living.lives
    assert not reused.lives
    assert me().lives
    with ql.Store(tmp_path) as store:
        store.runs([plan([ql.QLearning()], range(2), 5)])
        store.database.run("DELETE FROM results")
        store.database.run("DELETE FROM states")
        rows = [row for (row,) in store.database.rows("SELECT id FROM units")]
        for row, owner in zip(rows, (living, reused), strict=True):
            store.database.run("INSERT INTO leases VALUES (?,?,?,?)", (row, owner.machine, owner.pid, owner.start))
        threading.Timer(1.5, sleeper.kill).start()
        waiter = threading.Timer(1.6, sleeper.wait)
        waiter.start()
        found = store.runs([plan([ql.QLearning()], range(2), 5)])[0][0]
        waiter.join()
        assert not store.database.rows("SELECT * FROM leases")
    same(found, ql.train(ql.QLearning(), WORLD, episodes=5, seeds=2))


def test_parts_computed_apart_are_brought_together(tmp_path):
    whole = plan([ql.QLearning(), ql.Sarsa()], range(60), 5)
    for part in (1, 2, 3):
        with ql.Store(tmp_path / f"part{part}") as store:
            store.complete([whole], shard=(part, 3))
    with ql.Store(tmp_path / "all.sqlite") as together:
        for part in (1, 2, 3, 1):
            source = Database(tmp_path / f"part{part}", write=False)
            found = merge(together.database, source)
            source.close()
        assert found.results == 0
        assert found.known == 60  # lanes of 56, 4, 56 and 4: the first part has the first and the last
        assert len(together) == 120
        assert together.complete([whole], shard=(1, 1)) == 120
        same(together.runs([whole])[0][1], ql.train(ql.Sarsa(), WORLD, episodes=5, seeds=60))


@pytest.fixture
def small(tmp_path):
    """A store with a few runs, closed."""
    with ql.Store(tmp_path / "small") as store:
        store.runs([plan([ql.QLearning()], range(3), 6)])
    return tmp_path / "small"


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


def test_what_is_damaged_is_taken_out_and_computed_again(small):
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


def test_a_store_of_format_1_opens(tmp_path):
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


def test_what_cannot_be_written_is_said_before_anything_is_trained(tmp_path, monkeypatch):
    lanes = counted(monkeypatch)
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
