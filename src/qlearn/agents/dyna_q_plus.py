r"""Dyna-Q+: Dyna-Q whose planning is curious about what was not tried for long.

In planning, a reward r becomes

.. math:: r + \kappa \sqrt{\tau}

with τ the steps of the run since the state and action were tried last; one never tried counts from the start of the
run, and is taken to lead back to its state and to pay 0.

Source: R. S. Sutton, ICML 1990; Sutton and Barto, 2nd edition, section 8.3.  Difference: the model remembers a
termination too.
"""

from __future__ import annotations

from qlearn.agents.dyna import dyna_learner
from qlearn.agents.learner import Learner, Spec
from qlearn.agents.tabular import check_tabular
from qlearn.rules.description import description, number, whole
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule


@description
class DynaQPlus:
    """Dyna-Q+ on a table: notices where the world has changed for the better.

    Args:
        planning_steps: updates from the model after every real one, at least 0.
        bonus: κ ≥ 0, in units of reward for √step.
        learning_rate: α > 0, a number or a schedule.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    Raises:
        InputError: where a number is out of range.

    >>> DynaQPlus(planning_steps=50).label
    'Dyna-Q+ (50 planning steps)'
    """

    planning_steps: int = 5
    bonus: float = 1e-3
    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    exempt = {  # noqa: RUF012 (a class attribute, which no field is)
        "reward scaling": "its bonus does not grow with the rewards",
    }
    version = 1

    def __post_init__(self) -> None:
        whole(self, "planning_steps", 0)
        number(self, "bonus", 0.0)
        check_tabular(self)

    @property
    def label(self) -> str:
        """With its number of planning steps."""
        return f"Dyna-Q+ ({self.planning_steps} planning steps)"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        return dyna_learner(self, spec, "states", self.bonus)
