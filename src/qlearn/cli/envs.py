"""`qlearn envs`: the environments that come with a model, or run on the device."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from cyclopts import App

from qlearn.cli.options import Output, SeedOption, check_seed
from qlearn.cli.terminal import print_json, print_table, say

if TYPE_CHECKING:
    from qlearn.environments import EnvironmentSummary

EXAMPLES = """\
Examples:
  qlearn envs
  qlearn envs --json

Environments take arguments; quote them for the shell:
  qlearn solve "NChain-v0(n=10, slip=0.1)"
  qlearn solve "FrozenLake-v1(map_name='8x8', is_slippery=False)"
"""
app = App(name="envs", help_epilogue=EXAMPLES, help_format="plaintext")


@app.default
def envs(*, output: Output = Output(), seed: SeedOption = 0) -> None:  # noqa: B008
    """List the environments that come with a model, so that their optimum is known, or that run on the device.

    Args:
        output: Where results go.
        seed: Accepted for scripts; nothing here is random.
    """
    check_seed(seed)
    output.check()
    from qlearn.environments import list_environments

    rows = list_environments()
    result = {"environments": [asdict(row) for row in rows]}
    output.save_json("envs.json", result)
    if output.json:
        print_json(result)
        return
    print_table(
        ["environment", "what it is", "observations", "actions", "time limit"],
        [
            [r.id, r.summary, _seen(r), str(r.num_actions), f"{r.time_limit:,}" if r.time_limit else "none"]
            for r in rows
        ],
        left=(0, 1),
    )
    say(
        "Those that observe numbers have no table of states: train an agent with a network on them. gymnax:… and "
        "pgx:minatar-… run on the device too, where these packages are installed. Any other Gymnasium id with discrete "
        "actions trains as ordinary Python; without a model there is no optimum to hold it against."
    )


def _seen(row: EnvironmentSummary) -> str:
    if row.num_states is not None:
        return f"{row.num_states:,} states"
    return f"{'×'.join(map(str, row.observation_shape or ()))} numbers"
