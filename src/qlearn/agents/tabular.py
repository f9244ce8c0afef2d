"""What the descriptions of table agents have in common: checks, first tables, and the rate as a schedule."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Spec
from qlearn.rules.description import number
from qlearn.rules.exploration import as_exploration
from qlearn.rules.schedules import Schedule, as_schedule

Array = jax.Array
_LARGE = 2**16  # cells from which a lane's tables no longer fit into a cache, and memory counts
_WIDE, _NARROW = 56, 8


def lane_of(spec: Spec) -> int:
    """How many seeds a program carries: 56, or 8 where a table has more than 65,536 cells.

    A million states with four actions take 32 MB a seed with their visits, and a lane holds them several times.
    """
    return _WIDE if spec.num_states * spec.num_actions <= _LARGE else _NARROW


def check_tabular(agent: Any) -> None:
    """Check the fields that all learners of values share: learning_rate, discount, exploration, initial_value.

    Raises:
        InputError: naming the field, its range and its value.
    """
    as_schedule(agent, "learning_rate")
    as_exploration(agent)
    number(agent, "discount", 0.0, 1.0)
    number(agent, "initial_value", float("-inf"))


def rate_of(agent: Any) -> Schedule:
    """The learning rate; a plain number has become a schedule when the agent was described."""
    rate: Schedule = agent.learning_rate
    return rate


def first_table(agent: Any, spec: Spec) -> Array:
    """The values before the first step, (S, A) float32."""
    return jnp.full((spec.num_states, spec.num_actions), agent.initial_value, jnp.float32)


def first_counts(agent: Any, spec: Spec) -> Array | None:
    """Visits of (s, a), all 0, (S, A) int32, where the learning rate or the exploration asks for them; else None."""
    rate = getattr(agent, "learning_rate", None)
    if agent.exploration.counts_visits or (rate is not None and rate.counts_visits):
        return jnp.zeros((spec.num_states, spec.num_actions), jnp.int32)
    return None
