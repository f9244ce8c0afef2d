r"""Semi-gradient Q-learning with linear values: one step, n steps, or Watkins's Q(λ).

.. math:: w_A \leftarrow w_A + \alpha \left[ R + \gamma \max_b q(S', b) - q(S, A) \right] \rho \circ x(S)

Source: C. J. C. H. Watkins, *Learning from delayed rewards*, PhD thesis, Cambridge 1989; R. S. Sutton and A. G. Barto,
*Reinforcement learning*, 2nd edition, sections 11.1 and 12.10.  Differences: the features' own rates ρ stand beside α;
truncation bootstraps; with n steps nothing corrects for actions that were not greedy, as in DQN's n-step targets.

Off-policy, semi-gradient and bootstrapping at once may diverge (section 11.3): such runs are stopped and say so.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from qlearn.agents.features import Features
from qlearn.agents.learner import Learner, Spec
from qlearn.agents.linear import LinearMethod
from qlearn.agents.linear_parts import basis_of, check_features, check_linear, trace_words, way_of, way_words
from qlearn.rules.description import description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import q_learning


@description
class LinearQLearning:
    """Q-learning with values that are sums of features: off-policy, towards the greedy policy.

    Args:
        features: what values are sums of, such as ``TileCoding(…)``.
        learning_rate: α > 0, a number or a schedule of time: with tiles, the share of an error that one step removes.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every value starts with.
        n: steps of the return, at least 1; None for the return of the whole episode; or
        trace_decay: λ in [0, 1], where ``traces`` are kept: Watkins's Q(λ), which cuts them before an action that was
            not greedy.
        traces: ``"accumulating"`` or ``"replacing"`` (for features that are 0 or 1); None keeps none where λ is 0, and
            accumulating ones elsewhere.
        trace_steps: how many of the last steps have traces, where features are 0 or 1; 0 for all, at the cost of a
            pass over all weights a step, which some ten thousand of them make the dearer way.

    Raises:
        InputError: where a number is out of range.

    >>> from qlearn.agents.features import TileCoding
    >>> LinearQLearning(TileCoding(low=(0.0, 0.0), high=(1.0, 1.0))).label
    'linear Q-learning'
    """

    features: Features = dataclasses.field(kw_only=False)
    learning_rate: float | Schedule = 0.1
    discount: float = 0.99
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0
    n: int | None = 1
    trace_decay: float = 0.0
    traces: Literal["accumulating", "replacing"] | None = None
    trace_steps: int = 0

    version = 1

    def __post_init__(self) -> None:
        check_linear(self, ("accumulating", "replacing"))

    @property
    def label(self) -> str:
        """With its n or λ."""
        return f"{way_words(self)}linear Q-learning{trace_words(self)}"

    def check(self, spec: Spec) -> None:
        """Raises InputError where the features do not fit the environment."""
        check_features(self, spec)

    def learner(self, spec: Spec) -> Learner:
        """The functions for an environment of these sizes."""
        basis = basis_of(self, spec)
        return LinearMethod(self, spec, basis, way_of(self, spec, basis, cut=True), q_learning).learner()
