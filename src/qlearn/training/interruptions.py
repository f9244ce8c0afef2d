"""What is said of runs that could not go on exactly where they were interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qlearn.training.runs import Runs


def begun_again(runs: Runs) -> str:
    """Say how many episodes were begun again, and what that means; empty where none was."""
    counts = runs.settings.get("begun_again", {})
    if not counts:
        return ""
    whole = sum(counts.values())
    episodes = "One episode" if whole == 1 else f"{whole:,} episodes"
    return (
        f"{episodes} of {len(counts)} of {runs.seeds.size} seeds could not be gone on with: played again with the same "
        f"seeds and actions, {runs.environment.name} gave something else. It draws random numbers that `reset(seed=…)` "
        "does not reach, or remembers more than its episode. These episodes count as cut off by the clock and were "
        "begun again, so that the numbers are not those of a training that was never interrupted."
    )
