"""The walk on 1,000 states of Sutton and Barto's chapter 9, and what is known exactly of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from qlearn.environments import FiniteMDP

Numbers = np.ndarray[Any, Any]
STATES, JUMP, START = 1000, 100, 499  # numbered from 0: the book's state 500


class Known(NamedTuple):
    """Exact, undiscounted, (1000,) each."""

    values: Numbers
    visits: Numbers  # the share of all steps that are made from each state; sums to 1


def long_walk() -> FiniteMDP:
    """From each state to one of the 100 on either side, all equally likely; beyond the ends it terminates, with ∓1."""
    jumps = np.array([k for k in range(-JUMP, JUMP + 1) if k])
    arrival = (np.arange(STATES)[:, None] + jumps).reshape(-1)
    over = (arrival < 0) | (arrival >= STATES)
    initial = np.zeros(STATES)
    initial[START] = 1.0
    return FiniteMDP(
        num_states=STATES,
        num_actions=1,
        offsets=np.arange(STATES + 1) * jumps.size,
        next_state=np.clip(arrival, 0, STATES - 1),
        probability=np.full(arrival.size, 1.0 / jumps.size),
        reward=np.where(over, np.where(arrival < 0, -1.0, 1.0), 0.0),
        terminated=over,
        initial=initial,
        time_limit=2000,
        name="the walk on 1,000 states",
    )


def known_of(walk: FiniteMDP) -> Known:
    """Its values and how often each state is visited, by solving linear equations."""
    row = np.repeat(np.arange(STATES), np.diff(walk.offsets))
    P, r = np.zeros((STATES, STATES)), np.zeros(STATES)
    np.add.at(P, (row, walk.next_state), walk.probability * ~walk.terminated)
    np.add.at(r, row, walk.probability * walk.reward)
    visits = np.linalg.solve((np.eye(STATES) - P).T, walk.initial)
    return Known(np.linalg.solve(np.eye(STATES) - P, r), visits / visits.sum())


def least_squares(known: Known, groups: int) -> Numbers:
    """The best that groups of equal size can say of the values, (groups,): means weighted by the visits."""
    weights = known.visits.reshape(groups, -1)
    return (weights * known.values.reshape(groups, -1)).sum(axis=1) / weights.sum(axis=1)


def fixed_point(walk: FiniteMDP, known: Known, groups: int) -> Numbers:
    """Where semi-gradient TD(0) with these groups ends, (groups,): A⁻¹ b."""
    row = np.repeat(np.arange(STATES), np.diff(walk.offsets))
    size = STATES // groups
    A, b = np.zeros((groups, groups)), np.zeros(groups)
    weight = known.visits[row] * walk.probability
    here, there = row // size, walk.next_state // size
    np.add.at(A, (here, here), weight)
    np.add.at(A, (here, there), -weight * ~walk.terminated)
    np.add.at(b, here, weight * walk.reward)
    return np.linalg.solve(A, b)


def error_of(found: Numbers, known: Known, *, weighted: bool = False) -> Numbers:
    """Root of the mean squared error over all states, by visits where ``weighted``; (…, 1000) to (…)."""
    share = known.visits if weighted else np.full(STATES, 1.0 / STATES)
    return np.sqrt(((found - known.values) ** 2 * share).sum(axis=-1))
