"""`qlearn compare --results`: what follows from results that were made elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from qlearn.cli.options import Output, Whole, at_least, write_text
from qlearn.cli.terminal import print_json, say, title
from qlearn.errors import InputError

if TYPE_CHECKING:
    from qlearn.comparison import Scores

FAILED_RUNS = 5


@Parameter(name="*")
@dataclass(frozen=True)
class Foreign:
    """Results that were made elsewhere.

    Args:
        results: A CSV with a row for each run, or logs of Stable-Baselines3 or CleanRL; may be given several times.
        agent_column: The column with the method's name.
        environment_column: The column with the environment's name.
        seed_column: The column with the run's seed.
        score_column: The column with the result, higher being better.
        last: Make each run's score the mean of its last so many rows.
        paired: Runs of one seed met the same random numbers.
        margin: The largest difference that does not matter.
    """

    results: Annotated[tuple[Path, ...], Parameter(negative="")] = ()
    agent_column: str = "agent"
    environment_column: str = "environment"
    seed_column: str = "seed"
    score_column: str = "score"
    last: Whole | None = None
    paired: Annotated[bool, Parameter(negative="", show_default=False)] = False
    margin: float | None = None

    def given(self) -> list[str]:
        """Return the options that mean something with --results only."""
        usual = Foreign()
        names = ("agent_column", "environment_column", "seed_column", "score_column", "last", "paired", "margin")
        return [f"--{name.replace('_', '-')}" for name in names if getattr(self, name) != getattr(usual, name)]

    def refuse_alone(self) -> None:
        """Raise an `InputError` where an option is given that needs --results."""
        if self.given():
            raise InputError(f"{self.given()[0]} is about results from elsewhere; name their file: --results FILE.")


def compare_results(foreign: Foreign, output: Output, others: list[str]) -> int:
    """Read results, print what follows from them, and save it where that is wanted; return the exit code.

    Args:
        foreign: the files and their columns.
        output: where results go.
        others: words that were given beside them, which mean nothing here.
    """
    if others:
        raise InputError(f"{others[0]!r} and --results exclude each other: nothing is trained. Leave one of them out.")
    at_least("--last", foreign.last, 1)
    from qlearn.comparison import from_frame

    scores = from_frame(
        list(foreign.results),
        agent=foreign.agent_column,
        environment=foreign.environment_column,
        seed=foreign.seed_column,
        score=foreign.score_column,
        last=foreign.last,
        paired=foreign.paired,
        margin=foreign.margin,
    )
    output.check()
    output.save_json("scores.json", scores.to_json())
    if output.out is not None:
        write_text(output.out / "scores.csv", scores.to_csv())
        scores.report(output.out / "report.html")
    if output.json:
        print_json(scores.to_json())
    else:
        _print(scores)
    return FAILED_RUNS if any(cell.failed.any() for cell in scores.cells.values()) else 0


def _print(scores: Scores) -> None:
    say(scores.table())
    title("What follows")
    say(scores.verdict)
