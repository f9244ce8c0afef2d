"""What is said of runs that diverged: where it was seen, and what usually cures it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from qlearn.training.runs import Runs

_NAMED = 5  # seeds that are told by name


def divergence(runs: Runs) -> str:
    """Say which runs with a network diverged, at which step, and what to try; empty where none did."""
    if runs.diverged_at is None or not (runs.diverged_at > 0).any():
        return ""
    failed = np.flatnonzero(runs.diverged_at > 0)
    told = ", ".join(f"seed {runs.seeds[i]} at step {runs.diverged_at[i]:,}" for i in failed[:_NAMED])
    more = f" and {failed.size - _NAMED} more" if failed.size > _NAMED else ""
    return (
        f"{failed.size} of {runs.seeds.size} runs of {runs.label} on {runs.environment.name} diverged ({told}{more}): "
        "values were no finite numbers, or a hundred times what the rewards met allow. They were stopped there, are "
        f"kept and count. What usually cures it: {_cure(runs.agent)}."
    )


def _cure(agent: Any) -> str:
    """The cures that this agent has settings for."""
    cures = ["a smaller learning rate"]
    if getattr(agent, "max_gradient_norm", 0.0) is None:
        cures.append("`max_gradient_norm=10`")
    if getattr(agent, "loss", "huber") == "squared":
        cures.append("`loss='huber'`")
    if not hasattr(agent, "target_every") and not hasattr(agent, "trace_decay"):
        cures.append("an agent with a replay and a target network, as ql.DQN is")
    return ", ".join(cures) + ", rewards brought to the size of 1"
