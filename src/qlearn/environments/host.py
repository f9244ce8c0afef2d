"""An environment that is ordinary Python: its model is not known, so it is stepped on the host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np

from qlearn.environments.declared import actions_of, observations_of
from qlearn.environments.masks import mask_by_method, mask_source
from qlearn.environments.parts import MASK, Part, packed_row
from qlearn.environments.reading import Reader, read_array, read_mask, read_numbers
from qlearn.errors import EnvironmentFault, InputError

if TYPE_CHECKING:
    import gymnasium as gym
    from gymnasium.vector import VectorEnv
    from numpy.typing import NDArray

Vectorization: TypeAlias = Literal["sync", "async", "own"]
Made = TypeVar("Made")
VECTORIZATIONS = ("sync", "async", "own")
PATIENCE = 300.0
NO_MODEL = "it is ordinary Python, so what can happen is not known beforehand"


@dataclass(frozen=True)
class HostEnvironment:
    """A Gymnasium environment with discrete actions; observations can be counted, are arrays, or dicts of them.

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
        parts: what an observation is made of, where it is a dict of arrays or comes with legal actions; none elsewhere.
            Then ``observation_shape`` and ``observation_dtype`` are those of a row of bytes.
        readers: how each of them is read.
        mask_from: where legal actions are told beside the observation: "info" for ``info["action_mask"]``, else the
            name of a method; None where they are not.
        patience: seconds that a step, a reset or making it may take before that counts as a fault; infinity for any
            time.  An environment's own vector form is not watched.
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
    parts: tuple[Part, ...] = ()
    readers: tuple[Reader, ...] = ()
    mask_from: str | None = None
    patience: float = PATIENCE

    @property
    def masked(self) -> bool:
        """Whether some actions may not be legal."""
        return any(part.name == MASK for part in self.parts)

    def encode(self, observation: Any, mask: Any = None, *, over: bool = False) -> Any:
        """Return an observation as an agent sees it.

        Where observations are counted: its number, 0 to num_states − 1; the last component counts fastest.  Where they
        have parts: a row of bytes (see `qlearn.environments.parts`).  Else an array of ``observation_shape`` and
        ``observation_dtype``.  Values beyond the bounds of a `Box` are passed on, since many environments give bounds
        that they do not keep; what no network can use is refused: another shape, no numbers, NaN, infinity, or what
        the dtype cannot hold.

        Args:
            observation: what the environment gave.
            mask: which actions are legal, where that is told beside the observation (see `mask_of`).
            over: whether the episode has really ended, so that no action need be legal.

        Raises:
            EnvironmentFault: where the observation is not what the environment's space declares, or a state that goes
                on has no legal action.
        """
        if self.parts:
            return packed_row(self.parts, self.read(observation, mask, over=over))
        if self.observation_shape is not None:
            return read_array(self.name, observation, self.observation_shape, self.observation_dtype)
        return self.number(observation)

    def read(self, observation: Any, mask: Any = None, *, over: bool = False) -> dict[str, NDArray[Any]]:
        """Return the parts of an observation by name; arguments as for `encode`."""
        found = {}
        for reader in self.readers:
            if reader.part.name == MASK:
                mask = reader.found(self.name, observation)
            else:
                found[reader.part.name] = reader.read(self.name, observation)
        if self.masked:
            found[MASK] = read_mask(self.name, mask, self.num_actions, over=over)
        return found

    def number(self, observation: Any) -> int:
        """Return the number of an observation that is counted."""
        columns = np.asarray(observation).reshape(-1, 1)
        return int(read_numbers(self.name, columns, self.sizes, self.starts, observation)[0])

    def numbered(self, observation: Any, mask: Any = None, *, over: bool = False) -> tuple[int, NDArray[np.bool_]]:
        """Return the number of an observation that is counted, and which actions are legal; arguments as `encode`'s."""
        found = self.read(observation, mask, over=over)
        legal = found.pop(MASK)
        (number,) = found.values()
        return int(number), legal

    def mask_of(self, env: Any, info: Any) -> Any:
        """Return what an environment says is legal now, beside its observation; None where it says nothing.

        Args:
            env: the environment, for those that have a method for it.
            info: what came with the observation.

        Raises:
            EnvironmentFault: where ``info`` had a mask before and has none now.
        """
        if self.mask_from is None:
            return None
        if self.mask_from != "info":
            return mask_by_method(env, self.mask_from)
        if not isinstance(info, dict) or MASK not in info:
            raise EnvironmentFault(
                f"{self.name} gave no info[{MASK!r}], which it had given before; expected one with every observation. "
                "Mend its step() and reset()."
            )
        return info[MASK]

    def encode_batch(self, observations: Any) -> NDArray[Any]:
        """Return a batch of observations as vector environments give them: (n,) numbers, or arrays with n in front."""
        if self.observation_shape is not None:
            count = len(observations) if hasattr(observations, "__len__") else 0
            return read_array(self.name, observations, (count, *self.observation_shape), self.observation_dtype)
        if isinstance(observations, tuple):
            columns = np.stack([np.asarray(part) for part in observations])
        else:
            batch = np.asarray(observations)
            columns = batch.reshape(batch.shape[0], -1).T
        return read_numbers(self.name, columns, self.sizes, self.starts, observations)

    def decode_action(self, action: int) -> int:
        """Return what the environment calls the action that is number ``action`` here."""
        return int(action) + self.action_start


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
        num_actions, action_start = actions_of(name, env.action_space)
        mask_from = mask_source(env)
        seen = observations_of(name, env.observation_space, num_actions, masked=mask_from is not None)
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
        mask_from=mask_from,
        **seen,
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


def with_patience(found: Made, patience: Any) -> Made:
    """Return the same with another limit to what a call may take, where one was given; raises InputError."""
    if patience is None:
        return found
    if isinstance(patience, bool) or not isinstance(patience, int | float) or not patience > 0:
        raise InputError(f"patience={patience!r} is not usable; expected seconds above 0. Pass patience=300.")
    if not isinstance(found, HostEnvironment):
        name = getattr(found, "name", found)
        raise InputError(f"{name} is not stepped on the host, so patience means nothing. Leave it out.")
    return replace(found, patience=float(patience))
