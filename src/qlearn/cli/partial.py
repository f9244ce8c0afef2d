"""What an interrupted training leaves: no comparison, but what each agent had learnt by then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.cli.terminal import figure, note, print_table, share

if TYPE_CHECKING:
    from qlearn.training import Runs

DISCOUNT = 0.95


def partial_data(runs: Sequence[Runs], discount: float | None) -> dict[str, Any]:
    """Return what each agent had learnt when the training was interrupted."""
    from qlearn.cli.told import as_data
    from qlearn.evaluation import evaluate

    found = [as_data(some, evaluate(some, discount=DISCOUNT if discount is None else discount)) for some in runs]
    return {"interrupted": True, "optimum": found[0]["optimum"] if found else None, "agents": found}


def print_partial(data: dict[str, Any]) -> None:
    """Print the same; no verdict follows from it, and the note says so."""
    note("Interrupted. This is what was learnt by then; the agents may have trained unequally, so none is better.")
    rows = []
    for agent in data["agents"]:
        optimal = agent["share_optimal"]
        rows.append(
            [
                agent["name"],
                f"{int(np.sum(agent['num_episodes'])):,}",
                figure(float(np.mean(agent["exact_return"]))),
                "–" if optimal is None else share(optimal),
            ]
        )
    print_table(["agent", "episodes, all seeds", "value so far, mean", "optimal policy"], rows)
