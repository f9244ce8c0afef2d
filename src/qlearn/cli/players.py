"""Something that a learnt policy plays, one step after another, with what can be seen of it."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.observed import alone
from qlearn.cli.game import ModelGame
from qlearn.engine import noise
from qlearn.environments import FiniteMDP, HostEnvironment, JaxEnvironment, make, parse
from qlearn.environments.parts import MASK
from qlearn.errors import EnvironmentFault, QlearnError

Image = np.ndarray[Any, Any]
OFF_SCREEN = "dummy"
_CHANNELS = ((79, 129, 189), (192, 80, 77), (155, 187, 89), (128, 100, 162), (247, 150, 70), (75, 172, 198),
             (230, 200, 60), (120, 120, 120), (200, 120, 170), (90, 160, 140))  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Now:
    """Where a game stands.

    Args:
        seen: what the agent is given: a state's number, an array, or a dict of arrays.
        legal: which actions there are, (A,) bool.
        image: (rows, columns, 3) uint8, what the environment draws; None where it draws nothing.
        text: the same in letters; empty where there is nothing.
    """

    seen: Any
    legal: Any
    image: Image | None = None
    text: str = ""


class Player(Protocol):
    """What is played."""

    names: tuple[str, ...]

    def start(self) -> Now:
        """Begin an episode."""

    def step(self, action: int) -> tuple[Now, float, bool, bool]:
        """Take a step; gives where that led, the reward, and whether the episode ended or was cut off."""

    def close(self) -> None:
        """Give back what is held."""


class ModelPlayer:
    """A finite model, drawn in letters."""

    def __init__(self, model: FiniteMDP, seed: int) -> None:
        self._game = ModelGame(model, seed)
        self.names = self._game.names

    def start(self) -> Now:
        """Draw a start."""
        self._game.start()
        return self._now()

    def step(self, action: int) -> tuple[Now, float, bool, bool]:
        """Draw one outcome."""
        move = self._game.act(action)
        return self._now(), move.reward, move.terminated, move.truncated

    def close(self) -> None:
        """Nothing is held."""

    def _now(self) -> Now:
        state = self._game.state
        legal = np.isin(np.arange(len(self.names)), self._game.legal())
        return Now(state, legal, None, self._game.picture() or self._game.describe(state))


class HostPlayer:
    """An environment of Gymnasium's, with its own picture where it draws one."""

    def __init__(self, world: HostEnvironment, seed: int, env: Any = None, model: FiniteMDP | None = None) -> None:
        self._world = world
        self._map = None if model is None else ModelGame(model, seed)
        self._seed: int | None = seed
        self._env = world.make_env() if env is None else env
        self._draws = getattr(self._env, "render_mode", None) == "rgb_array"
        self.names = tuple(str(a + world.action_start) for a in range(world.num_actions))
        if self._map is not None:
            self.names = self._map.names

    def start(self) -> Now:
        """Reset it, the first time with the seed."""
        seed, self._seed = self._seed, None
        observation, info = self._guarded(self._env.reset, seed=seed)
        return self._now(observation, info)

    def step(self, action: int) -> tuple[Now, float, bool, bool]:
        """Step it."""
        observation, reward, terminated, truncated, info = self._guarded(
            self._env.step, self._world.decode_action(action)
        )
        return self._now(observation, info, bool(terminated)), float(reward), bool(terminated), bool(truncated)

    def close(self) -> None:
        """Close it."""
        if not self._world.single:
            self._env.close()

    def _now(self, observation: Any, info: Any, over: bool = False) -> Now:
        legal = np.ones(len(self.names), bool)
        if self._world.parts:
            seen: Any = self._world.read(observation, self._world.mask_of(self._env, info), over=over)
            legal = np.asarray(seen.get(MASK, legal))
        else:
            seen = self._world.encode(observation)
        image = self._guarded(self._env.render) if self._draws else image_of(seen)
        text = _short(seen)
        if self._map is not None:  # a table's agent is given the state alone
            seen = self._map.state = int(alone(seen))
            legal, text = np.isin(np.arange(len(self.names)), self._map.legal()), self._map.picture() or text
        return Now(seen, legal, None if image is None else np.asarray(image, np.uint8)[..., :3], text)

    def _guarded(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        try:
            return function(*arguments, **keywords)
        except QlearnError:
            raise
        except Exception as error:
            told = f"{type(error).__name__}: {error}".splitlines()[0]
            raise EnvironmentFault(
                f"{self._world.name} failed while it was played ({told}). Mend the environment."
            ) from error


class DevicePlayer:
    """An environment on the device, drawn from what it shows the agent."""

    def __init__(self, world: JaxEnvironment, seed: int) -> None:
        self._world, self._seed, self._episode, self._time = world, seed, -1, 0
        self.names = tuple(str(a) for a in range(world.num_actions))
        self._state: Any = None
        self._programs = _programs()

    def start(self) -> Now:
        """Reset it."""
        self._episode, self._time = self._episode + 1, 0
        self._state, seen, legal = self._programs[0](self._world, *self._place())
        return self._now(seen, legal)

    def step(self, action: int) -> tuple[Now, float, bool, bool]:
        """Step it."""
        stepped = self._programs[1](self._world, self._state, jnp.int32(action), *self._place())
        self._state, seen, legal, reward, over = stepped
        self._time += 1
        limit = self._world.time_limit
        late = limit is not None and self._time >= limit and not bool(over)
        return self._now(seen, legal), float(reward), bool(over), late

    def close(self) -> None:
        """Nothing is held."""

    def _place(self) -> tuple[Any, ...]:
        return jnp.uint32(self._seed), jnp.uint32(self._episode), jnp.uint32(self._time)

    def _now(self, seen: Any, legal: Any) -> Now:
        known = jax.tree.map(np.asarray, seen)
        return Now(known, np.asarray(legal), image_of(known), _short(known))


@functools.cache
def _programs() -> Any:
    """Reset and step, compiled."""

    def place(stream: int, seed: Any, episode: Any, time: Any) -> Any:
        return noise.at(seed, stream, episode, time, environment=jnp.uint32(0))

    def told(world: Any, state: Any) -> tuple[Any, Any]:
        legal = world.legal_actions(state) if world.masked else jnp.ones(world.num_actions, bool)
        return world.observed(state), legal

    def reset(world: Any, *where: Any) -> Any:
        state = world.reset(place(noise.JUDGED_RESET, *where))
        return state, *told(world, state)

    def step(world: Any, state: Any, action: Any, *where: Any) -> Any:
        after, reward, over = world.step(state, action, place(noise.JUDGED_ENVIRONMENT, *where), where[-1])
        return after, *told(world, after), reward, over

    return jax.jit(reset), jax.jit(step)


def player(world: Any, seed: int) -> Player:
    """What plays an environment that runs were trained on: with pictures of its own where it draws any."""
    env = None if isinstance(world, HostEnvironment) and world.single else drawn(world)
    if env is not None:
        on_host = world if isinstance(world, HostEnvironment) else make(world.name, loop="host")
        if isinstance(on_host, HostEnvironment):
            return HostPlayer(on_host, seed, env, world if isinstance(world, FiniteMDP) else None)
        env.close()
    if isinstance(world, FiniteMDP):
        return ModelPlayer(world, seed)
    return HostPlayer(world, seed) if isinstance(world, HostEnvironment) else DevicePlayer(world, seed)


def drawn(world: Any) -> Any:
    """The environment made anew by its id so that it gives pictures; None where it has no id or gives none."""
    import gymnasium as gym

    if isinstance(world, HostEnvironment) and world.vectorization == "own":
        return None  # what its own vector form shows is not what one environment of that id does
    try:
        identity, arguments = parse(world.name)
        modes = getattr(gym.spec(identity), "entry_point", None) and _modes(identity)
        if "rgb_array" not in (modes or ()):
            return None
        if not os.environ.get("SDL_VIDEODRIVER"):
            os.environ["SDL_VIDEODRIVER"] = OFF_SCREEN  # pictures need no screen, and without one SDL would complain
        env = gym.make(identity, render_mode="rgb_array", **arguments)
        env.reset(seed=0)
        env.render()
    except Exception:  # no id of Gymnasium's, nothing to draw with: letters, or what the agent sees, do
        return None
    return env


def _modes(identity: str) -> Any:
    import gymnasium as gym
    from gymnasium.envs.registration import load_env_creator

    creator = gym.spec(identity).entry_point
    made = load_env_creator(creator) if isinstance(creator, str) else creator
    return getattr(made, "metadata", {}).get("render_modes", ())


def image_of(seen: Any) -> Image | None:
    """What the agent sees as a picture: grey, colours, the newest frame of a stack, or a colour for each channel."""
    images = list(seen.values()) if isinstance(seen, dict) else [seen]
    found = next((np.asarray(x) for x in images if np.ndim(x) in (2, 3) and sorted(np.shape(x))[-2] >= 5), None)
    if found is None:
        return None
    if found.ndim == 2:
        found = found[..., None]
    if found.dtype != np.uint8:
        return _channels(found)
    if found.shape[-1] == 3:
        return found
    if found.shape[0] <= 4 < found.shape[-1]:
        found = np.moveaxis(found, 0, -1)  # a stack in front, as ALE gives it
    return np.repeat(found[..., -1:], 3, axis=-1)


def _channels(found: Image) -> Image:
    image = np.full((*found.shape[:2], 3), 16, np.float64)
    for k in range(found.shape[-1]):
        share = np.clip(found[..., k].astype(np.float64), 0, 1)[..., None]
        image = image * (1 - share) + share * np.array(_CHANNELS[k % len(_CHANNELS)])
    return image.astype(np.uint8)


def _short(seen: Any) -> str:
    """Few numbers as they are, many not at all."""
    if isinstance(seen, dict):
        return ", ".join(f"{name} {told}" for name, x in seen.items() if name != MASK and (told := _short(x)))
    array = np.asarray(seen)
    if array.ndim == 0:
        return f"state {array}"
    if array.ndim == 1 and array.size <= 12:
        return "[" + ", ".join(f"{x:.3g}" for x in array) + "]"
    return ""
