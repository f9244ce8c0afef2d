r"""Posterior sampling (PSRL): solve a model drawn from what is believed, and act on it for a while.

What follows each state and action is believed to be Dirichlet(κ + counts) distributed, mean and precision of its reward
normal-gamma: as if one reward μ₀ and one squared deviation σ₀² had been seen before.  At the beginning of every
episode, or whenever a pair has been tried as often as in all time before, a model is drawn and solved: for H steps,

.. math:: Q_h(s, a) = \tilde r(s, a) + \sum_{s'} \tilde p(s' \mid s, a) \max_b Q_{h+1}(s', b), \qquad Q_H = 0,

or for the discount, Q(s, a) = r̃ + γ Σ p̃ max Q, until no value changes by more than ``tolerance``.

Source: M. Strens, *A Bayesian framework for reinforcement learning*, ICML 2000; I. Osband, D. Russo and B. Van Roy,
*(More) efficient reinforcement learning via posterior sampling*, NeurIPS 2013.  Differences: an episode's end is one
more outcome; without a horizon it solves a discounted problem, not one of average reward.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.counted_model import Counts, counted, doubled, legal_values, no_counts
from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.errors import InputError
from qlearn.rules.description import choice, description, flag, number, whole
from qlearn.rules.exploration import Greedy

Array = jax.Array
_MOST_SWEEPS = 100_000


class PosteriorState(NamedTuple):
    """The plan, and the counts that beliefs are made of."""

    q: Array  # (H, S, A) float32; (1, S, A) without a horizon
    counts: Counts
    due: Array  # bool: whether a new plan is due
    plans: Array  # int32


@description
class PosteriorSampling:
    """Posterior sampling on a table (PSRL): explores as much as it is unsure which plan is best.

    Args:
        discount: γ in [0, 1), of the problem that is solved where there is no horizon.
        horizon: H steps of an episode, at least 1, whose plan depends on the step; None for the discounted problem.
        renew: draw a new model at the beginning of every ``"episode"``, or by ``"doubling"``.
        prior: κ > 0, the Dirichlet's count of every outcome before anything is seen.
        can_end: whether an episode can end by itself, which is one more outcome then.
        reward_mean: μ₀, in units of reward.
        reward_std: σ₀ > 0, in units of reward.
        tolerance: what a value may still change by when planning ends, > 0.

    Its seeds branch, so each runs in a program of its own.  ``runs.extras["plans"]`` counts plans; ``q_table`` is the
    present one, at its first step.

    Raises:
        InputError: where a number is out of range.

    >>> PosteriorSampling(horizon=20).label
    'posterior sampling'
    """

    discount: float = 0.95
    horizon: int | None = None
    renew: Literal["episode", "doubling"] = "episode"
    prior: float = 1.0
    can_end: bool = True
    reward_mean: float = 0.0
    reward_std: float = 1.0
    tolerance: float = 1e-3

    exempt = {  # noqa: RUF012 (a class attribute, which no field is)
        "terminal rows": "it draws a model of states that it has never left as well",
        "termination ends": "its values are those of a model that it drew",
        "truncation goes on": "its values are those of a model that it drew",
        "reward scaling": "what it believes beforehand does not grow with the rewards",
    }
    label = "posterior sampling"
    version = 1
    exploration = Greedy()

    def __post_init__(self) -> None:
        number(self, "discount", 0.0, 1.0)
        choice(self, "renew", ("episode", "doubling"))
        flag(self, "can_end")
        for name in ("prior", "reward_std", "tolerance"):
            number(self, name, 0.0, open_low=True)
        number(self, "reward_mean", float("-inf"))
        if self.horizon is not None:
            whole(self, "horizon")
        elif self.discount == 1.0:
            raise InputError(
                "PosteriorSampling: discount=1.0 needs a horizon, since a model that was drawn may never end; "
                "expected a number in [0, 1). Pass horizon=… or discount=0.99."
            )

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``; one seed a program.

        Raises:
            InputError: where the counts of (s, a, s') would take more than a gigabyte a seed.
        """
        shape = (spec.num_states, spec.num_actions)

        def init(noise: Any) -> PosteriorState:
            q = jnp.zeros((self.horizon or 1, *shape), jnp.float32)
            return PosteriorState(q, no_counts(self, spec), jnp.bool_(True), jnp.int32(0))

        def model(counts: Counts, noise: Any) -> tuple[Array, Array]:
            """A model: probabilities (S, A, S), whose rest is that of an end, and mean rewards (S, A)."""
            one, two, three = jax.random.split(noise.key(2), 3)
            outcomes = spec.num_states + int(self.can_end)
            weights = jax.random.gamma(one, counts.arrivals[:, :, :outcomes] + self.prior, dtype=jnp.float32)
            chance = weights / jnp.maximum(jnp.sum(weights, axis=2, keepdims=True), 1e-30)
            n, off = counts.visits, counts.reward - self.reward_mean
            half = 0.5 * (n + 1.0)
            rest = 0.5 * (self.reward_std**2 + counts.squares + off * off * n / (n + 1.0))
            precision = jnp.maximum(jax.random.gamma(two, half, dtype=jnp.float32) / rest, 1e-30)
            mean = self.reward_mean + off * n / (n + 1.0)
            drawn = jax.random.normal(three, shape, jnp.float32)
            return chance[:, :, : spec.num_states], mean + drawn * jax.lax.rsqrt((n + 1.0) * precision)

        def plan(state: PosteriorState, noise: Any) -> PosteriorState:
            chance, reward = model(state.counts, noise)
            counts = state.counts._replace(earlier=state.counts.visits)
            if self.horizon is None:
                q = discounted(chance, reward, state.q[0])[None]
            else:

                def back(after: Array, _: None) -> tuple[Array, Array]:
                    here = reward + chance @ after
                    return legal_values(here, spec), here

                nothing = jnp.zeros(spec.num_states, jnp.float32)
                q = jax.lax.scan(back, nothing, None, length=self.horizon)[1][::-1]
            return PosteriorState(q, counts, jnp.bool_(False), state.plans + 1)

        def discounted(chance: Array, reward: Array, start: Array) -> Array:
            def sweep(loop: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
                q, _, i = loop
                new = reward + self.discount * (chance @ legal_values(q, spec))
                return new, jnp.max(jnp.abs(new - q)), i + 1

            def unsettled(loop: tuple[Array, Array, Array]) -> Array:
                return (loop[1] > self.tolerance) & (loop[2] < _MOST_SWEEPS)

            return jax.lax.while_loop(unsettled, sweep, (start, jnp.float32(jnp.inf), jnp.int32(0)))[0]

        def act(state: PosteriorState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, PosteriorState]:
            due = state.due | ((clock.step == 0) & (self.renew == "episode"))
            state = jax.lax.cond(due, plan, lambda state, _: state, state, noise)
            now = jnp.minimum(clock.step, jnp.uint32((self.horizon or 1) - 1))
            row = state.q[now, observation]
            return self.exploration.sample(row, spec.mask(observation), noise, clock, None), state

        def update(state: PosteriorState, trajectory: Transition, noise: Any, clock: Clock) -> PosteriorState:
            t = last(trajectory)
            follows = jnp.where(t.terminated, jnp.int32(spec.num_states), t.next_observation)
            counts = counted(state.counts, t.observation, t.action, follows, t.reward)
            due = doubled(counts, t.observation, t.action) & (self.renew == "doubling")
            return state._replace(counts=counts, due=due)

        return Learner(
            init,
            act,
            update,
            lambda state, observation: state.q[0, observation],
            lane=1,
            fused=False,
            extras=lambda state: {"plans": state.plans},
        )
