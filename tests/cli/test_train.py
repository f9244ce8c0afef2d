"""`qlearn train`, `qlearn bench` and Ctrl-C."""

import json
import shlex
import signal
import stat
import sys
import time

import gymnasium
import numpy as np
import pytest

SHORT = ["--episodes", "20", "--seeds", "4"]


def test_what_is_told_is_what_was_trained(qlearn):
    import qlearn as ql

    found = qlearn("train", "NChain-v0", "q-learning(learning_rate=0.2)", *SHORT, "--seed", "3", "--json").json
    runs = ql.train(ql.QLearning(learning_rate=0.2), "NChain-v0", episodes=20, seeds=[3, 4, 5, 6])
    assert found["seeds"] == [3, 4, 5, 6]
    np.testing.assert_allclose(found["online_return"], runs.returns.mean(axis=1))
    np.testing.assert_allclose(found["exact_return"], ql.evaluate(runs).exact_return)
    assert found["optimum"] == pytest.approx(3663.6928, abs=1e-4)
    assert len(found["q_table"]) == 5


def test_the_folder_gets_runs_that_can_be_loaded(qlearn, strict_json, tmp_path):
    from qlearn.training import Runs

    done = qlearn("train", "NChain-v0", "sarsa", *SHORT, "--snapshots", "2", "--out", "kept")
    assert done.code == 0
    runs = Runs.load(tmp_path / "kept" / "runs.npz")
    assert runs.returns.shape == (4, 20)
    assert runs.snapshots.positions.tolist() == [0, 10, 20]
    assert "runs.npz" in done.out
    assert strict_json((tmp_path / "kept" / "train.json").read_text(encoding="utf-8"))["name"] == runs.label


def test_the_command_that_it_prints_gives_the_same(qlearn):
    first = qlearn("train", "NChain-v0", "sarsa(learning_rate=0.3)", *SHORT, "--json").json
    again = qlearn(*shlex.split(first["command"])[1:], "--json").json
    assert first["online_return"] == again["online_return"]


def test_people_get_the_table_beside_the_truth(qlearn):
    done = qlearn("train", "NChain-v0", "q-learning", *SHORT)
    assert "exact value of the greedy policy" in done.out
    assert "61.38" in done.out
    assert "Optimal policy in" in done.out


def test_sums_of_rewards_are_not_held_against_values(qlearn):
    assert "sums of rewards, not values" in qlearn("train", "NChain-v0", "reward-sum", *SHORT).out


def test_a_budget_in_steps_will_do(qlearn):
    found = qlearn("train", "FrozenLake-v1", "q-learning", "--steps", "300", "--seeds", "2", "--json").json
    assert found["num_steps"] == [300, 300]


def test_a_discount_that_the_agent_does_not_follow_is_remarked(qlearn):
    done = qlearn("train", "NChain-v0", "q-learning", "--discount", "0.9", *SHORT)
    assert done.code == 0
    assert "q-learning(discount=0.9)" in done.err


def test_runs_that_diverge_give_exit_code_5(qlearn, strict_json):
    done = qlearn("train", "NChain-v0", "q-learning(learning_rate=60)", *SHORT, "--json")
    assert done.code == 5
    assert strict_json(done.out)["diverged"] > 0


def test_an_environment_without_a_model_is_judged_by_rollouts(qlearn):
    words = ["train", "Taxi-v4(fickle_passenger=True)", "q-learning", "--episodes", "2", "--seeds", "2"]
    found = qlearn(*words, "--json").json
    assert found["optimum"] is None
    assert found["method"] == "rollouts"
    assert "no model" in qlearn(*words).out


FAULTY = """
import gymnasium as gym

class Faulty(gym.Env):
    observation_space = action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        raise RuntimeError("the wheel came off")

gym.register("Faulty-v0", Faulty, max_episode_steps=5, disable_env_checker=True)
"""


@pytest.mark.parametrize(
    "words", [["train", "faulty:Faulty-v0", "q-learning", "--seeds", "2"], ["play", "faulty:Faulty-v0"]]
)
def test_a_fault_of_the_environment_gives_exit_code_3(qlearn, monkeypatch, tmp_path, words):
    (tmp_path / "faulty.py").write_text(FAULTY)
    monkeypatch.syspath_prepend(tmp_path)
    done = qlearn(*words, "--out", "made", stdin="0\n")
    assert done.code == 3, done.err
    assert "the wheel came off" in done.err
    assert done.err.count("\n") <= 3
    assert "Traceback" not in done.err
    assert not list(tmp_path.glob("made/*.*"))  # no results; what was kept can be gone on with when it is mended


FRAGILE = """
import os
import gymnasium as gym

class Fragile(gym.Env):
    observation_space, action_space = gym.spaces.Discrete(3), gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps, self.wrong = 0, seed == {wrong} and not os.path.exists("mended")
        return 0, {{}}

    def step(self, action):
        self.steps += 1
        if self.wrong and self.steps == 4:
            raise OSError("no answer from the simulator")
        return self.steps % 3, float(action), self.steps == 5, False, {{}}

gym.register("Fragile-v0", Fragile, disable_env_checker=True)
"""


def test_where_one_seed_fails_the_others_are_told_and_all_go_on_when_it_is_mended(qlearn, monkeypatch, tmp_path):
    import qlearn as ql
    from qlearn.engine.host_loop import episode_seed

    (tmp_path / "fragile.py").write_text(FRAGILE.format(wrong=episode_seed(2, 13)))
    monkeypatch.setattr("sys.path", list(sys.path))
    words = ["train", "fragile:Fragile-v0", "q-learning", "--episodes", 50, "--seeds", 4]
    done = qlearn(*words, "--log", "curves", "--out", "kept")
    assert done.code == 3, done.err
    assert "50 episodes, 4 seeds (0 to 3), of which 3 finished" in done.out
    assert "greedy policy, by rollouts" in done.out
    told = done.err.splitlines()
    assert "Fragile-v0 (seed 2, episode 13, step 3) raised OSError" in told[0]
    assert told[1] == "So seed 2 is missing; the other 3 finished."
    assert told[2] == "To go on, with all seeds, when the environment is mended: qlearn resume kept --import fragile"
    data = json.loads((tmp_path / "kept" / "train.json").read_text())
    assert (data["seeds"], data["fault"]["seed"]) == ([0, 1, 3], 2)
    assert "qlearn resume" not in qlearn(*words).err
    (tmp_path / "mended").touch()
    assert qlearn("resume", "kept", "--import", "fragile").code == 0
    straight, kept = ql.train(ql.QLearning(), "Fragile-v0", episodes=50, seeds=4), ql.kept_runs("kept")
    np.testing.assert_array_equal(kept.q_table, straight.q_table)
    lines = (tmp_path / "curves" / "episodes.csv").read_text().splitlines()[1:]
    assert len({tuple(line.split(",")[:2]) for line in lines}) == len(lines) == 4 * 50


def test_an_environment_of_ones_own_is_imported_only_where_that_is_said(qlearn, monkeypatch, tmp_path):
    (tmp_path / "own_maze.py").write_text(FRAGILE.format(wrong=-1).replace("Fragile-v0", "OwnMaze-v0"))
    monkeypatch.setattr("sys.path", list(sys.path))
    assert qlearn("train", "own_maze:OwnMaze-v0", "sarsa", *SHORT, "--out", "kept").code == 0
    gymnasium.registry.pop("OwnMaze-v0")
    sys.modules.pop("own_maze")
    for command in ("evaluate", "resume", "export", "play"):
        done = qlearn(command, "kept")
        assert (done.code, "own_maze" in sys.modules) == (2, False), done.err
        assert "--import MODULE" in done.err
    done = qlearn("evaluate", "kept", "--import", "own_maze", "--on", "NChain-v0")
    assert "trained on OwnMaze-v0 (3 states, 2 actions), and NChain-v0 has 5 states" in done.err
    done = qlearn("play", "kept", "--import", "own_maze", "--json")
    assert done.json["command"].endswith("--import own_maze")
    (tmp_path / "broken.py").write_text("1 / 0")
    assert "ZeroDivisionError" in qlearn("evaluate", "kept", "--import", "broken").err
    assert "ZeroDivisionError" in qlearn("train", "broken:Maze-v0", "sarsa").err


def wait_until(true, seconds=300):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize(
    "words", [["train", "NChain-v0", "q-learning"], ["compare", "NChain-v0", "sarsa", "q-learning"]]
)
def test_ctrl_c_prints_what_was_learnt_so_far(started, strict_json, tmp_path, words):
    process = started(*words, "--episodes", "10000000", "--seeds", "2", "--json")
    agents = len(words) - 2
    wait_until(lambda: len(list(tmp_path.glob("cache/qlearn/jax/*/jit_run*"))) >= agents)  # all are compiled
    time.sleep(4)  # they train
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    found = strict_json(out)
    learnt = found.get("agents", [found])
    assert len(learnt) == agents
    assert all(agent["complete"] is False and agent["num_episodes"][0] > 0 for agent in learnt)
    assert " ".join(words) in found["command"]
    assert b"Traceback" not in err


def test_what_was_compiled_is_kept_privately(started, tmp_path):
    process = started("train", "NChain-v0", "q-learning", *SHORT, "--json")
    _, err = process.communicate()
    assert process.returncode == 0, err
    folder = tmp_path / "cache" / "qlearn"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.glob("jax/*/jit_run*"))
    assert err == b""


def test_without_a_cache_folder_everything_works(started, strict_json, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    process = started("train", "NChain-v0", "q-learning", *SHORT, "--json")
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert strict_json(out)["complete"] is True


def test_bench_tells_speeds_with_their_conditions(qlearn, monkeypatch):
    monkeypatch.setattr("qlearn.cli.bench.SIZES", (2,))
    monkeypatch.setattr("qlearn.cli.bench.LOOP_STEPS", 400)
    monkeypatch.setattr("qlearn.cli.bench.EPISODES", 2)
    found = qlearn("bench", "--repeats", "1", "--json").json
    assert found["rows"][0]["ratio"] == 1
    assert all(row["steps_per_second"] > 0 for row in found["rows"])
    assert found["conditions"]["cores"] >= 1
    assert "million steps/s" in qlearn("bench", "--repeats", "1").out
