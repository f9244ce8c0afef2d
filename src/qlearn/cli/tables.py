"""Tables that several commands print: spreads over seeds, and learnt values beside the true ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.cli.terminal import figure, print_table, say

if TYPE_CHECKING:
    from qlearn.environments import FiniteMDP

MOST_ROWS = 16


def print_spread(rows: Mapping[str, Any]) -> None:
    """Print mean, 95% interval and quartiles over seeds of each row's numbers, (n,); NaN does not count."""
    from qlearn.statistics import mean_interval, quartiles

    cells = []
    for name, values in rows.items():
        numbers = np.asarray(values, dtype=np.float64)
        numbers = numbers[np.isfinite(numbers)]
        if not numbers.size:
            cells.append([name, "–", "–", "–"])
            continue
        mean = mean_interval(numbers)
        interval = "–" if mean.interval is None else f"{figure(mean.interval.low)} … {figure(mean.interval.high)}"
        low, middle, high = (figure(x, 1) for x in quartiles(numbers))
        cells.append([name, figure(mean.mean), interval, f"{low} / {middle} / {high}"])
    print_table(["over seeds", "mean", "95% interval", "quartiles"], cells)


def print_q_table(mdp: FiniteMDP, tables: Any, q_optimal: Any, *, name: str = "", symbol: str = "Q") -> None:
    """Print the learnt values, mean over seeds, beside Q*.

    Args:
        mdp: the model, for the names.
        tables: (n, S, A) learnt.
        q_optimal: (S, A), or None where there is nothing to hold them against.
        name: a title above.
        symbol: what the values are called.
    """
    tables = np.asarray(tables, dtype=np.float64)
    mean, actions = tables.mean(axis=0), range(mdp.num_actions)
    states = [s for s in range(mdp.num_states) if not mdp.terminal_states[s]]
    heads, rows = ["state"], []
    for a in actions:
        heads += [f"{symbol} {mdp.action_name(a)}"] + ([] if q_optimal is None else ["Q*"])
    for s in states[:MOST_ROWS]:
        cells = [mdp.state_name(s)]
        for a in actions:
            cells += [figure(mean[s, a])] + ([] if q_optimal is None else [figure(float(q_optimal[s, a]))])
        rows.append(cells)
    over = "" if len(tables) == 1 else f", mean over {len(tables):,} seeds"
    what = "Learnt table" if q_optimal is None else "Learnt values Q beside the true Q*"
    print_table(heads, rows, name=name or f"{what}{over}")
    if len(states) > MOST_ROWS:
        say(f"{len(states) - MOST_ROWS:,} more states: --json or --out has all.")
