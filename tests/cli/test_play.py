"""`qlearn play`: typed words in, what happened out."""

import signal

import pytest

from qlearn.cli.game import game
from qlearn.environments import make
from qlearn.environments.problems import PROBLEMS


def test_actions_go_by_number_name_or_beginning(qlearn):
    done = qlearn("play", "NChain-v0(slip=0)", "--json", stdin="0\nforward\nF\nback\nq\n")
    steps = done.json["episodes"][0]["steps"]
    assert [step["action"] for step in steps] == [0, 0, 0, 1]
    assert [step["next_state"] for step in steps] == [1, 2, 3, 0]
    assert done.json["total_return"] == 2


def test_several_numbers_are_played_one_after_another(qlearn):
    done = qlearn("play", "NChain-v0(slip=0)", stdin="0 0 0 0 0\n")
    assert "step 5: forward -> state 4, reward 10 (so far 10)" in done.out
    assert "You took 5 steps for a return of 10." in done.out


def test_the_end_of_the_input_ends_the_game(qlearn):
    done = qlearn("play", "NChain-v0", stdin="")
    assert done.code == 0
    assert "You took no step." in done.out


def test_why_tells_the_hidden_flip(qlearn):
    done = qlearn("play", "NChain-v0(slip=1)", stdin="why\nforward\nwhy\n")
    assert "Nothing has happened yet" in done.out
    assert "You chose forward; it slipped: backward was carried out." in done.out
    assert "100%: state 0, reward 2  <- this one" in done.out


def test_why_lists_what_could_have_happened(qlearn):
    done = qlearn("play", "NChain-v0", "--seed", "1", stdin="0\nwhy\n")
    assert "20%: state 0, reward 2" in done.out
    assert "80%: state 1, reward 0" in done.out
    assert done.out.count("<- this one") == 1


def test_without_being_asked_the_flip_stays_hidden(qlearn):
    assert "slip" not in qlearn("play", "NChain-v0", "--seed", "1", stdin="0 0 0 0 0 0 0 0\nq\n").out


def test_the_same_seed_has_the_same_luck(qlearn):
    plays = [qlearn("play", "NChain-v0", "--seed", "5", "--json", stdin="0 " * 50).json for _ in range(2)]
    assert plays[0]["episodes"] == plays[1]["episodes"]


def test_a_slip_of_the_finger_is_told_and_costs_nothing(qlearn):
    done = qlearn("play", "NChain-v0", stdin="foward\n7\n-1\n0 9\nnonsense\n")
    assert "did you mean 'forward'?" in done.out
    assert "You took no step." in done.out


def test_an_episode_ends_and_another_begins(qlearn):
    lake = "FrozenLake-v1(is_slippery=False)"
    done = qlearn("play", lake, stdin="right\ndown\nleft\nnew\ndown\nq\n")
    assert "The episode has ended after 2 steps with a return of 0" in done.out
    assert "The episode is over. `new` starts another" in done.out
    assert "You took 3 steps in 2 episodes" in done.out


def test_the_clock_is_told_apart_from_the_end(qlearn):
    done = qlearn("play", "NChain-v0(max_episode_steps=2)", "--json", stdin="1 1 1\n")
    steps = done.json["episodes"][0]["steps"]
    assert [(step["terminated"], step["truncated"]) for step in steps] == [(False, False), (False, True)]
    assert "The time is up" in done.err


def test_the_summary_holds_the_game_against_the_optimum(qlearn):
    found = qlearn("play", "NChain-v0", "--json", stdin="1\n").json
    assert found["best_expects"] == pytest.approx(1.6)  # back: 2, but for one slip in five
    assert found["uniform_expects"] == pytest.approx(1.0)


def test_an_environment_without_a_model_can_be_played(qlearn):
    done = qlearn("play", "Taxi-v4(fickle_passenger=True)", "--seed", "1", stdin="0\nwhy\n")
    assert done.code == 0
    assert "has no model" in done.out


def test_ctrl_c_ends_the_game_with_its_summary(started):
    process = started("play", "NChain-v0(slip=0)", PYTHONUNBUFFERED="1")
    process.stdin.write(b"0 0\n")
    process.stdin.flush()
    while b"step 2" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert b"You took 2 steps" in out
    assert err == b""


def test_a_maze_is_drawn_and_changes_while_it_is_played(qlearn):
    done = qlearn("play", "BlockingMaze-v0(at_step=2)", stdin="0 0\nwhy\nq\n")
    assert " .  #  #  #  #  #  #  #  . " not in done.out
    first, later = (done.out.index(row) for row in (" #  #  #  #  #  #  #  #  . ", " .  #  #  #  #  #  #  #  # "))
    assert first < later
    assert "[.]" in done.out


@pytest.mark.parametrize("identity", [identity for identity, entry in PROBLEMS.items() if not entry.device])
def test_every_problem_can_be_played(identity):
    played = game(make(identity), seed=0)
    assert played.start()
    for _ in range(3):
        move = played.act(played.legal()[-1])
        assert move.why
        assert played.picture().count("[") <= 1
