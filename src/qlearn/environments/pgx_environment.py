"""pgx's games for one player by id: ``pgx:minatar-breakout``, and ``pgx:2048`` with its masks.

In MinAtar pgx repeats the last action with probability 0.1 (``sticky_action_prob``), as the original does; gymnax does
not.  pgx has no time limit, and neither has MinAtar: set ``max_episode_steps`` where one is wanted.
"""

from __future__ import annotations

import functools
import inspect
import math
from typing import Any

import jax
import jax.numpy as jnp

from qlearn.environments.foreign import alike, game_of, library, limit_in, loosely, name_of, unknown
from qlearn.environments.jax_environment import Draws, JaxEnvironment, device_environment
from qlearn.errors import InputError

Array = jax.Array


@device_environment
class PgxEnvironment(JaxEnvironment):
    """A game of pgx for one player; made by `make`.  Its state is pgx's, which holds the observation.

    Args:
        game: pgx's id.
        built: arguments of its class that are not as usual.
        num_actions: as pgx says.
        observation_shape: (10, 10, channels) of MinAtar's.
        observation_dtype: bool there: every number is 0 or 1.
        time_limit: steps after which an episode is truncated; None for no limit.
    """

    game: str
    built: tuple[tuple[str, Any], ...]
    num_actions: int
    observation_shape: tuple[int, ...] | None
    observation_dtype: str
    time_limit: int | None

    @property
    def identity(self) -> str:
        """The id, without arguments."""
        return f"pgx:{self.game}"

    @property
    def name(self) -> str:
        """What a user can type again."""
        return name_of(self.identity, dict(self.built), self.time_limit, None)

    @property
    def masked(self) -> bool:
        """Whether some actions may not be legal: MinAtar's always are."""
        return not self.game.startswith("minatar-")

    def mask(self, state: Any) -> Array:
        """Legal actions, (num_actions,) bool."""
        return jnp.asarray(state.legal_action_mask)

    def reset(self, noise: Draws) -> Any:
        """A start state."""
        with loosely():
            game = _built(self.game, self.built)
            return alike(game.init(noise.key(0)), _shapes(self.game, self.built))

    def observe(self, state: Any) -> Array:
        """What the player sees, of shape (10, 10, channels)."""
        return jnp.asarray(state.observation)

    def step(self, state: Any, action: Array, noise: Draws, total: Array) -> tuple[Any, Array, Array]:
        """Take one step."""
        with loosely():
            game = _built(self.game, self.built)
            after = alike(game.step(state, action, noise.key(0)), _shapes(self.game, self.built))
            return after, after.rewards[0].astype(jnp.float32), after.terminated.astype(bool)


@functools.cache
def _built(game: str, built: tuple[tuple[str, Any], ...]) -> Any:
    """pgx's own object, one for each set of arguments."""
    with loosely(), jax.ensure_compile_time_eval():  # its constants must not belong to a program being traced
        made = library("pgx").make(game)
        return type(made)(**dict(built)) if built else made


@functools.cache
def _shapes(game: str, built: tuple[tuple[str, Any], ...]) -> Any:
    with loosely():
        return jax.eval_shape(_built(game, built).init, jax.random.key(0))


def make(identity: str, arguments: dict[str, Any]) -> PgxEnvironment:
    """Return a game of pgx's for one player.

    Args:
        identity: ``pgx:…``.
        arguments: ``sticky_action_prob``, ``use_minimal_action_set`` and ``max_episode_steps``.

    Raises:
        InputError: where pgx is not installed, for an unknown id or argument, and for games of several players.
    """
    game = game_of("pgx", identity, library("pgx").available_envs())
    plain = _built(game, ())
    if plain.num_players != 1:
        raise InputError(
            f"{identity} is a game for {plain.num_players} players; agents of qlearn play alone. "
            "Choose a game for one, such as 'pgx:minatar-breakout'."
        )
    rest = dict(arguments)
    limit = limit_in(rest, identity, None)
    usual = {key: p.default for key, p in inspect.signature(type(plain)).parameters.items()}
    for key, value in rest.items():
        if key not in usual:
            raise unknown(identity, key, list(usual))
        _check(identity, key, value, usual[key])
    built = tuple((key, value) for key, value in rest.items() if value != usual[key])
    made = _built(game, built)
    with loosely():
        seen = jax.eval_shape(made.init, jax.random.key(0))
    return PgxEnvironment(
        game=game,
        built=built,
        num_actions=int(seen.legal_action_mask.shape[0]),
        observation_shape=tuple(seen.observation.shape),
        observation_dtype=str(seen.observation.dtype),
        time_limit=limit,
    )


def _check(identity: str, key: str, value: Any, usual: Any) -> None:
    if isinstance(usual, bool):
        fits, expected = isinstance(value, bool), "True or False"
    else:
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        fits, expected = number and 0 <= value <= 1, "a probability from 0 to 1"
    if not fits:
        raise InputError(f"{identity}: {key}={value!r} is out of range; expected {expected}. Pass {key}={usual!r}.")
