r"""Q-learning.

.. math:: Q(s, a) \leftarrow Q(s, a) + \alpha \left[ r + \gamma \max_b Q(s', b) - Q(s, a) \right]

Source: C. J. C. H. Watkins, *Learning from delayed rewards*, PhD thesis, Cambridge 1989.  Difference from it: none.
"""

from __future__ import annotations

from qlearn.agents.learner import Learner, Spec
from qlearn.agents.one_step import Form, check_one_step, one_step_learner
from qlearn.rules.description import description
from qlearn.rules.exploration import EpsilonGreedy, Exploration, Greedy
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import q_learning


@description
class QLearning:
    """Q-learning on a table: off-policy, towards the greedy policy.

    Args:
        learning_rate: α > 0, a number or a schedule.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.
        form: ``"text"`` (the equation above) or ``"code"``, in which the reward escapes the learning rate:
            Q += r + α (γ max Q' − Q).  At a constant α it acts the same; its values are the text's divided by α.

    Raises:
        InputError: where a number is out of range.

    >>> QLearning(learning_rate=0.1, discount=0.95).label
    'ε-greedy Q-learning'
    """

    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0
    form: Form = "text"

    version = 1

    def __post_init__(self) -> None:
        check_one_step(self)

    @property
    def label(self) -> str:
        """``greedy Q-learning`` or ``ε-greedy Q-learning``, as its exploration is."""
        return f"{kind(self.exploration)}Q-learning"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        return one_step_learner(self, q_learning, spec, form=self.form)


def kind(exploration: object) -> str:
    """The word that a label puts before the method's name."""
    words = {Greedy: "greedy ", EpsilonGreedy: "ε-greedy "}
    return words.get(type(exploration), f"{type(exploration).__name__} ")
