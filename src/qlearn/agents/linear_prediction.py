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
import numpy as np

from qlearn.agents.features import Features
from qlearn.agents.learner import Learner, Spec
from qlearn.agents.linear import LinearMethod
from qlearn.agents.linear_parts import check_features, check_linear, trace_words, way_of, way_words
from qlearn.agents.linear_traces import Traces
from qlearn.errors import InputError
from qlearn.rules.description import description
from qlearn.rules.exploration import Greedy
from qlearn.rules.rows import draw
from qlearn.rules.schedules import Schedule

Array = jax.Array
_NEAR = 1e-5  # a row of probabilities may be so far from 1


@description
class LinearPrediction:
    """The values of a given policy, as sums of features: TD(0), n-step TD, TD(λ) or gradient Monte Carlo.

    It acts by the policy, learns V and gives it as the value of every action; ``runs.state_values`` reads it.

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

    version = 1
    predicts = True
    exploration = Greedy()  # of no meaning: it acts by the policy

    def __post_init__(self) -> None:
        object.__setattr__(self, "policy", _policy(self.policy))
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
        if isinstance(self.policy, tuple):
            shape = np.shape(self.policy)
            expected = (spec.num_states, spec.num_actions)
            if spec.observation_shape is not None or shape != expected:
                raise InputError(
                    f"LinearPrediction: the policy has the shape {shape}; this environment has "
                    + (
                        f"{expected[0]} states and {expected[1]} actions. Pass such probabilities."
                        if spec.observation_shape is None
                        else "observations that are arrays. Pass a function of an observation."
                    )
                )

    def learner(self, spec: Spec) -> Learner:
        """The functions for an environment of these sizes."""
        basis = self.features.bind(spec)
        table = jnp.asarray(self.policy, jnp.float32) if isinstance(self.policy, tuple) else None

        def given(observation: Array, noise: Any) -> Array:
            """An action drawn from the policy."""
            if table is not None:
                return draw(table[observation], noise.uniform(1))
            if callable(self.policy):
                return draw(jnp.asarray(self.policy(observation), jnp.float32), noise.uniform(1))
            mask = spec.mask(observation)
            legal = jnp.ones(spec.num_actions, jnp.float32) if mask is None else mask.astype(jnp.float32)
            return draw(legal / jnp.sum(legal), noise.uniform(1))

        return LinearMethod(self, spec, basis, way_of(self, spec, basis), given=given).learner()


def _policy(policy: Any) -> Any:
    """Probabilities as nested tuples, which can be hashed; raises InputError where they are none."""
    if policy is None or callable(policy):
        return policy
    try:
        table = np.asarray(policy, np.float64)
        fine = table.ndim == 2 and bool((table >= 0).all()) and bool((abs(table.sum(axis=1) - 1.0) < _NEAR).all())
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise InputError(
            "LinearPrediction: the policy is no table of probabilities; expected (S, A) numbers of at least 0 whose "
            "rows sum to 1, a function of an observation, or None for all actions equally likely. Pass one of them."
        )
    return tuple(tuple(float(x) for x in row) for row in table)
