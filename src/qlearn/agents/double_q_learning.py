r"""Double Q-learning: one table chooses the best next action, the other says what it is worth.

.. math:: Q_A(s, a) \leftarrow Q_A(s, a) + \alpha \left[ r + \gamma Q_B(s', \arg\max_b Q_A(s', b)) - Q_A(s, a) \right]

or the same with A and B exchanged, a fair coin deciding at every step.  It acts on the mean of both tables.

Source: H. van Hasselt, *Double Q-learning*, NIPS 2010.  Difference: it acts on the mean of both tables instead of
their sum, which is the same for greedy actions.
"""

from __future__ import annotations

from typing import Any

import jax

from qlearn.agents.double_tables import double_learner
from qlearn.agents.learner import Clock, Learner, Spec
from qlearn.agents.tabular import check_tabular
from qlearn.rules.description import description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.rows import best, legal_row, pick
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import double_q

Array = jax.Array


@description
class DoubleQLearning:
    """Double Q-learning on two tables: without the upward bias of the maximum.

    Args:
        learning_rate: α > 0, a number or a schedule; ``per_visit()`` counts the updates of each table by itself.
        discount: γ in [0, 1].
        exploration: the behaviour policy, on the mean of both tables.
        initial_value: what every cell of both tables starts with, in units of value.

    Raises:
        InputError: where a number is out of range.

    >>> DoubleQLearning(learning_rate=0.1, discount=1.0).label
    'Double Q-learning'
    """

    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    label = "Double Q-learning"
    unbiased = True
    version = 2

    def __post_init__(self) -> None:
        check_tabular(self)

    def learner(self, spec: Spec, *, one_table: bool = False) -> Learner:
        """The functions for two tables of ``spec.num_states`` × ``spec.num_actions``.

        ``one_table``: a well-known mistake (see ``qlearn.agents.faults``): the table that selects evaluates too.
        """

        def weigh(select: Array, mask: Array | None, noise: Any, later: Clock, seen: Array | None) -> Array:
            chosen = pick(best(legal_row(select, mask)), noise.uniform(1))
            return double_q(select, select, chosen, mask)

        return double_learner(self, spec, weigh, one_table=one_table)
