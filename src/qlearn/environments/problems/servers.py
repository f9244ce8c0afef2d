"""Which customers to let in, where there is no end and what counts is the average reward.

Source: Sutton & Barto, Reinforcement Learning, 2nd edition, 2018, example 10.2; after Carlström and Nordström 1997.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import number, problem, whole
from qlearn.errors import InputError


@problem("AccessControl-v0")
def access_control(
    servers: int = 10, priorities: Sequence[float] = (1, 2, 4, 8), free_probability: float = 0.06
) -> FiniteMDP:
    """Return the queue: the customer at its head is accepted, if a server is free, or rejected.

    Accepting pays the customer's priority and occupies a server, rejecting pays 0.  Then every busy server, that of the
    customer just accepted among them, becomes free with ``free_probability``, and the next customer's priority is drawn
    evenly.  Where no server is free, rejecting is the only legal action.

    **Exact optimum**, the best average reward per step of the usual problem: 2.747642, by
    `qlearn.planning.average_reward`.  The best policy accepts priorities 4 and 8 whenever it can, 2 from 4 free servers
    on, and 1 never.

    The states are "2 free, priority 4": by free servers first.  An episode starts with all servers free.

    Args:
        servers: how many there are, at least 1.
        priorities: what the customers pay, at least one number.
        free_probability: in (0, 1].

    Raises:
        InputError: where an argument makes no queue.

    >>> from qlearn.planning import average_reward
    >>> round(average_reward(access_control()), 6)
    2.747642
    """
    servers = whole("servers", servers, 1, 10)
    chance = number("free_probability", free_probability, 0.06, 0, 1)
    pays = [number("priorities", priority, 1) for priority in priorities]
    if not pays or len(set(pays)) < len(pays) or chance == 0:
        raise InputError(
            f"`priorities` is {priorities!r} and `free_probability` {chance:g}; expected different numbers, and a "
            "probability above 0. Try priorities=(1, 2, 4, 8), free_probability=0.06."
        )
    from scipy import stats

    # after[f]: the distribution of free servers one step after f were free
    after = np.zeros((servers + 1, servers + 1))
    for free in range(servers + 1):
        busy = servers - free
        after[free, free:] = stats.binom.pmf(np.arange(busy + 1), busy, chance)
    next_customer = np.full(len(pays), 1.0 / len(pays))
    P, R = np.zeros(((servers + 1) * len(pays), 2, (servers + 1) * len(pays))), np.zeros(((servers + 1) * len(pays), 2))
    for free in range(servers + 1):
        for k, priority in enumerate(pays):
            here = free * len(pays) + k
            P[here, 0] = np.outer(after[free], next_customer).ravel()
            if free:
                P[here, 1], R[here, 1] = np.outer(after[free - 1], next_customer).ravel(), priority
    names = [f"{free} free, priority {priority:g}" for free in range(servers + 1) for priority in pays]
    initial = np.zeros(len(names))
    initial[-len(pays) :] = next_customer
    return FiniteMDP.from_arrays(
        P,
        R,
        initial=initial,
        name="access control",
        state_names=names,
        action_names=("reject", "accept"),
        normalize=True,
    )
