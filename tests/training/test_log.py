"""Logs: one line an episode, whatever happened in between."""

import csv
import struct

import numpy as np
import pytest

import qlearn as ql
from qlearn.training.log import Log, log_evaluation

WORLD = "NChain-v0(max_episode_steps=7)"


def rows(file):
    with file.open(newline="") as stream:
        head, *lines = csv.reader(stream)
    assert head == ["seed", "episode", "steps", "length", "return", "wall_time"]
    return {(int(s), int(e)): (int(steps), int(n), float(r), float(t or -1)) for s, e, steps, n, r, t in lines}, len(
        lines
    )


def expected(runs):
    return {
        (int(seed), i): (int(runs.lengths[place][: i + 1].sum()), int(runs.lengths[place, i]), runs.returns[place, i])
        for place, seed in enumerate(runs.seeds)
        for i in range(runs.num_episodes[place])
    }


def check(file, runs):
    found, count = rows(file)
    assert count == len(found)
    assert {place: row[:3] for place, row in found.items()} == expected(runs)
    return found


def events(file):
    from tensorboardX.proto import event_pb2

    data, place, found = file.read_bytes(), 0, []
    while place < len(data):
        (length,) = struct.unpack("<Q", data[place : place + 8])
        event = event_pb2.Event.FromString(data[place + 12 : place + 12 + length])
        found += [(event.step, {v.tag: v.simple_value for v in event.summary.value})] * bool(event.summary.value)
        place += 16 + length
    return found


def test_every_episode_has_one_line_and_its_time(tmp_path):
    runs = ql.train(ql.QLearning(), WORLD, episodes=30, seeds=[3, 60, 5], log=tmp_path / "log")
    found = check(tmp_path / "log" / "episodes.csv", runs)
    times = [found[60, i][3] for i in range(30)]
    assert times == sorted(times)
    assert times[0] > 0
    with pytest.raises(ql.InputError, match="holds a log already"):
        ql.train(ql.QLearning(), WORLD, episodes=30, log=tmp_path / "log")
    with pytest.raises(ql.InputError, match="names no folder"):
        ql.train(ql.QLearning(), WORLD, episodes=30, log="tensorboard:")


def test_a_log_goes_on_with_its_checkpoint_without_lost_or_doubled_lines(tmp_path):
    agent, file = ql.QLearning(), tmp_path / "log" / "episodes.csv"
    ql.train(agent, WORLD, episodes=20, seeds=60, checkpoint=tmp_path / "kept", log=f"tensorboard:{tmp_path / 'log'}")
    before = file.read_bytes()
    lines = before.splitlines(keepends=True)
    del lines[10]  # lost
    lines += [b"0,20,147,7,4.0,9.000\n", b"0,21,154,7"]  # made after the state was kept, and cut by a kill
    file.write_bytes(b"".join(lines))
    runs = ql.resume(tmp_path / "kept", episodes=30)
    found = check(file, runs)
    assert sum(row[3] < 0 for row in found.values()) == 1  # the time of the line that was lost is not known
    assert max(row[3] for row in found.values()) >= max(row[3] for (_, i), row in found.items() if i < 20)
    for place in (0, 59):  # seeds of two lanes
        told = events(tmp_path / "log" / f"seed-{place}" / "events.out.tfevents.episodes")
        assert [step for step, _ in told] == np.cumsum(runs.lengths[place]).tolist()
        assert [values["return"] for _, values in told] == runs.returns[place].tolist()


def test_an_evaluation_is_written_whole(tmp_path):
    runs = ql.train(ql.QLearning(), WORLD, episodes=6, seeds=2, snapshots=2)
    found = ql.evaluate(runs)
    file = log_evaluation(f"tensorboard:{tmp_path}", runs, found)
    text = file.read_text()
    assert log_evaluation(tmp_path, runs, found).read_text() == text
    lines = [line.split(",") for line in text.splitlines()[1:]]
    assert [(line[0], line[2]) for line in lines] == [(s, at) for s in "01" for at in ("0", "3", "6")]
    assert [float(line[3]) for line in lines if line[2] == "6"] == found.exact_return.tolist()
    told = events(tmp_path / "seed-1" / "events.out.tfevents.evaluation")
    assert [step for step, _ in told] == [0, 21, 42]


def test_what_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ql.StoreError, match="file"):
        Log(tmp_path / "file" / "log", [0])
