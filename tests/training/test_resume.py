"""A training that is kept goes on to the numbers that it would have come to, whatever stopped it."""

import signal
import subprocess
import sys

import jax
import numpy as np
import pytest

import qlearn as ql
from qlearn.files import load_arrays
from qlearn.training import parse_agent
from qlearn.training.checkpoint import read_manifest, write_manifest
from tests.interrupts import interrupting

DQN = "dqn(mlp(8), adam(0.01), replay=200, batch_size=16, learning_starts=50, train_every=5, target_every=50)"
PQN = "pqn(mlp(8), adam(0.01), num_environments=2, num_steps=10, minibatches=4)"
RAINBOW = (
    f"{DQN[:-1]}, double=True, dueling=True, n_step=3, noisy=True, exploration=greedy, "
    "head=categorical(0, 30, atoms=11), priorities=priorities(importance=linear(0.4, 1, over=600, per=step)))"
)
TILES = "tile-coding(tilings=4, tiles=4, low=(-1.2, -0.07), high=(0.6, 0.07))"
CASES = [
    ("tutorial-epsilon-greedy", "NChain-v0(max_episode_steps=40)", "episodes", 60),
    ("q-learning(learning_rate=per-visit(power=0.8))", "FrozenLake-v1", "episodes", 60),
    ("double-q-learning", "FrozenLake-v1", "steps", 1500),
    ("n-step-sarsa", "FrozenLake-v1", "episodes", 60),
    ("sarsa-lambda", "FrozenLake-v1", "steps", 1500),
    ("monte-carlo-control", "FrozenLake-v1", "episodes", 40),
    ("dyna-q-plus", "BlockingMaze-v0", "steps", 1500),
    ("r-max(reward_max=1)", "FrozenLake-v1", "episodes", 30),
    ("posterior-sampling", "RiverSwim-v0", "episodes", 20),
    ("td-lambda", "RandomWalk-v0", "episodes", 40),
    (
        "linear-sarsa(tile-coding(tilings=4, tiles=4, low=(-1.2, -0.07), high=(0.6, 0.07)))",
        "MountainCar-v0",
        "steps",
        900,
    ),
    ("online-q-network(mlp(8), adam(0.01))", "NChain-v0(max_episode_steps=40)", "steps", 600),
    ("stream-q(mlp(8, layer_norm=True))", "CartPole-v1", "steps", 900),
    (DQN, "CartPole-v1", "steps", 600),
    (RAINBOW, "CartPole-v1", "steps", 600),
    (PQN, "CartPole-v1", "steps", 600),
]


def same(one, other):
    np.testing.assert_array_equal(one.returns, other.returns)
    np.testing.assert_array_equal(one.lengths, other.lengths)
    np.testing.assert_array_equal(one.num_steps, other.num_steps)
    for name in ("table", "counts", "knowledge"):
        pairs = zip(jax.tree.leaves(getattr(one, name)), jax.tree.leaves(getattr(other, name)), strict=True)
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in pairs), name


@pytest.mark.parametrize(
    ("text", "world", "budget"), [("sarsa", "FrozenLake-v1(loop='host')", 2_000), (DQN, "CartPole-v1", 9_000)]
)
def test_what_is_interrupted_on_its_way_to_a_larger_budget_goes_on_to_that_one(text, world, budget, tmp_path):
    agent = parse_agent(text)
    ql.train(agent, world, steps=300, seeds=2, checkpoint=tmp_path)
    with pytest.raises(ql.Interrupted, match="To go on"):
        ql.resume(tmp_path, steps=budget, progress=interrupting(lambda calls, share: share > 0.1))
    assert read_manifest(tmp_path)["budget"] == budget
    stood = ql.kept_runs(tmp_path)
    assert not stood.complete
    assert (stood.num_steps > 300).any()
    whole = ql.resume(tmp_path)
    same(whole, ql.train(agent, world, steps=budget, seeds=2))
    assert ql.kept_runs(tmp_path).complete


@pytest.mark.parametrize(("text", "world", "unit", "budget"), CASES, ids=[text.partition("(")[0] for text, *_ in CASES])
def test_half_and_then_the_whole_is_the_whole(text, world, unit, budget, tmp_path):
    agent, seeds = parse_agent(text), 3
    whole = ql.train(agent, world, seeds=seeds, **{unit: budget})
    ql.train(agent, world, seeds=seeds, checkpoint=tmp_path, **{unit: budget // 2})
    same(ql.resume(tmp_path, **{unit: budget}), whole)
    same(ql.resume(tmp_path), whole)


def test_in_a_fresh_process_it_is_the_same(tmp_path):
    agent = ql.QLearning(learning_rate=0.3)
    whole = ql.train(agent, "FrozenLake-v1", seeds=60, episodes=80)
    ql.train(agent, "FrozenLake-v1", seeds=60, episodes=40, checkpoint=tmp_path / "kept")
    program = (
        f"import qlearn as ql; ql.resume({str(tmp_path / 'kept')!r}, episodes=80).save({str(tmp_path / 'runs')!r})"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    same(ql.Runs.load(tmp_path / "runs"), whole)


def test_snapshots_go_on_too(tmp_path):
    agent, settings = ql.Sarsa(), {"episodes": 3_000, "seeds": 2, "snapshots": 3}
    terminate = interrupting(number=signal.SIGTERM)
    with pytest.raises(ql.Interrupted, match=r"To go on: ql\.resume"):
        ql.train(agent, "NChain-v0(max_episode_steps=50)", checkpoint=tmp_path, progress=terminate, **settings)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    resumed = ql.resume(tmp_path)
    whole = ql.train(agent, "NChain-v0(max_episode_steps=50)", **settings)
    same(resumed, whole)
    np.testing.assert_array_equal(resumed.snapshots.q_tables, whole.snapshots.q_tables)
    np.testing.assert_array_equal(resumed.snapshots.visits, whole.snapshots.visits)


@pytest.fixture
def kept(tmp_path):
    """A folder with two states of one lane, and the runs that it leads to."""
    agent = ql.QLearning()
    ql.train(agent, "FrozenLake-v1", episodes=20, seeds=2, checkpoint=tmp_path)
    ql.resume(tmp_path, episodes=30)
    return tmp_path, ql.train(agent, "FrozenLake-v1", episodes=40, seeds=2)


def test_where_the_newest_state_is_damaged_the_one_before_it_is_used(kept):
    folder, whole = kept
    files = sorted(folder.glob("lane-0000-?.npz"))
    numbers = {load_arrays(file)[1]["number"]: file for file in files}
    newest = numbers[max(numbers)]
    content = newest.read_bytes()
    for damaged in (content[:-7], content[:200], b"", flipped(content, 5000), flipped(content, 90)):
        newest.write_bytes(damaged)
        same(ql.resume(folder, episodes=40), whole)
        newest.write_bytes(content)
        write_manifest(folder, read_manifest(folder) | {"budget": 30})


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def test_where_all_states_are_damaged_it_says_so(kept):
    folder, _ = kept
    for file in folder.glob("lane-0000-?.npz"):
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ql.StoreError, match=r"No state of lane 0 .* is whole"):
        ql.resume(folder)


def test_a_state_that_does_not_fit_is_refused(kept):
    folder, _ = kept
    other = {"environment": "NChain-v0", "model": ql.make("NChain-v0").digest}
    write_manifest(folder, read_manifest(folder) | other)
    with pytest.raises(ql.StoreError, match="does not fit this training"):
        ql.resume(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}', '{"format": 1}', None])
def test_a_damaged_description_is_named(kept, text):
    folder, _ = kept
    file = folder / "checkpoint.json"
    file.write_text(file.read_text().replace(": 30", ": 31") if text is None else text)
    with pytest.raises(ql.StoreError, match=r"checkpoint\.json"):
        ql.resume(folder)


def test_what_cannot_be_resumed_is_said(kept, tmp_path):
    folder, _ = kept
    with pytest.raises(ql.InputError, match="holds a checkpoint already"):
        ql.train(ql.QLearning(), "FrozenLake-v1", episodes=2, checkpoint=folder)
    with pytest.raises(ql.InputError, match="is no budget beyond"):
        ql.resume(folder, episodes=5)
    with pytest.raises(ql.InputError, match="counts episodes"):
        ql.resume(folder, steps=500)
    with pytest.raises(ql.InputError, match="Pass the agent that was trained"):
        ql.resume(folder, agent=ql.Sarsa())
    with pytest.raises(ql.InputError, match="another problem"):
        ql.resume(folder, environment="Taxi-v4")
    with pytest.raises(ql.StoreError, match="holds no checkpoint"):
        ql.resume(tmp_path / "nowhere")


def test_ones_own_agent_is_passed_again(tmp_path):
    mine = ql.OneStep(rule=ql.rules.q_learning, discount=0.9)
    ql.train(mine, "FrozenLake-v1", episodes=20, seeds=2, checkpoint=tmp_path)
    with pytest.raises(ql.InputError, match="your own agent"):
        ql.resume(tmp_path)
    same(ql.resume(tmp_path, agent=mine, episodes=40), ql.train(mine, "FrozenLake-v1", episodes=40, seeds=2))
