"""`qlearn agents`: the agents and their settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from cyclopts import App

from qlearn.cli.options import Output, SeedOption, check_seed
from qlearn.cli.terminal import print_json, print_table, say

EXAMPLES = """\
Examples:
  qlearn agents
  qlearn agents --json

Agents take settings; quote them for the shell:
  qlearn train NChain-v0 "q-learning(learning_rate=0.1)"
  qlearn train NChain-v0 "sarsa(exploration=epsilon-greedy(exponential(0.5, decay=0.999)))"
"""
app = App(name="agents", help_epilogue=EXAMPLES, help_format="plaintext")


@app.default
def agents(*, output: Output = Output(), seed: SeedOption = 0) -> None:  # noqa: B008
    """List the agents and their settings.

    Args:
        output: Where results go.
        seed: Accepted for scripts; nothing here is random.
    """
    check_seed(seed)
    output.check()
    from qlearn.training import agents_by_name
    from qlearn.training.preset import presets

    rows: list[dict[str, Any]] = [
        {"name": name, "summary": line, "settings": _settings(maker)}
        for name, (maker, line) in agents_by_name().items()
    ]
    known = [{"agent": one.name, "environment": one.environment, "steps": one.steps} for one in presets()]
    result = {"agents": rows, "presets": known}
    output.save_json("agents.json", result)
    if output.json:
        print_json(result)
        return
    print_table(
        ["agent", "what it is", "settings and their defaults"],
        [[r["name"], r["summary"], _in_words(r["settings"])] for r in rows],
        left=(0, 1, 2),
    )
    say("Explorations: greedy, epsilon-greedy(ε), boltzmann(temperature), upper-confidence(c), count-bonus(β).")
    say("Schedules, for rates and ε: a number, linear(start, end, over=…), exponential(start, decay=…), per-visit().")
    say("Features: tile-coding(tilings=8, tiles=8, low=…, high=…), radial-basis, fourier, state-aggregation(10).")
    say("Networks: mlp(120, 84, activation=tanh, layer_norm=True). Optimizers: adam, adamw, rmsprop, sgd; rate first.")
    say(f"Presets, as preset(dqn, CartPole-v1): {', '.join(f'{one.name} for {one.environment}' for one in presets())}.")
    say('Example: "q-learning(learning_rate=0.1, exploration=epsilon-greedy(linear(1, 0.05, over=200)))"')


def _settings(maker: Callable[..., Any]) -> dict[str, str | None]:
    """Return the settings of an agent as they are written; None where one must be given."""
    from qlearn.training.names import _written as written

    found: dict[str, str | None] = {}
    for name, parameter in inspect.signature(maker).parameters.items():
        found[name] = None if parameter.default is parameter.empty else written(parameter.default)
    return found


def _in_words(settings: dict[str, str | None]) -> str:
    return ", ".join(key if value is None else f"{key}={value}" for key, value in settings.items()) or "–"
