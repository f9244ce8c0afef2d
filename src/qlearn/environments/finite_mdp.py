"""A finite problem whose model is known: for every state and action, what can happen and how likely it is.

The outcomes of all (state, action) pairs lie one after another in flat arrays, as the entries of a sparse
matrix do: those of action ``a`` in state ``s`` are ``offsets[s * num_actions + a] : offsets[s * num_actions +
a + 1]``.  So a million states with four actions and a few outcomes each fit into some hundred megabytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlearn.environments import checks, conversion
from qlearn.environments.conversion import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    import gymnasium as gym
    from scipy.sparse import csr_array

__all__ = ["BoolArray", "FiniteMDP", "FloatArray", "IntArray"]

EnvMaker: TypeAlias = "Callable[[], gym.Env[Any, Any]]"
_DTYPES: dict[str, Any] = {
    "offsets": np.int64,
    "probability": np.float64,
    "next_state": np.int32,
    "reward": np.float64,
    "terminated": np.bool_,
    "initial": np.float64,
    "reward_std": np.float64,
}


class Details(TypedDict, total=False):
    """What a model may have besides its outcomes, by keyword in every way of making a `FiniteMDP`."""

    name: str
    time_limit: int | None
    state_names: Sequence[str] | None
    action_names: Sequence[str] | None
    make_env: EnvMaker | None


@dataclass(frozen=True, eq=False, repr=False)
class FiniteMDP:
    """A finite Markov decision process as flat arrays of outcomes.

    Usually made by `FiniteMDP.from_gymnasium`, `FiniteMDP.from_arrays`, `MDPBuilder` or `qlearn.make`.  The
    arrays are checked once, when the model is made, and are read-only from then on.

    Args:
        name: what a user can type again, for example ``"FrozenLake-v1(map_name='8x8')"``.
        num_states: S, at least 1.
        num_actions: A, at least 1.
        offsets: (S·A + 1,) int64; where the outcomes of each (state, action) begin.  Where a row is empty the
            action is not legal in that state; every state has at least one legal action.
        probability: (n,) float64, > 0; each row sums to 1 ± 1e-9.
        next_state: (n,) int32 in [0, S).
        reward: (n,) float64, finite.
        terminated: (n,) bool; True where the episode ends with this outcome.  Bootstrapping stops there,
            whatever the next state is.
        initial: (S,) float64; the distribution of the first state, sums to 1 ± 1e-9.
        reward_std: (n,) float64 ≥ 0, the standard deviation of normal noise on the reward; None where there
            is none.
        time_limit: steps after which an episode is truncated; None where there is no limit.
        state_names: S distinct names, or None.
        action_names: A distinct names, or None.
        changes: pairs (step, model): from that total step of a run on, the other model holds.
        make_env: makes the Gymnasium environment that this model came from; None where there is none.

    Raises:
        InputError: naming the offending state and action.

    A uniform number u in [0, 1) picks the first outcome of a row whose cumulative probability exceeds u, so
    the order of outcomes is part of the model.

    >>> mdp = FiniteMDP.from_arrays(P=[[[0.2, 0.8], [1, 0]], [[0, 1], [1, 0]]], R=[[0, 2], [10, 2]])
    >>> mdp.expected_reward
    array([[ 0.,  2.],
           [10.,  2.]])
    """

    name: str
    num_states: int
    num_actions: int
    offsets: IntArray
    probability: FloatArray
    next_state: IntArray
    reward: FloatArray
    terminated: BoolArray
    initial: FloatArray
    reward_std: FloatArray | None = None
    time_limit: int | None = None
    state_names: tuple[str, ...] | None = None
    action_names: tuple[str, ...] | None = None
    changes: tuple[tuple[int, FiniteMDP], ...] = ()
    make_env: EnvMaker | None = None

    def __post_init__(self) -> None:
        for field, dtype in _DTYPES.items():
            if getattr(self, field) is not None:
                object.__setattr__(self, field, checks.frozen_array(field, getattr(self, field), dtype))
        for field in ("state_names", "action_names"):
            if getattr(self, field) is not None:
                object.__setattr__(self, field, tuple(map(str, getattr(self, field))))
        object.__setattr__(self, "changes", tuple((at, model) for at, model in self.changes))
        checks.check(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for value in state.values():
            if isinstance(value, np.ndarray):  # NumPy forgets on the way that it may not be written
                value.setflags(write=False)

    @classmethod
    def from_gymnasium(
        cls,
        P: Mapping[int, Any] | Sequence[Any],
        *,
        initial: int | ArrayLike = 0,
        normalize: bool = False,
        **details: Unpack[Details],
    ) -> FiniteMDP:
        """Make a model from the table that Gymnasium's toy-text environments call ``P``.

        Args:
            P: ``P[state][action]`` is a list of ``(probability, next_state, reward, terminated)``.  Outcomes
                of probability 0 are dropped; an action without outcomes, or absent, is not legal there.
            initial: the first state, or its distribution, (S,).
            normalize: divide each row by its sum, where rows sum to 1 only roughly.
            **details: name, time_limit, state_names, action_names, make_env; see `FiniteMDP`.

        Returns:
            The model, its outcomes in the order of ``P``.

        Raises:
            InputError: naming the offending state and action.

        >>> FiniteMDP.from_gymnasium({0: {0: [(0.5, 0, 0.0, False), (0.5, 0, 1.0, True)]}}).num_states
        1
        """
        outcomes = conversion.outcomes_from_gymnasium(P)
        return cls._assemble(outcomes, initial, normalize, details)

    @classmethod
    def from_arrays(
        cls,
        P: Any,
        R: Any,
        *,
        initial: int | ArrayLike = 0,
        terminals: Sequence[int] | ArrayLike = (),
        normalize: bool = False,
        **details: Unpack[Details],
    ) -> FiniteMDP:
        """Make a model from transition probabilities and rewards, dense or SciPy-sparse.

        Args:
            P: one of: an array (S, A, S) with ``P[s, a, s']``; a list with one (S, S) matrix for each action,
                dense or sparse; one sparse matrix (S·A, S) whose row s·A + a belongs to (s, a).  A row of
                zeros means that the action is not legal there.
            R: rewards: one number, (S,), (S, A), or one for each transition in any of the forms of ``P``.
            initial: the first state, or its distribution, (S,).
            terminals: states whose arrival ends the episode, as numbers or as (S,) bool.
            normalize: divide each row by its sum, where rows sum to 1 only roughly.
            **details: name, time_limit, state_names, action_names, make_env; see `FiniteMDP`.

        Returns:
            The model, the outcomes of a row in the order of the next state.

        Raises:
            InputError: naming the offending state and action.

        >>> walk = FiniteMDP.from_arrays([[[0, 1.0]], [[1, 0]]], R=1.0, terminals=[1])
        >>> bool(walk.terminated[0])
        True
        """
        outcomes = conversion.outcomes_from_arrays(P, R, terminals)
        return cls._assemble(outcomes, initial, normalize, details)

    @classmethod
    def _assemble(
        cls, outcomes: conversion.Outcomes, initial: int | ArrayLike, normalize: bool, details: Details
    ) -> FiniteMDP:
        if normalize:
            outcomes = conversion.normalized(outcomes)
        fields: dict[str, Any] = {"name": "FiniteMDP", **details, **outcomes}
        return cls(initial=conversion.distribution(initial, outcomes["num_states"]), **fields)

    def changing_to(self, other: FiniteMDP, at_step: int) -> FiniteMDP:
        """Return this model, replaced by ``other`` from total step ``at_step`` of a run on.

        >>> short = FiniteMDP.from_arrays([[[1.0]]], R=1.0, name="short")
        >>> short.changing_to(FiniteMDP.from_arrays([[[1.0]]], R=2.0), at_step=1000).changes[0][0]
        1000
        """
        return replace(self, changes=(*self.changes, (at_step, other)))

    @cached_property
    def legal(self) -> BoolArray:
        """(S, A) bool: which actions exist in which states."""
        legal: BoolArray = (np.diff(self.offsets) > 0).reshape(self.num_states, self.num_actions)
        legal.setflags(write=False)
        return legal

    @cached_property
    def can_terminate(self) -> bool:
        """Whether any outcome ends an episode; where none does, only a time limit can."""
        return bool(self.terminated.any())

    @cached_property
    def terminal_states(self) -> BoolArray:
        """(S,) bool: states entered only by outcomes that end the episode, and in which none starts."""
        terminal = np.zeros(self.num_states, dtype=np.bool_)
        terminal[self.next_state[self.terminated]] = True
        rows = np.repeat(np.arange(self.num_states), np.diff(self.offsets[:: self.num_actions]))
        onward = ~self.terminated & (rows != self.next_state)  # that it stays in itself makes no state reachable
        terminal[self.next_state[onward]] = False
        terminal[self.initial > 0] = False
        terminal.setflags(write=False)
        return terminal

    @cached_property
    def expected_reward(self) -> FloatArray:
        """(S, A) float64: the mean reward of each action; 0 where it is not legal."""
        cells = self.num_states * self.num_actions
        rows = np.repeat(np.arange(cells), np.diff(self.offsets))
        mean = np.asarray(np.bincount(rows, weights=self.probability * self.reward, minlength=cells), np.float64)
        mean = mean.reshape(self.num_states, self.num_actions)
        mean.setflags(write=False)
        return mean

    def transition_matrix(self) -> csr_array[Any, tuple[int, int]]:
        """Return the probability of going on to each state, sparse (S·A, S).

        Outcomes that end the episode are left out, so a row sums to the probability that the episode goes on.
        """
        from scipy.sparse import csr_array

        shape = (self.num_states * self.num_actions, self.num_states)
        going_on = np.where(self.terminated, 0.0, self.probability)
        matrix = csr_array((going_on, self.next_state.copy(), self.offsets.copy()), shape=shape)
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return matrix

    @cached_property
    def digest(self) -> str:
        """The sha256, in hex, of everything that makes the model what it is; names do not count."""
        content = hashlib.sha256(f"{self.num_states} {self.num_actions} {self.time_limit}".encode())
        for field in _DTYPES:
            array: NDArray[Any] | None = getattr(self, field)
            content.update(f" {field} ".encode())
            if array is not None:
                content.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        for at, model in self.changes:
            content.update(f" {at} {model.digest}".encode())
        return content.hexdigest()

    def state_name(self, state: int) -> str:
        """Return what a state is called; its number where it has no name."""
        return str(state) if self.state_names is None else self.state_names[state]

    def action_name(self, action: int) -> str:
        """Return what an action is called; its number where it has no name."""
        return str(action) if self.action_names is None else self.action_names[action]

    def __repr__(self) -> str:
        limit = "" if self.time_limit is None else f", time limit {self.time_limit}"
        changes = f", changes at step {', '.join(str(at) for at, _ in self.changes)}" if self.changes else ""
        return f"<FiniteMDP {self.name}: {self.num_states} states, {self.num_actions} actions{limit}{changes}>"
