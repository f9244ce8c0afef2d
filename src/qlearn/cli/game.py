"""A game played action by action, which remembers what happened and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from qlearn.environments import FiniteMDP, HostEnvironment, parse
from qlearn.errors import EnvironmentFault, InputError


@dataclass(frozen=True)
class Move:
    """One step: what was chosen, what came of it, and which of the possible outcomes it was."""

    state: int
    action: int
    next_state: int
    reward: float
    terminated: bool
    truncated: bool
    why: list[str]
    slipped: bool | None = None

    def as_data(self) -> dict[str, Any]:
        """Return what the JSON object holds."""
        return {name: value for name, value in vars(self).items() if name != "why" and value is not None}


class Game(Protocol):
    """What can be played."""

    state: int
    names: tuple[str, ...]

    def start(self) -> str:
        """Begin an episode; return where it begins, in words."""

    def act(self, action: int) -> Move:
        """Take one step."""

    def legal(self) -> list[int]:
        """Return the actions that exist here."""

    def describe(self, state: int) -> str:
        """Return what a state is called."""

    def picture(self) -> str:
        """Return a drawing of where we are; empty where there is none."""


@dataclass
class ModelGame:
    """A game on a model: one uniform number a step picks the outcome.

    Args:
        model: what is played.
        seed: of the numbers.
    """

    model: FiniteMDP
    seed: int
    state: int = 0
    steps: int = 0
    names: tuple[str, ...] = ()
    _random: np.random.Generator = field(init=False)
    _map: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)
        self.names = tuple(self.model.action_name(a) for a in range(self.model.num_actions))
        self._map = _lake(self.model)

    def start(self) -> str:
        """Draw the first state; where it is certain, nothing is drawn."""
        possible = np.flatnonzero(self.model.initial)
        picked = 0 if possible.size == 1 else self._pick(self.model.initial[possible])
        self.state, self.steps = int(possible[picked]), 0
        return self.describe(self.state)

    def act(self, action: int) -> Move:
        """Draw one outcome of the action."""
        m, here = self.model, self.state
        row = here * m.num_actions + action
        first, end = int(m.offsets[row]), int(m.offsets[row + 1])
        picked = first + self._pick(m.probability[first:end])
        reward = float(m.reward[picked])
        if m.reward_std is not None and m.reward_std[picked] > 0:
            reward += float(m.reward_std[picked] * self._random.standard_normal())
        self.state, self.steps = int(m.next_state[picked]), self.steps + 1
        return Move(
            state=here,
            action=action,
            next_state=self.state,
            reward=reward,
            terminated=bool(m.terminated[picked]),
            truncated=m.time_limit is not None and self.steps >= m.time_limit,
            why=[self._outcome(k, picked) for k in range(first, end)],
            slipped=self._slipped(picked - first),
        )

    def legal(self) -> list[int]:
        """Return the actions that exist here."""
        return [int(a) for a in np.flatnonzero(self.model.legal[self.state])]

    def describe(self, state: int) -> str:
        """Return what a state is called."""
        return f"state {self.model.state_name(state)}"

    def picture(self) -> str:
        """Return the chain, or the lake, with the present state in brackets."""
        n = self.model.num_states
        if _identity(self.model) == "NChain-v0" and n <= 12:
            return " - ".join(f"[{s}]" if s == self.state else str(s) for s in range(n))
        columns = len(self._map[0]) if self._map else 1
        return "\n".join(
            "".join(f"[{c}]" if r * columns + k == self.state else f" {c} " for k, c in enumerate(line))
            for r, line in enumerate(self._map)
        )

    def _pick(self, probability: Any) -> int:
        cumulative = np.cumsum(probability)
        return min(int(np.searchsorted(cumulative, self._random.random(), side="right")), cumulative.size - 1)

    def _outcome(self, k: int, picked: int) -> str:
        m = self.model
        mark = "  <- this one" if k == picked else ""
        end = ", the end" if m.terminated[k] else ""
        where = self.describe(int(m.next_state[k]))
        return f"{100 * m.probability[k]:.4g}%: {where}, reward {m.reward[k]:g}{end}{mark}"

    def _slipped(self, outcome: int) -> bool | None:
        if _identity(self.model) != "NChain-v0":
            return None
        slip = parse(self.model.name)[1].get("slip", 0.2)
        return bool(slip > 0 and outcome == 0)


@dataclass
class HostGame:
    """A game on an environment that keeps its model to itself.

    Args:
        environment: what is played.
        seed: given to its first reset.
    """

    environment: HostEnvironment
    seed: int
    state: int = 0
    names: tuple[str, ...] = ()
    _env: Any = field(init=False)
    _seed: int | None = field(init=False)

    def __post_init__(self) -> None:
        self._env, self._seed = self.environment.make_env(), self.seed
        self.names = tuple(str(a) for a in range(self.environment.num_actions))

    def start(self) -> str:
        """Reset the environment."""
        observation, _ = self._guarded(self._env.reset, seed=self._seed)
        self._seed, self.state = None, self.environment.encode(observation)
        return self.describe(self.state)

    def act(self, action: int) -> Move:
        """Step the environment."""
        here = self.state
        observation, reward, terminated, truncated, _ = self._guarded(
            self._env.step, self.environment.decode_action(action)
        )
        self.state = self.environment.encode(observation)
        why = [f"{self.environment.name} has no model: {self.environment.reason}."]
        return Move(here, action, self.state, float(reward), bool(terminated), bool(truncated), why)

    def _guarded(self, function: Any, *arguments: Any, **keywords: Any) -> Any:
        try:
            return function(*arguments, **keywords)
        except Exception as error:
            what = f"{type(error).__name__}: {error}".splitlines()[0]
            raise EnvironmentFault(
                f"{self.environment.name} failed while it was played ({what}). Mend the environment."
            ) from error

    def legal(self) -> list[int]:
        """Return all actions."""
        return list(range(len(self.names)))

    def describe(self, state: int) -> str:
        """Return the number of the observation."""
        return f"state {state}"

    def picture(self) -> str:
        """Return nothing: such environments draw in windows of their own."""
        return ""


def game(environment: FiniteMDP | HostEnvironment, seed: int) -> Game:
    """Return the game on an environment."""
    if isinstance(environment, HostEnvironment):
        return HostGame(environment, seed)
    if environment.changes:
        raise InputError(f"{environment.name} changes along a run; play one of its models.")
    return ModelGame(environment, seed)


def _identity(model: FiniteMDP) -> str:
    return parse(model.name)[0]


def _lake(model: FiniteMDP) -> list[str]:
    if not _identity(model).startswith("FrozenLake") or model.make_env is None:
        return []
    env: Any = model.make_env()
    lines = ["".join(row) for row in env.unwrapped.desc.astype(str)]
    env.close()
    return lines if len(lines[0]) <= 12 else []
