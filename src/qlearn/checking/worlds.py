"""Small problems on which promises show.

All have six states, three actions, one start and a clock of 12 steps, and outcomes laid out alike, so that one
compiled program serves them all: a check costs one compilation a loop.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from qlearn.environments import FiniteMDP

Numbers = np.ndarray[Any, Any]
STATES, ACTIONS, CLOCK = 6, 3, 12
LAST = STATES - 1
_FILL = np.array([0.3, 0.2, 0.15, 0.14, 0.11, 0.1])  # of what nobody reaches: six outcomes, as in the random problem


def random_problem(seed: int = 5) -> FiniteMDP:
    """Random transitions and rewards; state 5 ends the episode; about a tenth of the steps lead there."""
    rng = np.random.default_rng(seed)
    chance = rng.dirichlet(np.full(STATES, 0.6), size=(STATES, ACTIONS))
    chance[..., LAST] *= 0.3
    chance /= chance.sum(axis=2, keepdims=True)
    reward = np.round(rng.normal(size=(STATES, ACTIONS)) * 4) / 4  # quarters: sums of them are exact in float32
    return _model("random problem", chance, reward)


def relabelled(problem: FiniteMDP) -> tuple[FiniteMDP, Numbers, Numbers]:
    """The same problem with other numbers for states and actions: (problem, new state of each, new action of each).

    State 0 stays the start and state 5 the end.
    """
    state, action = np.array([0, 3, 4, 1, 2, 5]), np.array([2, 0, 1])
    chance = problem.transition_matrix().toarray().reshape(STATES, ACTIONS, STATES)
    full = np.where(problem.terminal_states[:, None, None], _FILL, _with_end(problem, chance))
    moved, reward = np.empty_like(full), np.empty((STATES, ACTIONS))
    for s in range(STATES):
        for a in range(ACTIONS):
            moved[state[s], action[a], state] = full[s, a]
            reward[state[s], action[a]] = problem.expected_reward[s, a]
    return _model("relabelled problem", moved, reward), state, action


def _with_end(problem: FiniteMDP, chance: Numbers) -> Numbers:
    """Transitions with what terminates, which a transition matrix leaves out, put back to state 5."""
    full = chance.copy()
    full[..., LAST] += 1.0 - full.sum(axis=2)
    return full


def scaled(problem: FiniteMDP, factor: float) -> FiniteMDP:
    """The same problem with all rewards times a factor."""
    return dataclasses.replace(problem, reward=problem.reward * factor)


def endless() -> FiniteMDP:
    """Every action stays in state 0 and pays 1; only the clock ends an episode: every value is 1 / (1 − γ)."""
    chance = np.tile(_FILL, (STATES, ACTIONS, 1))
    chance[0] = np.eye(STATES)[0]
    return _model("endless problem", chance, np.ones((STATES, ACTIONS)))


def ended() -> FiniteMDP:
    """Every action of state 0 pays 1 and ends the episode where it stands: every value is 1."""
    chance = np.tile(_FILL, (STATES, ACTIONS, 1))
    chance[0] = np.eye(STATES)[LAST]
    return _model("problem of one step", chance, np.ones((STATES, ACTIONS)), stay=True)


def noisy_choice() -> FiniteMDP:
    """State 0 leads to state 1, where every action pays +1 or −1 with equal chance and ends: every value is 0.

    +1 is paid by way of state 2, which cannot be told apart beforehand: rewards belong to outcomes.
    """
    model = _model("noisy choice", np.tile(_FILL, (STATES, ACTIONS, 1)), np.zeros((STATES, ACTIONS)))
    rows, probability, arrival, reward, over = [], [], [], [], []
    for s in range(STATES):
        for _ in range(ACTIONS):
            outcomes: list[tuple[float, int, float, bool]]
            if s == 0:
                outcomes = [(1.0, 1, 0.0, False)]
            elif s == 1:
                outcomes = [(0.5, LAST, 1.0, True), (0.5, LAST, -1.0, True)]
            else:
                outcomes = [(float(p), t, 0.0, t == LAST) for t, p in enumerate(_FILL)]
            rows.append(len(outcomes))
            for p, t, r, o in outcomes:
                probability.append(p)
                arrival.append(t)
                reward.append(r)
                over.append(o)
    return dataclasses.replace(
        model,
        offsets=np.concatenate([[0], np.cumsum(rows)]),
        probability=np.array(probability),
        next_state=np.array(arrival, np.int32),
        reward=np.array(reward),
        terminated=np.array(over),
    )


def _model(name: str, chance: Numbers, reward: Numbers, *, stay: bool = False) -> FiniteMDP:
    """A model whose arrivals in state 5 end the episode; with ``stay`` it is said to stay in state 0 as it ends."""
    rows, probability, arrival, paid, over = [], [], [], [], []
    for s in range(STATES):
        for a in range(ACTIONS):
            possible = np.flatnonzero(chance[s, a] > 0)
            rows.append(possible.size)
            probability += list(chance[s, a, possible])
            arrival += [0 if stay and s == 0 else int(t) for t in possible]
            paid += [float(reward[s, a])] * possible.size
            over += [bool(t == LAST) for t in possible]
    return FiniteMDP(
        name=name,
        num_states=STATES,
        num_actions=ACTIONS,
        offsets=np.concatenate([[0], np.cumsum(rows)]),
        probability=np.array(probability),
        next_state=np.array(arrival, np.int32),
        reward=np.array(paid),
        terminated=np.array(over),
        initial=np.eye(STATES)[0],
        time_limit=CLOCK,
    )
