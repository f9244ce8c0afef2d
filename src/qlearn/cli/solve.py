"""`qlearn solve`: the exact optimum of an environment whose model is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cyclopts import App

from qlearn.cli.options import EnvironmentName, Output, SeedOption, at_least, check_discount, check_seed, with_model
from qlearn.cli.terminal import figure, print_json, print_table, say, say_command, shell

if TYPE_CHECKING:
    from qlearn.planning import Solution

EXAMPLES = """\
Examples:
  qlearn solve NChain-v0 --discount 0.95
  qlearn solve "FrozenLake-v1(map_name='8x8')" --discount 0.99
  qlearn solve "NChain-v0(n=10, slip=0.1)" --horizon 200 --json
"""
MOST_ROWS = 24
app = App(name="solve", help_epilogue=EXAMPLES, help_format="plaintext")


@app.default
def solve(
    environment: EnvironmentName,
    /,
    *,
    discount: float = 0.95,
    horizon: int | None = None,
    output: Output = Output(),  # noqa: B008
    seed: SeedOption = 0,
) -> None:
    """Compute the exact optimum of an environment whose model is known.

    Args:
        environment: An id, with arguments or without; `qlearn envs` lists those with a model.
        discount: What a reward one step later counts, 0 to 1.
        horizon: Steps within which returns are meant; the time limit where it is not given.
        output: Where results go.
        seed: Accepted for scripts; nothing here is random.
    """
    at_least("--horizon", horizon, 1)
    check_discount(discount)
    check_seed(seed)
    model = with_model(environment, "its optimum cannot be computed")
    output.check()
    from qlearn import planning

    solution = planning.solve(model, discount, horizon=horizon)
    within = () if horizon is None else ("--horizon", horizon)
    command = shell("qlearn", "solve", model.name, "--discount", repr(solution.discount), *within)
    result = {**as_data(solution), "command": command}
    file = output.save_json("solution.json", result)
    if output.json:
        print_json(result)
        return
    _print(solution, result)
    if file is not None:
        say(f"Everything is in {file}.")
    say_command("To reproduce:", command)


def as_data(solution: Solution) -> dict[str, Any]:
    """Return what the JSON object holds."""
    from qlearn.planning import DEFAULT_HORIZON, evaluate_policy, finite_horizon

    model, steps = solution.mdp, solution.horizon or DEFAULT_HORIZON
    optimum, ceiling = solution.expected_return, solution.ceiling
    if optimum is None:
        optimum = evaluate_policy(model, solution.policy, steps).mean
        ceiling = finite_horizon(model, steps).value
    names = ("q", "v", "policy", "optimal_actions", "error_bound", "converged", "value", "expected_return", "horizon")
    return {
        "environment": model.name,
        "discount": solution.discount,
        **{name: getattr(solution, name) for name in names},
        "optimum": optimum,
        "ceiling": ceiling,
        "optimum_horizon": steps,
        "method": solution.method,
        "iterations": solution.iterations,
        "state_names": model.state_names,
        "action_names": model.action_names,
        "wall_time": solution.wall_time,
        "version": solution.version,
    }


def _print(solution: Solution, result: dict[str, Any]) -> None:
    model = solution.mdp
    actions = range(model.num_actions)
    shown = min(model.num_states, MOST_ROWS)
    say(f"{model.name} at discount {solution.discount:g}: {model.num_states:,} states, {len(actions)} actions.")
    rows = []
    for s in range(shown):
        best = ", ".join(model.action_name(a) for a in actions if solution.optimal_actions[s, a])
        cells = [figure(float(solution.q[s, a]), 6) for a in actions]
        rows.append([model.state_name(s), *cells, "–" if model.terminal_states[s] else best])
    print_table(
        ["state", *(f"Q* {model.action_name(a)}" for a in actions), "best action"], rows, left=(0, len(actions) + 1)
    )
    if shown < model.num_states:
        say(f"{model.num_states - shown:,} more states: --json or --out shows all.")
    say(f"Value of the first state, discounted: {figure(solution.value, 6)} ({_how_exact(solution)}).")
    steps = result["optimum_horizon"]
    limit = "" if solution.horizon else " (there is no time limit)"
    say(f"Optimum, the return that this policy expects in {steps:,} steps{limit}: {figure(result['optimum'], 4)}.")
    say(f"Ceiling, the most that any policy which sees the clock can expect: {figure(result['ceiling'], 4)}.")


def _how_exact(solution: Solution) -> str:
    by = solution.method.replace("_", " ")
    if solution.error_bound == float("inf"):
        return f"by {by}; no error bound can be given"
    return f"error at most {solution.error_bound:.1g}, by {by}"
