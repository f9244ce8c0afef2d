"""Networks against their peers, on one core: `python -m benchmarks.networks [--peers PYTHON] [NAME ...]`.

Every contestant runs in a process of its own, pinned to the same core with one thread, and they take turns. Steps a second are by process time; the first call, where programs are compiled, is apart. Peers need an environment of their own: `python -m venv peers && peers/bin/pip install torch stable-baselines3 rejax six`, then `--peers peers/bin/python`. Writes benchmarks/results/networks.md and networks.json.
"""  # noqa: E501 - the second paragraph is printed as it is

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks import measure, report

HERE = Path(__file__).parent
RESULTS = HERE / "results"
TURNS = 3
EPSILON = "epsilon-greedy(linear(1, 0.05, over=50000, per=step))"
DQN = f"dqn(mlp(120, 84), adam(0.00025), learning_starts=1000, exploration={EPSILON})"
TEN = f"dqn(mlp(120, 84), adam(0.00025), learning_starts=1000, num_environments=10, exploration={EPSILON})"
PQN = (
    "pqn(mlp(64, 64, layer_norm=True), adam(0.0003), num_environments=16, num_steps=128, epochs=5, minibatches=16, "
    f"trace_decay=0.9, exploration={EPSILON})"
)
WIDE = (
    "pqn(mlp(256, 256, layer_norm=True), adam(0.0001), num_environments=32, num_steps=64, epochs=4, minibatches=16, "
    f"trace_decay=0.95, reward_scale=0.1, exploration={EPSILON})"
)
STREAM = "stream-q(mlp(32, layer_norm=True))"
REJAX = ("num_envs=16", "num_steps=128", "num_epochs=5", "num_minibatches=16")
HOST, OWN = "CartPole-v1(loop='host')", "CartPole-v1(vectorization='own')"

# name: title, rows of (what, agent, environment, seeds, steps), and peers, of which the first is the yardstick
CONTESTS = {
    "dqn": (
        "DQN on CartPole: 120-84, batch 128, one update in 10 steps",
        [
            ("qlearn, 1 seed", DQN, "CartPole-v1", 1, 60_000),
            ("qlearn, 1 seed, 10 environments", TEN, "CartPole-v1", 1, 60_000),
            ("qlearn, 8 seeds", DQN, "CartPole-v1", 8, 20_000),
            ("qlearn's host loop, Gymnasium's CartPole, 1 seed", DQN, HOST, 1, 10_000),
            ("qlearn's host loop, CartPole's own vector form, 8 seeds", DQN, OWN, 8, 3_000),
        ],
        [
            ("Stable-Baselines3, the same setting", ["sb3_dqn.py", "cleanrl", "6000"]),
            ("Stable-Baselines3, RL Zoo's line", ["sb3_dqn.py", "zoo", "6000"]),
        ],
    ),
    "pqn": (
        "PQN on CartPole: 64-64 with LayerNorm, 16 environments × 128 steps, 5 epochs of 16 minibatches",
        [
            ("qlearn, 1 seed", PQN, "CartPole-v1", 1, 204_800),
            ("qlearn, 8 seeds", PQN, "CartPole-v1", 8, 61_440),
            ("qlearn, 256-256 (purejaxql's), 1 seed", WIDE, "CartPole-v1", 1, 61_440),
        ],
        [
            (
                f"rejax, {seeds} seed{'s' if seeds > 1 else ''}",
                ["rejax_runs.py", "pqn", "CartPole-v1", str(seeds), str(steps), *REJAX],
            )
            for seeds, steps in ((1, 204_800), (8, 61_440))
        ],
    ),
    "stream": (
        "Stream Q(λ) on CartPole: 32 units",
        [
            ("qlearn, 1 seed", STREAM, "CartPole-v1", 1, 200_000),
            ("qlearn, 8 seeds", STREAM, "CartPole-v1", 8, 60_000),
        ],
        [],
    ),
}


class Contestant:
    """A process that does its work once for every line it is sent."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"failed": "the process ended"}

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def serve(agent, environment, seeds, steps):
    """Be a contestant: train qlearn's."""
    sys.path.insert(0, str(HERE / "peers"))
    from clock import serve as answer
    from clock import settle

    settle()
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    from qlearn.training import parse_agent, train

    described = parse_agent(agent)

    def work():
        runs = train(described, environment, steps=int(steps), seeds=int(seeds), progress=False)
        return int(runs.num_steps.sum())

    answer(work, {"qlearn": measure.version("qlearn"), "keras": measure.version("keras")})


def race(name, peers):
    """Every contestant's rates over the turns, and what its first call took beyond the later ones."""
    title, ours, theirs = CONTESTS[name]
    commands = {what: [sys.executable, "-m", "benchmarks.networks", "--serve", *map(str, rest)] for what, *rest in ours}
    if peers:
        commands |= {what: [peers, str(HERE / "peers" / words[0]), *words[1:]] for what, words in theirs}
    contestants = {what: Contestant(command) for what, command in commands.items()}
    samples = {what: {"first": one.run(), "turns": []} for what, one in contestants.items()}
    for _ in range(TURNS):
        for what, one in contestants.items():
            if "failed" not in samples[what]["first"]:
                samples[what]["turns"].append(one.run())
    for one in contestants.values():
        one.close()
    return {"title": title, "samples": samples, "yardstick": theirs[0][0] if peers and theirs else None}


def row(what, sample, yardstick):
    if "failed" in sample["first"]:
        return [what, f"not measured ({sample['first']['failed'][:80]})", "–", "–"]
    rates = [turn["amount"] / turn["process"] for turn in sample["turns"]]
    later = sorted(turn["process"] for turn in sample["turns"])[len(sample["turns"]) // 2]
    ratio = "–"
    if yardstick:
        ratio = report.spread(
            measure.spread([a / (t["amount"] / t["process"]) for a, t in zip(rates, yardstick["turns"], strict=True)]),
            " ×",
        )
    compiling = max(0.0, sample["first"]["process"] - later)
    return [what, report.spread(measure.spread(rates)), ratio, f"{compiling:.1f} s"]


def page(held):
    lines = ["# Networks", "", *(__doc__ or "").strip().split("\n\n")[1:], ""]
    for found in held["contests"].values():
        samples = found["samples"]
        yardstick = samples.get(found["yardstick"])
        if yardstick and "failed" in yardstick["first"]:
            yardstick = None
        head = ["what", "steps a second", f"against {found['yardstick']}" if yardstick else "–", "first call beyond"]
        rows = [head, ["---"] * 4, *(row(what, sample, yardstick) for what, sample in samples.items())]
        lines += [f"## {found['title']}", "", *("| " + " | ".join(cells) + " |" for cells in rows), ""]
        lines += ["; ".join(f"{key} {value}" for key, value in found["conditions"].items()), ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CONTESTS))
    parser.add_argument("--peers", metavar="PYTHON", help="the interpreter of an environment that has the peers")
    parser.add_argument("--serve", nargs=4, metavar=("AGENT", "ENV", "SEEDS", "STEPS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(*chosen.serve)
        return 0
    unknown = sorted(set(chosen.names) - set(CONTESTS))
    if unknown:
        parser.error(f"there is no contest {', '.join(unknown)}; there are {', '.join(CONTESTS)}")
    written = RESULTS / "networks.json"
    held = json.loads(written.read_text()) if written.exists() else {"contests": {}}
    for name in chosen.names or CONTESTS:
        load = os.getloadavg()[0]
        found = race(name, chosen.peers)
        found["conditions"] = measure.conditions() | {"keras": measure.version("keras"), "load before": f"{load:.1f}"}
        held["contests"][name] = found
        written.write_text(json.dumps(held, indent=1) + "\n")
        (RESULTS / "networks.md").write_text(page(held) + "\n")
    print(page(held))
    return 0


if __name__ == "__main__":
    sys.exit(main())
