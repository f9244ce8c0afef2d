"""The problem on which Q-learning believes in what it only drew by luck.

Source: Sutton & Barto, Reinforcement Learning, 2nd edition, 2018, example 6.7 and figure 6.5.
"""

from __future__ import annotations

from qlearn.environments.builder import MDPBuilder
from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import number, problem, whole


@problem("MaximisationBias-v0")
def maximisation_bias(arms: int = 10, mean: float = -0.1, std: float = 1.0) -> FiniteMDP:
    """Return the problem: from A right to the end, or left to B, where every arm ends the episode.

    Going right pays 0, going left pays 0, every arm pays a number from N(mean, std²).

    **Exact optimum**: max(0, γ · mean), so 0 by going right as long as ``mean`` is below 0.  The largest of several
    estimates lies above their common mean, so the maximum over B's arms seems to pay.

    The book leaves the number of arms open ("many actions"); its figure is met with 10.

    Args:
        arms: actions in B, at least 1.
        mean: what an arm pays on average.
        std: standard deviation of what it pays, at least 0.

    Raises:
        InputError: where an argument makes no such problem.

    >>> from qlearn.planning import solve
    >>> solve(maximisation_bias(), discount=1).q[0, :2].tolist()
    [-0.1, 0.0]
    """
    arms, mean, std = whole("arms", arms, 1, 10), number("mean", mean, -0.1), number("std", std, 1, 0)
    b = MDPBuilder("maximisation bias")
    b.on("A", "left").goes_to("B")
    b.on("A", "right").ends()
    for i in range(arms):
        b.on("B", f"arm {i}").ends(reward=mean, reward_noise=std)
    return b.build()
