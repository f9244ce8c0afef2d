"""A sample of `misbehaving.py`: faults are named, the other seeds finish to the bit, nothing is left over."""

import pickle

import pytest

import qlearn as ql
from qlearn.environments import faults


@pytest.fixture(scope="module")
def misbehaving(harness):
    """The misbehaving."""
    return harness("misbehaving")


SAMPLE = [
    ("raises", "episode 3", "table"),
    ("nan reward", "step 7", "table"),
    ("dtype", "first step", "table"),
    ("changes its spaces", "step 7", "table"),
    ("never ends", "step 7", "table"),
    ("hangs", "reset", "table"),
    ("raises", "made", "sync"),
    ("shape", "episode 3", "sync"),
    ("infinite reward", "first step", "sync"),
    ("changes its spaces", "made", "sync"),
    ("hangs", "step 7", "sync"),
    ("flag", "step 7", "sync"),
]


@pytest.mark.parametrize("case", SAMPLE, ids=", ".join)
def test_a_fault_is_named_and_the_other_seeds_finish(misbehaving, monkeypatch, case):
    monkeypatch.setattr(faults, "LONGEST", 2000)
    assert misbehaving.wrong_with(misbehaving.Case(*case)) == []


def test_a_fault_says_who_finished_and_travels_as_it_is(misbehaving):
    case = misbehaving.Case("raises", "step 7", "table")
    with pytest.raises(ql.EnvironmentFault) as caught:
        ql.train(misbehaving.agent_for("table"), misbehaving.environment_for(case), episodes=6, seeds=misbehaving.SEEDS)
    assert (caught.value.seed, caught.value.episode, caught.value.step) == (2, 0, 7)
    assert caught.value.__notes__ == ["The other 3 finished: `.runs` of this error."]
    assert str(pickle.loads(pickle.dumps(ql.EnvironmentFault("x", 1, 2, 3)))) == "x"


def test_where_all_seeds_fail_none_is_lost_from_the_message(misbehaving):
    class Broken(misbehaving.Odd):
        def step(self, action):
            raise OSError("no more licences")

    with pytest.raises(ql.EnvironmentFault, match="seed 0, episode 0, step 0") as caught:
        ql.train(ql.QLearning(), Broken, episodes=2, seeds=3)
    assert caught.value.runs is None
    assert caught.value.__notes__ == ["No other seed finished. Seeds 1, 2 failed too."]


def test_with_a_folder_and_a_log_the_others_finish_too_and_all_go_on_to_the_numbers_of_a_sound_training(
    misbehaving, tmp_path
):
    agent, case = misbehaving.agent_for("table"), misbehaving.Case("raises", "episode 3", "table")
    how = {"episodes": 6, "seeds": misbehaving.SEEDS, "checkpoint": tmp_path / "kept", "every": 0.0}
    with pytest.raises(ql.EnvironmentFault) as caught:
        ql.train(agent, misbehaving.environment_for(case), **how, log=tmp_path / "log")
    whole = misbehaving.sound("table")
    for seed in (0, 1, 3):
        assert misbehaving.arrays_of(caught.value.runs, seed) == misbehaving.arrays_of(whole, seed)
    assert caught.value.__notes__[-1].startswith(f"To go on: ql.resume({str(tmp_path / 'kept')!r}).")
    lines = (tmp_path / "log" / "episodes.csv").read_text().splitlines()[1:]
    assert sorted({int(line.split(",")[0]) for line in lines if int(line.split(",")[1]) == 5}) == [0, 1, 3]
    with pytest.raises(ql.EnvironmentFault) as again:
        ql.resume(tmp_path / "kept", environment=misbehaving.environment_for(case))
    assert list(again.value.runs.seeds) == [0, 1, 3]
    mended = misbehaving.environment_for(misbehaving.Case(None, "episode 3", "table"))
    runs = ql.resume(tmp_path / "kept", environment=mended)
    assert all(misbehaving.arrays_of(runs, s) == misbehaving.arrays_of(whole, s) for s in range(misbehaving.SEEDS))
    lines = (tmp_path / "log" / "episodes.csv").read_text().splitlines()[1:]
    assert len({tuple(line.split(",")[:2]) for line in lines}) == len(lines) == 6 * misbehaving.SEEDS


def test_patience_is_a_number_of_seconds_for_the_host(misbehaving):
    assert ql.make("CartPole-v1", loop="host", patience=5).patience == 5.0
    assert ql.make("CartPole-v1(loop='host', patience=7)").patience == 7.0
    with pytest.raises(ql.InputError, match="patience=0"):
        ql.make(misbehaving.Odd, patience=0)
    with pytest.raises(ql.InputError, match="not stepped on the host"):
        ql.make("NChain-v0", patience=5)
