"""Tables for the terminal, with rich: they fold on narrow screens and stay plain in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qlearn.comparison import Comparison, Tournament
from qlearn.comparison.exports import beats, heading, references
from qlearn.comparison.words import number, percent
from qlearn.statistics import Interval, Mean

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def comparison_table(comparison: Comparison) -> Table:
    """Return the comparison as a rich table, a row for each agent.

    >>> import qlearn as ql
    >>> found = ql.compare([ql.QLearning()], "NChain-v0", episodes=4, seeds=3, snapshots=0)
    >>> comparison_table(found).row_count
    1
    """
    table = _table(heading(comparison))
    table.add_column("agent", overflow="fold", min_width=10)
    exact = "exact value" if comparison.truth is not None else "by rollouts"
    table.add_column(f"{exact},\n95% interval", justify="right")
    table.add_column("quartiles", justify="right", min_width=9)
    table.add_column("optimal\npolicy", justify="right")
    table.add_column("\nregret", justify="right", no_wrap=True)
    table.add_column("online return,\n95% interval", justify="right")
    for words in ("wins,\na game", "wins,\nexact"):
        table.add_column(words, justify="right", no_wrap=True)
    failed = any(agent.num_diverged for agent in comparison.agents)
    if failed:
        table.add_column("\ndiverged", justify="right", no_wrap=True)
    for agent in comparison.agents:
        row = [
            agent.name,
            _mean(agent.exact),
            " / ".join(number(value, -1) for value in agent.quartiles),
            f"{percent(agent.share_optimal)}\n{_share(agent.share_optimal_interval)}",
            percent(None if agent.regret_percent is None else agent.regret_percent / 100),
            _mean(agent.online),
            str(agent.wins),
            f"{agent.wins_exact:.1f}",
        ]
        table.add_row(*row, *([str(agent.num_diverged)] if failed else []))
    return table


def beats_table(comparison: Comparison) -> Table:
    """Return the probabilities that a run of the row's agent beats one of the column's."""
    table = _table("Probability that a run beats one of … (ties ½)")
    table.add_column("", overflow="fold")
    for agent in comparison.agents:
        table.add_column(agent.name, justify="right", overflow="fold")
    for row in beats(comparison):
        table.add_row(*row)
    return table


def references_table(comparison: Comparison) -> Table:
    """Return the values that all are held against."""
    table = _table(None)
    table.show_header = False
    table.add_column("what", overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    for what, value in references(comparison):
        table.add_row(what, value)
    return table


def tournament_table(tournament: Tournament) -> Table:
    """Return the tournament as a rich table, a row for each agent."""
    table = _table(f"{tournament.settings['environment']}: {tournament.rounds} rounds, one greedy game each")
    table.add_column("agent", overflow="fold")
    for words in ("wins", "± sd", "wins by\nexact value", "exact value\nmean, 95% interval", "optimal\npolicy"):
        table.add_column(words, justify="right")
    for agent in tournament.agents:
        table.add_row(
            agent.name,
            str(agent.wins),
            f"{agent.wins_sd:.1f}",
            f"{agent.wins_exact:.1f}",
            _mean(agent.exact),
            percent(agent.evaluation.share_optimal),
        )
    return table


def print_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Print tables, reference values and verdict; to standard output where no console is given."""
    from rich.console import Console
    from rich.text import Text

    out = Console() if console is None else console
    out.print(comparison_table(comparison))
    if comparison.truth is not None:
        out.print(references_table(comparison))
    if len(comparison.agents) > 1:
        out.print(beats_table(comparison))
    out.print(Text(comparison.verdict))
    if comparison.command is not None:
        out.print(Text(f"\nTo reproduce: {comparison.command}"), soft_wrap=True)


def print_tournament(tournament: Tournament, console: Console | None = None) -> None:
    """Print the table and what it says; to standard output where no console is given."""
    from rich.console import Console
    from rich.text import Text

    out = Console() if console is None else console
    out.print(tournament_table(tournament))
    out.print(Text(tournament.verdict))


def _mean(mean: Mean | None) -> str:
    """The mean above its interval, which leaves out the last digit."""
    if mean is None:
        return "–"
    if mean.interval is None:
        return number(mean.mean)
    joint = "–" if mean.interval.low >= 0 else " to "
    return f"{number(mean.mean)}\n{number(mean.interval.low, -1)}{joint}{number(mean.interval.high, -1)}"


def _share(bounds: Interval | None) -> str:
    return "" if bounds is None else f"{percent(bounds.low).rstrip('%')}–{percent(bounds.high)}"


def _table(title: str | None) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.title_justify, table.title_style = "left", "bold"
    return table
