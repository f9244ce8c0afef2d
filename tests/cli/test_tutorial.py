"""`qlearn tutorial`: every part beside the truth."""

import shlex

import numpy as np
import pytest

from qlearn.cli.tutorial_network import settled
from qlearn.errors import Interrupted
from qlearn.training import train_many

TABLES = ["--rounds", "3", "--network-seeds", "0"]
NETWORK = ["--rounds", "2", "--network-seeds", "3"]


@pytest.fixture
def shorter(monkeypatch):
    """A tutorial of fewer episodes: 100 for tables, 60 for the network."""
    monkeypatch.setattr("qlearn.cli.tutorial_facts.EPISODES", 100)
    monkeypatch.setattr("qlearn.cli.tutorial_facts.NETWORK_EPISODES", 60)


def test_it_holds_the_tables_numbers_against_the_truth(qlearn, strict_json, tmp_path, shorter):
    done = qlearn("tutorial", *TABLES, "--seed", "5", "--out", "kept")
    assert done.code == 0, done.err
    for part in ("1. The", "2. What", "3. Three", "4. The tournament", "5. The Q", "6. What"):
        assert part in done.out
    for number in ("13", "22", "65", "3,663.6928", "1,603.1872", "1,311.25", "2,226.3", "61.38", "1.2500 times"):
        assert number in done.out
    found = strict_json((tmp_path / "kept" / "tutorial.json").read_text(encoding="utf-8"))
    assert len(found["by_hand"]) == 8
    assert found["truth"]["optimum"] == pytest.approx(3663.6928, abs=1e-4)
    assert found["truth"]["expected_returns"]["always backward"]["sd"] == pytest.approx(25.2, abs=0.05)
    assert sum(found["tournament"]["wins"]) == 3
    assert found["tournament"]["tutorial"] == [13, 22, 65]
    assert np.shape(found["tables"]["q_tables"]["greedy Q-learning"]) == (5, 2)
    assert [row["learning_rate"] for row in found["learning_rates"]] == [0.8, 0.3, 0.1, 0.03, 0.01, 0.001]
    assert (tmp_path / "kept" / "learning-curves.png").exists()


def test_the_network_can_be_left_out(qlearn, shorter, tmp_path):
    done = qlearn("tutorial", *TABLES, "--out", "kept")
    assert "Keras" not in done.out
    assert not (tmp_path / "kept" / "network-curve.png").exists()


def test_the_network_is_held_against_the_original_and_the_exact_ceiling(qlearn, shorter, tmp_path):
    done = qlearn("tutorial", *NETWORK, "--out", "kept")
    assert done.code == 0, done.err
    told = done.out.partition("7. The Keras network")[2]
    for part in ("3 seeds × 60 episodes", "1–50", "1.395", "1.882", "1.910", "online ceiling", "61.38", "0.66"):
        assert part in told
    assert (tmp_path / "kept" / "network-curve.png").exists()
    assert (tmp_path / "kept" / "network-curve.svg").exists()
    assert "--network-seeds 3" in done.out.splitlines()[-1]


def test_json_has_the_network_and_the_command_gives_it_again(qlearn, shorter):
    found = qlearn("tutorial", *NETWORK, "--seed", "5", "--json").json
    network = found["network"]
    assert network["seeds"] == [5, 6, 7]
    assert network["agent"] == {"model": "mlp(10, activation='sigmoid')", "optimizer": "Adam(0.001)"}
    assert np.shape(network["q_values"]) == (3, 5, 2)
    assert network["q_optimal"][0] == pytest.approx([61.379482, 60.577751], abs=1e-6)
    curves = ("mean_reward", "online_ceiling", "optimal_policy_at_that_epsilon", "share_optimal")
    assert {len(network[name]) for name in curves} == {60}
    assert len(network["greedy_value"]) == 61  # before the first episode, too
    (period,) = network["periods"]
    assert period["episodes"] == [1, 50]
    assert period["reference"] == 1.395
    # The reference's own exact column, to its last digit; the ceiling may go backward in state 0 while ε is large.
    assert period["optimal_policy_at_that_epsilon"] == pytest.approx(1.882, abs=5e-4)
    assert period["online_ceiling"] > period["optimal_policy_at_that_epsilon"]
    assert period["mean_reward"] == pytest.approx(np.mean(network["mean_reward"][:50]))
    again = qlearn(*shlex.split(found["command"])[1:], "--json").json
    assert again["network"]["q_values"] == network["q_values"]


def test_an_interrupted_network_leaves_what_it_had_learnt(qlearn, shorter, monkeypatch):
    def interrupted(agents, *arguments, **named):
        runs = train_many(agents, *arguments, **named)
        if agents[0].label == "online Q network":
            raise Interrupted("stopped", runs)
        return runs

    monkeypatch.setattr("qlearn.training.train_many", interrupted)
    done = qlearn("tutorial", *NETWORK)
    assert done.code == 130
    assert "online Q network" in done.out
    assert "From the beginning: qlearn tutorial --rounds 2 --network-seeds 3" in done.out


@pytest.mark.parametrize(
    ("ends", "episode"),
    [
        ("1111", 1),
        ("0" * 10 + "11", 11),
        ("1" + "0" * 10 + "1101", 12),  # luck before, a brief flip after
        ("0" * 12, 13),
    ],
)
def test_a_policy_is_settled_once_it_is_optimal_but_for_brief_flips(ends, episode):
    assert settled(np.array([end == "1" for end in ends])) == episode
