"""Bellman operators on a finite model, the way that all exact solvers use it.

With r(s, a) the mean reward and P(s'|s, a) the probability of going on to s' (outcomes that end the episode
carry no mass), the backup of values v at discount γ is

    q(s, a) = r(s, a) + γ Σ_{s'} P(s'|s, a) v(s'),        (T v)(s) = max_a q(s, a).

An action that is not legal has r = −∞ and no outcomes, so its q is −∞ and no maximum ever picks it.

**Rounding.**  A row of k outcomes is summed in double precision with unit roundoff u = 2⁻⁵³.  Products, the
sum, the mean reward and the last addition together err by at most (2k + 4) u (max|r| + γ max|v|), to first
order; `rounding` returns twice that, and every certified bound of this room contains it.
"""

from __future__ import annotations

import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

from qlearn.environments.finite_mdp import BoolArray, FiniteMDP, FloatArray, IntArray
from qlearn.errors import InputError

CSR: TypeAlias = "sparse.csr_array[Any, tuple[int, int]]"
UNIT_ROUNDOFF = 2.0**-53
PARALLEL_SIZE = 1_000_000  # stored probabilities from which a second thread repays its start


@dataclass(frozen=True, eq=False)
class Model:
    """What a solver needs of a `FiniteMDP`.

    Args:
        num_states: S.
        num_actions: A.
        reward: (S·A,) mean rewards, −∞ where the action is not legal.
        transition: sparse (S·A, S), the probability of going on to each state.
        largest_reward: the largest |reward| of any outcome.
        most_outcomes: the largest number of outcomes that a row has.
        ends: (S·A,) bool, rows that may end the episode.
        pays: (S·A,) bool, rows that may pay anything but 0.
    """

    num_states: int
    num_actions: int
    reward: FloatArray
    transition: CSR
    largest_reward: float
    most_outcomes: int
    ends: BoolArray
    pays: BoolArray

    @cached_property
    def legal(self) -> BoolArray:
        """(S, A) bool."""
        legal: BoolArray = np.isfinite(self.reward).reshape(self.num_states, self.num_actions)
        return legal

    @cached_property
    def mass(self) -> FloatArray:
        """(S·A,): the probability that the episode goes on."""
        mass: FloatArray = self.transition @ np.ones(self.num_states)
        return mass

    @cached_property
    def mass_range(self) -> tuple[float, float]:
        """The least and the greatest probability of going on, of any legal action."""
        mass = self.mass[self.legal.ravel()]
        return float(mass.min()), float(mass.max())

    @cached_property
    def _blocks(self) -> list[CSR]:
        return halves(self.transition)

    def expected_next(self, v: FloatArray) -> FloatArray:
        """Return Σ_{s'} P(s'|s, a) v(s') for every row, (S·A,)."""
        return product(self._blocks, v)

    def q_values(self, v: FloatArray, discount: float) -> FloatArray:
        """Return one backup, (S, A).

        Args:
            v: (S,) values.
            discount: γ in [0, 1].
        """
        q = self.expected_next(v)
        q *= discount
        q += self.reward
        return q.reshape(self.num_states, self.num_actions)

    def rounding(self, v: FloatArray, discount: float) -> float:
        """Return a bound on the rounding error of any entry of `q_values`."""
        scale = self.largest_reward + discount * float(np.max(np.abs(v)))
        return 2 * (2 * self.most_outcomes + 4) * UNIT_ROUNDOFF * scale

    def follow(self, actions: IntArray) -> tuple[FloatArray, CSR]:
        """Return mean rewards (S,) and transition matrix (S, S) of the policy that takes ``actions`` (S,)."""
        rows = np.arange(self.num_states) * self.num_actions + actions
        return self.reward[rows], self.transition[rows]


def halves(P: CSR) -> list[CSR]:
    """Return a matrix in two halves for two threads where it is large, else in one piece; nothing is copied."""
    if P.nnz < PARALLEL_SIZE:
        return [P]
    middle = P.shape[0] // 2
    cut = P.indptr[middle]
    upper = (P.data[:cut], P.indices[:cut], P.indptr[: middle + 1])
    lower = (P.data[cut:], P.indices[cut:], P.indptr[middle:] - cut)
    return [
        sparse.csr_array(upper, shape=(middle, P.shape[1])),
        sparse.csr_array(lower, shape=(P.shape[0] - middle, P.shape[1])),
    ]


def product(blocks: list[CSR], v: FloatArray) -> FloatArray:
    """Return the product of a matrix with a vector; SciPy releases the interpreter lock, so halves run at once."""
    if len(blocks) == 1:
        whole: FloatArray = blocks[0] @ v
        return whole
    with ThreadPoolExecutor(len(blocks)) as threads:
        return np.concatenate(list(threads.map(lambda block: block @ v, blocks)))


def row_max(q: FloatArray) -> FloatArray:
    """Return max_a q(s, a), (S,); by columns, several times as fast as a reduction over a short axis."""
    best: FloatArray = q[:, 0].copy()
    for a in range(1, q.shape[1]):
        np.maximum(best, q[:, a], out=best)
    return best


_models: weakref.WeakKeyDictionary[FiniteMDP, Model] = weakref.WeakKeyDictionary()


def model_of(mdp: FiniteMDP) -> Model:
    """Return the model in the form that solvers use; made once for each ``mdp``, and dropped with it.

    Raises:
        InputError: the model changes along a run, so that it has no single truth.

    >>> chain = FiniteMDP.from_arrays(P=[[[0.2, 0.8], [1, 0]], [[0, 1], [1, 0]]], R=[[0, 2], [10, 2]])
    >>> model_of(chain).q_values(np.array([1.0, 2.0]), discount=0.5)
    array([[ 0.9,  2.5],
           [11. ,  2.5]])
    """
    refuse_changes(mdp)
    model = _models.get(mdp)
    if model is None:
        model = _models[mdp] = _build(mdp)
    return model


def refuse_changes(mdp: FiniteMDP) -> None:
    """Raise an `InputError` where the model changes along a run: each of its models has its own truth."""
    if mdp.changes:
        steps = ", ".join(str(at) for at, _ in mdp.changes)
        raise InputError(
            f"{mdp.name} changes at step {steps} of a run; an exact value belongs to one model. Solve each "
            "by itself: dataclasses.replace(mdp, changes=()) is the first, mdp.changes[0][1] the next."
        )


def _build(mdp: FiniteMDP) -> Model:
    cells = mdp.num_states * mdp.num_actions
    counts = np.diff(mdp.offsets)
    legal = counts > 0
    reward = np.full(cells, -np.inf)
    # reduceat wants non-empty segments; the empty ones between them take up no room
    reward[legal] = np.add.reduceat(mdp.probability * mdp.reward, mdp.offsets[:-1][legal])
    small = len(mdp.probability) < np.iinfo(np.int32).max
    offsets = mdp.offsets.astype(np.int32 if small else np.int64)
    data = np.where(mdp.terminated, 0.0, mdp.probability) if mdp.can_terminate else mdp.probability
    P = sparse.csr_array((data, mdp.next_state, offsets), shape=(cells, mdp.num_states))
    if mdp.can_terminate:
        P = P.copy()  # the model's own arrays are read-only
        P.eliminate_zeros()
    paid = mdp.reward != 0
    if mdp.reward_std is not None:
        paid |= mdp.reward_std > 0
    return Model(
        num_states=mdp.num_states,
        num_actions=mdp.num_actions,
        reward=reward,
        transition=P,
        largest_reward=float(np.max(np.abs(mdp.reward))),
        most_outcomes=int(counts.max()),
        ends=_any_outcome(mdp, mdp.terminated, legal),
        pays=_any_outcome(mdp, paid, legal),
    )


def _any_outcome(mdp: FiniteMDP, outcomes: BoolArray, legal: BoolArray) -> BoolArray:
    """Return which rows have an outcome that is among ``outcomes``, (S·A,) bool."""
    rows = np.zeros(len(legal), dtype=np.bool_)
    if outcomes.any():
        rows[legal] = np.logical_or.reduceat(outcomes, mdp.offsets[:-1][legal])
    return rows
