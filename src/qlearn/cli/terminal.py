"""What a command writes: words and tables for people, one JSON object for programs."""

from __future__ import annotations

import json
import math
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 110


def console(*, stderr: bool = False) -> Console:
    """Return a console on standard output (or standard error); a pipe gets no colours and 110 columns."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    fixed = None if stream.isatty() or os.environ.get("COLUMNS") else PIPE_WIDTH
    return Console(file=stream, stderr=stderr, highlight=False, markup=False, emoji=False, width=fixed)


def say(text: str = "") -> None:
    """Print a line for people on standard output, wrapped at words on a terminal and whole elsewhere."""
    console().print(text, soft_wrap=not sys.stdout.isatty())


def title(text: str) -> None:
    """Print a heading."""
    console().print(f"\n{text}", style="bold")


def note(text: str) -> None:
    """Print a line on standard error."""
    console(stderr=True).print(text, soft_wrap=not sys.stderr.isatty())


def say_command(text: str, command: str) -> None:
    """Print a command in a line of its own, unbroken, so that it can be copied."""
    console().print(f"{text} {command}", soft_wrap=True)


def shell(*words: object) -> str:
    """Return a command as the shell reads it.

    >>> print(shell("qlearn", "solve", "FrozenLake-v1(map_name='8x8')"))
    qlearn solve "FrozenLake-v1(map_name='8x8')"
    """
    return " ".join(map(_quoted, map(str, words)))


def _quoted(word: str) -> str:
    if "'" in word and not set(word) & set('"$`\\!'):
        return f'"{word}"'
    return shlex.quote(word)


def print_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, left: Sequence[int] = (0,), name: str = ""
) -> None:
    """Print a table; where the terminal is too narrow for it, a few lines for each row.

    Args:
        heads: the columns' heads.
        rows: cells, as text.
        left: columns of text, which may be wrapped; all others hold figures, to the right.
        name: a title above.
    """
    from rich import box
    from rich.padding import Padding
    from rich.table import Table

    rows, screen = [list(row) for row in rows], console()
    if name:
        screen.print(name, style="bold")
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for k, head in enumerate(heads):
        made.add_column(head, justify="left" if k in left else "right", no_wrap=k not in left)
    for row in rows:
        made.add_row(*row)
    if _narrowest(heads, rows, left) <= screen.width:
        screen.print(made)
        screen.print()
        return
    for row in rows:
        screen.print(f"{heads[0]} {row[0]}".strip(), style="bold")
        for head, cell in zip(heads[1:], row[1:], strict=True):
            if cell:
                screen.print(Padding(f"{head}: {cell}" if head else cell, (0, 0, 0, 2), expand=False))


def _narrowest(heads: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int]) -> int:
    """Return the columns that a table needs: figures are never wrapped, text only between words."""
    from rich.cells import cell_len

    total = 3 * (len(heads) - 1)
    for k, cells in enumerate(zip(heads, *rows, strict=True)):
        parts = [word for cell in cells for word in cell.split()] if k in left else cells
        total += max(map(cell_len, parts), default=0)
    return total


def figure(value: float | None, digits: int = 2) -> str:
    """Return a number for a table: ``1,526.80``; ``–`` where there is none.

    >>> figure(3663.69284), figure(None), figure(float("-inf"))
    ('3,663.69', '–', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:,.{digits}f}".replace("-", "−")


def share(value: float) -> str:
    """Return a share in per cent, small ones with one digit more.

    >>> share(0.129), share(0.0005), share(1.0)
    ('12.9%', '0.05%', '100.0%')
    """
    if not math.isfinite(value):
        return "–"
    return f"{100 * value:.{2 if 0 < value < 0.01 else 1}f}%"


def plain_data(value: Any) -> Any:
    """Return what JSON can hold: arrays as lists, and None for what is not finite.

    >>> plain_data({"q": float("-inf"), "steps": (1, 2)})
    {'q': None, 'steps': [1, 2]}
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain_data(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain_data(part) for part in value]
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def json_text(value: Any, *, ascii_only: bool = False) -> str:
    """Return one JSON object in one line, without NaN or Infinity."""
    return json.dumps(plain_data(value), allow_nan=False, ensure_ascii=ascii_only)


def print_json(value: Any) -> None:
    """Print one JSON object on standard output."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    sys.stdout.write(json_text(value, ascii_only=not encoding.startswith("utf")) + "\n")
