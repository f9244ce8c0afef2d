r"""UCRL2: the best average reward in the best of all models that the data allow.

After t steps, with n visits of (s, a), a model is plausible where

.. math:: \left| \tilde r - \hat r \right| \le \sqrt{\frac{7 \ln(2 S A t / \delta)}{2 \max(1, n)}}, \qquad
          \left\| \tilde p - \hat p \right\|_1 \le \sqrt{\frac{14\, S \ln(2 A t / \delta)}{\max(1, n)}}

Extended value iteration finds the best policy of the best plausible model: u ← max_a {r̃ + max_p̃ Σ p̃ u}, until the
span of the change is below (r_max − r_min) / √t.  A new plan is made whenever a pair has been tried as often as in all
time before the present one.  With a ``horizon`` of H steps it is H such steps from u = 0, one for each step of an
episode, at the beginning of every episode.

Source: T. Jaksch, R. Ortner and P. Auer, *Near-optimal regret bounds for reinforcement learning*, JMLR 11 (2010).
Differences: rewards lie in [r_min, r_max] and not in [0, 1]; where an episode ends, the next one's first state follows;
both bounds can be made narrower than what is proved, which leaves much on the table.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.counted_model import Counts, counted, doubled, legal_values, no_counts
from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.errors import InputError
from qlearn.rules.description import description, number, whole
from qlearn.rules.exploration import Greedy

Array = jax.Array
_MOST_SWEEPS = 10_000


class UCRL2State(NamedTuple):
    """The plan, the counts that it stands on, and the step that ended an episode, as long as it waits."""

    q: Array  # (H, S, A) float32; (1, S, A) without a horizon, relative to the worst state
    counts: Counts
    due: Array  # bool: whether a new plan is due
    waits: Array  # bool
    waiting: tuple[Array, Array, Array]  # state, action, reward
    plans: Array  # int32


@description
class UCRL2:
    """UCRL2 on a table: optimism that is paid for at most by a known regret.

    Args:
        horizon: H steps of an episode, at least 1, whose plan depends on the step; None for the average reward.
        reward_min: the smallest reward there is, in units of reward.
        reward_max: the largest, above it.
        delta: δ in (0, 1), the probability that the truth is not among the plausible models.
        reward_width: what the first bound is multiplied with ≥ 0; 1 is what is proved, 0 believes the data.
        transition_width: what the second bound is multiplied with ≥ 0.

    Its seeds branch, so each runs in a program of its own.  ``runs.extras["plans"]`` counts plans.

    Raises:
        InputError: where a number is out of range.

    >>> UCRL2().label
    'UCRL2'
    """

    horizon: int | None = None
    reward_min: float = 0.0
    reward_max: float = 1.0
    delta: float = 0.05
    reward_width: float = 1.0
    transition_width: float = 1.0

    exempt = {  # noqa: RUF012 (a class attribute, which no field is)
        "terminal rows": "it hopes for the best in states that it has never left",
        "reward scaling": "reward_max does not grow with the rewards",
    }
    label = "UCRL2"
    discount = None
    version = 1
    exploration = Greedy()

    def __post_init__(self) -> None:
        if self.horizon is not None:
            whole(self, "horizon")
        number(self, "reward_min", float("-inf"))
        number(self, "reward_max", float("-inf"))
        number(self, "delta", 0.0, 1.0, open_low=True)
        number(self, "reward_width", 0.0)
        number(self, "transition_width", 0.0)
        if self.reward_max <= self.reward_min:
            raise InputError(
                f"UCRL2: reward_max={self.reward_max:g} is not above reward_min={self.reward_min:g}; expected the "
                "bounds of all rewards. Pass the smallest and the largest."
            )

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``; one seed a program.

        Raises:
            InputError: where the counts of (s, a, s') would take more than a gigabyte a seed.
        """
        size, width = spec.num_states, spec.num_actions

        def init(noise: Any) -> UCRL2State:
            zero, q = jnp.int32(0), jnp.zeros((self.horizon or 1, size, width), jnp.float32)
            nothing = (zero, zero, jnp.float32(0.0))
            return UCRL2State(q, no_counts(self, spec), jnp.bool_(True), jnp.bool_(False), nothing, zero)

        def plausible(counts: Counts, t: Array) -> tuple[Array, Array, Array]:
            """The best plausible rewards (S, A), mean transitions (S, A, S), and how far these may be off (S, A)."""
            n = jnp.maximum(counts.visits, 1.0)
            span = self.reward_max - self.reward_min
            off = span * self.reward_width * jnp.sqrt(3.5 * jnp.log(2.0 * size * width * t / self.delta) / n)
            known = counts.visits > 0
            reward = jnp.where(known, jnp.minimum(counts.reward + off, self.reward_max), self.reward_max)
            chance = jnp.where(known[:, :, None], counts.arrivals[:, :, :size] / n[:, :, None], 1.0 / size)
            distance = self.transition_width * jnp.sqrt(14.0 * size * jnp.log(2.0 * width * t / self.delta) / n)
            return reward, chance, jnp.where(known, distance, 2.0)

        def plan(state: UCRL2State, t: Array) -> UCRL2State:
            reward, chance, distance = plausible(state.counts, t)

            def backup(u: Array) -> Array:
                order = jnp.argsort(-u)
                p = chance[:, :, order]  # the best state first: it gains, and the worst ones lose
                p = p.at[:, :, 0].set(jnp.minimum(1.0, p[:, :, 0] + 0.5 * distance))
                before = jnp.cumsum(p, axis=2) - p
                p = jnp.clip(1.0 - before, 0.0, p)
                return reward + p @ u[order]

            def sweep(loop: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
                u, _, i = loop
                new = legal_values(backup(u), spec)
                change = new - u
                return new - jnp.min(new), jnp.max(change) - jnp.min(change), i + 1

            def unsettled(loop: tuple[Array, Array, Array]) -> Array:
                small = (self.reward_max - self.reward_min) * jax.lax.rsqrt(t)
                return (loop[1] > small) & (loop[2] < _MOST_SWEEPS)

            def back(u: Array, _: None) -> tuple[Array, Array]:
                here = backup(u)
                return legal_values(here, spec), here

            nothing = jnp.zeros(size, jnp.float32)
            if self.horizon is None:
                start = (nothing, jnp.float32(jnp.inf), jnp.int32(0))
                q = backup(jax.lax.while_loop(unsettled, sweep, start)[0])[None]
            else:
                q = jax.lax.scan(back, nothing, None, length=self.horizon)[1][::-1]
            counts = state.counts._replace(earlier=state.counts.visits)
            return state._replace(q=q, counts=counts, due=jnp.bool_(False), plans=state.plans + 1)

        def noted(state: UCRL2State, s: Array, a: Array, follows: Array, reward: Array) -> UCRL2State:
            counts = counted(state.counts, s, a, follows, reward)
            due = state.due | doubled(counts, s, a) if self.horizon is None else jnp.bool_(False)
            return state._replace(counts=counts, due=due)

        def act(state: UCRL2State, observation: Array, noise: Any, clock: Clock) -> tuple[Array, UCRL2State]:
            s, a, reward = state.waiting
            state = jax.lax.cond(state.waits, lambda x: noted(x, s, a, observation, reward), lambda x: x, state)
            now = (clock.total + jnp.uint32(1)).astype(jnp.float32)
            due = state.due if self.horizon is None else clock.step == 0
            state = jax.lax.cond(due, plan, lambda x, _: x, state, now)._replace(waits=jnp.bool_(False))
            row = state.q[jnp.minimum(clock.step, jnp.uint32((self.horizon or 1) - 1)), observation]
            return self.exploration.sample(row, spec.mask(observation), noise, clock, None), state

        def update(state: UCRL2State, trajectory: Transition, noise: Any, clock: Clock) -> UCRL2State:
            t = last(trajectory)
            s, a = t.observation, t.action
            state = state._replace(waits=t.terminated, waiting=(s, a, t.reward))
            return jax.lax.cond(
                t.terminated, lambda x: x, lambda x: noted(x, s, a, t.next_observation, t.reward), state
            )

        return Learner(
            init,
            act,
            update,
            lambda state, observation: state.q[0, observation],
            lane=1,
            fused=False,
            extras=lambda state: {"plans": state.plans},
        )
