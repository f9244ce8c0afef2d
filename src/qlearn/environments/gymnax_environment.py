"""gymnax's environments by id: ``gymnax:Breakout-MinAtar``.

gymnax tells termination from truncation since 1.0.  The time limit is its ``max_steps_in_episode``, which the engine
counts.  Numbers of its parameters are settings, and leaves of the tree: ``gymnax:CartPole-v1(gravity=1.6)``.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.environments.foreign import alike, game_of, library, limit_in, loosely, name_of, unknown
from qlearn.environments.jax_environment import Draws, JaxEnvironment, device_environment
from qlearn.errors import InputError

Array = jax.Array
_STEPS = "max_steps_in_episode"  # what gymnax calls the time limit


class GymnaxState(NamedTuple):
    """gymnax's state, and what it showed: an observation may depend on the action before it, or on chance."""

    inner: Any
    observation: Array


@device_environment
class GymnaxEnvironment(JaxEnvironment):
    """An environment of gymnax; made by `make`.

    Args:
        game: gymnax's id.
        built: arguments of gymnax's class that are not as usual.
        params: gymnax's parameters, a tree.
        num_actions: as gymnax says.
        num_states: of a `Discrete` observation space, else 0.
        observation_shape: of a `Box`, else None.
        observation_dtype: bool for MinAtar, whose observations are all 0 or 1.
        usual_limit: gymnax's own time limit.
        time_limit: steps after which an episode is truncated.
    """

    game: str
    built: tuple[tuple[str, Any], ...]
    params: Any = dataclasses.field(metadata={"leaf": True})
    num_actions: int
    num_states: int
    observation_shape: tuple[int, ...] | None
    observation_dtype: str
    usual_limit: int | None
    time_limit: int | None

    @property
    def identity(self) -> str:
        """The id, without arguments."""
        return f"gymnax:{self.game}"

    @property
    def name(self) -> str:
        """What a user can type again."""
        usual = _built(self.game, self.built).default_params
        pairs = [(key, getattr(self.params, key), getattr(usual, key)) for key in _settings(usual)]
        changed = {key: _plain(value) for key, value, as_usual in pairs if not np.array_equal(value, as_usual)}
        return name_of(self.identity, dict(self.built) | changed, self.time_limit, self.usual_limit)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GymnaxEnvironment) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def reset(self, noise: Draws) -> GymnaxState:
        """A start state."""
        with loosely():
            observation, inner = _built(self.game, self.built).reset_env(noise.key(0), self.params)
            return self._shown(inner, observation)

    def observe(self, state: GymnaxState) -> Array:
        """What gymnax showed."""
        return state.observation

    def step(self, state: GymnaxState, action: Array, noise: Draws, total: Array) -> tuple[GymnaxState, Array, Array]:
        """Take one step; gymnax's own time limit and its resets play no part."""
        with loosely():
            game = _built(self.game, self.built)
            observation, inner, reward, terminated, _ = game.step_env(noise.key(0), state.inner, action, self.params)
            after = self._shown(inner, observation)
            return after, jnp.asarray(reward, jnp.float32).reshape(()), jnp.asarray(terminated, bool).reshape(())

    def _shown(self, inner: Any, observation: Any) -> GymnaxState:
        shapes = _shapes(self.game, self.built)
        shown = jnp.asarray(observation).astype(self.observation_dtype).reshape(self.observation_shape or ())
        return GymnaxState(alike(inner, shapes), shown)


@functools.cache
def _built(game: str, built: tuple[tuple[str, Any], ...]) -> Any:
    """gymnax's own object, one for each set of arguments, so that JAX recognises it."""
    try:
        with loosely(), jax.ensure_compile_time_eval():  # its constants must not belong to a program being traced
            return library("gymnax").make(game, **dict(built))[0]
    except InputError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
        raise InputError(
            f"gymnax could not make {game} ({what}). Correct the arguments, or choose another environment."
        ) from error


@functools.cache
def _shapes(game: str, built: tuple[tuple[str, Any], ...]) -> Any:
    """The arrays of a state after a step: those of a start state may be Python's numbers, or of another dtype."""
    made = _built(game, built)
    params = made.default_params

    def stepped(key: Array) -> Any:
        return made.step_env(key, made.reset_env(key, params)[1], 0, params)[1]

    with loosely():
        return jax.eval_shape(stepped, jax.random.key(0))


def make(identity: str, arguments: dict[str, Any]) -> GymnaxEnvironment:
    """Return an environment of gymnax's.

    Args:
        identity: ``gymnax:…``.
        arguments: fields of its parameters, arguments of its class, and ``max_episode_steps``.

    Raises:
        InputError: where gymnax is not installed, for an unknown id or argument, and for spaces that no agent fits.
    """
    game = game_of("gymnax", identity, library("gymnax").registered_envs)
    known = inspect.signature(type(_built(game, ()))).parameters
    own = [key for key in known if key in arguments]
    built = tuple((key, _plain(arguments[key])) for key in own)
    made = _built(game, built)
    params = made.default_params
    usual = _whole(params.max_steps_in_episode)
    rest = {key: value for key, value in arguments.items() if key not in own}
    if _STEPS in rest:
        raise InputError(f"{identity}: the time limit is called `max_episode_steps` here. Pass that.")
    limit = limit_in(rest, identity, usual)
    fields = _settings(params)
    for key in rest:
        if key not in fields:
            raise unknown(identity, key, [*known, *fields])
    changed = {key: _like(identity, key, value, getattr(params, key)) for key, value in rest.items()}
    params = params.replace(**changed, **({} if limit is None else {_STEPS: type(params.max_steps_in_episode)(limit)}))
    return GymnaxEnvironment(
        game=game,
        built=built,
        params=params,
        usual_limit=usual,
        time_limit=limit,
        **_spaces(identity, game, made, params),
    )


def _settings(params: Any) -> list[str]:
    """The names of gymnax's parameters but for the time limit."""
    return [field.name for field in dataclasses.fields(params) if field.name != _STEPS]


def _spaces(identity: str, game: str, made: Any, params: Any) -> dict[str, Any]:
    """The sizes that an agent needs."""
    spaces: Any = library("gymnax.environments.spaces")
    with loosely():
        acts, shows = made.action_space(params), made.observation_space(params)
        seen = jax.eval_shape(lambda key: made.reset_env(key, params)[0], jax.random.key(0))
    if not isinstance(acts, spaces.Discrete):
        raise InputError(
            f"{identity} has continuous actions ({acts}); value-based agents choose among a countable number. "
            "Choose another environment."
        )
    sizes: dict[str, Any] = {"num_actions": int(acts.n)}
    if isinstance(shows, spaces.Discrete):
        return sizes | {"num_states": int(shows.n), "observation_shape": None, "observation_dtype": "int32"}
    if not isinstance(shows, spaces.Box) or not hasattr(seen, "shape"):
        raise InputError(
            f"{identity} has the observation space {shows}; agents need a Discrete one or a Box. Choose one."
        )
    dtype = "bool" if game.endswith("-MinAtar") else "float32" if seen.dtype.kind in "fV" else str(seen.dtype)
    return sizes | {"num_states": 0, "observation_shape": tuple(seen.shape), "observation_dtype": dtype}


def _like(identity: str, key: str, value: Any, usual: Any) -> Any:
    """A setting as the same kind of thing as the usual one."""
    try:
        given = np.asarray(value)
        fits = given.shape == np.shape(usual) and given.dtype.kind in "biuf" and bool(np.isfinite(given).all())
        if isinstance(usual, (bool, int)) and fits:
            fits = type(usual)(value) == value
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise InputError(f"{identity}: {key}={value!r} does not fit; expected something like {usual!r}. Pass that.")
    if isinstance(usual, (bool, int, float)):
        return type(usual)(value)
    return jnp.asarray(value, usual.dtype)


def _whole(limit: Any) -> int | None:
    return None if limit is None else int(limit)


def _plain(value: Any) -> Any:
    """A setting that can be compared and hashed."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return tuple(map(_plain, value)) if isinstance(value, (list, tuple)) else value
