"""Any finite model as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import InvalidAction, ResetNeeded

from qlearn.environments.checks import state_label
from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.errors import InputError


class MDPEnv(gym.Env[np.int64, np.int64]):
    """A finite model that can be stepped: one uniform number a step picks the outcome.

    A noisy reward draws one normal number more, a random first state one uniform number.  The time limit is
    the model's own.  A reset with a seed begins a new run: the steps until a change of the model are counted
    from there.

    Args:
        mdp: the model.
        render_mode: "ansi" for one line of text, or None.

    ``info["action_mask"]`` tells which actions are legal, in Gymnasium's form: int8, 1 where legal.

    >>> from qlearn.environments import make
    >>> env = MDPEnv(make("NChain-v0", slip=0.0))
    >>> observation, info = env.reset(seed=1)
    >>> env.step(1)[:4]
    (0, 2.0, False, False)
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (declared so by Gymnasium)
        "render_modes": ["ansi"],
        "render_fps": 4,
    }

    def __init__(self, mdp: FiniteMDP, render_mode: str | None = None) -> None:
        if render_mode not in (None, "ansi"):
            raise InputError(f"`render_mode` is {render_mode!r}; it must be None or 'ansi'.")
        self.mdp = mdp
        self.render_mode = render_mode
        self.observation_space: spaces.Discrete = spaces.Discrete(mdp.num_states)
        self.action_space: spaces.Discrete = spaces.Discrete(mdp.num_actions)
        self.state: int | None = None
        self.total_steps = 0
        self._elapsed = 0
        self._line = ""

    @property
    def all_legal(self) -> bool:
        """Whether every action is legal everywhere."""
        return bool(self.mdp.legal.all()) and all(bool(later.legal.all()) for _, later in self.mdp.changes)

    @property
    def model(self) -> FiniteMDP:
        """The model that holds at this step of the run."""
        current = self.mdp
        for at, later in self.mdp.changes:
            if self.total_steps >= at:
                current = later
        return current

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Draw the first state; where it is certain, nothing is drawn."""
        super().reset(seed=seed)
        if seed is not None:
            self.total_steps = 0
        possible = np.flatnonzero(self.model.initial)
        if possible.size == 1:
            self.state = int(possible[0])
        else:
            self.state = int(possible[self._pick(self.model.initial[possible])])
        self._elapsed = 0
        self._line = self.mdp.state_name(self.state)
        return self.state, self._info()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Draw one outcome."""
        if self.state is None:
            raise ResetNeeded(f"{self.mdp.name} was stepped before it was reset; an episode starts with `env.reset()`.")
        if not self.action_space.contains(action):
            raise InvalidAction(f"{action!r} is no action; it must be 0 to {self.mdp.num_actions - 1}.")
        model, row = self.model, self.state * self.mdp.num_actions + int(action)
        first, end = model.offsets[row], model.offsets[row + 1]
        if first == end:
            legal = [a for a in range(model.num_actions) if model.legal[self.state, a]]
            raise InvalidAction(
                f"Action {action} is not legal in {state_label(model, self.state)}; legal are {legal}. "
                '`info["action_mask"]` tells.'
            )
        outcome = first + self._pick(model.probability[first:end])
        reward = float(model.reward[outcome])
        if model.reward_std is not None and model.reward_std[outcome] > 0:
            reward += float(model.reward_std[outcome] * self.np_random.standard_normal())
        self._line = f"{model.state_name(self.state)}, {model.action_name(int(action))}: reward {reward:g}, "
        self.state = int(model.next_state[outcome])
        self._line += model.state_name(self.state)
        self.total_steps += 1
        self._elapsed += 1
        truncated = model.time_limit is not None and self._elapsed >= model.time_limit
        return self.state, reward, bool(model.terminated[outcome]), truncated, self._info()

    def _pick(self, probability: Any) -> int:
        cumulative = np.cumsum(probability)
        return min(int(np.searchsorted(cumulative, self.np_random.random(), side="right")), len(cumulative) - 1)

    def _info(self) -> dict[str, Any]:
        return {"action_mask": self.model.legal[self.state].astype(np.int8)}

    def render(self) -> Any:
        """Return the last step in one line."""
        if self.render_mode == "ansi":
            return self._line + "\n"
        gym.logger.warn('This environment has no render mode; make it with render_mode="ansi".')
        return None
