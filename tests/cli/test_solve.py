"""`qlearn solve` against the exact facts."""

import shlex

import numpy as np
import pytest


def test_nchain_comes_out_exactly(qlearn):
    found = qlearn("solve", "NChain-v0", "--discount", "0.95", "--json").json
    np.testing.assert_allclose(
        found["q"],
        [
            [61.379482, 60.577751],
            [64.891290, 61.455703],
            [69.512090, 62.610903],
            [75.592090, 64.130903],
            [83.592090, 66.130903],
        ],
        atol=1e-6,
    )
    assert found["policy"] == [0] * 5
    assert found["value"] == pytest.approx(61.379482, abs=1e-6)
    assert found["expected_return"] == pytest.approx(3663.6928, abs=1e-4)
    assert found["optimum"] == found["expected_return"]
    assert found["ceiling"] == pytest.approx(3665.8324, abs=1e-4)
    assert found["error_bound"] < 1e-9


def test_a_horizon_changes_the_returns_and_not_q(qlearn):
    long = qlearn("solve", "NChain-v0", "--json").json
    short = qlearn("solve", "NChain-v0", "--horizon", "1", "--json").json
    assert short["q"] == long["q"]
    assert short["expected_return"] == pytest.approx(0.4)  # one step forward slips one time in five, for 2
    assert short["ceiling"] == pytest.approx(1.6)


def test_without_a_time_limit_there_is_no_expected_return_but_an_optimum_within_1000_steps(qlearn):
    found = qlearn("solve", "CliffWalking-v1", "--discount", "1", "--json").json
    assert found["expected_return"] is None
    assert found["horizon"] is None
    assert found["optimum"] == pytest.approx(-13)
    assert found["optimum_horizon"] == 1000


def test_people_get_names_of_states_and_actions(qlearn):
    done = qlearn("solve", "FrozenLake-v1", "--discount", "0.99")
    assert "Q* left" in done.out
    assert "(1, 2)" in done.out
    assert "left, right" in done.out  # a tie is told


def test_the_command_that_it_prints_gives_the_same(qlearn):
    first = qlearn("solve", "NChain-v0(n=7, slip=0.1)", "--discount", "0.9", "--horizon", "50", "--json").json
    words = shlex.split(first["command"])[1:]
    again = qlearn(*words, "--json").json
    assert first["q"] == again["q"]
    assert first["command"] == again["command"]
