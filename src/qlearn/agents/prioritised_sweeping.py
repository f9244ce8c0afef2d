r"""Prioritised sweeping: planning where values change most, and from there backwards.

After a real step the pair (S, A) joins a queue with the priority

.. math:: P = \left| R + \gamma \max_a Q(S', a) - Q(S, A) \right|

if P > θ.  Then, up to ``planning_steps`` times while the queue is not empty, its first pair is taken out and updated
from the model, Q(S, A) ← Q(S, A) + α [R + γ max Q(S', ·) − Q(S, A)], and every pair that the model leads to S joins the
queue with the priority that it has now, if that is above θ.  A pair that waits already keeps the higher priority.

Source: A. W. Moore and C. G. Atkeson, *Prioritized sweeping*, Machine Learning 13 (1993), and J. Peng and R. J.
Williams (1993); as in Sutton and Barto, 2nd edition, section 8.4, for deterministic problems.  Differences: the model
remembers a termination too; pairs of equal priority are taken in the order of their numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import count, visits_of
from qlearn.agents.tabular import check_tabular, first_counts, first_table, rate_of
from qlearn.rules.description import description, number, whole
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule

Array = jax.Array
_NEVER = -1


class SweepingState(NamedTuple):
    """The table, the model (what followed last) and the queue, as a priority for every cell."""

    q: Array  # (S, A) float32
    visits: Array | None  # (S, A) int32
    arrival: Array  # (S, A) int32: next state, −1 where never tried
    ends: Array  # (S, A) bool: whether the episode ended there
    reward: Array  # (S, A) float32
    priority: Array  # (S, A) float32; 0 where a pair does not wait
    updates: Array  # int32: how many were made


@description
class PrioritisedSweeping:
    """Prioritised sweeping on a table, with a deterministic model.

    Args:
        planning_steps: updates after every real step, at most; at least 1.
        threshold: θ ≥ 0, in units of value: what is too small a change to be worth an update.
        learning_rate: α > 0, a number or a schedule.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    Its seeds branch on what waits, so each runs in a program of its own.  ``runs.extras["updates"]`` counts updates.

    Raises:
        InputError: where a number is out of range.

    >>> PrioritisedSweeping().label
    'prioritised sweeping (5 planning steps)'
    """

    planning_steps: int = 5
    threshold: float = 1e-4
    learning_rate: float | Schedule = 0.5
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    exempt = {  # noqa: RUF012 (a class attribute, which no field is)
        "convergence": "its model holds the last outcome alone, which is right where nothing is random",
    }
    version = 1

    def __post_init__(self) -> None:
        whole(self, "planning_steps")
        number(self, "threshold", 0.0)
        check_tabular(self)

    @property
    def label(self) -> str:
        """With its number of planning steps."""
        return f"prioritised sweeping ({self.planning_steps} planning steps)"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``; one seed a program."""
        explore, rate, shape = self.exploration, rate_of(self), (spec.num_states, spec.num_actions)

        def init(noise: Any) -> SweepingState:
            zeros = jnp.zeros(shape, jnp.float32)
            never = jnp.full(shape, _NEVER, jnp.int32)
            return SweepingState(
                first_table(self, spec), first_counts(self, spec), never, never > 0, zeros, zeros, jnp.int32(0)
            )

        def act(state: SweepingState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, SweepingState]:
            row, seen = state.q[observation], visits_of(state.visits, observation)
            return explore.sample(row, spec.mask(observation), noise, clock, seen), state

        def highest(q: Array, s: Array) -> Array:
            mask = spec.mask(s)
            return jnp.max(q[s] if mask is None else jnp.where(mask, q[s], -jnp.inf))

        def error(state: SweepingState, s: Array, a: Array) -> Array:
            future = jnp.where(state.ends[s, a], 0.0, self.discount * highest(state.q, state.arrival[s, a]))
            return state.reward[s, a] + future - state.q[s, a]

        def waiting(priority: Array, size: Array) -> Array:
            return jnp.where(size > self.threshold, jnp.maximum(priority, size), priority)

        def sweep(state: SweepingState, clock: Clock) -> SweepingState:
            s, a = jnp.divmod(jnp.argmax(state.priority).astype(jnp.int32), jnp.int32(shape[1]))
            alpha = rate.value(clock, None if state.visits is None else state.visits[s, a])
            q = state.q.at[s, a].add(alpha * error(state, s, a))
            before = (state.arrival == s) & ~state.ends
            sizes = jnp.where(before, jnp.abs(state.reward + self.discount * highest(q, s) - q), 0.0)
            priority = waiting(state.priority.at[s, a].set(0.0), sizes)
            return state._replace(q=q, priority=priority, updates=state.updates + 1)

        def update(state: SweepingState, trajectory: Transition, noise: Any, clock: Clock) -> SweepingState:
            t = last(trajectory)
            s, a = t.observation, t.action
            state = state._replace(
                visits=count(state.visits, s, a),
                arrival=state.arrival.at[s, a].set(t.next_observation),
                ends=state.ends.at[s, a].set(t.terminated),
                reward=state.reward.at[s, a].set(t.reward),
            )
            size = jnp.abs(error(state, s, a))
            state = state._replace(priority=state.priority.at[s, a].set(waiting(state.priority[s, a], size)))

            def more(loop: tuple[Array, SweepingState]) -> Array:
                return (loop[0] < self.planning_steps) & jnp.any(loop[1].priority > 0)

            return jax.lax.while_loop(more, lambda loop: (loop[0] + 1, sweep(loop[1], clock)), (jnp.int32(0), state))[1]

        return Learner(
            init,
            act,
            update,
            lambda state, observation: state.q[observation],
            lane=1,
            extras=lambda state: {"updates": state.updates},
        )
