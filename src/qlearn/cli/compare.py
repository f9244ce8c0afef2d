"""`qlearn compare`: several agents on the same seeds, and which is better by how much."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from qlearn.cli.options import Budget, EnvironmentName, Output, at_least, check_discount, made, own_discount
from qlearn.cli.partial import partial_data, print_partial
from qlearn.cli.terminal import console, note, print_json, say, say_command, shell, title
from qlearn.errors import Interrupted

if TYPE_CHECKING:
    from qlearn.comparison import Comparison

EXAMPLES = """\
Examples:
  qlearn compare NChain-v0
  qlearn compare NChain-v0 --out results
  qlearn compare NChain-v0 sarsa "q-learning(learning_rate=0.01)" --seeds 1000
  qlearn compare "FrozenLake-v1(is_slippery=False)" q-learning r-max --steps 20000 --json

Without agents the tutorial's three are compared. `qlearn agents` lists what there is.
"""
TUTORIAL = ("tutorial-reward-sum", "tutorial-greedy", "tutorial-epsilon-greedy")
INTERRUPTED, DIVERGED = 130, 5
WIDE = 76  # columns that the table needs
app = App(name="compare", help_epilogue=EXAMPLES, help_format="plaintext")


@app.default
def compare(
    environment: EnvironmentName,
    /,
    *agents: Annotated[str, Parameter(name="AGENT")],
    budget: Budget = Budget(),  # noqa: B008
    discount: float | None = None,
    horizon: int | None = None,
    snapshots: int | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Train several agents on the same seeds and say which is better, and by how much.

    Args:
        environment: An id, with arguments or without; `qlearn envs` lists those with a model.
        agents: Names, with settings or without; the tutorial's three where there is none.
        budget: How much is trained.
        discount: What agents without a discount of their own are judged at; that of most where it is not given.
        horizon: Steps within which returns are meant; the time limit where it is not given.
        snapshots: How often tables are kept for learning curves; 50 with --out, else 0.
        output: Where results go.
    """
    budget.check()
    at_least("--horizon", horizon, 1)
    at_least("--snapshots", snapshots, 0)
    check_discount(discount)
    world = made(environment)
    from qlearn import comparison
    from qlearn.cli.cache import keep_compiled
    from qlearn.training import parse_agent

    described = [parse_agent(text) for text in agents or TUTORIAL]
    output.check()
    if agents and (remark := own_discount(zip(agents, [a.discount for a in described], strict=True), discount)):
        note(remark)
    keep_compiled()
    options = {"--discount": discount, "--horizon": horizon, "--snapshots": snapshots}
    given = [word for option, value in options.items() if value is not None for word in (option, value)]
    command = shell("qlearn", "compare", environment, *agents, *budget.words(world), *given)
    if snapshots is None:
        snapshots = 50 if output.out is not None else 0
    try:
        found = comparison.compare(
            described,
            world,
            seeds=list(budget.seeds_for(world)),
            discount=discount,
            horizon=horizon,
            snapshots=snapshots,
            **budget.length(),
        )
    except Interrupted as stopped:
        return _interrupted(stopped.runs, discount, output, command)
    found = replace(found, command=command)
    saved = save_everything(found, output)
    if output.json:
        print_json(found.to_json())
    else:
        _print(found, saved)
        say(f"Seeds: {budget.in_words(world)}; {found.wall_time:.1f} s.")
    return DIVERGED if any(agent.num_diverged for agent in found.agents) else 0


def _print(found: Comparison, saved: str) -> None:
    from qlearn.reports import print_comparison

    if console().width < WIDE:
        _print_narrow(found)
    else:
        print_comparison(found, console())
    if saved:
        say(saved)


def _print_narrow(found: Comparison) -> None:
    """Print the same without tables, whose figures would be cut off."""
    from qlearn.comparison.exports import HEADINGS, cells, heading, references

    say(heading(found))
    for row in cells(found):
        title(row[0])
        for head, cell in zip(HEADINGS[1:], row[1:], strict=True):
            say(f"{head}: {cell}")
    title("Held against")
    for what, value in references(found):
        say(f"{what}: {value}")
    for agent in found.agents:
        for other, chance in agent.beats.items():
            say(f"a run of {agent.name} beats one of {other} with probability {chance.probability:.2f}")
    title("What follows")
    say(found.verdict)
    say_command("To reproduce:", found.command or "")


def save_everything(found: Comparison, output: Output) -> str:
    """Write figures and numbers into the folder, where one is wanted; return what there is, in words."""
    if output.out is None:
        return ""
    from qlearn.reports import save

    files = save(found, output.out)
    figures = [file.stem for file in files if file.suffix == ".png"]
    numbers = [file.name for file in files if file.suffix not in (".png", ".svg")]
    return f"In {output.out}: {', '.join(figures)} (each .png and .svg); {', '.join(numbers)}."


def _interrupted(runs: list[Any], discount: float | None, output: Output, command: str) -> int:
    data = {**partial_data(runs, discount), "command": command}
    output.save_json("partial.json", data)
    if output.json:
        print_json(data)
    else:
        print_partial(data)
        say_command("From the beginning:", command)
    return INTERRUPTED
