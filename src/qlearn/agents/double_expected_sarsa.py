r"""Double Expected Sarsa: one table says how often each next action is taken, the other what it is worth.

.. math:: Q_A(s, a) \leftarrow Q_A(s, a) + \alpha \left[ r + \gamma \sum_b \pi_A(b \mid s')\, Q_B(s', b)
          - Q_A(s, a) \right]

or the same with A and B exchanged, a fair coin deciding at every step; π_A is the target policy that follows from Q_A.
It acts on the mean of both tables.

Source: M. Ganger, E. Duryea and W. Hu, *Double Sarsa and Double Expected Sarsa with shallow and deep learning*, Journal
of Data Analysis and Information Processing 4 (2016); exercise 6.13 of Sutton and Barto, 2nd edition.  Differences: the
target policy follows from the table that learns, as in the exercise, where Ganger and others take both tables; so that
it is Double Q-learning where the target is greedy.
"""

from __future__ import annotations

from typing import Any

import jax

from qlearn.agents.double_tables import double_learner
from qlearn.agents.learner import Clock, Learner, Spec
from qlearn.agents.tabular import check_tabular
from qlearn.errors import InputError
from qlearn.rules.description import description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import expected_sarsa

Array = jax.Array


@description
class DoubleExpectedSarsa:
    """Double Expected Sarsa on two tables: Expected Sarsa without the bias of judging by what it chose by.

    Args:
        learning_rate: α > 0, a number or a schedule; ``per_visit()`` counts the updates of each table by itself.
        discount: γ in [0, 1].
        exploration: the behaviour policy, on the mean of both tables.
        target: the target policy, any exploration; None for the behaviour policy's own.
        initial_value: what every cell of both tables starts with, in units of value.

    Raises:
        InputError: where a number is out of range, or the target policy asks for visits that nothing counts.

    >>> from qlearn.rules import Greedy
    >>> DoubleExpectedSarsa(target=Greedy()).label
    'Double Expected Sarsa'
    """

    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    target: Exploration | None = None
    initial_value: float = 0.0

    label = "Double Expected Sarsa"
    unbiased = True
    version = 1

    def __post_init__(self) -> None:
        check_tabular(self)
        if self.target is None:
            return
        if not hasattr(self.target, "probabilities"):
            raise InputError(
                f"DoubleExpectedSarsa: target={self.target!r} is no policy; expected an exploration or None. "
                "Pass for example Greedy()."
            )
        if self.target.counts_visits and not self.exploration.counts_visits:
            raise InputError(
                "DoubleExpectedSarsa: its target asks for visits, which its exploration does not count; expected a "
                "target without. Pass Greedy() or EpsilonGreedy(0.1)."
            )

    def learner(self, spec: Spec) -> Learner:
        """The functions for two tables of ``spec.num_states`` × ``spec.num_actions``."""
        policy = self.exploration if self.target is None else self.target

        def weigh(select: Array, mask: Array | None, noise: Any, later: Clock, seen: Array | None) -> Array:
            behaviour = policy.probabilities(select, mask, later, seen)
            return expected_sarsa(select, behaviour, noise, mask)

        return double_learner(self, spec, weigh)
