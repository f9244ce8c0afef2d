"""NChain-v0, the tutorial's problem: go forward through a chain for a large reward, or back for a small one.

n states in a row, two actions.  Forward (0) leads one state on and pays nothing; in the last state it stays
there and pays ``large``.  Backward (1) leads to state 0 from anywhere and pays ``small``.  With probability
``slip`` the other action is carried out.  An episode is ended by the clock alone, after 1,000 steps.

Source: Strens, A Bayesian Framework for Reinforcement Learning, 2000; Gym's NChain-v0, removed in 2021.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import InvalidAction, ResetNeeded

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.registration import MAX_EPISODE_STEPS
from qlearn.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORWARD, BACKWARD = 0, 1
ACTION_NAMES = ("forward", "backward")


def check_arguments(n: Any, slip: Any, small: Any, large: Any) -> None:
    """Raise an `InputError` that names the argument which makes no chain."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise InputError(f"`n` is {n!r}; the chain needs a whole number of states, at least 1. The tutorial's is n=5.")
    for name, number in (("slip", slip), ("small", small), ("large", large)):
        if isinstance(number, bool) or not isinstance(number, int | float | np.integer | np.floating):
            raise InputError(f"`{name}` is {number!r}; it must be a number.")
    if not 0 <= slip <= 1:
        raise InputError(f"`slip` is {slip!r}; it must be a probability, 0 to 1. The tutorial's is slip=0.2.")
    for name, reward in (("small", small), ("large", large)):
        if not math.isfinite(reward):
            raise InputError(f"`{name}` is {reward!r}; a reward must be finite. Give a number.")


class NChainEnv(gym.Env[np.int64, np.int64]):
    """The chain as a Gymnasium environment; one uniform number is drawn every step, none at a reset.

    Args:
        n: number of states, at least 1.
        slip: probability that the other action is carried out, 0 to 1.
        small: reward for going back.
        large: reward for going forward in the last state.
        render_mode: "ansi" for text, "rgb_array" for a picture, None for neither.

    ``info["slipped"]`` tells after each step whether the action was flipped.

    >>> env = gym.make("NChain-v0", slip=0.0)
    >>> observation, info = env.reset(seed=1)
    >>> env.step(0)
    (1, 0.0, False, False, {'slipped': False})
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (declared so by Gymnasium)
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 4,
    }

    def __init__(
        self,
        n: int = 5,
        slip: float = 0.2,
        small: float = 2,
        large: float = 10,
        render_mode: str | None = None,
    ) -> None:
        check_arguments(n, slip, small, large)
        self.n, self.slip, self.small, self.large = int(n), float(slip), float(small), float(large)
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise InputError(f"`render_mode` is {render_mode!r}; it must be None, 'ansi' or 'rgb_array'.")
        self.render_mode = render_mode
        self.observation_space: spaces.Discrete = spaces.Discrete(self.n)
        self.action_space: spaces.Discrete = spaces.Discrete(2)
        self.state: int | None = None
        self.last_action: int | None = None
        self.last_reward = 0.0
        self.slipped = False
        self._drawing: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Go to state 0."""
        super().reset(seed=seed)
        self.state, self.last_action, self.last_reward, self.slipped = 0, None, 0.0, False
        return self.state, {"slipped": False}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Carry out the action, or with probability ``slip`` the other one."""
        if self.state is None:
            raise ResetNeeded("NChain was stepped before it was reset; an episode starts with `env.reset()`.")
        if not self.action_space.contains(action):
            raise InvalidAction(f"{action!r} is no action of NChain; it must be 0 (forward) or 1 (backward).")
        self.last_action = int(action)
        self.slipped = bool(self.np_random.random() < self.slip)
        carried_out = 1 - self.last_action if self.slipped else self.last_action
        if carried_out == BACKWARD:
            self.state, self.last_reward = 0, self.small
        elif self.state < self.n - 1:
            self.state, self.last_reward = self.state + 1, 0.0
        else:
            self.last_reward = self.large
        return self.state, self.last_reward, False, False, {"slipped": self.slipped}

    def render(self) -> Any:
        """Return the chain as text ("ansi") or as an RGB image ("rgb_array"), height × width × 3 bytes."""
        if self.state is None:
            raise ResetNeeded("NChain was drawn before it was reset; an episode starts with `env.reset()`.")
        if self.render_mode == "ansi":
            return self._text()
        if self.render_mode == "rgb_array":
            return self._image()
        gym.logger.warn('NChain has no render mode; make it with render_mode="ansi" or "rgb_array".')
        return None

    def what_happened(self) -> str:
        """Return the last step in words."""
        if self.last_action is None:
            return "start"
        chosen, other = ACTION_NAMES[self.last_action], ACTION_NAMES[1 - self.last_action]
        done = f"{chosen}, slipped: {other}" if self.slipped else chosen
        return f"{done}, reward {self.last_reward:g}"

    def _text(self) -> str:
        row = " - ".join(f"({s})" if s == self.state else f" {s} " for s in range(self.n))
        return f"{row}   {self.what_happened()}\n"

    def _image(self) -> NDArray[np.uint8]:
        from qlearn.environments.nchain_drawing import ChainDrawing

        if self._drawing is None:
            self._drawing = ChainDrawing(self.n, self.small, self.large)
        assert self.state is not None
        image: NDArray[np.uint8] = self._drawing.draw(self.state, self.last_action, self.slipped, self.what_happened())
        return image


def nchain_model(
    n: int = 5,
    slip: float = 0.2,
    small: float = 2,
    large: float = 10,
    *,
    max_episode_steps: int | None = MAX_EPISODE_STEPS,
    name: str = "NChain-v0",
) -> FiniteMDP:
    """Return the chain's model; in every state and action outcome 0 is the slip.

    Args:
        n: number of states, at least 1.
        slip: probability that the other action is carried out, 0 to 1.
        small: reward for going back.
        large: reward for going forward in the last state.
        max_episode_steps: the time limit; None for none.
        name: what the model is called.

    Returns:
        The model, with one outcome where ``slip`` is 0 or 1 and two elsewhere.

    Raises:
        InputError: where an argument makes no chain.

    >>> nchain_model().probability[:2], nchain_model().reward[:2]
    (array([0.2, 0.8]), array([2., 0.]))
    """
    check_arguments(n, slip, small, large)
    state = np.arange(n)
    next_state = np.stack([np.minimum(state + 1, n - 1), np.zeros(n, dtype=np.int64)])  # by action carried out
    reward = np.stack([np.where(state == n - 1, float(large), 0.0), np.full(n, float(small))])
    # Axes (state, chosen action, outcome): the action carried out is the other one, then the chosen one.
    carried_out = np.broadcast_to(np.array([[1, 0], [0, 1]]), (n, 2, 2))
    probability = np.broadcast_to(np.array([slip, 1 - slip]), (n, 2, 2))
    possible = probability > 0
    where = np.broadcast_to(state[:, None, None], (n, 2, 2))
    arguments = {"n": n, "slip": slip, "small": small, "large": large}
    return FiniteMDP(
        name=name,
        num_states=n,
        num_actions=2,
        offsets=np.concatenate([[0], np.cumsum(possible.sum(axis=2))]),
        probability=probability[possible],
        next_state=next_state[carried_out, where][possible].astype(np.int32),
        reward=reward[carried_out, where][possible],
        terminated=np.zeros(int(possible.sum()), dtype=np.bool_),
        initial=(state == 0).astype(np.float64),
        time_limit=max_episode_steps,
        action_names=ACTION_NAMES,
        make_env=partial(_make_env, -1 if max_episode_steps is None else max_episode_steps, arguments),
    )


def _make_env(max_episode_steps: int, arguments: dict[str, Any]) -> gym.Env[Any, Any]:
    env: gym.Env[Any, Any] = gym.make("NChain-v0", max_episode_steps=max_episode_steps, **arguments)
    return env
