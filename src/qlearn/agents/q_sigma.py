r"""n-step Q(σ): between sampling (σ = 1) and tree backup (σ = 0).

.. math:: G_t = R_{t+1} + \gamma \left[ u + \left(\sigma \rho + (1 - \sigma)\, \pi(A_{t+1} \mid S_{t+1})\right)
          G_{t+1} \right], \qquad \rho = \frac{\pi(A_{t+1} \mid S_{t+1})}{b(A_{t+1} \mid S_{t+1})}

with the target policy π, the behaviour policy b, and one of two u:

.. math:: u = (1 - \sigma) \sum_{a \ne A_{t+1}} \pi(a \mid S_{t+1})\, Q(S_{t+1}, a)
          \qquad \text{or} \qquad
          u = \sum_a \pi(a \mid S_{t+1})\, Q(S_{t+1}, a) - \left(\sigma \rho + (1 - \sigma)\, \pi\right)
          Q(S_{t+1}, A_{t+1})

The first ends with :math:`\sigma \rho\, Q(S_h, A_h) + (1 - \sigma) \sum_a \pi Q`; with π = b and σ = 1 it is n-step
Sarsa.  The second has a control variate and ends with :math:`\sum_a \pi Q`.  With σ = 0 both are tree backup.

Source: K. De Asis, J. F. Hernandez-Garcia, G. Z. Holland and R. S. Sutton, *Multi-step reinforcement learning: a
unifying algorithm*, AAAI 2018 (the first); Sutton and Barto, 2nd edition, equation 7.17 (the second).  Differences:
off-policy, the paper multiplies the whole update with the product of the ratios, and here every step's return is
multiplied with its own, as in the book; where an episode is truncated, the value of the last state stays.
"""

from __future__ import annotations

from typing import Literal

from qlearn.agents.learner import Learner, Spec
from qlearn.agents.n_step_methods import Method, n_step_learner, target_of
from qlearn.agents.tabular import check_tabular
from qlearn.errors import InputError
from qlearn.rules.description import choice, description, flag, whole
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.multi_step import expected_value, q_sigma, q_sigma_controlled, q_sigma_value
from qlearn.rules.schedules import Schedule, as_schedule


@description
class QSigma:
    """n-step Q(σ) on a table: σ of every step is sampled, the rest is tree backup.

    Args:
        n: steps of the return, at least 1.
        sigma: σ in [0, 1], a number or a schedule over episodes or steps.
        target: the policy that is learnt about: ``"behaviour"`` for the one that acts, or ``"greedy"``.
        control_variate: False for the form of De Asis et al., True for that of equation 7.17.
        learning_rate: α > 0, a number or a schedule.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.

    Raises:
        InputError: where a number is out of range or a word unknown.

    >>> QSigma(n=3, sigma=0.5).label
    '3-step Q(σ), σ 0.5'
    """

    n: int = 4
    sigma: float | Schedule = 0.5
    target: Literal["greedy", "behaviour"] = "behaviour"
    control_variate: bool = False
    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0

    version = 1

    def __post_init__(self) -> None:
        whole(self, "n")
        choice(self, "target", ("greedy", "behaviour"))
        flag(self, "control_variate")
        as_schedule(self, "sigma", high=1.0)
        if self.sigma.counts_visits:  # type: ignore[union-attr]
            raise InputError(
                f"QSigma: sigma={self.sigma} counts visits, and σ belongs to a time; expected a number, or a schedule "
                "over episodes or steps. Pass for example sigma=ql.exponential(1.0, decay=0.95)."
            )
        check_tabular(self)

    @property
    def label(self) -> str:
        """With its n and σ."""
        return f"{self.n}-step Q(σ), σ {self.sigma}"

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        schedule: Schedule = self.sigma  # type: ignore[assignment]
        if self.control_variate:
            method = Method(expected_value, q_sigma_controlled, target=target_of(self), sigma=schedule)
        else:
            method = Method(q_sigma_value, q_sigma, ahead=True, target=target_of(self), sigma=schedule)
        return n_step_learner(self, method, spec)
