"""Results as a page: what every ``report`` of this room calls."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any


def write_page(results: Any, path: str | os.PathLike[str]) -> Path:
    """Write results as one self-contained HTML page that works offline; see `qlearn.reports.report`.

    Args:
        results: a comparison, a suite, scores or a sweep.
        path: of the page; a missing folder is made, a file of this name is replaced.

    Raises:
        StoreError: where it cannot be written.
    """
    written: Path = importlib.import_module("qlearn.reports.report").report(results, path)  # that room imports this one
    return written
