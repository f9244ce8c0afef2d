"""An environment that is ordinary Python: its model is not known, so it is stepped on the host."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.errors import EnvironmentFault, InputError

if TYPE_CHECKING:
    import gymnasium as gym
    from numpy.typing import NDArray

NO_MODEL = "it is ordinary Python, so what can happen is not known beforehand"


@dataclass(frozen=True)
class HostEnvironment:
    """A Gymnasium environment with discrete actions and observations that can be counted.

    Args:
        name: what a user can type again.
        make_env: makes a fresh environment; where ``single`` is True, always the same one.
        num_states: number of different observations, of all components together.
        num_actions: number of actions; they are counted from 0, whatever the environment counts from.
        sizes: number of values of each component of an observation; one entry for a plain `Discrete`.
        starts: the lowest value of each component.
        action_start: the environment's first action.
        time_limit: steps after which an episode is truncated; None where there is no limit, or none that can
            be seen.
        single: whether there is one instance only, which can serve one seed.
        reason: why there is no model.
    """

    name: str
    make_env: Callable[[], gym.Env[Any, Any]]
    num_states: int
    num_actions: int
    sizes: tuple[int, ...]
    starts: tuple[int, ...]
    action_start: int = 0
    time_limit: int | None = None
    single: bool = False
    reason: str = NO_MODEL

    def encode(self, observation: Any) -> int:
        """Return the number of an observation, 0 to num_states − 1; the last component counts fastest.

        Raises:
            EnvironmentFault: where the observation lies outside the space that the environment declares.
        """
        return int(self._number(np.asarray(observation).reshape(-1, 1), observation)[0])

    def encode_batch(self, observations: Any) -> NDArray[np.int64]:
        """Return the numbers of a batch of observations as vector environments give them, (n,)."""
        if isinstance(observations, tuple):
            columns = np.stack([np.asarray(part) for part in observations])
        else:
            batch = np.asarray(observations)
            columns = batch.reshape(batch.shape[0], -1).T
        return self._number(columns, observations)

    def _number(self, columns: NDArray[Any], given: Any) -> NDArray[np.int64]:
        if len(columns) != len(self.sizes):
            raise EnvironmentFault(
                f"{self.name} gave the observation {given!r}; it has {len(columns)} components, its space "
                f"has {len(self.sizes)}. Mend the environment: `gymnasium.utils.env_checker.check_env` finds "
                "such faults."
            )
        whole = columns.astype(np.int64)
        values = whole - np.array(self.starts)[:, None]
        if ((whole != columns) | (values < 0) | (values >= np.array(self.sizes)[:, None])).any():
            raise EnvironmentFault(
                f"{self.name} gave the observation {given!r}, which lies outside its space. "
                "Mend the environment: `gymnasium.utils.env_checker.check_env` finds such faults."
            )
        numbers: NDArray[np.int64] = np.array(_strides(self.sizes)) @ values
        return numbers

    def decode_action(self, action: int) -> int:
        """Return what the environment calls the action that is number ``action`` here."""
        return int(action) + self.action_start


def _strides(sizes: tuple[int, ...]) -> list[int]:
    return list(itertools.accumulate(reversed(sizes[1:]), lambda a, b: a * b, initial=1))[::-1]


def host_environment(
    name: str,
    make_env: Callable[[], gym.Env[Any, Any]],
    *,
    single: bool = False,
    reason: str = NO_MODEL,
) -> HostEnvironment:
    """Look at one instance and return the description.

    Args:
        name: what a user can type again.
        make_env: makes the environment; called once here.
        single: whether it gives the same instance every time (then it is left open).
        reason: why there is no model.

    Raises:
        InputError: where no table fits, saying who could serve the environment.
    """
    import gymnasium as gym

    env = make_env()
    if not isinstance(env, gym.Env):
        raise InputError(
            f"{name} made a {type(env).__name__}; it must make a gymnasium.Env. Pass an id, a FiniteMDP, a "
            "function that makes an environment, or an environment."
        )
    try:
        num_actions, action_start = _actions(name, env.action_space)
        sizes, starts = _components(name, env.observation_space)
        limit = time_limit_of(env)
    finally:
        if not single:
            env.close()
    num_states = int(np.prod(sizes, dtype=object))
    if num_states > np.iinfo(np.int32).max:
        raise InputError(
            f"{name} has {num_states:,} different observations; a table holds at most 2,147,483,647 states. "
            "Drop or coarsen components of the observation with a gymnasium.ObservationWrapper."
        )
    return HostEnvironment(name, make_env, num_states, num_actions, sizes, starts, action_start, limit, single, reason)


def _actions(name: str, space: gym.Space[Any]) -> tuple[int, int]:
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        return int(space.n), int(space.start)
    if isinstance(space, spaces.Box):
        raise InputError(
            f"{name} has continuous actions ({space}); value-based agents choose among a countable number. "
            "Give it a few actions to choose from: gymnasium.wrappers.DiscretizeAction, or a wrapper of "
            "your own."
        )
    raise InputError(
        f"{name} has the action space {space}; every agent of qlearn needs `Discrete` actions. "
        "Number the combinations with a gymnasium.ActionWrapper."
    )


def _components(name: str, space: gym.Space[Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        return (int(space.n),), (int(space.start),)
    if isinstance(space, spaces.MultiDiscrete):
        sizes, starts = np.ravel(space.nvec), np.ravel(space.start)
        return tuple(int(n) for n in sizes), tuple(int(s) for s in starts)
    if isinstance(space, spaces.Tuple) and all(isinstance(part, spaces.Discrete) for part in space.spaces):
        parts = [part for part in space.spaces if isinstance(part, spaces.Discrete)]
        return tuple(int(part.n) for part in parts), tuple(int(part.start) for part in parts)
    if isinstance(space, spaces.Box):
        raise InputError(
            f"{name} observes numbers ({space}); agents with a table need observations that can be counted, "
            "and agents with a Q network, which could take these, are not part of this version. "
            "A gymnasium.wrappers.DiscretizeObservation, or a wrapper of your own, makes them countable."
        )
    raise InputError(
        f"{name} has the observation space {space}; agents with a table need `Discrete`, `MultiDiscrete` or "
        "a `Tuple` of `Discrete`. Turn it into one of these with a gymnasium.ObservationWrapper."
    )


def time_limit_of(env: gym.Env[Any, Any]) -> int | None:
    """Return the time limit of an environment: its TimeLimit wrapper's, else its specification's."""
    from gymnasium.wrappers import TimeLimit

    layer: Any = env
    while layer is not None:
        if isinstance(layer, TimeLimit):
            return int(layer._max_episode_steps)
        layer = getattr(layer, "env", None)
    limit = env.spec.max_episode_steps if env.spec is not None else None
    return None if limit is None else int(limit)
