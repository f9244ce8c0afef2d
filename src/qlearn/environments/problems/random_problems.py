"""Random problems, as many as one likes, all of one kind.

Source: Archibald, McKinnon & Thomas, On the generation of Markov decision processes, 1995 (GARNET: Generic Average
Reward Non-stationary Environment Testbench, here its stationary kind); rewards as in Bhatnagar, Sutton, Ghavamzadeh &
Lee, Natural actor-critic algorithms, Automatica 2009.
"""

from __future__ import annotations

import numpy as np

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import number, problem, whole
from qlearn.errors import InputError


@problem("Garnet-v0")
def garnet(states: int = 20, actions: int = 4, branching: int = 3, seed: int = 0, reward_std: float = 0.0) -> FiniteMDP:
    """Return a random problem without an end.

    For every state and action ``branching`` different next states are drawn evenly, and their probabilities are the
    lengths into which as many cuts less one, drawn evenly, divide [0, 1].  The mean reward of each state and action is
    drawn from N(0, 1).  A run starts in state 0.

    **Exact optimum**: none in closed form; `qlearn.solve` tells it, with a certified bound.  It is 21.907 at discount
    0.95 for the usual problem.

    Equal arguments give equal problems: NumPy's PCG64 draws them.

    Args:
        states: at least 1.
        actions: at least 1.
        branching: next states of each state and action, 1 to ``states``.
        seed: which of the problems.
        reward_std: standard deviation of normal noise on every reward, at least 0.

    Raises:
        InputError: where an argument makes no problem.

    >>> from qlearn.planning import solve
    >>> round(solve(garnet(), discount=0.95).value, 3)
    21.907
    >>> garnet(5, 2, 2, seed=1).digest == garnet(5, 2, 2, seed=1).digest
    True
    """
    states, actions = whole("states", states, 1, 20), whole("actions", actions, 1, 4)
    branching, seed = whole("branching", branching, 1, 3), whole("seed", seed, 0, 0)
    reward_std = number("reward_std", reward_std, 1, 0)
    if branching > states:
        raise InputError(
            f"`branching` is {branching} and there are {states} states; expected at most as many. Lower it."
        )
    rng, rows = np.random.default_rng(seed), states * actions
    to = np.stack([rng.choice(states, branching, replace=False) for _ in range(rows)])
    cuts = np.sort(rng.random((rows, branching - 1)), axis=1)
    probability = np.diff(cuts, axis=1, prepend=0.0, append=1.0)
    reward = np.repeat(rng.standard_normal(rows), branching)
    initial = np.zeros(states)
    initial[0] = 1.0
    return FiniteMDP(
        name="garnet",
        num_states=states,
        num_actions=actions,
        offsets=np.arange(rows + 1) * branching,
        probability=probability.ravel(),
        next_state=to.ravel(),
        reward=reward,
        terminated=np.zeros(rows * branching, np.bool_),
        initial=initial,
        reward_std=np.full(rows * branching, reward_std) if reward_std else None,
        state_names=tuple(f"state {s}" for s in range(states)),
        action_names=tuple(f"action {a}" for a in range(actions)),
    )
