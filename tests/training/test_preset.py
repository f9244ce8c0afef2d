"""Presets: settings as data, and certificates that hold what they claim."""

import json
from pathlib import Path

import numpy as np
import pytest

import qlearn as ql
from qlearn.training import parse_agent, written_agent

CERTIFICATES = Path(__file__).parents[2] / "benchmarks" / "results" / "certificates.json"
HELD = json.loads(CERTIFICATES.read_text())["certificates"]


def name_of(preset):
    return f"{preset.name}/{preset.environment}"


@pytest.mark.parametrize("preset", ql.presets(), ids=name_of)
def test_a_preset_is_read_and_written_and_has_a_certificate_of_just_its_settings(preset):
    agent = ql.preset(preset.name, preset.environment)
    assert parse_agent(written_agent(agent)) == agent
    assert preset.source
    assert preset.claim
    made = HELD[name_of(preset)]
    assert (made["settings"], made["steps"]) == (preset.agent, preset.steps)
    assert made["agent_version"] == agent.version
    assert len(set(made["seeds"])) >= 10


def greedy(name):
    return np.array(HELD[name]["greedy"]["per_seed"])


@pytest.mark.parametrize("name", ["pqn/CartPole-v1", "stream-q/CartPole-v1"])
def test_cartpole_is_solved_by_nine_of_ten_seeds(name):
    assert (greedy(name) >= 490).sum() >= 9


@pytest.mark.parametrize("name", ["pqn/Acrobot-v1", "stream-q/Acrobot-v1"])
def test_acrobot_is_swung_up_within_a_hundred_steps(name):
    assert greedy(name).mean() >= -100


def test_dqn_swings_acrobot_up_within_a_hundred_steps_while_it_trains():
    assert HELD["dqn/Acrobot-v1"]["training"]["mean"] >= -100  # greedily one seed of ten hangs


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(ql.InputError, match="did you mean 'dqn for CartPole-v1'"):
        ql.preset("dqn", "CartPole-v0")


def test_a_preset_trains():
    runs = ql.train(ql.preset("pqn", "CartPole-v1"), "CartPole-v1", steps=4096, seeds=1)
    assert runs.num_steps[0] == 4096
    assert runs.complete
    assert not runs.diverged.any()
