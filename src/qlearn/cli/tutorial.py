"""`qlearn tutorial`: all of the tutorial, part by part, beside the truth."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from qlearn.cli import tutorial_facts as facts
from qlearn.cli.options import Output, SeedOption, Whole, at_least, check_seed
from qlearn.cli.partial import partial_data, print_partial
from qlearn.cli.terminal import print_json, say, say_command, shell
from qlearn.errors import Interrupted

EXAMPLES = """\
Examples:
  qlearn tutorial
  qlearn tutorial --rounds 1000 --out tutorial
  qlearn tutorial --network-seeds 0
  qlearn tutorial --seed 7 --json

The parts: the environment by hand, three agents, the tournament, the Q tables, what a
smaller learning rate does, and the Keras network.
"""
INTERRUPTED = 130
app = App(name="tutorial", help_epilogue=EXAMPLES, help_format="plaintext")


@app.default
def tutorial(
    *,
    rounds: Annotated[int, Parameter(name=["--rounds", "--seeds"])] = 100,
    network_seeds: Whole = facts.NETWORK_SEEDS,
    seed: SeedOption = 0,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Walk through the tutorial: what it printed, what comes out here, and what is true.

    Args:
        rounds: Rounds of the tournament, and seeds of every training of a table.
        network_seeds: Seeds of the Keras network; 0 leaves it out.
        seed: The first seed; the others follow it.
        output: Where results go.
    """
    at_least("--rounds", rounds, 2)
    at_least("--network-seeds", network_seeds, 0)
    check_seed(seed)
    output.check()
    from qlearn.cli.cache import keep_compiled
    from qlearn.cli.tutorial_parts import Walk

    keep_compiled()
    command = shell("qlearn", "tutorial", "--rounds", rounds, "--network-seeds", network_seeds, "--seed", seed)
    walk = Walk(rounds, seed, not output.json, output.out is not None, network_seeds)
    data: dict[str, Any] = {}
    code = 0
    try:
        for part in walk.parts():
            data |= part
    except Interrupted as stopped:
        partial = partial_data(stopped.runs, None)
        data |= {"interrupted": True, "partial": partial}
        code = INTERRUPTED
        if not output.json:
            print_partial(partial)
    data["command"] = command
    output.save_json("tutorial.json", data)
    saved = walk.save_figures(output) if code == 0 else []
    if output.json:
        print_json(data)
        return code
    for words in saved:
        say(words)
    say_command("To reproduce:" if code == 0 else "From the beginning:", command)
    return code
