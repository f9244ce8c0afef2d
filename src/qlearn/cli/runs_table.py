"""What `qlearn runs list` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qlearn.cli.terminal import print_table

if TYPE_CHECKING:
    from qlearn.store import Group


def print_groups(found: Sequence[Group]) -> None:
    """Print a row for each agent, environment and budget."""
    from rich.filesize import decimal

    rows = [
        [
            str(one.number),
            one.agent,
            one.environment,
            "–" if one.budget is None else f"{one.budget:,} {one.unit}s",
            _seeds(one.seeds),
            f"{one.on_the_way:,}" if one.on_the_way else "",
            f"{one.diverged:,}" if one.diverged else "",
            decimal(one.size) if one.size else "–",
        ]
        for one in found
    ]
    heads = ["no.", "agent", "environment", "budget", "finished seeds", "on the way", "diverged", "size"]
    print_table(heads, rows, left=(1, 2))


def as_data(group: Group) -> dict[str, Any]:
    """Return a row as plain data."""
    names = ("number", "agent", "environment", "unit", "budget", "seeds", "on_the_way", "held", "diverged")
    return {name: getattr(group, name) for name in names} | {"seconds": group.seconds, "bytes": group.size}


def _seeds(seeds: tuple[int, ...]) -> str:
    """Return seeds in few words: ``100 (0 to 99)``.

    >>> _seeds((0, 1, 2)), _seeds((4,)), _seeds((1, 5)), _seeds(())
    ('3 (0 to 2)', '1 (4)', '2 (1, 5)', '0')
    """
    if not seeds:
        return "0"
    if len(seeds) == seeds[-1] - seeds[0] + 1 > 1:
        return f"{len(seeds):,} ({seeds[0]} to {seeds[-1]})"
    few = ", ".join(map(str, seeds[:3])) + (", …" if len(seeds) > 3 else "")
    return f"{len(seeds):,} ({few})"
