"""Gymnasium's toy-text problems as finite models, by id and keyword arguments.

FrozenLake, CliffWalking and Taxi carry a table ``P`` that their ``step`` draws from, so the model is the
environment. What ``P`` does not say is kept: ``terminated`` is obeyed (CliffWalking's goal and cliff cells
lead on in ``P``, and are never left, or entered, in a game), and the time limit comes from the registration.
With ``fickle_passenger`` Taxi's ``P`` is not its own, and there is no model.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.environments.blackjack import blackjack_model
from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.host import HostEnvironment, host_environment
from qlearn.environments.naming import written
from qlearn.errors import InputError

if TYPE_CHECKING:
    import gymnasium as gym
    from gymnasium.envs.registration import EnvSpec

FICKLE = (
    "with `fickle_passenger` the table `P` is not what `step` does: whether the passenger may still change "
    "the destination is part of the state, and not of the observation"
)
SUMMARIES = {
    "Blackjack": "Twenty-one against a dealer who draws to 17, from an endless deck",
    "CliffWalking": "Walk along a cliff from start to goal; falling costs 100 and leads back to the start",
    "CliffWalkingSlippery": "The same, with ice: two times in three the step goes sideways",
    "FrozenLake": "Cross a frozen lake without falling into a hole; two times in three the step goes sideways",
    "FrozenLake8x8": "The same on a larger lake",
    "Taxi": "Fetch a passenger at one of four places and bring them to another",
}
_COLOURS = ("red", "green", "yellow", "blue")


def is_toy_text(spec: EnvSpec) -> bool:
    """Return whether a registered id is one of Gymnasium's toy-text problems."""
    return isinstance(spec.entry_point, str) and spec.entry_point.startswith("gymnasium.envs.toy_text.")


def toy_text(spec: EnvSpec, arguments: dict[str, Any], time_limit: int | None) -> FiniteMDP | HostEnvironment:
    """Return the model of a toy-text problem, or its description where there is none.

    Args:
        spec: what the id is registered as.
        arguments: keyword arguments of the environment that were given, known to be accepted.
        time_limit: steps after which an episode is truncated; None for none.

    Raises:
        InputError: where the arguments make no environment.
    """
    from gymnasium.envs.registration import load_env_creator

    merged = {**spec.kwargs, **arguments}
    env = _construct(spec, load_env_creator(str(spec.entry_point)), merged)
    table: Any = env.unwrapped
    if "FrozenLake" in spec.name and merged.get("desc") is None and merged.get("map_name") is None:
        # A random map was drawn: from here on it is this one.
        arguments = {**arguments, "desc": ["".join(row) for row in table.desc.astype(str)]}
    limit = {} if time_limit == spec.max_episode_steps else {"max_episode_steps": time_limit}
    name = written(spec.id, {**arguments, **limit})
    make_env = partial(make_gymnasium, spec.id, arguments, time_limit)
    if merged.get("fickle_passenger") and merged.get("fickle_probability", 1) > 0:
        return host_environment(name, make_env, reason=FICKLE)
    if spec.name == "Blackjack":
        rules = {key: bool(merged.get(key, False)) for key in ("natural", "sab")}
        return blackjack_model(**rules, time_limit=time_limit, name=name, make_env=make_env)
    states, actions = _names(spec.name, table)
    return FiniteMDP.from_gymnasium(
        table.P,
        initial=table.initial_state_distrib,
        name=name,
        time_limit=time_limit,
        state_names=states,
        action_names=actions,
        make_env=make_env,
    )


def make_gymnasium(identity: str, arguments: dict[str, Any], time_limit: int | None) -> gym.Env[Any, Any]:
    """Return the environment that Gymnasium makes, with this time limit; None for none."""
    import gymnasium as gym

    from qlearn.environments.registration import register

    register()
    limit = -1 if time_limit is None else time_limit
    env: gym.Env[Any, Any] = gym.make(identity, max_episode_steps=limit, **arguments)
    return env


def _construct(spec: EnvSpec, creator: Any, arguments: dict[str, Any]) -> gym.Env[Any, Any]:
    if (map_name := arguments.get("map_name")) is not None and arguments.get("desc") is None:
        from gymnasium.envs.toy_text.frozen_lake import MAPS

        if map_name not in MAPS:
            raise InputError(
                f"{spec.id} has no map {map_name!r}. "
                f"The maps are {', '.join(map(repr, MAPS))}; draw your own with `desc`."
            )
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # a map without a start; the model's check names it
            env: gym.Env[Any, Any] = creator(**arguments)
    except Exception as error:
        raise InputError(
            f"{spec.id} cannot be made with these arguments ({type(error).__name__}: {error}). Correct them."
        ) from error
    table: Any = env.unwrapped
    if not np.isfinite(getattr(table, "initial_state_distrib", 0.0)).all():
        raise InputError(f"The map of {spec.id} has no start; it needs at least one tile 'S'. Put one into `desc`.")
    return env


def _names(problem: str, table: Any) -> tuple[list[str], tuple[str, ...]]:
    """Return the names of states and actions."""
    if problem == "Taxi":
        places = (*_COLOURS, "in taxi")
        decoded = (table.decode(s) for s in range(len(table.P)))
        states = [f"taxi ({r}, {c}), passenger {places[p]}, to {_COLOURS[d]}" for r, c, p, d in decoded]
        return states, ("south", "north", "east", "west", "pick up", "drop off")
    rows, columns = table.desc.shape if "FrozenLake" in problem else table.shape
    states = [f"({row}, {column})" for row in range(rows) for column in range(columns)]
    lake = ("left", "down", "right", "up")
    return states, lake if "FrozenLake" in problem else ("up", "right", "down", "left")
