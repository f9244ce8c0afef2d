"""Two chains from one start: the better one begins with nothing, the worse one with a reward.

Source: Furmston & Barber, Variational methods for reinforcement learning, AISTATS 2010; it then serves in Peters,
Mülling & Altün, Relative entropy policy search, AAAI 2010, and, with Q-learning and its variants, in D'Eramo et al.,
Estimating maximum expected value through Gaussian approximation, ICML 2016, and its successors.
"""

from __future__ import annotations

from qlearn.environments.builder import MDPBuilder
from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import number, problem, whole


@problem("DoubleChain-v0")
def double_chain(length: int = 5, slip: float = 0.0) -> FiniteMDP:
    """Return the chains: 2 · length − 1 states, two actions, no end.

    From the start, "a" enters the upper chain and pays nothing, "b" enters the lower one and pays 2.  On a
    chain "a" leads one state on for nothing; at its end it stays there and pays 10 on the upper chain, 5 on the
    lower one.  "b" leads to the start and pays 2, from anywhere.

    **Exact optimum** without slips: "a" everywhere, along the upper chain.  v*(start) = 10 γᵏ / (1 − γ), k = length − 1
    (162.901250 at γ = 0.95), as long as that is above 2 / (1 − γ), what "b" over and over pays; the best average
    reward is 10, whatever the length.

    The paper's text and an implementation of it give states, rewards and length 5; ``slip``, with which the other
    action is carried out, is that of Strens' chain and is 0 unless set.

    Args:
        length: states from the start to the end of a chain, the start among them, at least 2.
        slip: probability that the other action is carried out, 0 to 1.

    Raises:
        InputError: where an argument makes no chains.

    >>> from qlearn.planning import solve
    >>> round(solve(double_chain(), discount=0.95).value, 6)
    162.90125
    """
    length, slip = whole("length", length, 2, 5), number("slip", slip, 0.2, 0, 1)
    upper, lower = ([f"{side} {i}" for i in range(1, length)] for side in ("upper", "lower"))
    b = MDPBuilder("double chain")
    b.states("start", *upper, *lower)
    b.actions("a", "b")
    ways = {("start", "a"): (upper[0], 0.0), ("start", "b"): (lower[0], 2.0)}
    for chain, large in ((upper, 10.0), (lower, 5.0)):
        for here, onward in zip(chain, [*chain[1:], chain[-1]], strict=True):
            ways[here, "a"] = (onward, large if here == onward else 0.0)
            ways[here, "b"] = ("start", 2.0)
    for (here, action), (to, reward) in ways.items():
        other, instead = ways[here, "b" if action == "a" else "a"]
        b.on(here, action).goes_to(to, probability=1 - slip, reward=reward).goes_to(
            other, probability=slip, reward=instead
        )
    return b.build()
