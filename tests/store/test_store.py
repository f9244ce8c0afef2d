"""Stores: computed once, gone on with to the bit, shared."""

import dataclasses
import subprocess
import sys
import threading

import jax
import numpy as np
import pytest

import qlearn as ql
from qlearn.store import Database, merge
from qlearn.store.asked import nested
from qlearn.store.identity import digest_of, subject_of
from qlearn.store.owners import Owner, machine, me
from qlearn.store.packing import pack, pack_rows, unpack
from qlearn.training import parse_agent
from tests.interrupts import interrupting

WORLD = "FrozenLake-v1"
DQN = "dqn(mlp(8), adam(0.01), replay=100, batch_size=8, learning_starts=20, train_every=4, target_every=40)"


def same_snapshots(one, other):
    np.testing.assert_array_equal(one.positions, other.positions)
    for name in ("tables", "counts", "knowledge", "extras"):
        for a, b in zip(jax.tree.leaves(getattr(one, name)), jax.tree.leaves(getattr(other, name)), strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)


def test_more_seeds_agents_and_episodes_compute_only_what_is_missing_and_to_the_bit(tmp_path, lanes, plan, same):
    q, sarsa = ql.QLearning(), ql.Sarsa()
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
def test_half_and_then_more_is_the_whole_for_every_kind_of_agent(text, world, unit, budget, tmp_path, plan, same):
    agent, many = parse_agent(text), 4 if "dqn" not in text and "host" not in world else 0
    with ql.Store(tmp_path) as store:
        store.runs([plan([agent], range(2), budget // 2, unit, world=world, snapshots=many)])
        found = store.runs([plan([agent], range(3), budget, unit, world=world, snapshots=many)])[0][0]
    same(found, ql.train(agent, world, seeds=3, **{f"{unit}s": budget}))


def test_what_was_interrupted_goes_on_within_a_lane(tmp_path, plan, same):
    agent, length = ql.Sarsa(), 40_000
    world = "NChain-v0(max_episode_steps=50)"

    with ql.Store(tmp_path, every=0.0) as store:
        with pytest.raises(ql.Interrupted, match="0 of 2 runs are kept"):
            store.runs([plan([agent], range(2), length, world=world)], progress=interrupting())
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


def test_what_a_dead_process_held_is_taken_over_at_once_and_what_a_living_one_holds_is_not(tmp_path, plan, same):
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


def test_parts_computed_apart_are_brought_together(tmp_path, plan, same):
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
