"""Settings and arguments that cannot be meant, generated: exit 2, no traceback, no files, the key named.

``make faults`` tries 10,000 and writes ``tests/faults/logs/settings.md``; the test suite tries some hundred.  Every
case is wrong by construction: a sound command in which one word was made wrong.  Commands run in one process, as
`qlearn` runs them.
"""

import argparse
import collections
import contextlib
import dataclasses
import datetime as dt
import inspect
import io
import platform
import random
import sys
import tempfile
import time
from pathlib import Path

LOG = Path(__file__).with_name("logs") / "settings.md"
COUNT = 10_000
WORDS = ("", "abc", "1e", "--", "0x10", "½", "1,5", "None", "[1]", "{}", "1 2", "\x00", "💥", "'", "(", "0.1.2")
UNITS = {"learning_rate", "discount", "epsilon"}


@dataclasses.dataclass(frozen=True)
class Wrong:
    """A command that cannot be meant, and what its message has to name: one of these."""

    kind: str
    words: tuple[str, ...]
    keys: tuple[str, ...]


def misspelt(word, random):
    """A name with one letter lost, doubled or changed, that nothing has."""
    place = random.randrange(len(word))
    how = random.randrange(3)
    letter = random.choice("qxzj")
    return word[:place] + (("", word[place] * 3, letter)[how]) + word[place + (how != 1) :] + letter


def no_number(random):
    """A word that is no number."""
    return random.choice([w for w in WORDS if w not in ("", "--", "\x00")])


def agent_settings():
    """Agents of tables by name, with their numbers: (name, setting)."""
    from qlearn.training.vocabulary import AGENTS

    found = []
    for name, make in AGENTS.items():
        if not inspect.isclass(make):
            continue
        numbers = [f.name for f in dataclasses.fields(make) if f.init and isinstance(f.default, float | int)]
        found += [(name.replace("_", "-"), number) for number in numbers]
    return found


def wrong_agent(random, settings):
    """An agent with one setting that cannot be."""
    name, setting = random.choice(settings)
    how = random.randrange(5)
    if how == 0:
        wrong = misspelt(name, random) + "x"
        return Wrong("agent's name", ("compare", "NChain-v0", wrong), (wrong,))
    if how == 1:
        wrong = misspelt(setting, random)
        return Wrong("setting's name", ("train", "NChain-v0", f"{name}({wrong}=0.5)"), (wrong,))
    if how == 2:
        word = random.choice(["abc", "[0.1]", "none_such", "None", "greedy"])
        return Wrong("word for a number", ("train", "NChain-v0", f"{name}({setting}={word})"), (setting, word, name))
    if how == 3:
        value = random.choice(["-1", "-0.5", "1e400", "-1e9"])
        key = random.choice(["learning_rate", "discount"])
        return Wrong("number out of range", ("train", "NChain-v0", f"q-learning({key}={value})"), (key,))
    text = random.choice([f"{name}({setting}=", f"{name}(,)", f"{name}())", f"({name}", f"{name}[0]", f"{name}.x"])
    return Wrong("agent's text", ("compare", "NChain-v0", text), (text, name))


RANGES = {
    ("compare", "NChain-v0"): [
        ("--episodes", "0"), ("--episodes", "-3"), ("--seeds", "0"), ("--seeds", "-1"), ("--seed", "-1"),
        ("--seed", "2147483648"), ("--discount", "1.1"), ("--discount", "-0.1"), ("--horizon", "0"),
        ("--steps", "0"), ("--snapshots", "-1"), ("--workers", "0"),
    ],
    ("train", "NChain-v0", "q-learning"): [("--episodes", "0"), ("--seeds", "0"), ("--seed", "-5"), ("--steps", "-1")],
    ("solve", "NChain-v0"): [("--discount", "1.5"), ("--discount", "-1"), ("--horizon", "0")],
}  # fmt: skip
NUMBERS = ("--episodes", "--seeds", "--steps", "--seed", "--horizon", "--discount")


def wrong_option(random):
    """A sound command with one option that cannot be."""
    how = random.randrange(5)
    base = random.choice(list(RANGES))
    if how == 0:
        option, value = random.choice(RANGES[base])
        return Wrong("option out of range", (*base, f"{option}={value}"), (option,))
    if how == 1:
        option = random.choice(NUMBERS[:-2]) if base[0] != "solve" else "--discount"
        word = no_number(random)
        return Wrong("word for an option's number", (*base, f"{option}={word}"), (option, word))
    if how == 2:
        option = misspelt(random.choice(NUMBERS), random)
        return Wrong("option's name", (*base, option, "3"), (option,))
    if how == 3:
        word = misspelt(base[0], random)
        return Wrong("command", (word, *base[1:]), (word,))
    budgets = f"--episodes={random.randrange(1, 99)}", f"--steps={random.randrange(1, 99)}"
    return Wrong("two budgets", ("compare", "NChain-v0", *budgets), ("--episodes", "--steps"))


def wrong_environment(random):
    """An environment that is not there, or whose argument cannot be."""
    how = random.randrange(4)
    command = random.choice(["compare", "solve", "train"])
    more = ("sarsa",) if command == "train" else ()
    if how == 0:
        name = misspelt(random.choice(["NChain-v0", "FrozenLake-v1", "Taxi-v4", "CliffWalking-v1"]), random)
        return Wrong("environment's name", (command, name, *more), (name,))
    if how == 1:
        key = misspelt(random.choice(["n", "slip", "small", "large"]) + "_", random)
        return Wrong("environment's argument", (command, f"NChain-v0({key}=3)", *more), (key,))
    if how == 2:
        key, value = random.choice([("n", "0"), ("n", "-1"), ("slip", "2"), ("slip", "-0.1"), ("n", "abc")])
        return Wrong("environment's number", (command, f"NChain-v0({key}={value})", *more), (key, value))
    text = random.choice(["NChain-v0(", "NChain-v0(n=)", "NChain-v0)", "NChain-v0(n=3", "NChain-v0(=3)", "(n=3)"])
    return Wrong("environment's text", (command, text, *more), (text, "NChain-v0"))


NETWORK = "dqn(mlp(4), adam(0.01), replay=50, batch_size=4, learning_starts=8, {})"
SETTINGS = [
    ("head", ["categorical(low=3, high=1)", "quantiles(count=0)", "none_such(3)", "categorical(1, 2, atoms=1)", "5"]),
    ("priorities", ["priorities(exponent=-1)", "priorities(none_such=1)", "yes", "3"]),
    ("munchausen", ["munchausen(temperature=0)", "munchausen(scale=-1)", "greedy", "7"]),
    ("noisy", ["2", "yes", "[True]"]),
    ("frames", ["-1", "0.5", "many"]),
    ("n_step", ["0", "-1", "1.5", "none"]),
    ("double", ["2", "maybe"]),
    ("target_every", ["0", "-5"]),
    ("discount", ["1.5", "-0.1", "nan"]),
    ("loss", ["absolute", "3"]),
]
FOLDERS = {  # of commands that read a folder: options that cannot be
    "resume": [("--episodes", "0"), ("--steps", "-1"), ("--discount", "2"), ("--seed", "-1"), ("--steps", "1.5")],
    "evaluate": [("--horizon", "0"), ("--discount", "-1"), ("--horizon", "x")],
    "export": [("--format", "pickle"), ("--seed", "-1"), ("--seed", "1.5")],
    "play": [("--speed", "0"), ("--steps", "0"), ("--speed", "nan"), ("--run", "x")],
}


def wrong_network(random):
    """A network with a setting that cannot be, or a folder's command with such an option."""
    if random.randrange(2):
        key, values = random.choice(SETTINGS)
        value = random.choice(values)
        agent = NETWORK.format(f"{key}={value}")
        part = value.partition("(")[0]
        names = (key, part, part.capitalize(), part.replace("_", "-"))
        return Wrong("network's setting", ("train", "CartPole-v1", agent, "--steps=9"), names)
    command = random.choice(list(FOLDERS))
    option, value = random.choice(FOLDERS[command])
    if random.randrange(3) == 0:
        option = misspelt(option, random)
    return Wrong("folder's option", (command, ".", f"{option}={value}"), (option,))


def generated(count, seed=0):
    """So many wrong commands."""
    random_ = random.Random(seed)
    settings = agent_settings()
    makers = [lambda: wrong_agent(random_, settings), lambda: wrong_option(random_), lambda: wrong_environment(random_)]
    makers.append(lambda: wrong_network(random_))
    return [random_.choice(makers)() for _ in range(count)]


def wrong_with(case, folder):
    """Run one command in an empty folder; what did not hold, in words."""
    from qlearn.cli import run

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.chdir(folder):
        try:
            code = run(list(case.words))
        except BaseException as error:
            return [f"{type(error).__name__} came out: {error}"]
    told, found = err.getvalue(), []
    if code != 2:
        found.append(f"exit {code}: {told[:200]!r}")
    if "Traceback" in told or not 0 < told.count("\n") <= 3:
        found.append(f"the message is {told!r}")
    if not any(key in told for key in case.keys):
        found.append(f"{case.keys} is not named in {told!r}")
    if left := [path.name for path in Path(folder).iterdir()]:
        found.append(f"files are left: {left}")
    return found


def tried(count, seed=0):
    """Try so many; the counts of each kind, and what did not hold."""
    counts, failed = collections.Counter(), []
    with tempfile.TemporaryDirectory() as folder:
        for case in generated(count, seed):
            counts[case.kind] += 1
            found = wrong_with(case, folder)
            if found:
                failed.append(f"- {case.kind}: `qlearn {' '.join(case.words)}`: {'; '.join(found)}")
    return counts, failed


def main():
    """Try everything, write the log; 1 where something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=1)
    given, began = parser.parse_args(), time.perf_counter()
    counts, failed = tried(given.count, given.seed)
    total = sum(counts.values())
    lines = [
        "# Settings and arguments that cannot be meant",
        "",
        f"Made by `make faults` on {dt.date.today()}: Python {platform.python_version()}. {total:,} commands generated "
        f"from seed {given.seed}, "
        f"{total - len(failed):,} held (exit 2, at most three lines, no traceback, no files, the key named), "
        f"{time.perf_counter() - began:.0f} s.",
        "",
        "| what is wrong | commands |",
        "| --- | --- |",
        *(f"| {kind} | {count:,} |" for kind, count in sorted(counts.items())),
        *(["", "Did not hold:", "", *failed[:50]] if failed else []),
    ]
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
