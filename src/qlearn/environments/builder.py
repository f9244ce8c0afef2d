"""A model written down the way a problem is stated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Unpack

import numpy as np

from qlearn.environments.checks import known_names
from qlearn.environments.finite_mdp import Details, FiniteMDP
from qlearn.errors import InputError


class _Outcome(NamedTuple):
    state: str | None  # None: it stays, and the episode ends
    probability: float | None  # None: whatever is left
    reward: float
    noise: float
    ends: bool


class Clause:
    """What happens when an action is taken in a state; made by `MDPBuilder.on`."""

    def __init__(self, builder: MDPBuilder, state: str, action: str) -> None:
        self._builder, self._state, self._action = builder, state, action
        self._outcomes: list[_Outcome] = []

    def goes_to(
        self,
        state: str,
        *,
        probability: float | None = None,
        reward: float = 0.0,
        reward_noise: float = 0.0,
        ends: bool = False,
    ) -> Clause:
        """Add an outcome that leads to a state.

        Args:
            state: where it leads.
            probability: 0 to 1 (with 0 it never happens); left out, whatever the other outcomes leave.
            reward: what it pays.
            reward_noise: standard deviation of normal noise on the reward, 0 or more.
            ends: whether the episode ends there.

        Returns:
            The same clause, for the next outcome.
        """
        self._builder._mention_state(state)
        return self._add(_Outcome(state, probability, float(reward), float(reward_noise), ends))

    def stays(self, *, probability: float | None = None, reward: float = 0.0, reward_noise: float = 0.0) -> Clause:
        """Add an outcome that changes nothing; the arguments are those of `goes_to`."""
        return self.goes_to(self._state, probability=probability, reward=reward, reward_noise=reward_noise)

    def ends(self, *, probability: float | None = None, reward: float = 0.0, reward_noise: float = 0.0) -> Clause:
        """Add an outcome that ends the episode; the arguments are those of `goes_to`."""
        return self._add(_Outcome(None, probability, float(reward), float(reward_noise), True))

    def _add(self, outcome: _Outcome) -> Clause:
        if outcome.probability is None and any(known.probability is None for known in self._outcomes):
            raise InputError(
                f"On {self._action!r} in {self._state!r} two outcomes have no probability; at most one can "
                "take what is left. Give `probability=` to the others."
            )
        self._outcomes.append(outcome)
        return self

    def _rows(self) -> list[_Outcome]:
        """Return the outcomes with every probability known."""
        given = sum(outcome.probability or 0.0 for outcome in self._outcomes)
        rest = 1.0 - given
        if any(outcome.probability is None for outcome in self._outcomes) and rest <= 0:
            raise InputError(
                f"On {self._action!r} in {self._state!r} the outcomes leave nothing for the one without a "
                f"probability: the others sum to {given:.6g}. Lower them, or leave that outcome out."
            )
        known = [o if o.probability is not None else o._replace(probability=rest) for o in self._outcomes]
        return [o for o in known if o.probability != 0]


class MDPBuilder:
    """Builds a `FiniteMDP` from sentences; states and actions are numbered in the order of their naming.

    Args:
        name: what the model is called.

    Two rooms, a door that sticks half of the time, and a way out:

    >>> b = MDPBuilder("Two rooms")
    >>> b.starts_in("hall")
    >>> _ = b.on("hall", "push").goes_to("study", probability=0.5, reward=1).stays()
    >>> _ = b.on("hall", "leave").ends()
    >>> _ = b.on("study", "leave").ends(reward=10, reward_noise=2)
    >>> b.ends_after(100)
    >>> mdp = b.build()
    >>> mdp.state_names, mdp.action_names
    (('hall', 'study'), ('push', 'leave'))
    >>> mdp.legal
    array([[ True,  True],
           [False,  True]])
    """

    def __init__(self, name: str = "FiniteMDP") -> None:
        self._name = name
        self._states: dict[str, int] = {}
        self._actions: dict[str, int] = {}
        self._declared: set[str] = set()
        self._clauses: dict[tuple[str, str], Clause] = {}
        self._terminals: set[str] = set()
        self._start: dict[str, float] = {}
        self._time_limit: int | None = None

    def states(self, *names: str) -> None:
        """Declare all states, in this order; any other name is an error from then on."""
        for name in names:
            self._mention_state(name)
        self._declared.add("states")

    def actions(self, *names: str) -> None:
        """Declare all actions, in this order; any other name is an error from then on."""
        for name in names:
            self._mention(name, self._actions, "actions")
        self._declared.add("actions")

    def on(self, state: str, action: str) -> Clause:
        """Begin, or go on with, what happens when ``action`` is taken in ``state``."""
        self._mention_state(state)
        self._mention(action, self._actions, "actions")
        return self._clauses.setdefault((state, action), Clause(self, state, action))

    def terminal(self, *states: str) -> None:
        """Say that every arrival in these states ends the episode."""
        for state in states:
            self._mention_state(state)
        self._terminals.update(states)

    def starts_in(self, start: str | Mapping[str, float]) -> None:
        """Say where an episode starts: in one state, or in states with given probabilities.

        Without this it starts in the first state that was named.
        """
        self._start = {start: 1.0} if isinstance(start, str) else dict(start)
        for state in self._start:
            self._mention_state(state)

    def ends_after(self, steps: int) -> None:
        """Set the time limit: an episode is truncated after so many steps."""
        self._time_limit = steps

    def _mention_state(self, name: str) -> None:
        self._mention(name, self._states, "states")

    def _mention(self, name: str, known: dict[str, int], what: str) -> None:
        if not isinstance(name, str):
            raise InputError(f"{name!r} is no name; {what} are named by text.")
        if name not in known and what in self._declared:
            raise InputError(f"{name!r} is not among the declared {what}{known_names(what, name, list(known))}")
        known.setdefault(name, len(known))

    def build(self, **details: Unpack[Details]) -> FiniteMDP:
        """Return the model.

        Args:
            **details: make_env, or another name or time limit; see `FiniteMDP`.

        Raises:
            InputError: naming the state and the action whose outcomes do not add up, or a state without any
                action.
        """
        P: list[list[list[tuple[float, int, float, bool]]]] = []
        noise: list[float] = []
        for state, number in self._states.items():
            P.append([])
            has_action = any((state, action) in self._clauses for action in self._actions)
            for action in self._actions:
                clause = self._clauses.get((state, action))
                rows = clause._rows() if clause else []
                P[-1].append([self._outcome(number, row) for row in rows])
                noise += [row.noise for row in rows]
                if not has_action and state in self._terminals | self._only_ended_in():
                    P[-1][-1].append((1.0, number, 0.0, True))
                    noise.append(0.0)
        fields: dict[str, Any] = {
            "name": self._name,
            "time_limit": self._time_limit,
            "state_names": tuple(self._states),
            "action_names": tuple(self._actions),
            **details,
        }
        model = FiniteMDP.from_gymnasium(P, initial=self._initial(), **fields)
        if any(noise):
            from dataclasses import replace

            return replace(model, reward_std=np.array(noise))
        return model

    def _only_ended_in(self) -> set[str]:
        """Return the states that some outcome ends in and none goes on from."""
        outcomes = [outcome for clause in self._clauses.values() for outcome in clause._outcomes]
        ended = {o.state for o in outcomes if o.ends and o.state is not None}
        return ended - {o.state for o in outcomes if not o.ends and o.state is not None}

    def _outcome(self, number: int, row: _Outcome) -> tuple[float, int, float, bool]:
        assert row.probability is not None
        if row.state is None:
            return row.probability, number, row.reward, True
        return row.probability, self._states[row.state], row.reward, row.ends or row.state in self._terminals

    def _initial(self) -> list[float]:
        start = self._start or dict.fromkeys(list(self._states)[:1], 1.0)
        return [float(start.get(state, 0.0)) for state in self._states]
