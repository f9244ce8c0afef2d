r"""R-max: what is not known well is taken for the best there could be.

A state and action is *known* after ``known_after`` visits.  Whenever one becomes known, the agent solves its model:

.. math:: Q(s, a) = \hat r(s, a) + \gamma \sum_{s'} \hat p(s' \mid s, a) \max_b Q(s', b) \text{ if known, else }
          r_{\max} / (1 - \gamma)

by value iteration until no value changes by more than ``tolerance``, and acts greedily.

Source: R. I. Brafman and M. Tennenholtz, *R-max*, JMLR 3 (2002).  Differences: discounted, as in S. Kakade's thesis
(2003), in place of the average reward of stages; the model is solved as above instead of for a fixed horizon.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.errors import InputError
from qlearn.rules.description import description, number, whole
from qlearn.rules.exploration import Exploration, Greedy, as_exploration

Array = jax.Array
_MOST_SWEEPS = 100_000
_MOST_COUNTS = 2**28  # 1 GB of float32


class RMaxState(NamedTuple):
    """The plan and the counts that it stands on; float32 counts are exact to 2²⁴."""

    q: Array  # (S, A)
    visits: Array  # (S, A)
    reward_sum: Array  # (S, A)
    arrivals: Array  # (S, A, S): without those that terminated


@description
class RMax:
    """R-max on a table: explores every state and action until it knows it.

    Args:
        reward_max: the largest expected reward there is, in units of reward.
        known_after: visits after which a state and action is known, at least 1.
        discount: γ in [0, 1).
        tolerance: what a value may still change by when planning ends, > 0.
        exploration: how actions are chosen from the plan.

    Its seeds branch on what they know, so each runs in a program of its own.

    Raises:
        InputError: where a number is out of range.

    >>> RMax(reward_max=10.0).label
    'R-max'
    """

    reward_max: float
    known_after: int = 10
    discount: float = 0.95
    tolerance: float = 1e-3
    exploration: Exploration = Greedy()

    label = "R-max"
    exempt = {  # noqa: RUF012 (a class attribute, which no field is)
        "reward scaling": "reward_max does not grow with the rewards",
        "convergence": "it learns nothing more of what it knows",
    }
    version = 1

    def __post_init__(self) -> None:
        as_exploration(self)
        number(self, "reward_max", float("-inf"))
        whole(self, "known_after")
        number(self, "discount", 0.0, 1.0)
        number(self, "tolerance", 0.0, open_low=True)
        if self.exploration.counts_visits:
            raise InputError(
                "RMax: its exploration asks for visits, which R-max counts only until an action is known; expected one "
                "without a per-visit schedule. Pass Greedy()."
            )
        if self.discount == 1.0:
            raise InputError(
                "RMax: discount=1.0 makes what is not known infinitely good; expected a number in [0, 1). "
                "Pass discount=0.99 or another below 1."
            )

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``; one seed a program.

        Raises:
            InputError: where the counts of (s, a, s') would take more than a gigabyte a seed.
        """
        shape = (spec.num_states, spec.num_actions)
        if spec.num_states**2 * spec.num_actions > _MOST_COUNTS:
            raise InputError(
                f"RMax counts every (s, a, s'): {spec.num_states}² × {spec.num_actions} numbers a seed; at most "
                f"{_MOST_COUNTS:,} are expected. Use DynaQ or QLearning on a problem of this size."
            )

        def init(noise: Any) -> RMaxState:
            zeros = jnp.zeros(shape, jnp.float32)
            best = jnp.full(shape, self.reward_max / (1.0 - self.discount), jnp.float32)
            return RMaxState(best, zeros, zeros, jnp.zeros((*shape, spec.num_states), jnp.float32))

        def act(state: RMaxState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, RMaxState]:
            row = state.q[observation]
            return self.exploration.sample(row, spec.mask(observation), noise, clock, None), state

        def plan(state: RMaxState) -> Array:
            known = state.visits >= self.known_after
            n = jnp.maximum(state.visits, 1.0)
            reward, chance = state.reward_sum / n, state.arrivals / n[:, :, None]
            best = self.reward_max / (1.0 - self.discount)

            def sweep(loop: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
                q, _, i = loop
                legal = q if spec.legal is None else jnp.where(spec.legal, q, -jnp.inf)
                new = jnp.where(known, reward + self.discount * (chance @ jnp.max(legal, axis=1)), best)
                return new, jnp.max(jnp.abs(new - q)), i + 1

            def unsettled(loop: tuple[Array, Array, Array]) -> Array:
                return (loop[1] > self.tolerance) & (loop[2] < _MOST_SWEEPS)

            return jax.lax.while_loop(unsettled, sweep, (state.q, jnp.float32(jnp.inf), jnp.int32(0)))[0]

        def update(state: RMaxState, trajectory: Transition, noise: Any, clock: Clock) -> RMaxState:
            t = last(trajectory)
            s, a = t.observation, t.action
            learning = state.visits[s, a] < self.known_after
            weight = jnp.where(learning, 1.0, 0.0)
            state = state._replace(
                visits=state.visits.at[s, a].add(weight),
                reward_sum=state.reward_sum.at[s, a].add(weight * t.reward),
                arrivals=state.arrivals.at[s, a, t.next_observation].add(jnp.where(t.terminated, 0.0, weight)),
            )
            now_known = learning & (state.visits[s, a] >= self.known_after)
            return state._replace(q=jax.lax.cond(now_known, plan, lambda state: state.q, state))

        return Learner(init, act, update, lambda state, observation: state.q[observation], lane=1, fused=False)
