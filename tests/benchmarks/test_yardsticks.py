"""The yardsticks learn what the tutorial says: a loop that did less would be none.  Nothing here is timed."""

import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # benchmarks/ is no part of the package

from benchmarks import __main__ as command  # noqa: E402
from benchmarks import c_kernel, gymnasium_loop, measure, report, tutorial_loop  # noqa: E402

needs_compiler = pytest.mark.skipif(c_kernel.compiler() is None, reason="no C compiler")

# Exact, for discount 0.95: the tutorial's table.
Q_STAR = np.array(
    [
        [61.379482, 60.577751],
        [64.891290, 61.455703],
        [69.512090, 62.610903],
        [75.592090, 64.130903],
        [83.592090, 66.130903],
    ]
)
# Where ε stands after 497 episodes.  With a learning rate of 0.8 a table forgets within some hundred steps,
# so that three episodes from here end as 500 from the start do (20,000 seeds of the C kernel: value 2197 ±
# 6, optimal 12.5% ± 0.2%, root-mean-square error 27.3).
LATE = 0.5 * 0.999**497


def exact_return(policy):
    """Expected return of one game of 1,000 steps."""
    moves, rewards = np.zeros((5, 5)), np.zeros(5)
    for state, action in enumerate(policy):
        forward = 0.8 if action == 0 else 0.2
        moves[state, min(state + 1, 4)] += forward
        moves[state, 0] += 1 - forward
        rewards[state] = forward * (10 if state == 4 else 0) + (1 - forward) * 2
    where, total = np.eye(5)[0], 0.0
    for _ in range(1000):
        total += where @ rewards
        where = where @ moves
    return total


@pytest.fixture(scope="module")
def value_of():
    return {policy: exact_return(policy) for policy in itertools.product((0, 1), repeat=5)}


def judge(tables, value_of):
    """Exact value of each greedy policy; whether it is always forward; mean squared error of each table."""
    tables = np.asarray(tables, np.float64)
    policies = tables.argmax(axis=2)
    values = np.array([value_of[tuple(policy)] for policy in policies.tolist()])
    return values, (policies == 0).all(axis=1), ((tables - Q_STAR) ** 2).mean(axis=(1, 2))


def agrees(sample, expected, expected_error=0.0):
    """The sample's mean lies within four standard errors of what is expected."""
    error = np.hypot(np.std(sample, ddof=1) / np.sqrt(len(sample)), expected_error)
    return abs(np.mean(sample) - expected) < 4 * error


@pytest.fixture(scope="module")
def numpy_runs():
    """Sixty short runs of the numpy loop: tables and returns."""
    runs = [tutorial_loop.learn(3, 1000, seed, epsilon=LATE) for seed in range(60)]
    tables, returns = zip(*runs, strict=True)
    return np.array(tables), np.array(returns)


def test_the_exact_returns_used_here_are_the_tutorials(value_of):
    assert value_of[(0,) * 5] == pytest.approx(3663.6928, abs=1e-4)
    assert value_of[(1,) * 5] == pytest.approx(1603.1872, abs=1e-4)


def test_the_chain_of_the_loop_slips_pays_and_ends_as_the_tutorials():
    env = tutorial_loop.NChain()
    env.reset(seed=3)
    same_numbers = np.random.default_rng(3).random(1000)
    state = 0
    for step, number in enumerate(same_numbers):
        chosen = step % 7 == 6  # mostly forward
        moved = chosen ^ (number < 0.2)
        reward = 2 if moved else 10 if state == 4 else 0
        state = 0 if moved else min(state + 1, 4)
        assert env.step(int(chosen)) == (state, reward, False, step == 999, {})


def test_the_numpy_loop_ends_where_the_tutorial_says(numpy_runs, value_of):
    values, optimal, squared_error = judge(numpy_runs[0], value_of)
    assert agrees(values, 2226.3, 18.1)
    assert agrees(optimal, 0.129, 0.015)
    assert agrees(squared_error, 27.0**2)


def test_a_run_of_the_numpy_loop_is_told_by_its_seed():
    (first, _), (again, _), (other, _) = (tutorial_loop.learn(1, 300, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@needs_compiler
def test_the_c_kernel_draws_the_published_words_of_threefry():
    """Known answers that come with Random123, for 13 rounds."""
    full = (0xFFFFFFFF, 0xFFFFFFFF)
    pi = (0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344)
    assert c_kernel.threefry(key=(0, 0), counter=(0, 0)) == (0x9D1C5EC6, 0x8BD50731)
    assert c_kernel.threefry(key=full, counter=full) == (0xFD36D048, 0x2D17272C)
    assert c_kernel.threefry(key=pi[1], counter=pi[0]) == (0xBA3E4725, 0xF27D669E)


@needs_compiler
def test_the_c_kernel_ends_where_the_tutorial_says(value_of):
    tables, visits, returns = c_kernel.learn(100, 500, 1000)
    values, optimal, squared_error = judge(tables, value_of)
    assert agrees(values, 2226.3, 18.1)
    assert agrees(optimal, 0.129, 0.015)
    assert agrees(squared_error, 27.0**2)
    assert (visits.sum(axis=(1, 2)) == 500_000).all()
    assert (returns % 2 == 0).all()


@needs_compiler
def test_the_c_kernel_and_the_numpy_loop_learn_the_same_in_distribution(numpy_runs):
    tables, returns = numpy_runs
    c_tables, _, c_returns = c_kernel.learn(4000, 3, 1000, epsilon=LATE)
    for episode in range(3):
        assert agrees(returns[:, episode], c_returns[:, episode].mean())
    for state, action in itertools.product(range(5), range(2)):
        assert agrees(tables[:, state, action], c_tables[:, state, action].mean())


@needs_compiler
def test_a_seed_of_the_c_kernel_is_the_same_beside_any_others():
    together, _, _ = c_kernel.learn(5, 2, 100)
    alone, _, _ = c_kernel.learn(1, 2, 100, first_seed=3)
    np.testing.assert_array_equal(together[3], alone[0])


def test_the_gymnasium_loop_bootstraps_and_stops_at_the_end():
    """On FrozenLake every value is a probability, and states where episodes end learn nothing."""
    q_table, num_episodes = gymnasium_loop.learn("frozenlake8x8", 2000, seed=0)
    assert q_table.shape == (64, 4)
    assert num_episodes >= 2000 // 200
    assert (q_table >= 0).all()
    assert (q_table <= 1).all()
    assert (q_table[[19, 29, 63]] == 0).all()
    taxi, _ = gymnasium_loop.learn("taxi", 500, seed=0)
    assert -10 < taxi.min() < 0


def test_contestants_take_turns_and_one_that_fails_leaves():
    calls = []

    def contestant(name):
        return lambda: calls.append(name) or 10

    timings, failed = measure.alternate(
        {"a": contestant("a"), "broken": lambda: 1 // 0, "b": contestant("b")}, repeats=3
    )
    assert calls == ["a", "b"] * 4
    assert list(timings) == ["a", "b"]
    assert failed == {"broken": "ZeroDivisionError: integer division or modulo by zero"}


def test_a_ratio_is_taken_within_a_turn():
    fast = measure.Timings(amount=[30, 60, 90], process=[1.0, 1.0, 1.0], wall=[1.0, 1.0, 1.0])
    slow = measure.Timings(amount=[10, 10, 10], process=[1.0, 1.0, 1.0], wall=[2.0, 2.0, 2.0])
    found = measure.ratios({"fast": fast, "slow": slow}, "fast", "slow")
    assert found == {"median": 6.0, "min": 3.0, "max": 9.0, "n": 3}


def test_a_run_of_some_benchmarks_keeps_what_is_written_of_the_others(tmp_path, monkeypatch, capsys):
    def measured(title):
        row = {"what": "it", "ratio": None, "ratio_wall": None, "target": "< 1 s", "met": True}
        row["absolute"] = {"median": 0.5, "min": 0.4, "max": 0.6, "n": 5, "unit": "s"}
        return lambda quick: {"title": title, "conditions": measure.conditions(), "rows": [row]}

    monkeypatch.setattr(command, "SECTIONS", {"one": measured("First"), "two": measured("Second")})
    for names in (["two"], ["one"]):
        monkeypatch.setattr(sys, "argv", ["benchmarks", *names, "--out", str(tmp_path)])
        assert command.main() == 0
    page = (tmp_path / "speed.md").read_text()
    assert page.index("## First") < page.index("## Second")
    assert "| it   | 0.5 s (0.4–0.6) | < 1 s  | met |" in page
    assert set(json.loads((tmp_path / "speed.json").read_text())) == {"one", "two"}
    assert capsys.readouterr().out.count("| it ") == 2


def test_what_could_not_be_measured_is_said_and_not_met():
    row = {"what": "it", "ratio": None, "ratio_wall": None, "absolute": None, "target": "≥ 2 ×", "met": None}
    page = report.table([{**row, "failed": "no compiler"}])
    assert "not measured (no compiler)" in page
    assert "met |" not in page.splitlines()[-1]
