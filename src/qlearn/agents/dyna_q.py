r"""Dyna-Q: Q-learning, and more of it from a model of what happened.

After every real step of one-step Q-learning, ``planning_steps`` more: a state seen before, an action tried there, with
the reward and next state that followed them last.

Source: R. S. Sutton, *Integrated architectures for learning, planning, and reacting*, ICML 1990; Sutton and Barto, 2nd
edition, section 8.2.  Difference: the model remembers a termination too.  With 0 planning steps it is Q-learning.
"""

from __future__ import annotations

from qlearn.agents.dyna import Draw, dyna_learner
from qlearn.agents.learner import Learner, Spec
from qlearn.agents.tabular import check_tabular
from qlearn.rules.description import choice, description, whole
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule


@description
class DynaQ:
    """Dyna-Q on a table, with a deterministic model.

    Args:
        planning_steps: updates from the model after every real one, at least 0.
        learning_rate: α > 0, a number or a schedule.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.
        draw: what planning draws, evenly: ``"states"`` (a state seen before, then an action tried there, as in the
            book) or ``"pairs"`` (a state and action tried before).

    Raises:
        InputError: where a number is out of range.

    >>> DynaQ(planning_steps=50).label
    'Dyna-Q (50 planning steps)'
    """

    planning_steps: int = 5
    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0
    draw: Draw = "states"

    version = 2

    def __post_init__(self) -> None:
        whole(self, "planning_steps", 0)
        choice(self, "draw", ("states", "pairs"))
        check_tabular(self)

    @property
    def label(self) -> str:
        """With its number of planning steps."""
        return f"Dyna-Q ({self.planning_steps} planning steps)"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        return dyna_learner(self, spec, self.draw)
