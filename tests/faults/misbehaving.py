"""Environments that break their promises: each kind, at several moments, in every way of stepping.

``make faults`` tries all of them and writes ``tests/faults/logs/environments.md``; the test suite tries a sample.  What
must hold: an `EnvironmentFault` that names environment, seed, episode and step, with its words; the other seeds end as
they would have without the one that failed, to the bit; a hang is ended at its limit; no process is left over.
"""

import dataclasses
import datetime as dt
import functools
import itertools
import multiprocessing
import os
import platform
import sys
import threading
import time
from pathlib import Path

import gymnasium as gym
import numpy as np
from gymnasium import spaces

LOG = Path(__file__).with_name("logs") / "environments.md"
PATIENCE = 5.0
MOMENTS = ("made", "reset", "first step", "step 7", "episode 3")
SEED, SEEDS = 2, 4


class Odd(gym.Env):
    """Five states in a row, an episode of nine steps; under one seed something goes wrong at one moment.

    Args:
        kind: what goes wrong.
        moment: when.
        arrays: whether observations are arrays.
        wrong: the seeds with which the episode at fault is reset; found from the first reset.
    """

    action_space = spaces.Discrete(2)

    def __init__(self, kind=None, moment="step 7", arrays=False, wrong=()):
        self.kind, self.moment, self.arrays, self.wrong = kind, moment, arrays, wrong
        self.observation_space = spaces.Box(-9, 9, (2,), np.float32) if arrays else spaces.Discrete(5)
        self.mine = self.hit = False
        self.episode = self.step_number = -1

    def now(self, moment):
        """Whether it goes wrong now, under the seed whose environment this is."""
        self.hit |= self.kind is not None and self.mine and moment == self.moment
        return self.hit

    def seen(self, moment):
        where = self.step_number % 5
        wrong = self.now(moment)
        if wrong and self.kind == "shape":
            return np.zeros(3, np.float32) if self.arrays else np.zeros(2, np.int64)
        if wrong and self.kind == "dtype":
            return np.array(["a", "b"]) if self.arrays else "two"
        if wrong and self.kind == "range":
            return np.array([np.inf, 0], np.float32) if self.arrays else 5
        return np.array([where, 1], np.float32) if self.arrays else where

    def happens(self, moment):
        if not self.now(moment):
            return
        if self.kind == "raises":
            raise RuntimeError("the sensor is unplugged")
        if self.kind == "hangs":
            while True:
                time.sleep(0.01)
        if self.kind == "hangs in C":
            time.sleep(3600)
        if self.kind == "dies":
            os._exit(9)
        if self.kind == "changes its spaces":
            self.action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.step_number = self.episode + 1, 0
        if self.episode == 0:
            self.mine = seed in self.wrong
            self.happens("made")
        self.happens("reset")
        if self.episode == 3:
            self.happens("episode 3")
        return self.seen("episode 3" if self.episode == 3 else "made" if self.episode == 0 else "reset"), {}

    def step(self, action):
        moment = {0: "first step", 7: "step 7"}.get(self.step_number, "") if self.episode == 0 else ""
        self.happens(moment)
        self.step_number += 1
        reward = float(action) + 0.1 * self.np_random.normal()
        if self.now(moment):
            reward = {"nan reward": np.nan, "infinite reward": np.inf, "no reward": None}.get(self.kind, reward)
        over = self.step_number >= 9 and not (self.kind == "never ends" and self.hit)
        flag = 1 if self.kind == "flag" and self.hit else over
        if self.kind == "four values" and self.hit:
            return self.seen(moment), reward, over, False
        return self.seen(moment), reward, flag, False, {}


WORDS = {
    "raises": "raised RuntimeError: the sensor is unplugged",
    "nan reward": "gave the reward nan",
    "infinite reward": "gave the reward inf",
    "no reward": "gave the reward None",
    "shape": "observation",
    "dtype": "observation",
    "range": "observation",
    "flag": "gave terminated=1",
    "four values": "step() returned 4 values",
    "changes its spaces": "changed its action_space",
    "never ends": "has not ended its episode",
    "hangs": "took longer than 5 s",
    "hangs in C": "took longer than 5 s",
    "dies": "ended its own process (exit code 9)",
}
OF_STEPS = {"nan reward", "infinite reward", "no reward", "flag", "four values", "never ends"}
OF_PROCESSES = {"hangs in C", "dies"}


@dataclasses.dataclass(frozen=True)
class Case:
    """What goes wrong, when, and how environments are stepped: "table", "sync" or "async"."""

    kind: str
    moment: str
    loop: str

    def __str__(self):
        return f"{self.kind}, {self.moment}, {self.loop}"


def cases():
    """All that make sense: rewards come from steps, and what ends a process needs one."""
    found = []
    for kind, moment, loop in itertools.product(WORDS, MOMENTS, ("table", "sync", "async")):
        of_step = moment in ("first step", "step 7")
        if (kind in OF_STEPS and not of_step) or (kind in OF_PROCESSES and loop != "async"):
            continue
        found.append(Case(kind, moment, loop))
    return found


def agent_for(loop):
    """A table, or a small network with a replay."""
    import keras

    import qlearn as ql

    if loop == "table":
        return ql.QLearning(learning_rate=0.1)
    return ql.DQN(ql.mlp(4), keras.optimizers.Adam(0.01), replay=100, learning_starts=8, batch_size=4, train_every=2)


def environment_for(case):
    """What misbehaves as the case says, under one seed only."""
    import qlearn as ql
    from qlearn.engine.host_loop import episode_seed

    wrong = (episode_seed(SEED, 0),)
    make = functools.partial(Odd, case.kind, case.moment, case.loop != "table", wrong)
    return ql.make(make, vectorization="async" if case.loop == "async" else "sync", patience=PATIENCE)


@functools.cache
def sound(loop):
    """What all seeds come to where nothing goes wrong."""
    import qlearn as ql

    return ql.train(agent_for(loop), functools.partial(Odd, arrays=loop != "table"), episodes=6, seeds=SEEDS)


def arrays_of(runs, seed):
    """Everything that a seed came to, as bytes."""
    place = list(runs.seeds).index(seed)
    parts = [runs.returns[place].tobytes(), runs.lengths[place].tobytes()]
    if runs.environment.observation_shape is None:
        parts.append(np.asarray(runs.q_table[place]).tobytes())
    else:
        parts += [np.asarray(weight.value).tobytes() for weight in runs.q_network(seed).weights]
    return parts


class Awake:
    """A clock that stands still while this process is stopped, as others do with it who measure something."""

    def __init__(self):
        self.seconds = 0.0
        threading.Thread(target=self._tick, daemon=True).start()

    def _tick(self):
        while True:
            before = time.monotonic()
            time.sleep(0.05)
            self.seconds += min(time.monotonic() - before, 0.5)


@functools.cache
def clock():
    """The only one."""
    return Awake()


def wrong_with(case):
    """Try one case; what did not hold, in words."""
    import qlearn as ql

    whole, before = sound(case.loop), clock().seconds
    try:
        ql.train(agent_for(case.loop), environment_for(case), episodes=6, seeds=SEEDS)
        return ["no fault was raised"]
    except ql.EnvironmentFault as caught:
        fault = caught
    took = clock().seconds - before
    told, found = str(fault), []
    if WORDS[case.kind] not in told:
        found.append(f"the words are {told!r}")
    if f"partial (seed {SEED}, episode " not in told or ", step " not in told or fault.seed != SEED:
        found.append(f"the place is {told[:80]!r}")
    if fault.runs is None or list(fault.runs.seeds) != [seed for seed in range(SEEDS) if seed != SEED]:
        found.append("the other seeds did not finish")
    else:
        same = [arrays_of(fault.runs, seed) == arrays_of(whole, seed) for seed in fault.runs.seeds]
        found += [] if all(same) else ["the other seeds came to something else"]
    if multiprocessing.active_children():
        found.append("processes are left over")
    if "hangs" in case.kind and took > PATIENCE + 60:
        found.append(f"the hang took {took:.0f} s")
    return found


def main():
    """Try everything, write the log; 1 where something did not hold."""
    from qlearn.environments import faults

    faults.LONGEST = 2000
    wanted = sys.argv[1:]  # kinds; all where none is named, and only then a log is written
    began, counts, failed = time.perf_counter(), {}, []
    for case in cases():
        if wanted and case.kind not in wanted:
            continue
        found = wrong_with(case)
        tried, bad = counts.get((case.kind, case.loop), (0, 0))
        counts[case.kind, case.loop] = tried + 1, bad + bool(found)
        failed += [f"- {case}: {'; '.join(found)}" for _ in [0] if found]
        print(case, found if found else "held", flush=True)
    loops = ("table", "sync", "async")
    rows = [
        [kind, *("–" if (kind, loop) not in counts else "{0} of {0}".format(*counts[kind, loop]) for loop in loops)]
        for kind in WORDS
    ]
    total = sum(tried for tried, _ in counts.values())
    lines = [
        "# Environments that misbehave",
        "",
        f"Made by `make faults` on {dt.date.today()}: {os.cpu_count()} cores, {platform.system()}, Python "
        f"{platform.python_version()}. {total} cases, {total - len(failed)} held, {time.perf_counter() - began:.0f} s.",
        f"Each: {SEEDS} seeds, one of which misbehaves; moments {', '.join(MOMENTS)}. What must hold stands in "
        "`tests/faults/misbehaving.py`.",
        "",
        "| what goes wrong | table | network, sync | network, async |",
        "| --- | --- | --- | --- |",
        *(f"| {' | '.join(row)} |" for row in rows),
        *(["", "Did not hold:", "", *failed] if failed else []),
    ]
    LOG.parent.mkdir(exist_ok=True)
    if not wanted:
        LOG.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))  # worker processes find this file as tests.faults.misbehaving
    from tests.faults import misbehaving

    sys.exit(misbehaving.main())
