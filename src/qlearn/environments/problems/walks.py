"""Random walks: what is learnt is a prediction, for there is nothing to choose.

Source: Sutton & Barto, Reinforcement Learning, 2nd edition, 2018: example 6.2 (five states, 0 and 1), section 7.1 (19
states, −1 and 1) and example 9.1 (1,000 states, jumps of up to 100).
"""

from __future__ import annotations

import numpy as np

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import number, problem, whole


@problem("RandomWalk-v0")
def random_walk(n: int = 5, left: float = 0.0, right: float = 1.0, jump: int = 1) -> FiniteMDP:
    """Return a walk over n states in a row, which goes left or right with equal chance and starts in the middle.

    Stepping off an end ends the episode and pays ``left`` or ``right``; every other step pays 0.  With ``jump``
    above 1 a step leads to one of so many neighbours on either side, all equally likely; what lies beyond an end is
    that end, so near an end its probability is the larger.

    **Exact value** at discount 1, jump 1: v(i) = left + (right − left) · i / (n + 1) in state i = 1 … n (the
    standard walk: 1/6 … 5/6).  With one action the optimum is this value; v is 0 in both ends.

    The states are the left end, the n states of the walk, the right end: ``v[1:-1]`` is what a book prints.

    Args:
        n: states of the walk, at least 1.  It starts in number (n + 1) // 2; up to 26 are called A, B, …
        left: reward for leaving at the left end.
        right: reward for leaving at the right end.
        jump: the most that a step leads to either side, at least 1.

    Raises:
        InputError: where an argument makes no walk.

    >>> from qlearn.planning import solve
    >>> solve(random_walk(), discount=1).v.round(4).tolist()
    [0.0, 0.1667, 0.3333, 0.5, 0.6667, 0.8333, 0.0]
    """
    n, jump = whole("n", n, 1, 5), whole("jump", jump, 1, 1)
    left, right = number("left", left, 0), number("right", right, 1)
    offsets, probability, arrival = [0], [], []
    for state in range(n + 2):
        if state in (0, n + 1):
            chances = {state: 2 * jump}
        else:
            chances = {}
            for step in (*range(-jump, 0), *range(1, jump + 1)):
                to = min(max(state + step, 0), n + 1)
                chances[to] = chances.get(to, 0) + 1
        arrival += list(chances)
        probability += [count / (2 * jump) for count in chances.values()]
        offsets.append(len(arrival))
    to_state = np.array(arrival)
    ended = (to_state == 0) | (to_state == n + 1)
    reward = np.where(to_state == 0, left, np.where(to_state == n + 1, right, 0.0))
    reward[[0, -1]] = 0.0  # the ends themselves are never left
    names = [chr(ord("A") + i) if n <= 26 else str(i + 1) for i in range(n)]
    initial = np.zeros(n + 2)
    initial[(n + 1) // 2] = 1.0
    return FiniteMDP(
        name="random walk",
        num_states=n + 2,
        num_actions=1,
        offsets=np.array(offsets),
        probability=np.array(probability),
        next_state=to_state,
        reward=reward,
        terminated=ended,
        initial=initial,
        state_names=("left end", *names, "right end"),
        action_names=("step",),
    )
