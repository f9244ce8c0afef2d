"""`qlearn compare`: several agents on the same seeds, and which is better by how much."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from qlearn.cli.asked import Keeping, from_file, from_words, is_specification
from qlearn.cli.foreign import Foreign, compare_results
from qlearn.cli.options import Budget, Output, at_least, check_discount
from qlearn.cli.partial import partial_data, print_partial
from qlearn.cli.terminal import console, note, print_json, say, say_command, shell, title
from qlearn.errors import InputError, Interrupted

if TYPE_CHECKING:
    from pathlib import Path

    from qlearn.comparison import Comparison, Specification, Suite

EXAMPLES = """\
Examples:
  qlearn compare NChain-v0
  qlearn compare NChain-v0 --out results
  qlearn compare NChain-v0 sarsa "q-learning(learning_rate=0.01)" --seeds 1000
  qlearn compare "FrozenLake-v1(is_slippery=False)" q-learning r-max --steps 20000 --json
  qlearn compare spec.toml --store runs
  qlearn compare --results theirs.csv --score-column episodic_return

Without agents the tutorial's three are compared. `qlearn agents` lists what there is.
With --store or --out every finished run is kept; the same command goes on after an interruption.
"""
INTERRUPTED, DIVERGED = 130, 5
WIDE = 76  # columns that the table needs
app = App(name="compare", help_epilogue=EXAMPLES, help_format="plaintext")


@app.default
def compare(  # noqa: PLR0913 - cyclopts makes an option of each
    what: Annotated[str | None, Parameter(name="ENV|SPEC.toml", negative="")] = None,
    /,
    *agents: Annotated[str, Parameter(name="AGENT")],
    budget: Budget = Budget(),  # noqa: B008
    discount: float | None = None,
    horizon: int | None = None,
    snapshots: int | None = None,
    keeping: Keeping = Keeping(),  # noqa: B008
    foreign: Foreign = Foreign(),  # noqa: B008
    output: Output = Output(),  # noqa: B008
) -> int:
    """Train several agents on the same seeds and say which is better, and by how much.

    Args:
        what: An id, with arguments or without (`qlearn envs` lists those with a model), or a specification in TOML.
        agents: Names, with settings or without; the tutorial's three where there is none.
        budget: How much is trained.
        discount: What agents without a discount of their own are judged at; that of most where it is not given.
        horizon: Steps within which returns are meant; the time limit where it is not given.
        snapshots: How often tables are kept for learning curves; 50 with --out or --store, else 0.
        keeping: Where runs are kept.
        foreign: Results that were made elsewhere, instead of training.
        output: Where results go.
    """
    if foreign.results:
        return compare_results(foreign, output, [*([] if what is None else [what]), *_given_words(budget)])
    if what is None:
        raise InputError("ENV is missing: name an environment, a specification, or --results FILE.")
    foreign.refuse_alone()
    budget.check()
    at_least("--horizon", horizon, 1)
    at_least("--snapshots", snapshots, 0)
    at_least("--workers", keeping.workers, 1)
    check_discount(discount)
    keeping.load()
    given = {"--discount": discount, "--horizon": horizon, "--snapshots": snapshots}
    options = [word for option, value in given.items() if value is not None for word in (option, value)]
    judged: dict[str, Any] = {key.removeprefix("--"): value for key, value in given.items()}
    words: list[object]
    if is_specification(what):
        asked = from_file(what, agents, budget, keeping, judged)
        words, about = [*_given(budget), *options], f"{asked.num_seeds:,} seeds"
    else:
        if snapshots is None and keeping.place(output) is None:
            judged["snapshots"] = 0
        asked, world = from_words(what, agents, budget, judged)
        words, about = [*agents, *budget.words(world), *options], budget.in_words(world)
    output.check()
    from qlearn.cli.cache import keep_compiled

    keep_compiled()
    return _carried_out(asked, keeping, output, shell("qlearn", "compare", what, *words, *keeping.words()), about)


def _given_words(budget: Budget) -> list[str]:
    return [str(word) for word in _given(budget)]


def _given(budget: Budget) -> list[object]:
    """Return the options of a budget that were given."""
    found = {"--episodes": budget.episodes, "--steps": budget.steps, "--seeds": budget.seeds}
    found["--seed"] = budget.seed or None
    return [word for option, value in found.items() if value is not None for word in (option, value)]


def _carried_out(asked: Specification, keeping: Keeping, output: Output, command: str, about: str) -> int:
    from qlearn.comparison.compare import compared

    store, part = keeping.place(output), keeping.part()
    if part is not None:
        return _part(asked, keeping, part)
    try:
        found = compared(asked, store=store, workers=keeping.workers)
    except Interrupted as stopped:
        return _interrupted(stopped, asked.discount, output, command, store)
    return tell(found, output, command, about)


def tell(found: Comparison | Suite, output: Output, command: str, about: str) -> int:
    """Save and print what a comparison found; return the exit code."""
    from qlearn.comparison import Suite

    found = found.with_command(command) if isinstance(found, Suite) else replace(found, command=command)
    saved = save_everything(found, output)
    if output.json:
        print_json(found.to_json())
    elif isinstance(found, Suite):
        _print_suite(found, saved)
    else:
        _print(found, saved)
    if not output.json:
        say(f"Seeds: {about}; {found.wall_time:.1f} s.")
    rows = [row for one in (found if isinstance(found, Suite) else [found]) for row in one.agents]
    return DIVERGED if any(row.num_diverged for row in rows) else 0


def _part(asked: Specification, keeping: Keeping, part: tuple[int, int]) -> int:
    from qlearn.comparison.stored import compute_shard

    if keeping.store is None:
        raise InputError("--shard computes into a store; name one: --store PATH.")
    done = compute_shard(asked, keeping.store, part, workers=keeping.workers)
    say(f"Part {part[0]} of {part[1]}: {done:,} runs are kept in {keeping.store}.")
    say("To bring parts together: qlearn runs merge ALL PART PART …")
    return 0


def _print_suite(found: Suite, saved: str) -> None:
    say(found.table())
    title("What follows")
    say(found.verdict)
    if saved:
        say(saved)
    say_command("To reproduce:", found.command or "")


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


def save_everything(found: Comparison | Suite, output: Output) -> str:
    """Write figures and numbers into the folder, where one is wanted; return what there is, in words."""
    if output.out is None:
        return ""
    from qlearn.comparison import Suite
    from qlearn.reports import save
    from qlearn.reports.saving import slug

    if isinstance(found, Suite):
        output.save_json("suite.json", found.to_json())
        folders = [output.out / slug(one.environment.name) for one in found]
        for one, folder in zip(found, folders, strict=True):
            save(one, folder)
        found.report(output.out / "report.html")
        return f"In {output.out}: report.html, suite.json, and a folder for each environment."
    found.report(output.out / "report.html")
    files = save(found, output.out)
    figures = [file.stem for file in files if file.suffix == ".png"]
    numbers = [file.name for file in files if file.suffix not in (".png", ".svg")]
    return f"In {output.out}: report.html; {', '.join(figures)} (each .png and .svg); {', '.join(numbers)}."


def _interrupted(stopped: Interrupted, discount: float | None, output: Output, command: str, store: Path | None) -> int:
    if store is not None:
        return _goes_on(stopped, output, command)
    runs = [] if stopped.runs is None else list(stopped.runs)
    data = {**partial_data(runs, discount), "command": command}
    if output.json:
        print_json(data)
    elif runs:
        print_partial(data)
        say_command("From the beginning:", command)
    else:
        note(str(stopped))
        say_command("To go on:", command)
    return INTERRUPTED


def _goes_on(stopped: Interrupted, output: Output, command: str) -> int:
    """Say how to go on with what a store keeps."""
    again = f"{command} {shell('--out', output.out)}" if output.out is not None else command
    if output.json:
        print_json({"interrupted": True, "agents": [], "command": again})
        return INTERRUPTED
    note("Interrupted. What had finished by then is kept." if stopped.runs is not None else str(stopped))
    say_command("To go on:", again)
    return INTERRUPTED
