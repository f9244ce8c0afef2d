"""Swimming up a river: the small reward is at hand, the large one six strokes against the current.

Source: Strehl & Littman, An analysis of model-based interval estimation, 2008, figure 1; with the numbers of Osband,
Russo & Van Roy, (More) efficient reinforcement learning via posterior sampling, NeurIPS 2013, figure 1.
"""

from __future__ import annotations

from qlearn.environments.builder import MDPBuilder
from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import number, problem, whole


@problem("RiverSwim-v0")
def river_swim(n: int = 6, small: float = 0.005, large: float = 1.0) -> FiniteMDP:
    """Return the river of n places; an episode starts at the far left, and is cut after 20 steps.

    Left goes one place to the left for certain, and pays ``small`` in the first place.  Right, in a middle place, goes
    one on with 0.35, stays with 0.6 and is carried back with 0.05; from the first place it goes on with 0.6 and stays
    with 0.4; in the last place it stays with 0.6, is carried back with 0.4, and pays ``large`` in both cases.

    **Exact optimum** of the usual problem: within 20 steps the best return is 3.397264 (`planning.finite_horizon`);
    always right gets 3.396637 of it, always left 0.1.  Without an end always right is best and gets, on average, the
    share of time in the last place: up the river that share grows by 0.6 / 0.05 = 12, then by 0.35 / 0.05 = 7 from
    place to place, and at last by 0.35 / 0.4, so 3601.5 / 8402.5 = 0.428622 for n = 6.

    Strehl & Littman's probabilities differ (0.3 on, 0.6 stay, 0.1 back; 0.7 to stay at the left end, 0.3 at the right
    one), as do their rewards (5 and 10,000); the two sources mean the same kind of problem, not the same numbers.

    Args:
        n: places, at least 3.
        small: reward for left in the first place.
        large: reward for right in the last place.

    Raises:
        InputError: where an argument makes no river.

    >>> from qlearn.planning import average_reward
    >>> round(average_reward(river_swim()), 6)
    0.428622
    """
    n, small, large = whole("n", n, 3, 6), number("small", small, 0.005), number("large", large, 1)
    places = [str(i) for i in range(n)]
    b = MDPBuilder("river swim")
    b.states(*places)
    b.actions("left", "right")
    for i, here in enumerate(places):
        b.on(here, "left").goes_to(places[max(i - 1, 0)], reward=small if i == 0 else 0.0)
    b.on(places[0], "right").stays(probability=0.4).goes_to(places[1])
    for i in range(1, n - 1):
        swim = b.on(places[i], "right").goes_to(places[i - 1], probability=0.05)
        swim.goes_to(places[i + 1], probability=0.35).stays()
    b.on(places[-1], "right").goes_to(places[-2], probability=0.4, reward=large).stays(reward=large)
    b.starts_in(places[0])
    return b.build()
