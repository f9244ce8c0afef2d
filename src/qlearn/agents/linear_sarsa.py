r"""Semi-gradient Sarsa with linear values: one step, n steps, or traces.

.. math:: w_A \leftarrow w_A + \alpha \left[ R + \gamma\, q(S', A') - q(S, A) \right] \rho \circ x(S)

Source: G. A. Rummery and M. Niranjan, *On-line Q-learning using connectionist systems*, 1994; R. S. Sutton and
A. G. Barto, *Reinforcement learning*, 2nd edition, sections 10.1, 10.2 and 12.7; with dutch traces it is true online
Sarsa(λ), section 12.8 (van Seijen et al., 2016).  Differences: the next action is chosen before the update, as on a
table, and the features' own rates ρ stand beside α (1 over the number of tilings); truncation bootstraps.
"""

from __future__ import annotations

import dataclasses

from qlearn.agents.features import Features
from qlearn.agents.learner import Learner, Spec
from qlearn.agents.linear import LinearMethod
from qlearn.agents.linear_parts import basis_of, check_features, check_linear, trace_words, way_of, way_words
from qlearn.agents.linear_traces import Traces
from qlearn.rules.description import description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import sarsa


@description
class LinearSarsa:
    """Sarsa with values that are sums of features: on-policy, for states that no table can list.

    Args:
        features: what values are sums of, such as ``TileCoding(…)``.
        learning_rate: α > 0, a number or a schedule of time: with tiles, the share of an error that one step removes.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every value starts with.
        n: steps of the return, at least 1; None for the return of the whole episode; or
        trace_decay: λ in [0, 1], where ``traces`` are kept.
        traces: ``"accumulating"``, ``"replacing"`` (for features that are 0 or 1) or ``"dutch"`` (true online
            Sarsa(λ)); None keeps none where λ is 0, and accumulating ones elsewhere.
        trace_steps: how many of the last steps have traces, where features are 0 or 1; 0 for all, at the cost of a
            pass over all weights a step, which some ten thousand of them make the dearer way.

    Raises:
        InputError: where a number is out of range.

    >>> from qlearn.agents.features import TileCoding
    >>> tiles = TileCoding(tilings=8, tiles=8, low=(-1.2, -0.07), high=(0.5, 0.07))
    >>> LinearSarsa(tiles, n=4).label, LinearSarsa(tiles, trace_decay=0.9, traces="dutch").label
    ('4-step linear Sarsa', 'true online linear Sarsa(0.9)')
    """

    features: Features = dataclasses.field(kw_only=False)
    learning_rate: float | Schedule = 0.1
    discount: float = 0.99
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0
    n: int | None = 1
    trace_decay: float = 0.0
    traces: Traces | None = None
    trace_steps: int = 0

    version = 1

    def __post_init__(self) -> None:
        check_linear(self, ("accumulating", "replacing", "dutch"))

    @property
    def label(self) -> str:
        """With its n or λ."""
        true = "true online " if self.traces == "dutch" else ""
        return f"{way_words(self)}{true}linear Sarsa{trace_words(self)}"

    def check(self, spec: Spec) -> None:
        """Raises InputError where the features do not fit the environment."""
        check_features(self, spec)

    def learner(self, spec: Spec) -> Learner:
        """The functions for an environment of these sizes."""
        basis = basis_of(self, spec)
        return LinearMethod(self, spec, basis, way_of(self, spec, basis), sarsa, on_policy=True).learner()
