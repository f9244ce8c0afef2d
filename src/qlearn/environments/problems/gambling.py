"""A gambler who stakes on a coin until he has enough, or nothing.

Source: Sutton & Barto, Reinforcement Learning, 2nd edition, 2018, example 4.3 and figure 4.3; bold play: Dubins &
Savage, How to gamble if you must, 1965.
"""

from __future__ import annotations

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import number, problem, whole


@problem("Gambler-v0")
def gambler(p: float = 0.4, goal: int = 100) -> FiniteMDP:
    """Return the problem: in state s, the capital, stake 1 to min(s, goal − s); win it with p, lose it else.

    Reaching the goal pays 1, all else 0, so values at discount 1 are chances of winning.  An episode starts with any
    capital from 1 to goal − 1, all equally likely; action i stakes i + 1.

    **Exact optimum** at discount 1: for p < ½ bold play, all that helps, is optimal, and the chance of winning w(x)
    with the share x of the goal obeys w(x) = p w(2x) up to ½ and p + (1 − p) w(2x − 1) above: w(¼), w(½), w(¾) = p²,
    p, p + (1 − p) p, which is 0.16, 0.4, 0.64.  For p = ½ it is s / goal whatever one does; for p > ½ the smallest
    stake is best, and it is (1 − rˢ) / (1 − r^goal), r = (1 − p) / p.

    Many stakes tie: the figure in the book shows one of very many optimal policies.

    Args:
        p: chance of winning a stake, 0 to 1.
        goal: the capital to be reached, at least 2.

    Raises:
        InputError: where an argument makes no such game.

    >>> from qlearn.planning import solve
    >>> solve(gambler(), discount=1).v[[25, 50, 75]].round(9).tolist()
    [0.16, 0.4, 0.64]
    """
    p, goal = number("p", p, 0.4, 0, 1), whole("goal", goal, 2, 100)
    P: list[list[list[tuple[float, int, float, bool]]]] = []
    for capital in range(goal + 1):
        if capital in (0, goal):
            P.append([[(1.0, capital, 0.0, True)] for _ in range(goal // 2)])
            continue
        P.append([])
        for stake in range(1, goal // 2 + 1):
            if stake > min(capital, goal - capital):
                P[-1].append([])
                continue
            won, lost = capital + stake, capital - stake
            win = (p, won, float(won == goal), won == goal)
            P[-1].append([outcome for outcome in (win, (1 - p, lost, 0.0, lost == 0)) if outcome[0] > 0])
    return FiniteMDP.from_gymnasium(
        P,
        initial=[0.0, *[1.0 / (goal - 1)] * (goal - 1), 0.0],
        name="gambler",
        state_names=[str(capital) for capital in range(goal + 1)],
        action_names=[f"stake {stake}" for stake in range(1, goal // 2 + 1)],
    )
