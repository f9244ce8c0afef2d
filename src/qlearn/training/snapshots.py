"""What was known along the way: tables, visits and weights at positions of a run."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np

from qlearn.agents.learner import Knowledge
from qlearn.errors import InputError

Numbers = np.ndarray[Any, Any]


@dataclasses.dataclass(frozen=True)
class Snapshots:
    """Tables along the way.

    Args:
        positions: (k,) int64, episodes or steps of each seed; 0 is before the first.
        unit: what they count.
        tables: (n, k, S, A) float32; None where states cannot be counted.
        knowledge: of agents with a network, their weights, (n, k, …); None for tables.
        counts: how often each action had been taken in each state, (n, k, S, A) int32 (``visits`` reads it); None for
            agents with a network.
        extras: what an agent learns besides its table, by name, (n, k − 1) each: at every position but the first.
    """

    positions: Numbers
    unit: Literal["episode", "step"]
    tables: Numbers | None
    knowledge: Knowledge | None = dataclasses.field(default=None, repr=False)
    counts: Numbers | None = None
    extras: dict[str, Numbers] = dataclasses.field(default_factory=dict)

    @property
    def q_tables(self) -> Numbers:
        """The values of every state and action, (n, k, S, A) float32.

        Raises:
            InputError: where states cannot be counted.
        """
        return counted(self.tables)

    @property
    def visits(self) -> Numbers:
        """How often each action had been taken in each state, (n, k, S, A) int32.

        Raises:
            InputError: for agents with a network, which do not count.
        """
        return visited(self.counts)


def visited(counts: Numbers | None) -> Numbers:
    """Return the counts; raises InputError where there are none."""
    if counts is None:
        raise InputError("Agents with a network do not count visits; expected runs of an agent with a table.")
    return counts


def counted(table: Numbers | None) -> Numbers:
    """Return the table; raises InputError where there is none."""
    if table is None:
        raise InputError(
            "The observations of this environment are arrays, which no table can list; expected states that can be "
            "counted. `runs.q_function(seed)` gives the values of any observation, `ql.evaluate(runs)` their worth."
        )
    return table
