"""`report`: results as one page that can be sent to a colleague."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from qlearn.comparison import Comparison, Scores, Suite
from qlearn.comparison.sweeps import Sweep
from qlearn.errors import InputError
from qlearn.files import atomic_write


def report(results: Any, path: str | os.PathLike[str]) -> Path:
    """Write results as one self-contained HTML page that works offline; it is whole or not there.

    The page fetches nothing and runs no script; equal results give equal pages.

    Args:
        results: what `compare`, `sweep` or `search` returned, or `Scores`.
        path: of the page; a folder that is missing is made, a file of this name is replaced.

    Returns:
        The path.

    Raises:
        InputError: for what no page can be made of.
        StoreError: where it cannot be written.

    >>> import qlearn as ql
    >>> found = ql.compare([ql.QLearning()], "NChain-v0", episodes=4, seeds=3, snapshots=2)
    >>> report(found, "report.html").read_text().startswith("<!doctype html>")
    True
    """
    text = page_of(results)
    target = Path(path)
    with atomic_write(target) as file:
        file.write(text.encode("utf-8", "replace"))
    return target


def page_of(results: Any) -> str:
    """Return the page of results as text."""
    if isinstance(results, Comparison):
        from qlearn.reports.comparison_page import comparison_page

        return comparison_page(results)
    if isinstance(results, Sweep):
        from qlearn.reports.sweep_page import sweep_page

        return sweep_page(results)
    if isinstance(results, Scores | Suite):
        from qlearn.reports.scores_page import scores_page, suite_page

        return scores_page(results) if isinstance(results, Scores) else suite_page(results)
    raise InputError(f"{type(results).__name__} makes no page; expected a comparison, a suite, scores or a sweep.")
