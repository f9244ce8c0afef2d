"""What each switch of DQN brings: `python -m benchmarks.ablations [ENVIRONMENT ...] [--seeds N] [--share X]`.

One agent with one switch on, and Rainbow with six, each against the same agent without, on the same seeds. What is judged are the weights that each seed ends with, greedily: their exact value where the model is known, else the mean of 20 games on seeds of their own; and what it earned while learning. Differences are taken seed by seed, with 95% intervals; p-values are corrected for all switches of one environment, greedily and while learning (Holm). While learning, what the noisy agents earn also shows that they take no random steps. Nothing was tuned for any switch: settings are those of its paper, but for the ends of C51's atoms. MinAtar runs only where it is named: it takes hours.

Written after each agent into benchmarks/results/ablations.md and ablations.json, or into --out; what an earlier run left there stays, where it has the same settings.
"""  # noqa: E501 - the second paragraph is printed as it is

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks import measure

RESULTS = Path(__file__).with_name("results")


def problem(agent, steps, ends, rainbow=""):
    """An environment's agent, as text without its last bracket; its budget, and the ends of C51's atoms."""
    return {"agent": agent, "steps": steps, "ends": ends, "rainbow": rainbow}


PROBLEMS = {
    "NChain-v0": problem(
        "dqn(mlp(32), adam(0.001), discount=0.95, exploration={fading}, replay=5000, batch_size=32, "
        "learning_starts=500, train_every=4, target_every=100",
        10_000,
        "0, 200",
    ),
    "CartPole-v1": problem(
        "dqn(mlp(64, 64), adam(0.0005), exploration={fading}, replay=10000, batch_size=64, learning_starts=1000, "
        "train_every=4, target_every=500",
        30_000,
        "0, 100",
    ),
    "Acrobot-v1": problem(
        "dqn(mlp(64, 64), adam(0.0005), exploration={fading}, replay=10000, batch_size=64, learning_starts=1000, "
        "train_every=4, target_every=500",
        30_000,
        "-100, 0",
    ),
    "pgx:minatar-breakout": problem(
        "dqn(convolution(16), adam(0.00025), exploration={fading}, replay=100000, batch_size=32, "
        "learning_starts=5000, train_every=4, target_every=1000, max_gradient_norm=10",
        1_000_000,
        "0, 30",
    ),
}
SLOW = ("pgx:minatar-breakout",)
PRIORITIES = "priorities=priorities(exponent={exponent}, importance=linear(0.4, 1, over={steps}, per=step))"
SWITCHES = {
    "DQN": [],
    "double": ["double=True"],
    "dueling": ["dueling=True"],
    "3 steps": ["n_step=3"],
    "prioritised": [PRIORITIES.replace("{exponent}", "0.6")],
    "C51": ["head=categorical({ends})"],
    "QR-DQN": ["head=quantiles(count=50)"],
    "IQN": ["head=implicit-quantiles(samples=8, target_samples=8)"],
    "Munchausen": ["munchausen=munchausen"],
    "noisy": ["noisy=True"],
    "Rainbow": [
        *("double=True", "dueling=True", "n_step=3", "noisy=True", "head=categorical({ends})"),
        PRIORITIES.replace("{exponent}", "0.5"),
    ],
}


def text_of(environment, switch, share):
    """The agent with one switch on, as `qlearn train` takes it."""
    chosen = PROBLEMS[environment]
    steps = round(chosen["steps"] * share)
    noisy = "noisy=True" in SWITCHES[switch]
    fading = "greedy" if noisy else f"epsilon-greedy(linear(1, 0.05, over={steps // 2}, per=step))"
    words = [chosen["agent"].format(fading=fading), *SWITCHES[switch]]
    return ", ".join(words).replace("{ends}", chosen["ends"]).replace("{steps}", str(steps)) + ")"


def run(environment, switch, share, seeds):
    """One agent's greedy and online returns, seed by seed."""
    import qlearn as ql
    from qlearn.training import parse_agent

    agent, steps = parse_agent(text_of(environment, switch, share)), round(PROBLEMS[environment]["steps"] * share)
    wall, process = time.perf_counter(), time.process_time()
    runs = ql.train(agent, environment, steps=steps, seeds=seeds, progress=False)
    wall, process = time.perf_counter() - wall, time.process_time() - process
    found = ql.evaluate(runs)
    return {
        "agent": text_of(environment, switch, share),
        "label": runs.label,
        "version": agent.version,
        "steps": steps,
        "seeds": [int(seed) for seed in runs.seeds],
        "greedy": [float(value) for value in found.exact_return],
        "online": [float(value) for value in runs.online_returns()],
        "num_diverged": int(runs.diverged.sum()),
        "wall_seconds": wall,
        "processor_seconds": process,
        "conditions": measure.conditions() | runs.versions,
    }


def differences(found):
    """Each switch against none, greedily and while learning: paired differences, p corrected for all of them (Holm)."""
    from qlearn.statistics import holm, paired_difference

    measures = [(name, measure) for name in found if name != "DQN" for measure in ("greedy", "online")]
    pairs = [paired_difference(found[name][measure], found["DQN"][measure]) for name, measure in measures]
    corrected = holm([1.0 if pair.p_value is None else pair.p_value for pair in pairs]) if pairs else []
    return {where: (pair, p) for where, pair, p in zip(measures, pairs, corrected, strict=True)}


def cell(values):
    """A mean with its interval."""
    from qlearn.statistics import mean_interval

    found = mean_interval(values)
    low, high = found.interval or (float("nan"), float("nan"))
    return f"{found.mean:.1f} ({low:.1f} to {high:.1f})"


def beyond(against, name, measure):
    """A difference with its interval and p."""
    if (name, measure) not in against:
        return "–"
    pair, p = against[name, measure]
    low, high = pair.interval or (float("nan"), float("nan"))
    return f"{pair.difference:+.1f} ({low:+.1f} to {high:+.1f}), p {p:.3f}"


def table(found):
    """Rows of one environment."""
    against = differences(found) if "DQN" in found else {}
    lines = [
        "| switch | greedy return | beyond DQN | return while learning | beyond DQN | process s |",
        "| ------ | ------------- | ---------- | --------------------- | ---------- | --------- |",
    ]
    for name, one in found.items():
        diverged = f", {one['num_diverged']} diverged" if one["num_diverged"] else ""
        row = [name, cell(one["greedy"]) + diverged, beyond(against, name, "greedy")]
        row += [cell(one["online"]), beyond(against, name, "online"), f"{one['processor_seconds']:.0f}"]
        lines.append("| " + " | ".join(row) + " |")
    return lines


def markdown(held):
    """The whole page."""
    lines = ["# What each switch of DQN brings", "", "\n\n".join(__doc__.split("\n\n")[1:])]
    for environment, found in held.items():
        first = next(iter(found.values()))
        where = first["conditions"]
        seeds = f"seeds {first['seeds'][0]} to {first['seeds'][-1]}"
        names = ", ".join(f"{key} {where[key]}" for key in ("python", "jax", "keras", "qlearn") if key in where)
        lines += [
            *(f"## {environment}: {first['steps']:,} steps, {len(first['seeds'])} seeds", "", *table(found), ""),
            f"- {seeds.capitalize()}; without a switch `{first['agent']}`.",
            f"- Conditions: {where['date']}; {where['cpu']}, {where['cores']} cores, {where['system']}; {names}.",
            "",
        ]
    return "\n".join(lines)


def write(folder, held):
    """Both files, after each agent, so that an interruption loses one and not all."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ablations.json").write_text(json.dumps(held, indent=1) + "\n")
    (folder / "ablations.md").write_text(markdown(held))


def settled(one, environment, switch, share, seeds):
    """Whether an earlier run did just this."""
    return one is not None and one["agent"] == text_of(environment, switch, share) and one["seeds"] == list(seeds)


def main():
    """Run what was asked for and is not there yet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablations", description=__doc__)
    parser.add_argument("environments", nargs="*", metavar="ENVIRONMENT", help=", ".join(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=8, help="how many, from 1000 on (default: 8, a lane)")
    parser.add_argument("--share", type=float, default=1.0, help="of the steps (default: 1)")
    parser.add_argument("--switches", nargs="+", default=list(SWITCHES), help=", ".join(SWITCHES))
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.environments) - set(PROBLEMS) | set(chosen.switches) - set(SWITCHES))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join([*PROBLEMS, *SWITCHES])}")
    seeds = range(1000, 1000 + chosen.seeds)
    file = chosen.out / "ablations.json"
    held = json.loads(file.read_text()) if file.exists() else {}
    for environment in chosen.environments or [name for name in PROBLEMS if name not in SLOW]:
        for switch in chosen.switches:
            found = held.setdefault(environment, {})
            if settled(found.get(switch), environment, switch, chosen.share, seeds):
                continue
            found[switch] = run(environment, switch, chosen.share, seeds)
            held[environment] = {name: found[name] for name in SWITCHES if name in found}
            write(chosen.out, held)
            print(environment, switch, cell(found[switch]["greedy"]), flush=True)
    print("\n".join(markdown(held).splitlines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
