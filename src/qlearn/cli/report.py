"""`qlearn report`: results as one page that can be sent to a colleague."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from qlearn.cli.options import check_writable
from qlearn.cli.terminal import print_json, say
from qlearn.errors import InputError

EXAMPLES = """\
Examples:
  qlearn report results/comparison.json
  qlearn report results.csv --out report.html

A CSV file has a line for each run, with the columns agent, environment, seed and score.
"""
app = App(name="report", help_epilogue=EXAMPLES, help_format="plaintext")


@app.default
def report(
    results: Annotated[Path, Parameter(name="RESULTS")],
    /,
    *,
    out: Path = Path("report.html"),
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> int:
    """Write one self-contained HTML page about results: verdict, table, every run, settings, data.

    Args:
        results: A store, a JSON file that `qlearn compare --out` wrote, or a CSV file.
        out: The page.
        json: Print one JSON object that names the page.
    """
    if out.is_dir():
        raise InputError(f"--out {out} is a folder; expected a file's name. Write --out {out / 'report.html'}.")
    check_writable(out.absolute().parent)
    from qlearn.reports.read import results_of
    from qlearn.reports.report import report as write

    page = write(results_of(results), out)
    if json:
        print_json({"report": str(page), "bytes": page.stat().st_size})
    else:
        say(f"{page}: {page.stat().st_size / 1000:,.0f} kB. Open it in any browser; it needs no network.")
    return 0
