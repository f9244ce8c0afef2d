"""Agents that predict learn the values of a policy that is given; agents that control learn what to do."""

from __future__ import annotations

from typing import Any

import numpy as np

from qlearn.errors import InputError

Numbers = np.ndarray[Any, Any]


def state_values(agent: Any, table: Numbers) -> Numbers:
    """The values of states, (…, S), of an agent that predicts; its table has them in every action.

    Raises:
        InputError: for agents that control.
    """
    if not getattr(agent, "predicts", False):
        raise InputError(
            f"{agent.label} learns what to do: its values belong to states and actions. Read `runs.q_table`; its "
            "greedy policy's exact values come from `ql.evaluate(runs)`."
        )
    return table[..., 0]


def refuse_prediction(agent: Any) -> None:
    """Raises InputError for agents that predict, where a greedy policy is asked for."""
    if getattr(agent, "predicts", False):
        raise InputError(
            f"{agent.label} predicts the values of a policy that is given and has no greedy policy of its own to "
            "judge. Read `runs.state_values`, and hold it against `ql.planning.evaluate_policy` for that policy."
        )
