"""Every agent with a network against the exact values: `python -m benchmarks.exactness [NAME ...]`.

On NChain and on the slippery FrozenLake 4×4 the optimum Q* is known, so nothing here is sampled but the runs themselves. Observations go into the networks one-hot. Along the way, and over ten seeds that no setting was chosen on, four things are measured: the largest error max |Q − Q*| over all states and actions that an episode goes on from; the overestimation, the mean of max Q − max Q* over these states; the regret of the greedy policy, optimum minus its exact value; and the share of seeds whose policy is optimal. Q-learning on a table meets the same seeds as the reference. Writes benchmarks/results/exactness.md and exactness.json, and the pictures in docs/pictures/.
"""  # noqa: E501 - the second paragraph is printed as it is

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import measure
from benchmarks.certificate_pages import compact, with_interval
from benchmarks.certificates import interval

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results")
SEEDS = range(2000, 2010)
SNAPSHOTS = 30
MEASURES = {
    "error": "largest error of Q",
    "overestimation": "mean overestimation of max Q",
    "regret": "regret of the greedy policy",
}


class Case:
    """A problem, its discount and its budget; ε falls from 1 to 0.1 over the first half of it, for every agent."""

    def __init__(self, environment, discount, steps):
        self.environment, self.discount, self.steps = environment, discount, steps
        shared = f"discount={discount}, exploration=epsilon-greedy(linear(1, 0.1, over={steps // 2}, per=step))"
        self.agents = {name: text.replace("SHARED", shared) for name, text in agents(steps).items()}


def agents(steps):
    """What is measured, settings as texts: SHARED stands for the discount and the exploration."""
    rollout = "num_environments=16, num_steps=16, epochs=2, minibatches=4"
    return {
        "table, α 0.1": "q-learning(learning_rate=0.1, SHARED)",
        "table, α n^−0.7": "q-learning(learning_rate=per-visit(power=0.7), SHARED)",
        "online network": "online-q-network(mlp(32), adam(0.001), SHARED)",
        "stream Q(0.8)": "stream-q(mlp(32, layer_norm=True), SHARED)",
        "stream Q(0.8), α falling": "stream-q(mlp(32, layer_norm=True), learning_rate=linear(0.01, 0.0001, "
        f"over={steps}, per=step), SHARED)",
        "DQN": "dqn(mlp(32), adam(0.001), batch_size=64, replay=20000, learning_starts=1000, train_every=4, "
        "target_every=500, SHARED)",
        "PQN(0)": f"pqn(mlp(32, layer_norm=True), adam(0.001), {rollout}, trace_decay=0, SHARED)",
        "PQN(0.65)": f"pqn(mlp(32, layer_norm=True), adam(0.001), {rollout}, trace_decay=0.65, SHARED)",
    }


CASES = {"nchain": Case("NChain-v0", 0.95, 300_000), "frozenlake": Case("FrozenLake-v1", 0.99, 500_000)}


def measured(text, case, seeds):
    """One agent's runs, held against the truth at every snapshot: arrays (seeds, snapshots), and the time taken."""
    import qlearn as ql
    from qlearn.planning import is_optimal
    from qlearn.training.names import parse_agent

    began = time.process_time()
    agent = parse_agent(text)
    runs = ql.train(agent, case.environment, steps=case.steps, seeds=list(seeds), snapshots=SNAPSHOTS, progress=False)
    found, world = ql.evaluate(runs), runs.environment
    going = ~np.asarray(world.terminal_states)
    truth, tables = found.solution.q[going], runs.snapshots.q_tables[:, :, going].astype(np.float64)
    policies = np.asarray(runs.snapshot_policies(), dtype=np.float64)
    n, k = policies.shape[:2]
    optimal = is_optimal(found.truth.mdp, policies.reshape(n * k, *policies.shape[2:]), found.solution)
    return {
        "steps": found.positions.tolist(),
        "error": np.abs(tables - truth).max(axis=(2, 3)),
        "overestimation": (tables.max(axis=3) - truth.max(axis=1)).mean(axis=2),
        "regret": found.truth.optimum - found.curve,
        "optimal": optimal.reshape(n, k),
        "num_diverged": int(runs.diverged.sum()),
        "optimum": found.truth.optimum,
        "uniform": found.truth.uniform,
        "largest": float(np.abs(truth).max()),
        "processor_seconds": time.process_time() - began,
        "conditions": measure.conditions() | runs.versions,
    }


def held_against(case, seeds):
    """All agents of a case; every number that the page and the picture need."""
    rows = {}
    for name, text in case.agents.items():
        told = measured(text, case, seeds)
        shared = {key: told.pop(key) for key in ("optimum", "uniform", "largest", "conditions", "steps")}
        end = {key: interval(told[key][:, -1]) for key in MEASURES}
        rows[name] = {
            "settings": text,
            "end": end,
            "share_optimal": float(told["optimal"][:, -1].mean()),
            "num_diverged": told["num_diverged"],
            "processor_seconds": told["processor_seconds"],
            "curves": {key: np.round(told[key], 4).tolist() for key in MEASURES},
            "optimal_curve": told["optimal"].mean(axis=0).tolist(),
        }
        print(f"{case.environment}: {line(name, rows[name], 3)}", file=sys.stderr, flush=True)
    return {
        "environment": case.environment,
        "discount": case.discount,
        "budget": case.steps,
        "seeds": list(seeds),
        "agents": rows,
        **shared,
    }


def line(name, row, decimals):
    cells = [with_interval(row["end"][key], decimals) for key in MEASURES]
    return f"| {name} | {' | '.join(cells)} | {100 * row['share_optimal']:.0f}% | {row['processor_seconds']:.0f} |"


def section(told):
    """One problem as Markdown."""
    name, many = told["environment"], len(told["seeds"])
    lines = [f"## {name}", ""]
    first, last = told["seeds"][0], told["seeds"][-1]
    known = f"the largest |Q*| is {told['largest']:.4g}, the optimum {told['optimum']:.5g}"
    lines.append(
        f"Discount {told['discount']}, {told['budget']:,} steps a seed, {many} seeds ({first} … {last}); {known}, the "
        f"uniform policy {told['uniform']:.4g}. Means over the seeds at the end, with 95% intervals (Student's t)."
    )
    lines += ["", f"| agent | {' | '.join(MEASURES.values())} | optimal | processor s |", "|" + "---|" * 6]
    decimals = 2 if told["largest"] > 10 else 3
    lines += [line(agent, row, decimals) for agent, row in told["agents"].items()]
    lines += ["", "```", *(row["settings"] for row in told["agents"].values()), "```", ""]
    diverged = sum(row["num_diverged"] for row in told["agents"].values())
    lines += [f"Diverged: {diverged or 'none'}.", ""]
    lines += ["; ".join(f"{key} {value}" for key, value in told["conditions"].items()), ""]
    return lines


def page(held):
    head, more = (__doc__ or "").split("\n\n", 1)
    lines = ["# Against the exact values", "", head, "", more.strip(), ""]
    for told in held.values():
        lines += section(told)
    return "\n".join(lines)


def picture(told):
    """Error, overestimation and regret over time: the mean of the seeds with its 95% interval."""
    from matplotlib.lines import Line2D

    from qlearn.reports.style import INK, look, new_figure

    figure = new_figure(11.5, 4.6)
    handles, x = [], np.array(told["steps"]) / 1000
    for axes, (key, words) in zip(figure.subplots(1, 3), MEASURES.items(), strict=True):
        for i, (name, row) in enumerate(told["agents"].items()):
            values, table = np.array(row["curves"][key]), name.startswith("table")
            colour, dash = (INK, ("-", (0, (1, 1)))[i]) if table else (look(i - 2).colour, look(i - 2).line)
            around = [interval(column) for column in values.T]
            low, high = (np.array([one[end] for one in around]) for end in ("low", "high"))
            low = np.maximum(low, 1e-3 * told["largest"]) if key == "error" else low
            axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
            drawn = {"color": colour, "linestyle": dash, "linewidth": 1.7}
            axes.plot(x, values.mean(axis=0), **drawn)
            if key == "error":
                handles.append(Line2D([], [], **drawn, label=name))
        if key == "error":
            axes.set_yscale("log")
        else:
            axes.axhline(0, color=INK, linewidth=0.8)
        if key == "regret":  # Student's intervals go below what a regret can be
            axes.set_ylim(-0.03 * axes.get_ylim()[1], axes.get_ylim()[1])
        axes.set_title(words)
        axes.set_xlabel("thousand steps")
        axes.set_xlim(0, x[-1])
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    many = len(told["seeds"])
    title = f"{told['environment']} against Q*: mean of {many} seeds with its 95% interval"
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def write(folder, held):
    from qlearn.reports.style import style

    held = {name: held[name] for name in CASES if name in held}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "exactness.json").write_text(compact(json.dumps(held, indent=1, ensure_ascii=False)) + "\n")
    (folder / "exactness.md").write_text(page(held))
    if folder == RESULTS:
        for name, told in held.items():
            with style():
                path = ROOT / "docs" / "pictures" / f"exactness-{name}.png"
                picture(told).savefig(path, dpi=110, metadata={"Software": None})


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.exactness",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--pages", action="store_true", help="train nothing; write pages and pictures again")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many, from 2,000 on")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where to write")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.names) - set(CASES))
    if unknown:
        parser.error(f"no problem is called {', '.join(unknown)}; there are {', '.join(CASES)}")
    written = chosen.out / "exactness.json"
    held = json.loads(written.read_text()) if written.exists() else {}
    seeds = range(SEEDS[0], SEEDS[0] + chosen.seeds)
    for name in [] if chosen.pages else chosen.names or CASES:
        held[name] = held_against(CASES[name], seeds)
        write(chosen.out, held)
    write(chosen.out, held)
    return 0


if __name__ == "__main__":
    sys.exit(main())
