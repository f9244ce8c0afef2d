r"""Semi-gradient TD prediction with linear values: one step, n steps, traces, or gradient Monte Carlo.

.. math:: v(s) = \sum_i w_i\, x_i(s), \qquad
          w \leftarrow w + \alpha \left[ G - v(S) \right] \rho \circ x(S), \qquad
          G = R + \gamma\, v(S') \;\text{with one step}

Source: R. S. Sutton and A. G. Barto, *Reinforcement learning*, 2nd edition, chapters 9 and 12; with dutch traces it is
true online TD(λ), section 12.5.  With one step and decreasing α it converges to the TD fixed point, A w = b with
:math:`A = \mathbb{E}[x (x - \gamma x')^\top]` and :math:`b = \mathbb{E}[R x]`; without an n to the least squares of the
values.  Differences: the features' own rates ρ stand beside α; truncation bootstraps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from qlearn.agents.features import Features
from qlearn.agents.given_policy import check_fits, check_policy, probabilities, sample
from qlearn.agents.learner import Learner, Spec
from qlearn.agents.linear import LinearMethod
from qlearn.agents.linear_parts import basis_of, check_features, check_linear, trace_words, way_of, way_words
from qlearn.agents.linear_traces import Traces
from qlearn.agents.observed import unmasked
from qlearn.errors import InputError
from qlearn.rules.description import description
from qlearn.rules.exploration import Greedy
from qlearn.rules.rows import draw
from qlearn.rules.schedules import Schedule

Array = jax.Array


@description
class LinearPrediction:
    """The values of a given policy, as sums of features: TD(0), n-step TD, TD(λ) or gradient Monte Carlo.

    It acts by the policy, learns V and gives it as the value of every action: ``runs.state_values`` reads it where
    states can be counted, ``runs.q_function(seed)`` elsewhere.

    Args:
        features: what values are sums of, such as ``StateAggregation(10)``.
        learning_rate: α > 0, a number or a schedule of time: with tiles, the share of an error that one step removes.
        discount: γ in [0, 1].
        policy: the policy that is judged: (S, A) probabilities; or a function of an observation, in jax.numpy, that
            gives (A,) probabilities; None for all legal actions equally likely.
        initial_value: what every value starts with.
        n: steps of the return, at least 1; None for the return of the whole episode (Monte Carlo); or
        trace_decay: λ in [0, 1], where ``traces`` are kept.
        traces: ``"accumulating"``, ``"replacing"`` (for features that are 0 or 1) or ``"dutch"`` (true online TD(λ));
            None keeps none where λ is 0, and accumulating ones elsewhere.
        trace_steps: how many of the last steps have traces, where features are 0 or 1; 0 for all, at the cost of a
            pass over all weights a step, which some ten thousand of them make the dearer way.

    Raises:
        InputError: where a number is out of range, or the policy is none.

    >>> from qlearn.agents.features import StateAggregation
    >>> LinearPrediction(StateAggregation(10), n=None).label, LinearPrediction(StateAggregation(10), n=4).label
    ('gradient Monte Carlo', '4-step linear TD')
    """

    features: Features = dataclasses.field(kw_only=False)
    learning_rate: float | Schedule = 0.1
    discount: float = 1.0
    policy: tuple[Any, ...] | Callable[..., Any] | None = None
    initial_value: float = 0.0
    n: int | None = 1
    trace_decay: float = 0.0
    traces: Traces | None = None
    trace_steps: int = 0

    version = 1
    predicts = True
    exploration = Greedy()  # of no meaning: it acts by the policy

    def __post_init__(self) -> None:
        if not callable(self.policy):
            check_policy(self)
        check_linear(self, ("accumulating", "replacing", "dutch"))

    @property
    def label(self) -> str:
        """With its n or λ."""
        if self.n is None:
            return "gradient Monte Carlo"
        true = "true online " if self.traces == "dutch" else ""
        return f"{way_words(self)}{true}linear TD{trace_words(self)}"

    def check(self, spec: Spec) -> None:
        """Raises InputError where features or policy do not fit the environment."""
        check_features(self, spec)
        if callable(self.policy):
            return
        if unmasked(spec).observation_shape is None:
            check_fits(self, spec)
        elif self.policy is not None:
            raise InputError(
                "LinearPrediction: policy is a table of states, and this environment observes arrays; expected a "
                "function of an observation that gives probabilities, or None for all actions equally likely."
            )

    def learner(self, spec: Spec) -> Learner:
        """The functions for an environment of these sizes."""
        basis = basis_of(self, spec)
        table = None
        if not callable(self.policy) and unmasked(spec).observation_shape is None:
            table = probabilities(self.policy, spec)

        def given(observation: Array, noise: Any) -> Array:
            """An action drawn from the policy."""
            if table is not None:
                return sample(table, observation, noise)
            even = jnp.full(spec.num_actions, 1.0 / spec.num_actions, jnp.float32)
            chances = jnp.asarray(self.policy(observation), jnp.float32) if callable(self.policy) else even
            return draw(chances, noise.uniform(1))

        return LinearMethod(self, spec, basis, way_of(self, spec, basis), given=given).learner()
