r"""Thompson sampling: every action is taken as often as it is believed to be the best.

.. math:: \theta_a \sim p(\theta_a \mid \text{rewards so far}), \qquad A = \arg\max_a \theta_a

With normal rewards of standard deviation σ and the prior N(μ₀, σ₀²) of a mean, the posterior after n rewards of sum S
is normal with the variance v = 1 / (1/σ₀² + n/σ²) and the mean v (μ₀/σ₀² + S/σ²).  With rewards in [0, 1] and the
uniform prior it is Beta(1 + S, 1 + n − S).

Source: W. R. Thompson, *On the likelihood that one unknown probability exceeds another in view of the evidence of two
samples*, Biometrika 25 (1933); the normal case as in D. Russo and others, *A tutorial on Thompson sampling* (2018).
Differences: a reward between 0 and 1 counts as that share of a success, where S. Agrawal and N. Goyal (COLT 2012)
throw a coin; every state has posteriors of its own; on problems of several steps it looks at the immediate reward.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import add, read_row
from qlearn.agents.tabular import lane_of
from qlearn.rules.description import choice, description, number
from qlearn.rules.exploration import Greedy

Array = jax.Array


class ThompsonState(NamedTuple):
    """How often each action was taken, and what it paid in all."""

    visits: Array  # (S, A) int32
    total: Array  # (S, A) float32


@description
class ThompsonSampling:
    """Thompson sampling: a draw from what is believed of every action, and the best of the draws.

    Args:
        rewards: ``"normal"``, or ``"bernoulli"`` for rewards in [0, 1]; others count as the nearer end.
        reward_std: σ > 0 of one reward, in units of reward; of normal ones alone.
        prior_mean: μ₀, in units of reward; of normal ones alone.
        prior_std: σ₀ > 0, in units of reward; of normal ones alone.

    ``q_table`` holds posterior means.

    Raises:
        InputError: where a number is out of range.

    >>> ThompsonSampling(rewards="bernoulli").label
    'Thompson sampling (bernoulli)'
    """

    rewards: Literal["normal", "bernoulli"] = "normal"
    reward_std: float = 1.0
    prior_mean: float = 0.0
    prior_std: float = 1.0

    discount = 0.0
    exempt = {  # noqa: RUF012 (a class attribute, which no field is)
        "termination ends": "its values are means of a posterior, drawn towards the prior",
        "truncation goes on": "it learns of single steps",
        "reward scaling": "its prior has a scale",
    }
    version = 1
    exploration = Greedy()

    def __post_init__(self) -> None:
        choice(self, "rewards", ("normal", "bernoulli"))
        number(self, "reward_std", 0.0, open_low=True)
        number(self, "prior_mean", float("-inf"))
        number(self, "prior_std", 0.0, open_low=True)

    @property
    def label(self) -> str:
        """With what its rewards are."""
        return f"Thompson sampling ({self.rewards})"

    def learner(self, spec: Spec) -> Learner:
        """The functions for posteriors of ``spec.num_states`` × ``spec.num_actions`` rewards."""
        normal = self.rewards == "normal"

        def init(noise: Any) -> ThompsonState:
            shape = (spec.num_states, spec.num_actions)
            return ThompsonState(jnp.zeros(shape, jnp.int32), jnp.zeros(shape, jnp.float32))

        def posterior(visits: Array, total: Array) -> tuple[Array, Array]:
            """Mean and standard deviation of the normal, the two parameters of the beta; each (A,)."""
            n = visits.astype(jnp.float32)
            if not normal:
                return 1.0 + total, 1.0 + n - total
            prior, one = self.prior_std**-2, self.reward_std**-2
            variance = 1.0 / (prior + one * n)
            return variance * (prior * self.prior_mean + one * total), jnp.sqrt(variance)

        def act(state: ThompsonState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, ThompsonState]:
            first, second = posterior(read_row(state.visits, observation), read_row(state.total, observation))
            if normal:
                drawn = first + second * jnp.stack([noise.normal(1 + a) for a in range(spec.num_actions)])
            else:
                drawn = jax.random.beta(noise.key(1), first, second, dtype=jnp.float32)
            return self.exploration.sample(drawn, spec.mask(observation), noise, clock, None), state

        def update(state: ThompsonState, trajectory: Transition, noise: Any, clock: Clock) -> ThompsonState:
            t = last(trajectory)
            reward = t.reward if normal else jnp.clip(t.reward, 0.0, 1.0)
            return ThompsonState(
                add(state.visits, t.observation, t.action, jnp.int32(1)),
                add(state.total, t.observation, t.action, reward),
            )

        def q_values(state: ThompsonState, observation: Array) -> Array:
            first, second = posterior(state.visits[observation], state.total[observation])
            return first if normal else first / (first + second)

        return Learner(init, act, update, q_values, lane=lane_of(spec), fused=normal)
