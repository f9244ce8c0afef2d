"""The contests, each in a process of its own: `python -m benchmarks.contests NAME` prints one JSON object.

A row has `what`, `ratio` and `ratio_wall` (spreads, or None), `absolute` (a spread with its `unit`), `target`
as words, and `met` (True, False, or None where nothing is asked or nothing was measured).
"""

import argparse
import contextlib
import json
import sys
import time
from functools import cache, partial

from benchmarks import c_kernel, gymnasium_loop, measure, tutorial_loop

CONTESTS = {}
QLEARN = {100: "qlearn, 100 seeds", 1000: "qlearn, 1,000 seeds"}


def contest(one_core):
    """Register a contest under its function's name; on one core or on all."""

    def register(function):
        CONTESTS[function.__name__] = (function, one_core)
        return function

    return register


def rate_row(timings, name, yardstick, target=None):
    """A row about speed; `target` is the least ratio to the yardstick."""
    ratio = ratio_wall = None
    if name != yardstick:
        ratio, ratio_wall = (measure.ratios(timings, name, yardstick, clock) for clock in ("process", "wall"))
    rate = measure.spread([steps / 1e6 for steps in timings[name].rate()])
    return {
        "what": name,
        "ratio": ratio,
        "ratio_wall": ratio_wall,
        "absolute": {**rate, "unit": "million steps/s"},
        "target": f"≥ {target} ×" if target else None,
        "met": ratio["median"] >= target if target and ratio else None,
    }


def seconds_row(what, values, *, target=None, unit="s"):
    """A row about seconds or megabytes; `target` is the most that is allowed."""
    absolute = measure.spread(values)
    return {
        "what": what,
        "ratio": None,
        "ratio_wall": None,
        "absolute": {**absolute, "unit": unit},
        "target": f"< {target:g} {unit}" if target else None,
        "met": absolute["median"] < target if target else None,
    }


def failed_row(what, why, target=None):
    """A row about what could not be measured."""
    row = dict.fromkeys(("ratio", "ratio_wall", "absolute", "met"))
    return {"what": what, **row, "target": target, "failed": why}


def race(contestants, yardstick, targets):
    """Rows for all contestants, and what their first calls took beyond the later ones."""
    timings, failed = measure.alternate(contestants)
    rows = [rate_row(timings, name, yardstick, targets.get(name)) for name in timings]
    for name, why in failed.items():
        rows.append(failed_row(name, why, f"≥ {targets[name]} ×" if name in targets else None))
    samples = {name: {**vars(result), "compile_wall": result.compile_time()} for name, result in timings.items()}
    return {"rows": rows, "yardstick": yardstick, "samples": samples}


@cache
def environment_called(name):
    """Made once, so that only training is timed."""
    import qlearn as ql

    return ql.make(name)


def train_steps(make_agent, environment, seeds, **budget):
    """Train and say how many steps that was."""
    import qlearn as ql

    runs = ql.train(make_agent(ql), environment_called(environment), seeds=seeds, **budget)
    return int(runs.num_steps.sum())


def steps_of(num_steps, learn, *arguments):
    """Learn and say how many steps that was."""
    learn(*arguments)
    return num_steps


def tutorial_agent(ql):
    """The tutorial's third agent by qlearn's text rule, with qlearn's own random ties."""
    decay = ql.exponential(0.5, decay=0.999, per="episode")
    return ql.QLearning(learning_rate=0.8, discount=0.95, exploration=ql.EpsilonGreedy(decay))


def gymnasium_agent(ql):
    """What gymnasium_loop.py does."""
    return ql.QLearning(
        learning_rate=gymnasium_loop.LEARNING_RATE,
        discount=gymnasium_loop.DISCOUNT,
        exploration=ql.EpsilonGreedy(ql.constant(gymnasium_loop.EPSILON)),
    )


@contest(one_core=True)
def nchain(quick):
    """ε-greedy Q-learning on NChain, 500 episodes × 1,000 steps a seed, one core."""
    episodes, steps = (50 if quick else 500), 1000
    c_name, c_seeds = "C kernel, 100 seeds one by one", 100
    contestants = {
        "numpy loop": partial(steps_of, episodes * steps, tutorial_loop.learn, episodes, steps, 0),
        c_name: partial(steps_of, c_seeds * episodes * steps, c_kernel.learn, c_seeds, episodes, steps),
    }
    if c_kernel.compiler() is None:
        del contestants[c_name]
    for seeds, name in QLEARN.items():
        contestants[name] = partial(train_steps, tutorial_agent, "NChain-v0", seeds, episodes=episodes)
    result = race(contestants, "numpy loop", {QLEARN[100]: 400, QLEARN[1000]: 600})
    if c_name not in contestants:
        result["rows"].append(failed_row(c_name, "no compiler"))
    result["notes"] = [f"C kernel: {c_kernel.describe()}; it keeps tables, visits and returns as qlearn does."]
    return result


def against_gymnasium(problem, quick):
    """So many steps a seed of the same agent, in a plain Gymnasium loop and in qlearn."""
    steps = 10_000 if quick else 200_000
    env_id, arguments = gymnasium_loop.PROBLEMS[problem]
    words = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    environment = f"{env_id}({words})" if words else env_id
    contestants = {"Gymnasium loop": partial(steps_of, steps, gymnasium_loop.learn, problem, steps, 0)}
    for seeds, name in QLEARN.items():
        contestants[name] = partial(train_steps, gymnasium_agent, environment, seeds, steps=steps)
    result = race(contestants, "Gymnasium loop", dict.fromkeys(QLEARN.values(), 200))
    result["notes"] = [f"{steps:,} steps a seed; the loop runs one seed, with the wrappers of `gymnasium.make`."]
    return result


@contest(one_core=True)
def frozenlake8x8(quick):
    """Table Q-learning on FrozenLake 8×8, one core."""
    return against_gymnasium("frozenlake8x8", quick)


@contest(one_core=True)
def taxi(quick):
    """Table Q-learning on Taxi, one core."""
    return against_gymnasium("taxi", quick)


@contest(one_core=False)
def tournament(quick):
    """The whole tournament on all cores: rounds of 3 agents × 500 episodes × 1,000 steps, and play."""
    rounds, episodes = (20, 50) if quick else (100, 500)
    start = time.perf_counter()
    import qlearn as ql

    seconds, wins = [], None
    for _ in range(1 + measure.REPEATS):
        result = ql.tournament(ql.tutorial_agents(), "NChain-v0", rounds=rounds, episodes=episodes)
        seconds.append(time.perf_counter() - start)
        wins = [float(count) for count in result.wins]
        start = time.perf_counter()
    million = rounds * 3 * episodes * 1000 / 1e6
    return {
        "rows": [
            seconds_row(f"{rounds} rounds, first call, imports and compiling included", seconds[:1]),
            seconds_row(f"{rounds} rounds, {million:g} million training steps, later calls", seconds[1:]),
        ],
        "samples": {"wall": seconds},
        "notes": [f"Wall time on {measure.available_cores()} cores. Wins in the last call: {wins}."],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=CONTESTS)
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    function, one_core = CONTESTS[chosen.name]
    where = {**measure.conditions(), "pinned_to_one_core": (measure.pin() is not None) if one_core else False}
    with contextlib.redirect_stdout(sys.stderr):  # standard output is the result alone
        result = function(chosen.quick)
    print(json.dumps({"title": function.__doc__, "conditions": where, **result}))


if __name__ == "__main__":
    main()
