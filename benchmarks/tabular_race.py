"""Table methods against plain loops and MushroomRL: `python -m benchmarks.tabular_race [--quick] [--peers PYTHON]`.

Writes benchmarks/results/tabular.md and tabular.json.  All on one core, contestants in turn.  The peer needs an
environment of its own:

    python -m venv PEERS
    PEERS/bin/pip install "mushroom-rl==1.10.2" "numpy<2"

It has Sarsa and Sarsa(λ); for the n-step methods and Dyna-Q the plain loops stand.
"""

import argparse
import functools
import json
import os
from pathlib import Path

from benchmarks import measure, report, tabular_loops
from benchmarks.networks_race import Against, Peer, section, training

RESULTS = Path(__file__).with_name("results")
SEEDS = 128
HEAD = """# Table methods

Made by `python -m benchmarks.tabular_race`. One core, process time, contestants in turn; medians with the lowest and
the highest turn. The loops are those of `benchmarks/tabular_loops.py`: one seed, NumPy arrays, a grid stepped by a few
lines of Python, ties broken at random as everywhere here; the lean one takes the first of equal actions. A row "A / B"
says how many times as many steps per second A makes as B, turn by turn.
"""


def ours():
    import qlearn as ql

    usual = {"learning_rate": tabular_loops.RATE, "discount": tabular_loops.DISCOUNT}
    usual["exploration"] = ql.EpsilonGreedy(tabular_loops.EPSILON)
    cliff, maze = "CliffWalking-v1", ql.problems.dyna_maze()
    return {
        "Sarsa": (ql.Sarsa(**usual), cliff, tabular_loops.sarsa, "sarsa"),
        "4-step Sarsa": (ql.NStepSarsa(n=tabular_loops.N, **usual), cliff, tabular_loops.n_step_sarsa, None),
        "4-step tree backup": (ql.TreeBackup(n=tabular_loops.N, **usual), cliff, tabular_loops.tree_backup, None),
        "Sarsa(0.9)": (
            ql.SarsaLambda(trace_decay=tabular_loops.DECAY, **usual),
            cliff,
            tabular_loops.sarsa_lambda,
            "lambda",
        ),
        "true online Sarsa(0.9)": (
            ql.TrueOnlineSarsaLambda(trace_decay=tabular_loops.DECAY, **usual),
            cliff,
            tabular_loops.true_online_sarsa_lambda,
            None,
        ),
        "Watkins's Q(0.9)": (
            ql.WatkinsQLambda(trace_decay=tabular_loops.DECAY, **usual),
            cliff,
            tabular_loops.sarsa_lambda,
            None,
        ),
        "Dyna-Q, 5 planning steps": (
            ql.DynaQ(planning_steps=tabular_loops.PLANNING, **usual),
            maze,
            tabular_loops.dyna_q,
            None,
        ),
    }


def race(quick, interpreter):
    contestants, comparisons, small = {}, [], 10 if quick else 1
    for name, (agent, world, loop, peer) in ours().items():
        yardstick = f"loop of {loop.__name__}"
        contestants.setdefault(yardstick, functools.partial(loop, 20_000 // small))
        contestants[name] = training(agent, world, SEEDS, 100_000 // small)
        comparisons.append(Against(name, yardstick, 200))
        if peer is not None and interpreter is not None:
            theirs = f"MushroomRL's {name}"
            contestants[theirs] = Peer(interpreter, "mushroom_runs.py", peer, 5000 // small)
            comparisons.append(Against(name, theirs, 200))
    contestants["lean loop of sarsa"] = functools.partial(tabular_loops.lean_sarsa, 50_000 // small)
    comparisons.append(Against("Sarsa", "lean loop of sarsa"))
    return section(f"{SEEDS} seeds of each method at once", contestants, {}, comparisons, quick)


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tabular_race",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--peers", metavar="PYTHON", default=os.environ.get("QLEARN_PEERS"), help="their interpreter")
    parser.add_argument("--quick", action="store_true", help="short runs, which are printed and not written")
    chosen = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    measure.pin()
    found = {"quick": chosen.quick, **race(chosen.quick, chosen.peers)}
    text = "\n".join([HEAD, report.section(found)])
    print(text)
    if not chosen.quick:
        (RESULTS / "tabular.md").write_text(text)
        (RESULTS / "tabular.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
