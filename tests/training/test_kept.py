"""What a folder keeps is read as runs, and nothing is trained for it."""

import jax
import numpy as np
import pytest

import qlearn as ql
from qlearn.training.kept import kept_runs
from tests.interrupts import interrupting

TABLE = ql.QLearning(learning_rate=0.5)


def net():
    import keras

    return ql.DQN(ql.mlp(4), keras.optimizers.Adam(0.01), replay=40, batch_size=4, learning_starts=10, train_every=5)


@pytest.mark.parametrize("make", [lambda: TABLE, net])
def test_a_whole_training_is_read_back_from_its_checkpoint_alone(make, tmp_path):
    runs = ql.train(make(), "NChain-v0", steps=200, seeds=3, snapshots=2, checkpoint=tmp_path)
    read = kept_runs(tmp_path)
    for name in ("seeds", "returns", "lengths", "num_steps", "table", "diverged"):
        np.testing.assert_array_equal(getattr(read, name), getattr(runs, name))
    same = jax.tree.map(lambda a, b: bool((a == b).all()), read.knowledge, runs.knowledge)
    assert all(jax.tree.leaves(same))
    assert (read.complete, read.versions) == (True, runs.versions)
    np.testing.assert_array_equal(read.snapshots.positions, runs.snapshots.positions)


def test_a_training_that_was_stopped_is_read_as_it_stood_and_stays_so(tmp_path):
    with pytest.raises(ql.Interrupted) as stopped:
        ql.train(TABLE, "NChain-v0", steps=20_000_000, seeds=2, progress=interrupting(), checkpoint=tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    read = kept_runs(tmp_path)
    assert not read.complete
    assert 0 < read.num_steps.max() < 20_000_000
    np.testing.assert_array_equal(read.num_steps, stopped.value.runs.num_steps)
    np.testing.assert_array_equal(read.q_table, stopped.value.runs.q_table)
    assert before == {file: file.read_bytes() for file in tmp_path.iterdir()}


def test_the_folder_of_the_command_is_read_and_what_is_newer_goes_first(tmp_path):
    runs = ql.train(TABLE, "NChain-v0", episodes=2, seeds=2, checkpoint=tmp_path / "checkpoint")
    runs.save(tmp_path / "runs.npz")
    assert kept_runs(tmp_path).wall_time == runs.wall_time  # which only the file holds
    ql.resume(tmp_path / "checkpoint", episodes=4)
    assert kept_runs(tmp_path).returns.shape == (2, 4)


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ql.StoreError, match="keeps no training"):
        kept_runs(tmp_path / "nothing")
    ql.train(TABLE, "NChain-v0", episodes=2, checkpoint=tmp_path)
    with pytest.raises(ql.InputError, match="Pass the agent that was trained"):
        kept_runs(tmp_path, agent=ql.Sarsa())
    for file in tmp_path.glob("lane-*.npz"):
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ql.StoreError, match="No state of lane 0"):
        kept_runs(tmp_path)
    for file in tmp_path.glob("lane-*.npz"):
        file.unlink()
    with pytest.raises(ql.StoreError, match="keeps no state yet"):
        kept_runs(tmp_path)
