"""A folder with everything about a comparison: figures, data and the table."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qlearn.comparison import Comparison
from qlearn.errors import InputError
from qlearn.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qlearn.comparison.sweeps import Sweep

FORMATS = ("png", "svg")
MOST_CELLS = 20_000  # states times actions up to which tables and policies make a picture


def save(comparison: Comparison, folder: str | os.PathLike[str], formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write figures, ``comparison.json``, ``comparison.csv`` and ``table.tex``; each file is whole or not there.

    Args:
        comparison: what `compare` returned.
        folder: made where it is not there; files of the same names are replaced.
        formats: of the figures: ``"png"``, ``"svg"``, ``"pdf"``.

    Returns:
        The paths, in the order written.

    Raises:
        InputError: a format that is not known.
        StoreError: where the folder or a file cannot be written.

    >>> import qlearn as ql
    >>> found = ql.compare([ql.QLearning()], "NChain-v0", episodes=4, seeds=3, snapshots=2)
    >>> [path.name for path in save(found, "here", formats=[])]
    ['comparison.json', 'comparison.csv', 'table.tex']
    """
    _check(formats)
    folder = Path(folder)
    texts = {
        "comparison.json": json.dumps(comparison.to_json(), ensure_ascii=False, allow_nan=False, indent=1) + "\n",
        "comparison.csv": comparison.to_csv(),
        "table.tex": comparison.to_latex(),
    }
    written = []
    for name, text in texts.items():
        with atomic_write(folder / name) as file:
            file.write(text.encode())
        written.append(folder / name)
    if formats:
        for name, figure in _figures(comparison):
            written += save_figure(figure, folder / name, formats)
    return written


def save_sweep(sweep: Sweep, folder: str | os.PathLike[str]) -> list[Path]:
    """Write a sweep's page, numbers and curves; each file is whole or not there.

    Args:
        sweep: what `sweep` returned.
        folder: made where it is not there; files of the same names are replaced.
    """
    from qlearn.reports.sensitivity import sensitivity

    folder = Path(folder)
    text = json.dumps(sweep.to_json(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    written = [sweep.report(folder / "report.html")]
    for name, data in (("sweep.json", text), ("sweep.csv", sweep.to_csv())):
        with atomic_write(folder / name) as file:
            file.write(data.encode())
        written.append(folder / name)
    for name in sweep.names:
        written += save_figure(sensitivity(sweep, name), folder / f"sensitivity-{slug(name)}", FORMATS)
    return written


def save_figure(figure: Figure, stem: str | os.PathLike[str], formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write a figure as ``stem.png``, ``stem.svg``, …; equal figures give equal files.

    Args:
        figure: any Matplotlib figure.
        stem: the path without its ending.
        formats: as in `save`.
    """
    from qlearn.reports.style import style

    _check(formats)
    written = []
    for ending in formats:
        image = io.BytesIO()
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(ending, {})
        with style():
            figure.savefig(image, format=ending, metadata=undated)
        path = Path(f"{os.fspath(stem)}.{ending}")
        with atomic_write(path) as file:
            file.write(image.getvalue())
        written.append(path)
    return written


def _check(formats: Sequence[str]) -> None:
    for ending in formats:
        if ending not in (*FORMATS, "pdf"):
            raise InputError(f"{ending!r} is no format of a figure; expected png, svg or pdf. Pass formats=['png'].")


def _figures(comparison: Comparison) -> Iterator[tuple[str, Figure]]:
    from qlearn.reports.final_values import final_values
    from qlearn.reports.learning_curves import learning_curves
    from qlearn.reports.policy_map import policy_map
    from qlearn.reports.q_heatmap import q_heatmap

    yield "learning-curves", learning_curves(comparison)
    yield "final-values", final_values(comparison)
    cells = comparison.environment.num_states * comparison.environment.num_actions
    if cells > MOST_CELLS or cells == 0:  # 0: observations are arrays, of which there is no table
        return
    yield "policies", policy_map(comparison)
    for i, agent in enumerate(comparison.agents):
        yield f"q-table-{i + 1}-{slug(agent.name)}", q_heatmap(comparison, i)


def slug(name: str) -> str:
    """Return a name that any file system takes.

    >>> slug("ε-greedy Q-learning (learning_rate 0.1)")
    'epsilon-greedy-q-learning-learning-rate-0-1'
    """
    spelled = name.lower().replace("ε", "epsilon").replace("λ", "lambda")
    return re.sub(r"[^a-z0-9]+", "-", spelled).strip("-")[:60] or "agent"
