"""An environment that is ordinary Python: its model is not known, so it is stepped on the host."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from qlearn.errors import EnvironmentFault, InputError

if TYPE_CHECKING:
    import gymnasium as gym
    from gymnasium.vector import VectorEnv
    from numpy.typing import NDArray

Vectorization: TypeAlias = Literal["sync", "async", "own"]
VECTORIZATIONS = ("sync", "async", "own")
_MEND = "Mend the environment: `gymnasium.utils.env_checker.check_env` finds such faults."
NO_MODEL = "it is ordinary Python, so what can happen is not known beforehand"


@dataclass(frozen=True)
class HostEnvironment:
    """A Gymnasium environment with discrete actions, and observations that can be counted or are arrays.

    Args:
        name: what a user can type again.
        make_env: makes a fresh environment; where ``single`` is True, always the same one.
        num_states: number of different observations, of all components together; 0 where they are arrays.
        num_actions: number of actions; they are counted from 0, whatever the environment counts from.
        sizes: number of values of each component of an observation; one entry for a plain `Discrete`.
        starts: the lowest value of each component.
        action_start: the environment's first action.
        time_limit: steps after which an episode is truncated; None where there is no limit, or none that can
            be seen.
        single: whether there is one instance only, which can serve one seed.
        reason: why there is no model.
        observation_shape: of an observation that is an array; None where observations are counted.
        observation_dtype: what such an array becomes: float32 for any float, else the integers' own type, with at
            most 32 bits; int32 for numbers of states.
        vectorization: how many copies are stepped: "sync" (one after the other), "async" (each in a process of its
            own) or "own" (the environment's own vector form).
        make_vector: makes that own vector form of so many copies; None where there is none.
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
    observation_shape: tuple[int, ...] | None = None
    observation_dtype: str = "int32"
    vectorization: Vectorization = "sync"
    make_vector: Callable[[int], VectorEnv[Any, Any, Any]] | None = None

    def encode(self, observation: Any) -> Any:
        """Return an observation as an agent sees it.

        Where observations are counted: its number, 0 to num_states − 1; the last component counts fastest.  Else an
        array of ``observation_shape`` and ``observation_dtype``.  Values beyond the bounds of a `Box` are passed on,
        since many environments give bounds that they do not keep; what no network can use is refused: another shape,
        no numbers, NaN, infinity, or what the dtype cannot hold.

        Raises:
            EnvironmentFault: where the observation is not what the environment's space declares.
        """
        if self.observation_shape is not None:
            return self._arrays(observation, self.observation_shape)
        return int(self._number(np.asarray(observation).reshape(-1, 1), observation)[0])

    def encode_batch(self, observations: Any) -> NDArray[Any]:
        """Return a batch of observations as vector environments give them: (n,) numbers, or arrays with n in front."""
        if self.observation_shape is not None:
            count = len(observations) if hasattr(observations, "__len__") else 0
            return self._arrays(observations, (count, *self.observation_shape))
        if isinstance(observations, tuple):
            columns = np.stack([np.asarray(part) for part in observations])
        else:
            batch = np.asarray(observations)
            columns = batch.reshape(batch.shape[0], -1).T
        return self._number(columns, observations)

    def _arrays(self, given: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        """An array of this shape, with numbers that the declared dtype can hold."""
        try:
            array = np.asarray(given)
        except ValueError:  # a list of unequal lists
            array = np.empty(0, dtype=object)
        dtype = np.dtype(self.observation_dtype)
        if array.dtype.kind not in "fiub":
            raise EnvironmentFault(
                f"{self.name} gave the observation {_short(given)}, which holds no numbers; expected an array of shape "
                f"{shape}. {_MEND}"
            )
        if array.shape != shape:
            raise EnvironmentFault(
                f"{self.name} gave an observation of shape {array.shape}; its space says {shape}. {_MEND}"
            )
        if array.dtype != dtype:
            with np.errstate(over="ignore", invalid="ignore"):
                whole = array.astype(dtype)
            if dtype.kind != "f" and not np.array_equal(whole, array):
                raise EnvironmentFault(
                    f"{self.name} gave the observation {_short(given)}; not all of it are numbers that {dtype} can "
                    f"hold, as its space says. {_MEND}"
                )
            array = whole
        if dtype.kind == "f" and not np.isfinite(array).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise EnvironmentFault(
                f"{self.name} gave an observation with {np.asarray(given)[place]} at {list(place)}; expected finite "
                f"numbers of {dtype}. {_MEND}"
            )
        return array

    def _number(self, columns: NDArray[Any], given: Any) -> NDArray[np.int64]:
        if len(columns) != len(self.sizes):
            raise EnvironmentFault(
                f"{self.name} gave the observation {given!r}; it has {len(columns)} components, its space "
                f"has {len(self.sizes)}. {_MEND}"
            )
        whole = columns.astype(np.int64)
        values = whole - np.array(self.starts)[:, None]
        if ((whole != columns) | (values < 0) | (values >= np.array(self.sizes)[:, None])).any():
            raise EnvironmentFault(f"{self.name} gave the observation {given!r}, which lies outside its space. {_MEND}")
        numbers: NDArray[np.int64] = np.array(_strides(self.sizes)) @ values
        return numbers

    def decode_action(self, action: int) -> int:
        """Return what the environment calls the action that is number ``action`` here."""
        return int(action) + self.action_start


def _strides(sizes: tuple[int, ...]) -> list[int]:
    return list(itertools.accumulate(reversed(sizes[1:]), lambda a, b: a * b, initial=1))[::-1]


def _short(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 80 else f"{text[:77]}…"


def host_environment(
    name: str,
    make_env: Callable[[], gym.Env[Any, Any]],
    *,
    single: bool = False,
    reason: str = NO_MODEL,
    vectorization: Vectorization = "sync",
    make_vector: Callable[[int], VectorEnv[Any, Any, Any]] | None = None,
) -> HostEnvironment:
    """Look at one instance and return the description.

    Args:
        name: what a user can type again.
        make_env: makes the environment; called once here.
        single: whether it gives the same instance every time (then it is left open).
        reason: why there is no model.
        vectorization: see `HostEnvironment`.
        make_vector: see `HostEnvironment`.

    Raises:
        InputError: where no agent could learn from it, saying what is supported.
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
        seen = _observations(name, env.observation_space)
        limit = time_limit_of(env)
    finally:
        if not single:
            env.close()
    return HostEnvironment(
        name,
        make_env,
        num_actions=num_actions,
        action_start=action_start,
        time_limit=limit,
        single=single,
        reason=reason,
        vectorization=vectorization,
        make_vector=make_vector,
        **seen,
    )


def _observations(name: str, space: gym.Space[Any]) -> dict[str, Any]:
    """What a `HostEnvironment` is told about observations of this space."""
    from gymnasium import spaces

    if isinstance(space, spaces.Box):
        return {
            "num_states": 0,
            "sizes": (),
            "starts": (),
            "observation_shape": tuple(int(n) for n in space.shape),
            "observation_dtype": _dtype(np.dtype(space.dtype)),
        }
    sizes, starts = _components(name, space)
    num_states = int(np.prod(sizes, dtype=object))
    if num_states > np.iinfo(np.int32).max:
        raise InputError(
            f"{name} has {num_states:,} different observations; at most 2,147,483,647 can be counted. Drop or coarsen "
            "components of the observation with a gymnasium.ObservationWrapper, or give it as a `Box` to an agent "
            "with a Q network."
        )
    return {"num_states": num_states, "sizes": sizes, "starts": starts}


def _dtype(declared: np.dtype[Any]) -> str:
    if declared.kind == "f":
        return "float32"
    if declared.kind == "b":
        return "bool"
    return {"int64": "int32", "uint64": "uint32"}.get(declared.name, declared.name)


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
    raise InputError(
        f"{name} has the observation space {space}; agents need `Discrete`, `MultiDiscrete`, a `Tuple` of `Discrete`, "
        "or a `Box`. Turn it into one of these with a gymnasium.ObservationWrapper; "
        "gymnasium.wrappers.FlattenObservation makes a `Box` of most."
    )


def time_limit_of(env: gym.Env[Any, Any]) -> int | None:
    """Return the time limit of an environment: its TimeLimit wrapper's, else its specification's."""
    from gymnasium.wrappers import TimeLimit

    from qlearn.environments.vector_single import SingleOf

    layer: Any = env
    if isinstance(env, SingleOf):
        return env.time_limit
    while layer is not None:
        if isinstance(layer, TimeLimit):
            return int(layer._max_episode_steps)
        layer = getattr(layer, "env", None)
    limit = env.spec.max_episode_steps if env.spec is not None else None
    return None if limit is None else int(limit)
