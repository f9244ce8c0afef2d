"""A game played action by action, which remembers what happened and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from qlearn.environments import FiniteMDP, HostEnvironment, parse
from qlearn.environments.parts import MASK
from qlearn.errors import EnvironmentFault

_WIDEST = 20  # columns up to which a map fits into a terminal


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
    total: int = 0
    names: tuple[str, ...] = ()
    _random: np.random.Generator = field(init=False)
    _map: list[str] = field(init=False)
    _places: list[tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)
        self.names = tuple(self.model.action_name(a) for a in range(self.model.num_actions))
        self._map, self._places = _drawn(self.model)

    def start(self) -> str:
        """Draw the first state; where it is certain, nothing is drawn."""
        possible = np.flatnonzero(self.model.initial)
        picked = 0 if possible.size == 1 else self._pick(self.model.initial[possible])
        self.state, self.steps = int(possible[picked]), 0
        return self.describe(self.state)

    def act(self, action: int) -> Move:
        """Draw one outcome of the action."""
        m, here = self._present, self.state
        row = here * m.num_actions + action
        first, end = int(m.offsets[row]), int(m.offsets[row + 1])
        picked = first + self._pick(m.probability[first:end])
        reward = float(m.reward[picked])
        if m.reward_std is not None and m.reward_std[picked] > 0:
            reward += float(m.reward_std[picked] * self._random.standard_normal())
        self.state, self.steps, self.total = int(m.next_state[picked]), self.steps + 1, self.total + 1
        return Move(
            state=here,
            action=action,
            next_state=self.state,
            reward=reward,
            terminated=bool(m.terminated[picked]),
            truncated=m.time_limit is not None and self.steps >= m.time_limit,
            why=[self._outcome(m, k, picked) for k in range(first, end)],
            slipped=self._slipped(picked - first),
        )

    @property
    def _present(self) -> FiniteMDP:
        """The model that holds at this step of the game."""
        held = [self.model, *(later for at, later in self.model.changes if self.total >= at)]
        return held[-1]

    def legal(self) -> list[int]:
        """Return the actions that exist here."""
        return [int(a) for a in np.flatnonzero(self.model.legal[self.state])]

    def describe(self, state: int) -> str:
        """Return what a state is called."""
        return f"state {self.model.state_name(state)}"

    def picture(self) -> str:
        """Return the chain, or the map, with the present state in brackets."""
        if self._places and len(self._map) == 1:
            return " - ".join(f"[{name}]" if s == self.state else name for s, name in enumerate(self._names()))
        here = self._places[self.state] if self._places else None
        rows = _drawn(self._present)[0] if self.model.changes else self._map
        return "\n".join(
            "".join(f"[{c}]" if (k, r) == here else f" {c} " for k, c in enumerate(line)) for r, line in enumerate(rows)
        )

    def _names(self) -> list[str]:
        return [self.model.state_name(s) for s in range(self.model.num_states)]

    def _pick(self, probability: Any) -> int:
        cumulative = np.cumsum(probability)
        return min(int(np.searchsorted(cumulative, self._random.random(), side="right")), cumulative.size - 1)

    def _outcome(self, m: FiniteMDP, k: int, picked: int) -> str:
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
    _mask: Any = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._env, self._seed = self.environment.make_env(), self.seed
        self.names = tuple(str(a) for a in range(self.environment.num_actions))

    def start(self) -> str:
        """Reset the environment."""
        observation, info = self._guarded(self._env.reset, seed=self._seed)
        self._seed, self.state = None, self._read(observation, info)
        return self.describe(self.state)

    def act(self, action: int) -> Move:
        """Step the environment."""
        here = self.state
        observation, reward, terminated, truncated, info = self._guarded(
            self._env.step, self.environment.decode_action(action)
        )
        self.state = self._read(observation, info, over=bool(terminated))
        why = [f"{self.environment.name} has no model: {self.environment.reason}."]
        return Move(here, action, self.state, float(reward), bool(terminated), bool(truncated), why)

    def _read(self, observation: Any, info: Any, *, over: bool = False) -> Any:
        """What is seen, without the legal actions, which are kept aside."""
        world = self.environment
        if not world.parts:
            return world.encode(observation)
        found = world.read(observation, world.mask_of(self._env, info), over=over)
        self._mask = found.pop(MASK, None)
        if len(found) > 1:
            return found
        alone = next(iter(found.values()))
        return alone if alone.ndim else int(alone)

    def _guarded(self, function: Any, *arguments: Any, **keywords: Any) -> Any:
        try:
            return function(*arguments, **keywords)
        except Exception as error:
            what = f"{type(error).__name__}: {error}".splitlines()[0]
            raise EnvironmentFault(
                f"{self.environment.name} failed while it was played ({what}). Mend the environment."
            ) from error

    def legal(self) -> list[int]:
        """Return the actions that exist here: all, where the environment says nothing of it."""
        return list(range(len(self.names))) if self._mask is None else [int(a) for a in np.flatnonzero(self._mask)]

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
    return ModelGame(environment, seed)


def _identity(model: FiniteMDP) -> str:
    return parse(model.name)[0]


def _drawn(model: FiniteMDP) -> tuple[list[str], list[tuple[int, int]]]:
    """Return the rows of a map, and where in it (column, row) each state lies; nothing where it has no shape."""
    from qlearn.reports.policy_layout import layout_of

    plan = layout_of(model)
    if plan.places is None or (plan.columns > _WIDEST and plan.rows > 1) or (plan.rows == 1 and plan.columns > 12):
        return [], []
    places = list(plan.places)
    if lake := _lake(model):
        return lake, places
    symbols = [["#"] * plan.columns for _ in range(plan.rows)]
    entered = np.isin(np.arange(model.num_states), model.next_state[_moving(model)]) | (model.initial > 0)
    many = int((model.initial > 0).sum()) > 4
    for s, (column, row) in enumerate(places):
        symbols[row][column] = "G" if model.terminal_states[s] else "S" if model.initial[s] > 0 and not many else "."
        if not entered[s]:
            symbols[row][column] = "#"  # at this time: a wall that opens, or has closed
    return ["".join(row) for row in symbols], places


def _moving(model: FiniteMDP) -> Any:
    """Return which outcomes lead to another state."""
    row = np.repeat(np.arange(len(model.offsets) - 1), np.diff(model.offsets)) // model.num_actions
    return model.next_state != row


def _lake(model: FiniteMDP) -> list[str]:
    """Return the map of a frozen lake, which tells holes from the goal."""
    if not _identity(model).startswith("FrozenLake") or model.make_env is None:
        return []
    env: Any = model.make_env()
    lines = ["".join(row) for row in env.unwrapped.desc.astype(str)]
    env.close()
    return lines
