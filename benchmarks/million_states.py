"""A million states × 4 actions, solved to 1e-6 at discount 0.95: time and peak memory beside QuantEcon's.

    python -m benchmarks.million_states [--quick] [--states 1000000] [--repeats 5]

The solvers take turns, each in a process of its own, on the same random problem; every (state, action) has
three outcomes.  Peak memory is that of the whole process, the problem included.  QuantEcon solves from its
state-action-pair form, the one that is sparse; its ``epsilon`` is set so that it promises the same 1e-6.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np

from benchmarks import contests, measure, report

ACTIONS, OUTCOMES, DISCOUNT, TOLERANCE = 4, 3, 0.95, 1e-6


def problem(states: int) -> tuple[Any, Any, Any]:
    """Return probabilities, next states (each states × 4 × 3) and rewards (states × 4)."""
    rng = np.random.default_rng(20260101)
    probability = rng.random((states, ACTIONS, OUTCOMES))
    probability /= probability.sum(axis=2, keepdims=True)
    following = rng.integers(0, states, (states, ACTIONS, OUTCOMES), dtype=np.int32)
    return probability, following, rng.random((states, ACTIONS))


def solve_with_qlearn(states: int) -> dict[str, Any]:
    """Time the model's making and its solution."""
    from qlearn.environments.finite_mdp import FiniteMDP
    from qlearn.planning import solve

    probability, following, reward = problem(states)
    started = time.perf_counter()
    mdp = FiniteMDP(
        name="a million states",
        num_states=states,
        num_actions=ACTIONS,
        offsets=np.arange(0, states * ACTIONS * OUTCOMES + 1, OUTCOMES),
        probability=probability.ravel(),
        next_state=following.ravel(),
        reward=np.repeat(reward.ravel(), OUTCOMES),
        terminated=np.zeros(states * ACTIONS * OUTCOMES, dtype=np.bool_),
        initial=np.full(states, 1 / states),
    )
    made = time.perf_counter()
    solution = solve(mdp, DISCOUNT, tolerance=TOLERANCE)
    done = time.perf_counter()
    return {
        "made": made - started,
        "solved": done - made,
        "iterations": solution.iterations,
        "error_bound": solution.error_bound,
        "values": solution.v[:5].tolist(),
        "mean": float(solution.v.mean()),
    }


def solve_with_quantecon(states: int, method: str = "mpi") -> dict[str, Any]:
    """Time QuantEcon's `DiscreteDP` in its state-action-pair form; compiled before the clock starts."""
    from quantecon.markov import DiscreteDP
    from scipy import sparse

    def make(probability: Any, following: Any, reward: Any) -> Any:
        n = len(reward)
        indptr = np.arange(0, n * ACTIONS * OUTCOMES + 1, OUTCOMES, dtype=np.int32)
        parts = (probability.ravel(), following.ravel(), indptr)
        Q = sparse.csr_matrix(parts, shape=(n * ACTIONS, n))
        pairs = np.repeat(np.arange(n), ACTIONS), np.tile(np.arange(ACTIONS), n)
        return DiscreteDP(reward.ravel(), Q, DISCOUNT, *pairs)

    make(*problem(50)).solve(method=method)
    arrays = problem(states)
    started = time.perf_counter()
    ddp = make(*arrays)
    made = time.perf_counter()
    result = ddp.solve(method=method, epsilon=2 * TOLERANCE, max_iter=10_000)
    done = time.perf_counter()
    return {
        "made": made - started,
        "solved": done - made,
        "iterations": int(result.num_iter),
        "error_bound": None,
        "values": result.v[:5].tolist(),
        "mean": float(result.v.mean()),
    }


SOLVERS = {"qlearn": solve_with_qlearn, "quantecon": solve_with_quantecon}


def in_a_process_of_its_own(solver: str, states: int) -> dict[str, Any]:
    """Return what the solver measured, with the peak memory of its process in GiB."""
    command = [sys.executable, "-m", "benchmarks.million_states", "--solver", solver, "--states", str(states)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def measured(states: int, repeats: int) -> dict[str, Any]:
    """Let the solvers take turns; return what `benchmarks.report` makes a table of."""
    turns = [{name: in_a_process_of_its_own(name, states) for name in SOLVERS} for _ in range(repeats)]
    rows = []
    for name in reversed(SOLVERS):  # the yardstick first
        ratio = [turn["quantecon"]["solved"] / turn[name]["solved"] for turn in turns]
        seconds = contests.seconds_row(f"{name}: solve", [turn[name]["solved"] for turn in turns])
        seconds["ratio_wall"] = measure.spread(ratio)
        made = contests.seconds_row(f"{name}: make the model", [turn[name]["made"] for turn in turns])
        peak = [turn[name]["peak_mb"] for turn in turns]
        memory = contests.seconds_row(
            f"{name}: peak memory", peak, unit="MB", target=4000 if name == "qlearn" else None
        )
        rows += [seconds, made, memory]
    pairs = [(turn["qlearn"], turn["quantecon"]) for turn in turns]
    apart = max(abs(a - b) for x, y in pairs for a, b in zip(x["values"], y["values"], strict=True))
    bound = max(turn["qlearn"]["error_bound"] for turn in turns)
    return {
        "title": f"{states:,} states × {ACTIONS} actions × {OUTCOMES} outcomes, discount {DISCOUNT}",
        "rows": rows,
        "notes": [
            f"Asked for {TOLERANCE:g}; qlearn certifies {bound:.1e}, QuantEcon gives no bound. Values compared "
            f"differ by at most {apart:.1e}.",
            "qlearn multiplies in two threads; its model is checked while it is made. Both by modified policy "
            "iteration; QuantEcon is compiled before its clock starts.",
        ],
        "conditions": {**measure.conditions(), "pinned_to_one_core": False},
    }


def main() -> None:
    """Measure both solvers, or one in this process; the last line printed is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--states", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=measure.REPEATS)
    parser.add_argument("--quick", action="store_true", help="20,000 states, once")
    parser.add_argument("--solver", choices=SOLVERS, help="one solver, in this process")
    given = parser.parse_args()
    if given.solver:
        result = SOLVERS[given.solver](given.states)
        unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB elsewhere
        result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
        print(json.dumps(result))
        return
    found = measured(20_000, 1) if given.quick else measured(given.states, given.repeats)
    print(report.section(found))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
