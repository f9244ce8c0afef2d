"""Presets: settings as data, and certificates that hold what they claim."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import qlearn as ql
from qlearn.training import parse_agent, written_agent

ROOT = Path(__file__).parents[2]
HELD = json.loads((ROOT / "benchmarks" / "results" / "certificates.json").read_text())


def name_of(preset):
    return f"{preset.name}/{preset.environment}"


def made(name):
    return HELD["certificates"][name]


def greedy(name):
    return np.array(made(name)["greedy"]["per_seed"])


@pytest.fixture(scope="module")
def pages():
    """The module that writes the pages, which is no part of the package."""
    place = importlib.util.spec_from_file_location("certificate_pages", ROOT / "benchmarks" / "certificate_pages.py")
    module = importlib.util.module_from_spec(place)
    sys.modules[place.name] = module
    place.loader.exec_module(module)
    return module


@pytest.mark.parametrize("preset", ql.presets(), ids=name_of)
class TestEveryPreset:
    def test_is_read_and_written_again(self, preset):
        agent = ql.preset(preset.name, preset.environment)
        assert parse_agent(written_agent(agent)) == agent
        assert parse_agent(f"preset({preset.name}, '{preset.environment}')") == agent
        assert ql.find_preset(preset.name.upper(), preset.environment.lower()) == preset

    def test_says_where_it_is_from_and_what_it_claims(self, preset):
        assert preset.source
        assert preset.claim
        assert preset.steps >= (50_000 if preset.environment.startswith("ALE/") else 100_000)
        assert ql.make(preset.environment).name == preset.environment

    def test_has_a_certificate_of_just_its_settings(self, preset):
        told, agent = made(name_of(preset)), ql.preset(preset.name, preset.environment)
        assert (told["settings"], told["steps"]) == (preset.agent, preset.steps)
        assert told["agent_version"] == agent.version

    def test_counts_ten_seeds_or_on_slow_games_fewer_that_failed_or_not(self, preset):
        told = made(name_of(preset))
        least = {"pgx": 5, "ALE": 3}.get(preset.environment[:3], 10)
        assert len(set(told["seeds"])) == len(greedy(name_of(preset))) >= least
        assert min(told["seeds"]) >= 1000  # settings were chosen on those below
        assert told["greedy"]["mean"] == pytest.approx(greedy(name_of(preset)).mean())
        assert told["greedy"]["low"] <= told["greedy"]["mean"] <= told["greedy"]["high"]

    def test_trains(self, preset):
        runs = ql.train(ql.preset(preset.name, preset.environment), preset.environment, steps=600, seeds=1)
        assert runs.complete
        assert runs.num_steps[0] >= 600
        assert not runs.diverged.any()


def test_the_setting_of_dqn_gets_475_on_cartpole_while_it_trains():
    assert made("dqn/CartPole-v1")["training"]["mean"] >= 475


@pytest.mark.parametrize("name", ["pqn/CartPole-v1", "stream-q/CartPole-v1"])
def test_cartpole_is_solved_by_nine_of_ten_seeds(name):
    assert (greedy(name) >= 490).mean() >= 0.9


def test_the_control_is_worse_than_the_agents_that_it_is_there_for():
    control = made("online-q-network/CartPole-v1")["greedy"]["high"]
    assert all(made(f"{name}/CartPole-v1")["greedy"]["low"] > control for name in ("pqn", "stream-q"))


@pytest.mark.parametrize("name", ["pqn/Acrobot-v1", "stream-q/Acrobot-v1"])
def test_acrobot_is_swung_up_within_a_hundred_steps(name):
    assert greedy(name).mean() >= -100


def test_dqn_swings_acrobot_up_within_a_hundred_steps_while_it_trains():
    assert made("dqn/Acrobot-v1")["training"]["mean"] >= -100  # greedily one seed of ten hangs, and the docs say so


def test_lunar_lander_is_landed_on_average():
    assert made("pqn/LunarLander-v3")["greedy"]["mean"] >= 200


@pytest.mark.parametrize("name", ["dqn", "pqn"])
@pytest.mark.parametrize("game", ["breakout", "freeway", "space_invaders"])
def test_games_of_minatar_bring_ten_times_what_the_uniform_policy_gets(name, game):
    environment = f"pgx:minatar-{game}"
    assert made(f"{name}/{environment}")["greedy"]["mean"] >= 10 * HELD["controls"][environment]["mean"]


def test_breakout_of_atari_brings_twice_what_the_uniform_policy_gets():
    told = made("dqn/ALE/Breakout-v5")
    assert told["greedy"]["mean"] >= 2 * HELD["controls"]["ALE/Breakout-v5"]["mean"]
    assert "reward_clipping=False" in told["judged"]


def test_rainbow_solves_cartpole_in_half_of_its_seeds():
    assert (greedy("rainbow/CartPole-v1") >= 490).mean() >= 0.5


def test_no_agent_is_said_to_solve_mountain_car():
    names = [name for name in HELD["certificates"] if name.endswith("MountainCar-v0")]
    assert len(names) == 3
    for name in names:
        assert ql.find_preset(*name.split("/")).claim.startswith("none")
        assert len(made(name)["goal"]["first_step"]) == len(made(name)["seeds"])


def test_every_certificate_is_of_a_preset_and_every_environment_has_its_control():
    assert set(HELD["certificates"]) == {name_of(preset) for preset in ql.presets()}
    assert set(HELD["controls"]) == {preset.environment for preset in ql.presets()}


def test_the_tables_in_the_docs_are_those_of_the_certificates(pages):
    assert pages.block(HELD) in (ROOT / "docs" / "certificates.md").read_text(encoding="utf-8")


def test_a_claim_that_was_changed_after_its_results_is_shown_as_such(pages):
    told = {"claim": "at least 10"}
    assert pages.claims(told, "at least 10") == "claimed beforehand: at least 10."
    assert pages.claims(told, "at least 5").endswith("Since changed, after these results, to: at least 5.")


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(ql.InputError, match="did you mean 'dqn for CartPole-v1'"):
        ql.preset("dqn", "CartPole-v0")
    with pytest.raises(ql.InputError, match="did you mean 'stream-q for Acrobot-v1'"):
        ql.preset("streamq", "Acrobot-v1")
