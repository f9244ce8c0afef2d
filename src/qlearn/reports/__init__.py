"""Tables for the terminal, figures one a file, and the folder that holds them all."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qlearn.reports.exporting import Exported, export
    from qlearn.reports.final_values import final_values
    from qlearn.reports.learning_curves import learning_curves
    from qlearn.reports.network_curve import network_curve
    from qlearn.reports.policy_map import policy_map
    from qlearn.reports.problem_drawing import draw
    from qlearn.reports.profiles import profiles
    from qlearn.reports.q_heatmap import q_heatmap
    from qlearn.reports.report import report
    from qlearn.reports.saving import save, save_figure
    from qlearn.reports.score_runs import score_runs
    from qlearn.reports.sensitivity import interaction, sensitivity
    from qlearn.reports.tables import (
        comparison_table,
        print_comparison,
        print_tournament,
        tournament_table,
    )
    from qlearn.reports.training_curve import training_curve

_FILE_OF = {
    "comparison_table": "tables",
    "draw": "problem_drawing",
    "Exported": "exporting",
    "export": "exporting",
    "final_values": "final_values",
    "learning_curves": "learning_curves",
    "network_curve": "network_curve",
    "policy_map": "policy_map",
    "print_comparison": "tables",
    "print_tournament": "tables",
    "profiles": "profiles",
    "q_heatmap": "q_heatmap",
    "report": "report",
    "save": "saving",
    "save_figure": "saving",
    "score_runs": "score_runs",
    "interaction": "sensitivity",
    "sensitivity": "sensitivity",
    "tournament_table": "tables",
    "training_curve": "training_curve",
}

__all__ = [
    "Exported",
    "comparison_table",
    "draw",
    "export",
    "final_values",
    "interaction",
    "learning_curves",
    "network_curve",
    "policy_map",
    "print_comparison",
    "print_tournament",
    "profiles",
    "q_heatmap",
    "report",
    "save",
    "save_figure",
    "score_runs",
    "sensitivity",
    "tournament_table",
    "training_curve",
]


def __getattr__(name: str) -> Any:
    """Load a name on first use: who prints a table needs no Matplotlib."""
    if name not in _FILE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    file = importlib.import_module(f"{__name__}.{_FILE_OF[name]}")
    for other, place in _FILE_OF.items():  # a function may be called like its file, which the import put here
        if place == _FILE_OF[name]:
            globals()[other] = getattr(file, other)
    return globals()[name]
